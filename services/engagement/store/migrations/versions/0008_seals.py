"""The chain of seals over the ledger, and which rows each of them holds."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

REFUSAL = "the ledger is insert-only"
ITS_OWN = "program_id = nullif(current_setting('engagement.program_id', true), '')::uuid"
"""Behind the second wall, see 0007."""


def upgrade() -> None:
    """Creates the tables; a seal is guarded as the rest of the ledger is."""
    op.create_table(
        "seals",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "number", name=op.f("pk_seals")),
    )
    op.create_table(
        "sealed_rows",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "number"], ["seals.program_id", "seals.number"], name=op.f("fk_sealed_rows_seals")
        ),
        sa.PrimaryKeyConstraint("program_id", "number", "table_name", "part", name=op.f("pk_sealed_rows")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER seals_no_{verb.lower()} BEFORE {verb} ON seals "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER seals_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seals "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only()"
    )
    for table in ("seals", "sealed_rows"):
        op.execute(sa.text(f"CREATE POLICY of_program ON {table} USING ({ITS_OWN})"))
        op.execute(sa.text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("sealed_rows")
    op.drop_table("seals")
