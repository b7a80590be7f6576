"""Who did it: the table of acts, and in what people change the act that each row was stored under.

A row refers to its act. A column with the key in every table would have said who, but not of an erasure or
a restored backup, which leave no such row; and acts matched to rows by their moments would be a guess, since
requests of several callers share one transaction and its moment.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

REFUSAL = "the ledger is insert-only"
ITS_OWN = "program_id = nullif(current_setting('engagement.program_id', true), '')::uuid"
"""Behind the second wall, see 0007."""
REFERRING = (
    ("revisions", "act_id"),
    ("memberships", "act_id"),
    ("merges", "act_id"),
    ("links", "act_id"),
    ("signals", "act_id"),
    ("promotions", "act_id"),
    ("plans", "act_id"),
    ("visits", "act_id"),
    ("assignments", "act_id"),
    ("api_keys", "act_id"),
    ("api_keys", "revoked_act_id"),
)


def upgrade() -> None:
    """Creates the table, guarded as the rest of the ledger is, and the columns; older rows keep none."""
    op.create_table(
        "acts",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("act_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("did", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "act_id", name=op.f("pk_acts")),
    )
    op.create_index(op.f("ix_acts_program_id_recorded_at"), "acts", ["program_id", "recorded_at"])
    for table, column in REFERRING:
        op.add_column(table, sa.Column(column, sa.Uuid(as_uuid=False), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER acts_no_{verb.lower()} BEFORE {verb} ON acts "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER acts_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON acts "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only()"
    )
    op.execute(sa.text(f"CREATE POLICY of_program ON acts USING ({ITS_OWN})"))
    op.execute(sa.text("ALTER TABLE acts ENABLE ROW LEVEL SECURITY"))


def downgrade() -> None:
    """Drops them."""
    for table, column in REFERRING:
        op.drop_column(table, column)
    op.drop_table("acts")
