"""The ledger and what is derived from it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

LEDGER = (
    "programs", "revisions", "memberships", "merges", "links", "signals", "decisions", "answers", "outcomes",
    "fold_entries", "versions", "hyperparameters", "promotions", "reservations", "plans", "visits",
    "assignments", "events", "event_reports", "event_entries",
)  # fmt: skip
REFUSAL = "the ledger is insert-only"
SAFETY = sa.text(
    "kind IN ('complaint', 'distress', 'harm', 'not_safe_at_home', 'red_flag', 'referral_answered')"
)


def upgrade() -> None:
    """Creates every table, and the triggers that keep the ledger insert-only."""
    op.create_table(
        "api_keys",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.String(length=128), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("program_id", "digest", name=op.f("uq_api_keys_program_id_digest")),
    )
    op.create_table(
        "claims",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "strategy_id", "version", name=op.f("pk_claims")),
    )
    op.create_table(
        "counters",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("resource_id", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "resource_id", "period", name=op.f("pk_counters")),
    )
    op.create_table(
        "decisions",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("unit_kind", sa.String(length=8), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("decision_point", sa.String(length=64), nullable=False),
        sa.Column("action_id", sa.String(length=64), nullable=False),
        sa.Column("probability", sa.BigInteger(), nullable=False),
        sa.Column("randomised", sa.Boolean(), nullable=False),
        sa.Column("fallback", sa.String(length=32), nullable=True),
        sa.Column("arm", sa.String(length=8), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("strategy_revision", sa.Integer(), nullable=False),
        sa.Column("catalogue", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "decision_id", name=op.f("pk_decisions")),
        sa.UniqueConstraint(
            "program_id",
            "strategy_id",
            "unit_kind",
            "unit_id",
            "decision_point",
            name=op.f("uq_decisions_program_id_strategy_id_unit_kind_unit_id_decision_point"),
        ),
    )
    op.create_index(
        op.f("ix_decisions_program_id_group_id_decided_at"),
        "decisions",
        ["program_id", "group_id", "decided_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_decisions_program_id_strategy_id_closes_at"),
        "decisions",
        ["program_id", "strategy_id", "closes_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_decisions_program_id_unit_kind_unit_id_decided_at"),
        "decisions",
        ["program_id", "unit_kind", "unit_id", "decided_at"],
        unique=False,
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.create_table(
        "kept_answers",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "key_id", "name", name=op.f("pk_kept_answers")),
    )
    op.create_index(
        op.f("ix_kept_answers_program_id_answered_at"),
        "kept_answers",
        ["program_id", "answered_at"],
        unique=False,
    )
    op.create_table(
        "links",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("unit_kind", sa.String(length=16), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "program_id",
            "unit_kind",
            "unit_id",
            "relation",
            "starts_on",
            "revision",
            name=op.f("pk_links"),
        ),
    )
    op.create_index(
        op.f("ix_links_program_id_relation_target_id"),
        "links",
        ["program_id", "relation", "target_id"],
        unique=False,
    )
    op.create_table(
        "hyperparameters",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "strategy_id", "version", name=op.f("pk_hyperparameters")),
    )
    op.create_table(
        "memberships",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("seat", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "program_id", "member_id", "starts_on", "revision", name=op.f("pk_memberships")
        ),
    )
    op.create_index(
        op.f("ix_memberships_program_id_group_id"), "memberships", ["program_id", "group_id"], unique=False
    )
    op.create_table(
        "merges",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("into_id", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "member_id", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_program_id_into_id"), "merges", ["program_id", "into_id"], unique=False)
    op.create_table(
        "nodes",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "strategy_id", "node", "version", name=op.f("pk_nodes")),
    )
    op.create_table(
        "page_links",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("link_id", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("opens", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "link_id", name=op.f("pk_page_links")),
        sa.UniqueConstraint("program_id", "digest", name=op.f("uq_page_links_program_id_digest")),
    )
    op.create_table(
        "programs",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("draw_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_programs")),
    )
    op.create_table(
        "promotions",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "strategy_id", "revision", name=op.f("pk_promotions")),
    )
    op.create_table(
        "revisions",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("noun", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("catalogue", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "noun", "id", "revision", name=op.f("pk_revisions")),
        sa.UniqueConstraint("program_id", "catalogue", name=op.f("uq_revisions_program_id_catalogue")),
    )
    op.create_table(
        "signals",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("unit_kind", sa.String(length=8), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_by", sa.String(length=16), nullable=False),
        sa.Column("corrects_source", sa.String(length=64), nullable=True),
        sa.Column("corrects_event", sa.String(length=128), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "source", "event_id", name=op.f("pk_signals")),
    )
    op.create_index(
        op.f("ix_signals_program_id_corrects_source_corrects_event"),
        "signals",
        ["program_id", "corrects_source", "corrects_event"],
        unique=False,
    )
    op.create_index(
        op.f("ix_signals_program_id_group_id_occurred_at"),
        "signals",
        ["program_id", "group_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_signals_program_id_unit_kind_unit_id_occurred_at"),
        "signals",
        ["program_id", "unit_kind", "unit_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_signals_safety",
        "signals",
        ["program_id", "unit_id"],
        unique=False,
        postgresql_where=SAFETY,
        sqlite_where=SAFETY,
    )
    op.create_table(
        "tallies",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("unit_kind", sa.String(length=8), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("tally", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "unit_kind", "unit_id", name=op.f("pk_tallies")),
    )
    op.create_table(
        "versions",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rows_in", sa.Integer(), nullable=False),
        sa.Column("rows_out", sa.Integer(), nullable=False),
        sa.Column("rows_missing", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "strategy_id", "version", name=op.f("pk_versions")),
    )
    op.create_table(
        "answers",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "decision_id"],
            ["decisions.program_id", "decisions.decision_id"],
            name=op.f("fk_answers_decisions"),
        ),
        sa.PrimaryKeyConstraint("program_id", "decision_id", "sequence", name=op.f("pk_answers")),
    )
    op.create_table(
        "outcomes",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("reward", sa.Double(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "decision_id"],
            ["decisions.program_id", "decisions.decision_id"],
            name=op.f("fk_outcomes_decisions"),
        ),
        sa.PrimaryKeyConstraint("program_id", "decision_id", "revision", name=op.f("pk_outcomes")),
    )
    op.create_index(
        op.f("ix_outcomes_program_id_strategy_id_decision_id_revision"),
        "outcomes",
        ["program_id", "strategy_id", "decision_id", "revision"],
        unique=False,
    )
    op.create_table(
        "reservations",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("resource_id", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "decision_id"],
            ["decisions.program_id", "decisions.decision_id"],
            name=op.f("fk_reservations_decisions"),
        ),
        sa.PrimaryKeyConstraint("program_id", "decision_id", "resource_id", name=op.f("pk_reservations")),
    )
    op.create_index(
        op.f("ix_reservations_program_id_expires_at"),
        "reservations",
        ["program_id", "expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_reservations_program_id_resource_id_period"),
        "reservations",
        ["program_id", "resource_id", "period"],
        unique=False,
    )
    op.create_table(
        "fold_entries",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("outcome_revision", sa.Integer(), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reward", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["program_id", "decision_id", "outcome_revision"],
            ["outcomes.program_id", "outcomes.decision_id", "outcomes.revision"],
            name=op.f("fk_fold_entries_outcomes"),
        ),
        sa.PrimaryKeyConstraint(
            "program_id", "decision_id", "outcome_revision", name=op.f("pk_fold_entries")
        ),
    )
    op.create_index(
        op.f("ix_fold_entries_program_id_strategy_id_version_decision_id"),
        "fold_entries",
        ["program_id", "strategy_id", "version", "decision_id"],
        unique=False,
    )
    op.create_table(
        "plans",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("plan_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy_id", sa.String(length=64), nullable=False),
        sa.Column("pool", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("strategy_revision", sa.Integer(), nullable=False),
        sa.Column("catalogue", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "plan_id", name=op.f("pk_plans")),
        sa.UniqueConstraint(
            "program_id",
            "strategy_id",
            "pool",
            "period",
            name=op.f("uq_plans_program_id_strategy_id_pool_period"),
        ),
    )
    op.create_table(
        "visits",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("plan_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("unit_kind", sa.String(length=8), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("instead_of", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "plan_id"], ["plans.program_id", "plans.plan_id"], name=op.f("fk_visits_plans")
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "decision_id"],
            ["decisions.program_id", "decisions.decision_id"],
            name=op.f("fk_visits_decisions"),
        ),
        sa.PrimaryKeyConstraint("program_id", "plan_id", "number", name=op.f("pk_visits")),
    )
    op.create_index(
        op.f("ix_visits_program_id_decision_id"), "visits", ["program_id", "decision_id"], unique=False
    )
    op.create_index(op.f("ix_visits_program_id_period"), "visits", ["program_id", "period"], unique=False)
    op.create_table(
        "events",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("event_id", sa.String(length=256), nullable=False),
        sa.Column("slot", sa.String(length=256), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("settings_revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("deferred", sa.Boolean(), nullable=False),
        sa.Column("action_id", sa.String(length=256), nullable=False),
        sa.Column("probability", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "event_id", "slot", name=op.f("pk_events")),
    )
    op.create_index(
        op.f("ix_events_program_id_closes_at"), "events", ["program_id", "closes_at"], unique=False
    )
    op.create_table(
        "event_reports",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("event_id", sa.String(length=256), nullable=False),
        sa.Column("slot", sa.String(length=256), nullable=False),
        sa.Column("report_id", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "event_id", "slot"],
            ["events.program_id", "events.event_id", "events.slot"],
            name=op.f("fk_event_reports_events"),
        ),
        sa.PrimaryKeyConstraint("program_id", "event_id", "slot", "report_id", name=op.f("pk_event_reports")),
    )
    op.create_table(
        "event_entries",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("event_id", sa.String(length=256), nullable=False),
        sa.Column("slot", sa.String(length=256), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reward", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["program_id", "event_id", "slot"],
            ["events.program_id", "events.event_id", "events.slot"],
            name=op.f("fk_event_entries_events"),
        ),
        sa.PrimaryKeyConstraint("program_id", "event_id", "slot", "reports", name=op.f("pk_event_entries")),
    )
    op.create_index(
        op.f("ix_event_entries_program_id_version"),
        "event_entries",
        ["program_id", "version"],
        unique=False,
    )
    _assignments()
    _guard()


def downgrade() -> None:
    """Back to an empty database."""
    _unguard()
    op.drop_table("event_entries")
    op.drop_table("event_reports")
    op.drop_table("events")
    op.drop_table("visits")
    op.drop_table("plans")
    op.drop_table("fold_entries")
    op.drop_table("reservations")
    op.drop_table("outcomes")
    op.drop_table("answers")
    op.drop_table("versions")
    op.drop_table("tallies")
    op.drop_table("signals")
    op.drop_table("revisions")
    op.drop_table("promotions")
    op.drop_table("programs")
    op.drop_table("page_links")
    op.drop_table("nodes")
    op.drop_table("merges")
    op.drop_table("memberships")
    op.drop_table("links")
    op.drop_table("kept_answers")
    op.drop_table("hyperparameters")
    op.drop_table("facts")
    op.drop_table("decisions")
    op.drop_table("counters")
    op.drop_table("claims")
    op.drop_table("assignments")
    op.drop_table("api_keys")


def _assignments() -> None:
    """The arm of every group in a trial."""
    op.create_table(
        "assignments",
        sa.Column("program_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("trial_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("unit_id", sa.String(length=64), nullable=False),
        sa.Column("stratum", sa.String(length=320), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("arm", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=64), nullable=False),
        sa.Column("assigned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "trial_id", "group_id", name=op.f("pk_assignments")),
    )
    op.create_index(
        op.f("ix_assignments_program_id_group_id"), "assignments", ["program_id", "group_id"], unique=False
    )
    op.create_index(
        op.f("ix_assignments_program_id_trial_id_unit_id"),
        "assignments",
        ["program_id", "trial_id", "unit_id"],
        unique=False,
    )


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in LEDGER:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    for table in LEDGER:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_insert_only()"
        )


def _unguard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in LEDGER:
            for verb in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{verb}")
        return
    for table in LEDGER:
        op.execute(f"DROP TRIGGER {table}_insert_only ON {table}")
    op.execute("DROP FUNCTION ledger_is_insert_only()")
