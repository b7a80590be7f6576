"""The second wall between programs: a transaction says whose it is, and PostgreSQL shows it no other's rows.

Every statement names its program anyway; that is the first wall. Policies of the tables are the second, for
whoever works with the tables and does not own them: a statement that forgot to name a program sees and
changes the rows of one all the same, and none where the transaction named nobody. A setting of the
transaction holds the program, so that through PgBouncer nothing of it reaches the next client, and it goes
in the message that begins the transaction. The owner of the tables stands outside; SQLite has no such wall.
"""

from uuid import UUID

from sqlalchemy import Connection

Of = str
"""Whose a transaction is: a program's id, or one of the two below."""
NOBODY = ""
"""Of no program: what the database says of itself."""
LISTING = "listing"
"""Of no program either, but it may read which programs there are."""
SETTINGS = ("engagement.program_id", "engagement.listing")


def words(of: Of) -> str:
    """The statement that says whose a transaction is; empty for nobody's.

    raises : ValueError for what is no program's id
    """
    if of == NOBODY:
        return ""
    if of == LISTING:
        return "SET LOCAL engagement.listing = 'yes'"
    return f"SET LOCAL engagement.program_id = '{UUID(of)}'"


def enter(conn: Connection, program_id: str) -> None:
    """From here on the transaction is this program's: one that begins, or was found among all there are."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SET LOCAL engagement.listing = 'no'; {words(program_id)}")
