"""The ledger and what is derived from it, in SQLite or PostgreSQL. SQLAlchemy Core, no ORM."""
