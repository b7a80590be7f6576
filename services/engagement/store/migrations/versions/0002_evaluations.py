"""What is asked of the ledger about other strategies, and what it answers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table of evaluations."""
    op.create_table(
        "evaluations",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("evaluation_id", sa.String(length=64), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "evaluation_id", name=op.f("pk_evaluations")),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("evaluations")
