"""The schema. `program_id` stands first in every key, so that it shards by program as it is.

*Ledger* tables are insert-only and triggers refuse more. *Derived* tables may be dropped:
`engagement rebuild` makes them again. Moments are integers, milliseconds since the Unix epoch.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from engagement.store.sql import Id

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _program() -> Column[str]:
    return Column("program_id", Id(), nullable=False)


def _id(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(64), nullable=nullable)


def _uuid(name: str) -> Column[str]:
    return Column(name, Id(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _act(name: str = "act_id") -> Column[str]:
    """The act under which a row was stored; empty where nobody is said to have acted, see `acts`."""
    return Column(name, Id(), nullable=True)


def _whole(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=nullable)


# --- ledger ---------------------------------------------------------------------------------------

programs = Table(
    "programs",
    metadata,
    _program(),
    Column("draw_secret", LargeBinary, nullable=False),
    _moment("created_at"),
    PrimaryKeyConstraint("program_id"),
)

acts = Table(  # who did something: by which way and key; did: what no other row tells
    "acts",
    metadata,
    _program(),
    _uuid("act_id"),
    _moment("recorded_at"),
    Column("way", String(16), nullable=False),
    Column("key_id", String(16), nullable=True),
    Column("operation", String(64), nullable=False),
    Column("did", String(16), nullable=True),
    PrimaryKeyConstraint("program_id", "act_id"),
    Index(None, "program_id", "recorded_at"),
)

revisions = Table(  # of everything in the set-up; `catalogue` counts those a decision depends on
    "revisions",
    metadata,
    _program(),
    Column("noun", String(16), nullable=False),
    _id("id"),
    _whole("revision"),
    _whole("catalogue", nullable=True),
    Column("body", LargeBinary, nullable=False),
    _moment("recorded_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "noun", "id", "revision"),
    UniqueConstraint("program_id", "catalogue"),
    Index(None, "program_id", "recorded_at"),
)

memberships = Table(  # each row holds until the member's next; without a group: in none
    "memberships",
    metadata,
    _program(),
    _id("member_id"),
    Column("starts_on", Date, nullable=False),
    _whole("revision"),
    _id("group_id", nullable=True),
    _whole("seat", nullable=True),
    Column("role", String(16), nullable=False),
    Column("reason", String(16), nullable=False),
    _moment("recorded_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "member_id", "starts_on", "revision"),
    Index(None, "program_id", "group_id"),
    Index(None, "program_id", "recorded_at"),
)

merges = Table(  # members enrolled twice; whoever is merged into nobody is kept under their own id
    "merges",
    metadata,
    _program(),
    _id("member_id"),
    _id("into_id"),
    Column("starts_on", Date, nullable=False),
    _moment("recorded_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "member_id"),
    Index(None, "program_id", "into_id"),
)

links = Table(  # each row holds until the unit's next of the same relation; without a target: to none
    "links",
    metadata,
    _program(),
    Column("unit_kind", String(16), nullable=False),
    _id("unit_id"),
    Column("relation", String(16), nullable=False),
    Column("starts_on", Date, nullable=False),
    _whole("revision"),
    _id("target_id", nullable=True),
    _moment("recorded_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "unit_kind", "unit_id", "relation", "starts_on", "revision"),
    Index(None, "program_id", "relation", "target_id"),
)

SAFETY = text(  # the predicate of an index: what is to use it must say the very same
    "kind IN ('complaint', 'distress', 'harm', 'not_safe_at_home', 'red_flag', 'referral_answered')"
)
FROM_REGISTER = text("source = 'register'")
"""Reports that came with a register: a predicate of an index, too."""
signals = Table(
    "signals",
    metadata,
    _program(),
    Column("source", String(64), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("unit_kind", String(8), nullable=False),
    _id("unit_id"),
    _id("group_id", nullable=True),
    Column("kind", String(32), nullable=False),
    Column("value", BigInteger, nullable=True),
    _moment("occurred_at"),
    Column("reported_by", String(16), nullable=False),
    Column("corrects_source", String(64), nullable=True),
    Column("corrects_event", String(128), nullable=True),
    _moment("recorded_at"),
    _id("chain", nullable=True),
    _act(),
    PrimaryKeyConstraint("program_id", "source", "event_id"),
    Index(None, "program_id", "corrects_source", "corrects_event"),
    # nobody but the audit trail asks when a register came in
    Index(
        "ix_signals_register",
        "program_id",
        "recorded_at",
        postgresql_where=FROM_REGISTER,
        sqlite_where=FROM_REGISTER,
    ),
    # safety reports are few and asked for across the program: none of the others pays for this index
    Index("ix_signals_safety", "program_id", "unit_id", postgresql_where=SAFETY, sqlite_where=SAFETY),
    Index(None, "program_id", "unit_kind", "unit_id", "occurred_at"),
    Index(None, "program_id", "group_id", "occurred_at"),
)

decisions = Table(
    "decisions",
    metadata,
    _program(),
    _uuid("decision_id"),
    _id("strategy_id"),
    Column("unit_kind", String(8), nullable=False),
    _id("unit_id"),
    _id("group_id"),
    Column("decision_point", String(64), nullable=False),
    _id("action_id"),
    Column("probability", BigInteger, nullable=False),  # units of 2⁻³²
    Column("randomised", Boolean, nullable=False),
    Column("fallback", String(32), nullable=True),
    Column("arm", String(8), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("language", String(3), nullable=False),
    _whole("strategy_revision"),
    _whole("catalogue"),
    _whole("version"),
    _moment("decided_at"),
    _moment("expires_at"),
    _moment("closes_at"),
    Column("evidence", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "decision_id"),
    UniqueConstraint("program_id", "strategy_id", "unit_kind", "unit_id", "decision_point"),
    Index(None, "program_id", "unit_kind", "unit_id", "decided_at"),
    Index(None, "program_id", "group_id", "decided_at"),
    Index(None, "program_id", "strategy_id", "closes_at"),
)

answers = Table(  # what became of a decision, in order
    "answers",
    metadata,
    _program(),
    _uuid("decision_id"),
    _whole("sequence"),
    Column("status", String(16), nullable=False),
    Column("reason", String(32), nullable=True),
    _moment("occurred_at"),
    _moment("recorded_at"),
    PrimaryKeyConstraint("program_id", "decision_id", "sequence"),
    ForeignKeyConstraint(["program_id", "decision_id"], ["decisions.program_id", "decisions.decision_id"]),
)

outcomes = Table(  # reward NULL: closed, and nothing was heard
    "outcomes",
    metadata,
    _program(),
    _uuid("decision_id"),
    _whole("revision"),
    _id("strategy_id"),
    Column("reward", Double, nullable=True),
    Column("source", String(16), nullable=False),
    _moment("recorded_at"),
    PrimaryKeyConstraint("program_id", "decision_id", "revision"),
    ForeignKeyConstraint(["program_id", "decision_id"], ["decisions.program_id", "decisions.decision_id"]),
    Index(None, "program_id", "strategy_id", "decision_id", "revision"),
)

fold_entries = Table(  # what a version learned, and from which revision of the outcome
    "fold_entries",
    metadata,
    _program(),
    _uuid("decision_id"),
    _whole("outcome_revision"),
    _id("strategy_id"),
    _whole("version"),
    Column("reward", Double, nullable=True),
    PrimaryKeyConstraint("program_id", "decision_id", "outcome_revision"),
    ForeignKeyConstraint(
        ["program_id", "decision_id", "outcome_revision"],
        ["outcomes.program_id", "outcomes.decision_id", "outcomes.revision"],
    ),
    Index(None, "program_id", "strategy_id", "version", "decision_id"),
)

versions = Table(  # the newest one of a strategy is the one that decides
    "versions",
    metadata,
    _program(),
    _id("strategy_id"),
    _whole("version"),
    _whole("rows_in"),
    _whole("rows_out"),
    _whole("rows_missing"),
    _moment("published_at"),
    PrimaryKeyConstraint("program_id", "strategy_id", "version"),
)

hyperparameters = Table(  # of a belief that was refitted; they hold from this version on
    "hyperparameters",
    metadata,
    _program(),
    _id("strategy_id"),
    _whole("version"),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "strategy_id", "version"),
)

promotions = Table(  # of strategies that only watched: the revision that ended it, and what it was judged by
    "promotions",
    metadata,
    _program(),
    _id("strategy_id"),
    _whole("revision"),
    Column("body", LargeBinary, nullable=False),
    _moment("recorded_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "strategy_id", "revision"),
)

reservations = Table(  # what a proposal holds, until it is released or spent
    "reservations",
    metadata,
    _program(),
    _uuid("decision_id"),
    Column("resource_id", String(80), nullable=False),
    Column("period", String(16), nullable=False),
    Column("amount", BigInteger, nullable=False),
    _moment("expires_at"),
    PrimaryKeyConstraint("program_id", "decision_id", "resource_id"),
    ForeignKeyConstraint(["program_id", "decision_id"], ["decisions.program_id", "decisions.decision_id"]),
    Index(None, "program_id", "resource_id", "period"),
    Index(None, "program_id", "expires_at"),
)

plans = Table(  # of one pool and period: made once, whoever asks
    "plans",
    metadata,
    _program(),
    _uuid("plan_id"),
    _id("strategy_id"),
    _id("pool"),
    Column("period", String(16), nullable=False),
    _whole("strategy_revision"),
    _whole("catalogue"),
    _moment("made_at"),
    _moment("ends_at"),
    Column("evidence", LargeBinary, nullable=False),
    _act(),
    PrimaryKeyConstraint("program_id", "plan_id"),
    UniqueConstraint("program_id", "strategy_id", "pool", "period"),
)

visits = Table(  # who goes where; the newest row of a decision holds
    "visits",
    metadata,
    _program(),
    _uuid("plan_id"),
    _whole("number"),
    Column("period", String(16), nullable=False),
    _uuid("decision_id"),
    Column("unit_kind", String(8), nullable=False),
    _id("unit_id"),
    _id("worker_id", nullable=True),  # NULL: nobody can go
    _whole("minutes"),  # of the worker's week; 0 where nobody can go
    Column("why", String(16), nullable=False),
    Column("reason", String(16), nullable=True),  # why nobody can go
    Column("instead_of", Id(), nullable=True),  # the decision whose time this visit fills
    _moment("recorded_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "plan_id", "number"),
    ForeignKeyConstraint(["program_id", "plan_id"], ["plans.program_id", "plans.plan_id"]),
    ForeignKeyConstraint(["program_id", "decision_id"], ["decisions.program_id", "decisions.decision_id"]),
    Index(None, "program_id", "period"),
    Index(None, "program_id", "decision_id"),
)

assignments = Table(  # of groups in trials, each with all of its unit
    "assignments",
    metadata,
    _program(),
    _id("trial_id"),
    _id("group_id"),
    _id("unit_id"),
    Column("stratum", String(320), nullable=False),
    _whole("place"),
    _id("arm"),
    Column("protocol", String(64), nullable=False),
    _moment("assigned_at"),
    _act(),
    PrimaryKeyConstraint("program_id", "trial_id", "group_id"),
    Index(None, "program_id", "group_id"),
    Index(None, "program_id", "trial_id", "unit_id"),
)

events = Table(  # ranks: each a decision point of its own, of actions that came with it; without slots: ""
    "events",
    metadata,
    _program(),
    Column("event_id", String(256), nullable=False),
    Column("slot", String(256), nullable=False),
    _whole("place"),
    _whole("settings_revision"),
    Column("digest", LargeBinary, nullable=False),
    Column("deferred", Boolean, nullable=False),
    Column("action_id", String(256), nullable=False),
    Column("probability", BigInteger, nullable=False),  # units of 2⁻³²
    _whole("version"),
    _moment("decided_at"),
    _moment("closes_at"),
    Column("evidence", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "event_id", "slot"),
    Index(None, "program_id", "closes_at"),
)

event_reports = Table(  # what was said of an event: its activation, or with a value a reward
    "event_reports",
    metadata,
    _program(),
    Column("event_id", String(256), nullable=False),
    Column("slot", String(256), nullable=False),
    Column("report_id", String(128), nullable=False),
    Column("value", Double, nullable=True),
    _moment("recorded_at"),
    PrimaryKeyConstraint("program_id", "event_id", "slot", "report_id"),
    ForeignKeyConstraint(
        ["program_id", "event_id", "slot"], ["events.program_id", "events.event_id", "events.slot"]
    ),
)

event_entries = Table(  # what a version learned of an event, when so many reports of it were there
    "event_entries",
    metadata,
    _program(),
    Column("event_id", String(256), nullable=False),
    Column("slot", String(256), nullable=False),
    _whole("reports"),
    _whole("version"),
    Column("reward", Double, nullable=True),
    PrimaryKeyConstraint("program_id", "event_id", "slot", "reports"),
    ForeignKeyConstraint(
        ["program_id", "event_id", "slot"], ["events.program_id", "events.event_id", "events.slot"]
    ),
    Index(None, "program_id", "version"),
)

erasures = Table(  # tombstones: nobody's name, only which beliefs began anew; "" and 0 where none had learned
    "erasures",
    metadata,
    _program(),
    _uuid("erasure_id"),
    _id("strategy_id"),
    _whole("version"),
    _id("group_id", nullable=True),
    Column("erased_on", Date, nullable=False),
    PrimaryKeyConstraint("program_id", "erasure_id", "strategy_id"),
    Index(None, "program_id", "strategy_id", "version"),
)

seals = Table(  # a program's chain: each holds the digest of the one before
    "seals",
    metadata,
    _program(),
    _whole("number"),
    Column("kind", String(16), nullable=False),
    _moment("made_at"),
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "number"),
)

LEDGER = (
    programs, acts, revisions, memberships, merges, links, signals, decisions, answers, outcomes,
    fold_entries, versions, hyperparameters, promotions, reservations, plans, visits, assignments, events,
    event_reports, event_entries, erasures, seals,
)  # fmt: skip

# --- derived --------------------------------------------------------------------------------------

tallies = Table(  # one row a unit; its row lock orders everything that happens to the unit
    "tallies",
    metadata,
    _program(),
    Column("unit_kind", String(8), nullable=False),
    _id("unit_id"),
    Column("tally", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "unit_kind", "unit_id"),
)

nodes = Table(  # a belief's arrays; each row is valid from its version on
    "nodes",
    metadata,
    _program(),
    _id("strategy_id"),
    Column("node", String(80), nullable=False),  # a group's id, and the number of a block
    _whole("version"),
    Column("state", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "strategy_id", "node", "version"),
)

claims = Table(  # who is folding the next version, and until when nobody else may
    "claims",
    metadata,
    _program(),
    _id("strategy_id"),
    _whole("version"),
    Column("owner", String(64), nullable=False),
    _moment("expires_at"),
    PrimaryKeyConstraint("program_id", "strategy_id", "version"),
)

counters = Table(  # cache of the sum of what is reserved or spent
    "counters",
    metadata,
    _program(),
    Column("resource_id", String(80), nullable=False),  # a payer, or `adviser/` and the group's id
    Column("period", String(16), nullable=False),
    Column("taken", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "resource_id", "period"),
)

DERIVED = (tallies, nodes, claims, counters)

# --- neither: who may call, what they were answered, and what kind of database this is ----------

api_keys = Table(
    "api_keys",
    metadata,
    _program(),
    Column("key_id", String(16), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", String(128), nullable=False),
    Column("audience", String(16), nullable=False),
    _moment("created_at"),
    _moment("expires_at", nullable=True),
    _moment("revoked_at", nullable=True),
    _act(),
    _act("revoked_act_id"),
    PrimaryKeyConstraint("program_id", "key_id"),
    UniqueConstraint("program_id", "digest"),
)

kept_answers = Table(  # for a day, given again to whoever sends the same request under the same name
    "kept_answers",
    metadata,
    _program(),
    Column("key_id", String(16), nullable=False),
    Column("name", String(128), nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _moment("answered_at"),
    PrimaryKeyConstraint("program_id", "key_id", "name"),
    Index(None, "program_id", "answered_at"),
)

page_links = Table(  # keys that open one page each, for people who type none
    "page_links",
    metadata,
    _program(),
    Column("link_id", String(16), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("opens", String(16), nullable=False),
    _id("subject"),
    Column("audience", String(16), nullable=False),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("revoked_at", nullable=True),
    PrimaryKeyConstraint("program_id", "link_id"),
    UniqueConstraint("program_id", "digest"),
)

console_sessions = Table(  # who is signed in to the console, and since when
    "console_sessions",
    metadata,
    _program(),
    Column("digest", LargeBinary, nullable=False),
    Column("key_id", String(16), nullable=False),
    _moment("created_at"),
    _moment("expires_at"),
    PrimaryKeyConstraint("program_id", "digest"),
)

evaluations = Table(  # what was asked of the ledger, and once it is computed what it answers
    "evaluations",
    metadata,
    _program(),
    _id("evaluation_id"),
    Column("question", LargeBinary, nullable=False),
    _moment("asked_at"),
    Column("answer", LargeBinary, nullable=True),
    PrimaryKeyConstraint("program_id", "evaluation_id"),
)

reports = Table(  # what a report was asked to be about, and once it is computed what it says
    "reports",
    metadata,
    _program(),
    _id("report_id"),
    Column("wanted", LargeBinary, nullable=False),
    _moment("asked_at"),
    Column("answer", LargeBinary, nullable=True),
    Column("page", LargeBinary, nullable=True),
    PrimaryKeyConstraint("program_id", "report_id"),
)

sealed_rows = Table(  # the rows that a seal holds, a leaf each; who is erased goes from here, too
    "sealed_rows",
    metadata,
    _program(),
    _whole("number"),
    Column("table_name", String(32), nullable=False),
    _whole("part"),
    _whole("rows"),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "number", "table_name", "part"),
    ForeignKeyConstraint(["program_id", "number"], ["seals.program_id", "seals.number"]),
)

facts = Table(  # of the database itself: whether its time is simulated
    "facts",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(128), nullable=False),
)
