"""A database of either kind with one program in it, and a ledger with a row in every table."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Evidence
from engagement.store import (
    acts,
    assignments,
    beliefs,
    console_sessions,
    decisions,
    erasures,
    events,
    hyperparameters,
    kept_answers,
    keys,
    links,
    merges,
    page_links,
    plans,
    promotions,
    resources,
    seals,
    setup,
    signals,
    units,
)
from engagement.store import tables as t
from engagement.store.asked import EVALUATIONS, REPORTS, Asked
from engagement.store.database import Database
from engagement.store.decisions import Answered, Decision, OutcomeRow
from engagement.store.identifiers import uuid7
from engagement.strategy.promotion import Judged
from engagement.strategy.purse import Resource
from engagement.strategy.ranking import RankEvidence, Said
from engagement.strategy.setup import Group, Link, Member, Membership, Program, Site
from engagement.strategy.week_plan import PlanEvidence

PROGRAM = "01900000-0000-7000-8000-00000000000a"
OTHER = "01900000-0000-7000-8000-00000000000b"
EVIDENCE = Evidence(
    actions=("none", "a"),
    features=bytes(8),
    refusals=bytes(2),
    family="normal",
    mean=bytes(16),
    sd=bytes(16),
    probability=bytes(16),
    uniform=2**53 - 1,
    remaining=120.0,
)
NO_RANK = RankEvidence(
    actions=("a",),
    baseline=0,
    excluded=bytes(1),
    moment=(b"", b""),
    own=((b"", b""),),
    mean=bytes(8),
    sd=bytes(8),
    probability=bytes(8),
    beside=b"",
    uniform=0,
    exploration=0.2,
    mode="Online",
    default_reward=0.0,
    aggregation="earliest",
)
NO_PLAN = PlanEvidence((), (), (), 0, 0.1, 0.0, 0.0, 0.0)


def make_decision(moment=1_000, **fields) -> Decision:
    """A decision of strategy s for member m of group g, closed 100 ms after it was made."""
    plain = Decision(
        decision_id=uuid7(moment),
        strategy_id="s",
        unit_kind="member",
        unit_id="m",
        group_id="g",
        decision_point=f"p{moment}",
        action_id="a",
        probability=2**31,
        randomised=True,
        fallback=None,
        arm="learning",
        phase="running",
        language="en",
        strategy_revision=1,
        catalogue=1,
        version=0,
        decided_at=moment,
        expires_at=moment + 50,
        closes_at=moment + 100,
        evidence=EVIDENCE,
    )
    return plain._replace(**fields)


def fill(conn, program_id=PROGRAM) -> None:
    """At least one row in every table."""
    setup.create_program(conn, program_id, b"s" * 32, 0)
    things = [Program(id="p", title="P"), Site(id="s", title="S"), Group(id="g", site="s"), Member(id="m")]
    with acts.under(conn, acts.act_of(acts.By("key", "k", "change_member"), 0)):
        setup.revise(conn, program_id, things, 0)
    setup.add_memberships(
        conn, program_id, [Membership(member="m", starts_on=date(2026, 1, 1), group="g", seat=1)], 0
    )
    links.add_links(
        conn, program_id, "group", [("g", Link(relation="catchment", starts_on=date(2026, 1, 1), to="c"))], 0
    )
    merges.add_merge(conn, program_id, "m2", merges.Merged("m", date(2026, 1, 1)), 0)
    reported = ("app", "e1", "member", "m", "g", "attendance", 1, 5, "self", None, None, 6)
    signals.insert_signals(conn, program_id, [signals.Recorded(*reported)])
    made = make_decision()
    decisions.insert_decisions(conn, program_id, [made])
    decisions.insert_answers(conn, program_id, [(made.decision_id, 1, Answered("done", None, 7, 8))])
    decisions.insert_outcomes(conn, program_id, [("s", OutcomeRow(made.decision_id, 1, 0.5, "signals", 9))])
    beliefs.insert_entries(conn, program_id, "s", [beliefs.Entry(made.decision_id, 1, 1, 0.5)])
    beliefs.publish(conn, program_id, beliefs.Version("s", 1, 1, 0, 0, 10))
    hyperparameters.insert_hyperparameters(conn, program_id, "s", 1, PooledLinear())
    judged = Judged(1, 1, 1, 0.0, None, None, (), met=True)
    promotions.insert_promotion(conn, program_id, promotions.Promoted("s", 2, judged, 10))
    beliefs.claim(conn, program_id, "s", 2, "me", 0, 100)
    held = resources.Reservation(made.decision_id, Resource("fund", "2026-01"), 5, 50)
    resources.insert_reservations(conn, program_id, [held])
    resources.write_counters(conn, program_id, {("fund", "2026-01"): 5})
    plan = plans.Plan(uuid7(1), "s", "c", "2026-W11", 1, 1, 1, 2, NO_PLAN)
    plans.insert_plan(conn, program_id, plan)
    visit = (plan.plan_id, 1, plan.period, made.decision_id, "group", "g", "asha", 45, "drawn", None, None, 1)
    plans.insert_visits(conn, program_id, [plans.Visit(*visit)])
    assigned = assignments.Assignment("t", "g", "g", "all", 0, "arm", "hash", 1)
    assignments.add(conn, program_id, [assigned])
    units.write_tallies(conn, program_id, [("member", "m", b"tally")])
    conn.execute(
        t.nodes.insert(),
        {"program_id": program_id, "strategy_id": "s", "node": "", "version": 1, "state": b""},
    )
    event = events.Event("e", "", 0, 0, b"d", True, "a", 2**32, 0, 1, 2, NO_RANK)
    events.insert_events(conn, program_id, [event])
    events.insert_reports(conn, program_id, [(event.key, Said("activation", None, 2))])
    events.insert_entries(conn, program_id, [events.EventEntry("e", "", 1, 1, 0.0)])
    erasures.insert_tombstones(
        conn, program_id, [erasures.Tombstone(uuid7(3), "s", 1, "g", date(2026, 1, 1))]
    )
    of_program = seals.leaves_where(conn, t.programs, t.programs.c.program_id == program_id)
    [(part, stored)] = seals.parts_of(t.programs, b"".join(of_program))
    seal = seals.add(conn, program_id, "night", seals.Body((part,)), 11)
    seals.add_parts(conn, program_id, seal.number, [stored])
    key = keys.ApiKey(program_id, "k", ("read",), "staff", 0, None, None)
    keys.insert_key(conn, key, keys.digest("secret"))
    asked = kept_answers.Asked(key.key_id, "a-change", b"digest")
    kept_answers.write(conn, program_id, asked, b"{}", 0)
    link = page_links.PageLink(program_id, "l", "worklist", "adviser", "adviser", 0, 1, None)
    page_links.insert_link(conn, link, page_links.digest("token"))
    console_sessions.insert_session(conn, console_sessions.Session(program_id, key.key_id, 0, 1), b"digest")
    EVALUATIONS.insert(conn, program_id, [Asked("e", b"{}", 0, None)])
    REPORTS.insert(conn, program_id, [Asked("r", b"{}", 0, None)])
    conn.execute(t.facts.insert(), {"name": program_id[-8:], "value": "no"})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as opened:
        yield opened


@pytest.fixture
def program(database: Database) -> str:
    """An empty program."""
    with database.write() as conn:
        setup.create_program(conn, PROGRAM, b"s" * 32, 0)
    return PROGRAM


@pytest.fixture
def decision():
    """Makes decisions; see `make_decision`."""
    return make_decision


@pytest.fixture
def filled(database: Database) -> Database:
    """The database with at least one row in every table."""
    with database.write() as conn:
        fill(conn)
    return database


@pytest.fixture
def other_program() -> str:
    return OTHER


@pytest.fixture(scope="session")
def fill_program():
    """Fills a program's tables; see `fill`."""
    return fill


@pytest.fixture(scope="module")
def module_fill():
    """The same, for fixtures that a whole file shares."""
    return fill
