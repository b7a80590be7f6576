"""Reports of a program, as they were asked for and what they say."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates the table of reports."""
    op.create_table(
        "reports",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("report_id", sa.String(length=64), nullable=False),
        sa.Column("wanted", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("page", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "report_id", name=op.f("pk_reports")),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("reports")
