"""The end comes, and is moved: two sites that end at different times, and one that is extended."""

from datetime import UTC, date, datetime

import pytest

from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.store import decisions, setup
from engagement.strategy.setup import Program, Site
from engagement.strategy.strategy import Fallback, Strategy
from engagement.workflows.program import Template
from engagement.workflows.replay import replay_decisions
from engagement.workflows.revise import revise
from support.peer_groups import START, a_program, ask, decided, seat


def for_one(name, title, payer):
    """An incentive for a single member."""
    return Incentive(id=name, title=title, cost_minor=50, payer=payer, level="member", individual=True)


PLAN = Template(
    program=Program(id="program", title="Peer groups", default_strategy="learned"),
    sites=(
        Site(id="a", title="A", ends_on=date(2026, 6, 30)),
        Site(id="b", title="B", ends_on=date(2026, 12, 31)),
    ),
    actions=(
        Nudge(id="call", title="The adviser calls"),
        for_one("token", "A token for the way", "program"),
        for_one("scheme", "The state's own allowance", "state"),
    ),
    strategies=(
        Strategy(
            id="learned",
            title="Learns",
            actions=("call", "token", "scheme"),
            fallback=Fallback("reminder", ("call",)),
        ),
    ),
)
LAST_DAY = (datetime(2026, 6, 30, 6, 30, tzinfo=UTC) - START).days
FIRST_OF_JULY = LAST_DAY + 1.0
FIRST_OF_AUGUST = LAST_DAY + 32.0


@pytest.fixture
def here(db):
    """A member m0 at site A, and m1 at site B."""
    made = a_program(db, PLAN)
    seat(made, "g0,m0,1,a", "g1,m1,1,b", columns="group,member,seat,site")
    return made


def extend(here, day):
    here.run(revise, [Site(id="a", title="A", ends_on=date(2026, 9, 30))], day=day)


def refused(answer):
    return {row.action: row.reason for row in answer.unavailable}


def test_the_day_after_only_the_site_that_has_ended_is_sustaining(here):
    phases = [answer.phase for answer in ask(here, "m0", "m1", day=FIRST_OF_JULY)]
    assert phases == ["sustaining", "running"]


def test_what_the_program_pays_is_unavailable_there_and_all_else_remains(here):
    ended, running = ask(here, "m0", "m1", day=FIRST_OF_JULY)
    assert refused(ended) == {"token": "payer_ended"}
    assert {row.action for row in ended.chances if row.probability > 0} >= {"call", "scheme"}
    assert refused(running) == {}


def test_on_the_last_day_the_program_still_pays(here):
    (last,) = ask(here, "m0", day=float(LAST_DAY))
    assert (last.phase, refused(last)) == ("handover", {})


def test_an_extension_changes_phases_and_payers_from_then_on(here):
    ask(here, "m0", day=FIRST_OF_JULY)
    extend(here, FIRST_OF_JULY + 10)
    (after,) = ask(here, "m0", day=FIRST_OF_AUGUST)
    assert (after.phase, refused(after)) == ("handover", {})


def test_an_extension_leaves_every_stored_decision_as_it_was(here):
    made = decided(here, "m0", "m1", day=FIRST_OF_JULY)
    before = here.read(decisions.by_id, made)
    extend(here, FIRST_OF_JULY + 10)
    assert here.read(decisions.by_id, made) == before
    assert before[made[0]].phase == "sustaining"
    with here.db.read() as conn:
        verdicts = list(replay_decisions(conn, here.kept, here.id, made, deep=True))
    assert [verdict.agrees for verdict in verdicts] == [True, True]


def test_asked_again_the_decision_of_before_the_extension_is_told_as_it_was(here):
    before = ask(here, "m0", day=FIRST_OF_JULY)
    extend(here, FIRST_OF_JULY + 10)
    assert ask(here, "m0", day=FIRST_OF_JULY + 11) == before


def test_both_ends_of_a_moved_site_are_on_record(here):
    extend(here, FIRST_OF_JULY + 10)
    told = here.read(setup.history, "site", ["a"])["a"]
    assert [site.ends_on.isoformat() for site, _ in told] == ["2026-06-30", "2026-09-30"]
