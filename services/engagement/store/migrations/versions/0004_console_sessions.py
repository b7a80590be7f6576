"""Who is signed in to the console."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Creates the table of the console's sessions."""
    op.create_table(
        "console_sessions",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "digest", name=op.f("pk_console_sessions")),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("console_sessions")
