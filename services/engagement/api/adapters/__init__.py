"""Foreign protocols, one a file: their paths, their words, their errors."""
