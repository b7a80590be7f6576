"""Other systems' protocols, one a file."""
