"""A second wall between programs: on PostgreSQL policies show whoever does not own the tables one program.

The program is a setting of the transaction; without one nothing is seen. `programs` alone may be listed by a
transaction that says so. A later table with rows of programs needs the first policy, too.

The door past the ledger's triggers, by which people are erased, opens for who was granted DELETE: behind the
wall the service does not own its tables, and erases people all the same where its role may.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = (
    "answers", "api_keys", "assignments", "claims", "console_sessions", "counters", "decisions", "erasures",
    "evaluations", "event_entries", "event_reports", "events", "fold_entries", "hyperparameters",
    "kept_answers", "links", "memberships", "merges", "nodes", "outcomes", "page_links", "plans", "programs",
    "promotions", "reports", "reservations", "revisions", "signals", "tallies", "versions", "visits",
)  # fmt: skip
ITS_OWN = "program_id = nullif(current_setting('engagement.program_id', true), '')::uuid"
LISTED = "current_setting('engagement.listing', true) = 'yes'"
BY_WHO_OWNS = "pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')"
BY_WHO_MAY_DELETE = "has_table_privilege(current_user, TG_RELID, 'DELETE')"


def _door(opens: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('engagement.leaving', true) = 'yes' AND TG_OP <> 'TRUNCATE' AND {opens}
        THEN RETURN NULL; END IF;
        RAISE EXCEPTION 'the ledger is insert-only';
    END $$
    """


def upgrade() -> None:
    """Puts the policies up. Whoever owns the tables notices nothing of them."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in TABLES:
        op.execute(sa.text(f"CREATE POLICY of_program ON {table} USING ({ITS_OWN})"))
        op.execute(sa.text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    op.execute(sa.text(f"CREATE POLICY listed ON programs FOR SELECT USING ({LISTED})"))
    op.execute(sa.text(_door(BY_WHO_MAY_DELETE)))


def downgrade() -> None:
    """Takes them down."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(sa.text(_door(BY_WHO_OWNS)))
    op.execute(sa.text("DROP POLICY listed ON programs"))
    for table in TABLES:
        op.execute(sa.text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))
        op.execute(sa.text(f"DROP POLICY of_program ON {table}"))
