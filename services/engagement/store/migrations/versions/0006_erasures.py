"""Tombstones of people who were erased, and the one door past the ledger's triggers for who owns it.

On PostgreSQL the triggers let a transaction pass that says `engagement.leaving` and whose user owns the
table: switching them off would take a lock on every table, and wait for everybody who writes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

REFUSAL = "the ledger is insert-only"
OPENED = """
CREATE OR REPLACE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('engagement.leaving', true) = 'yes' AND TG_OP <> 'TRUNCATE'
        AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')
    THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'the ledger is insert-only';
END $$
"""
CLOSED = (
    "CREATE OR REPLACE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
)


def upgrade() -> None:
    """Creates the table, guards it as the others are, and opens the door."""
    op.create_table(
        "erasures",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("erasure_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("erased_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "erasure_id", "strategy_id", name=op.f("pk_erasures")),
    )
    op.create_index(
        op.f("ix_erasures_program_id_strategy_id_version"),
        "erasures",
        ["program_id", "strategy_id", "version"],
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER erasures_no_{verb.lower()} BEFORE {verb} ON erasures "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER erasures_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only()"
    )
    op.execute(OPENED)


def downgrade() -> None:
    """Shuts the door and drops the table."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(CLOSED)
    op.drop_table("erasures")
