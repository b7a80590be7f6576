"""What tests stand on: a real PostgreSQL, fresh databases, and a word about what did not run."""
