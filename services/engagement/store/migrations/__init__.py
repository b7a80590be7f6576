"""Alembic's scripts, inside the package and without an ini file. Expand first, contract later."""
