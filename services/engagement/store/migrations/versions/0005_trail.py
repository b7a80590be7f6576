"""When anything was changed, found without reading all that was: indexes for the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
FROM_REGISTER = sa.text("source = 'register'")


def upgrade() -> None:
    """Creates the indexes."""
    op.create_index(op.f("ix_revisions_program_id_recorded_at"), "revisions", ["program_id", "recorded_at"])
    op.create_index(
        op.f("ix_memberships_program_id_recorded_at"), "memberships", ["program_id", "recorded_at"]
    )
    op.create_index(
        op.f("ix_signals_register"),
        "signals",
        ["program_id", "recorded_at"],
        postgresql_where=FROM_REGISTER,
        sqlite_where=FROM_REGISTER,
    )


def downgrade() -> None:
    """Drops them."""
    op.drop_index(op.f("ix_signals_register"), "signals")
    op.drop_index(op.f("ix_memberships_program_id_recorded_at"), "memberships")
    op.drop_index(op.f("ix_revisions_program_id_recorded_at"), "revisions")
