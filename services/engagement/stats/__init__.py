"""Numbers only: probability and linear algebra that know no word of this domain."""
