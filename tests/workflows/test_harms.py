"""Harms by arm and by action, counted on one's fingers, and the stop rule. Everybody is synthetic."""

import json
from datetime import date, timedelta

import msgspec
import pytest

from engagement.cli import main
from engagement.errors import NotFound
from engagement.estimators.rates import exact
from engagement.store import assignments
from engagement.strategy.allotment import protocol_hash
from engagement.strategy.setup import Group, Site
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Protocol, StopRule, Trial, TrialCondition
from engagement.workflows.answer import Reply, answer
from engagement.workflows.harms import Harms, harms, in_words, look_day, looks
from engagement.workflows.ingest import ingest
from engagement.workflows.report import ReportWanted, report
from engagement.workflows.revise import revise
from engagement.workflows.trial import ToAssign, assign_asked
from support.peer_groups import START, Here, ask, ms, said, seat

FIRST = START.date()
RULE = StopRule(counts=("harm", "died"), most=2.0)
ONE = Strategy(id="one", title="One", actions=("call",))
TRIAL = Trial(
    id="which",
    title="Which?",
    conditions=(
        TrialCondition(id="alone", title="Alone"),
        TrialCondition(id="called", title="Called", strategies=("one",)),
    ),
    starts_on=FIRST,
    blocks=(2,),
    strata=(),
    protocol=Protocol(stop_rule=RULE),
)
MONTH = 30.4375
CUT = 61.0


@pytest.fixture
def tried(here: Here) -> Here:
    """Four groups of three, two in each arm; all assigned on the first day."""
    groups = [Group(id=f"g{n}", site="there") for n in range(4)]
    here.run(revise, [Site(id="there", title="There"), ONE, *groups, TRIAL])
    seat(here, *(f"g{n},m{n}{place},{place}" for n in range(4) for place in (1, 2, 3)))
    here.run(assign_asked, [("which", ToAssign())])
    return here


def groups_of(here: Here, arm: str) -> list[str]:
    return sorted(row.group_id for row in here.read(assignments.of_trial, "which") if row.arm == arm)


def found(here: Here, day: float = CUT, trial: str | None = "which") -> Harms:
    with here.db.read() as conn:
        return harms(conn, here.kept, here.id, trial, ms(day))


def arm(told: Harms, name: str):
    return next(row for row in told.arms if row.arm == name)


def of_kind(rates, kind: str):
    return next(row for row in rates if row.kind == kind)


def test_reports_and_member_months_are_counted_by_arm(tried: Here):
    one, other = groups_of(tried, "alone")
    harmed, gone = f"m{one[1:]}1", f"m{other[1:]}2"
    tried.run(ingest, [said("harm", 10.0, member=harmed), said("left", 30.0, member=gone)], day=31.0)
    told = arm(found(tried), "alone")
    # six members for 61 days from noon, but one of them until the midnight after day 30
    left = 30.5
    assert told.member_months == pytest.approx((5 * CUT + left) / MONTH, rel=1e-6)
    harm = of_kind(told.rates, "harm")
    assert harm.reports == 1
    assert harm.rate == pytest.approx(100 / told.member_months)
    assert (harm.low, harm.high) == pytest.approx(exact(1, told.member_months / 100))
    assert of_kind(told.rates, "left").reports == 1
    assert of_kind(arm(found(tried), "called").rates, "harm").reports == 0


def test_reports_of_one_case_are_one(tried: Here):
    who = f"m{groups_of(tried, 'alone')[0][1:]}1"
    case = [said("harm", day, member=who, chain="case") for day in (10.0, 12.0)]
    tried.run(ingest, [*case, said("harm", 20.0, member=who)], day=21.0)
    assert of_kind(arm(found(tried), "alone").rates, "harm").reports == 2


def test_what_followed_a_suggestion_is_told_by_action(tried: Here):
    people = [f"m{name[1:]}{place}" for name in groups_of(tried, "called") for place in (1, 2, 3)]
    first = ask(tried, *people)
    called = {row.member for row in first if row.action.id == "call"}
    assert 0 < len(called) < len(people)
    harmed = min(called)
    tried.run(
        answer,
        [(str(row.decision_id), Reply("declined", "unsafe")) for row in first if row.member == harmed],
        day=1.0,
    )
    tried.run(ingest, [said("harm", 10.0, member=harmed), said("distress", 50.0, member=harmed)], day=51.0)
    told = {row.action: row for row in found(tried).actions}
    call = told["call"]
    assert (call.suggested, call.refused, call.unsafe) == (len(called), 1, 1)
    # each is watched for the 35 days until the decision closes; what was reported on day 50 came too late
    assert call.member_months == pytest.approx(35 * len(called) / MONTH)
    assert of_kind(call.rates, "harm").reports == 1
    assert of_kind(call.rates, "distress").reports == 0
    assert told["none"].suggested == len(people) - len(called)


def test_a_second_decision_ends_the_watch_of_the_first(tried: Here):
    person = f"m{groups_of(tried, 'called')[0][1:]}1"
    ask(tried, person)
    ask(tried, person, day=24.0)
    told = found(tried).actions
    # from 0 to 24, and from 24 to 59
    assert sum(row.member_months for row in told) == pytest.approx(59 / MONTH)
    assert sum(row.suggested for row in told) == 2


# --- the stop rule ------------------------------------------------------------------------------------


def test_a_rate_that_is_shown_to_be_too_high_breaches_the_rule(tried: Here):
    one, other = groups_of(tried, "called")
    people = [f"m{name[1:]}{place}" for name in (one, other) for place in (1, 2, 3)]
    tried.run(ingest, [said("harm", 10.0, member=who) for who in people[:4]], day=11.0)
    told = found(tried)
    # the second look is on 10 May, day 61: 4 reports in 12 member-months, and 100 times so many are 33
    assert told.stop is not None
    assert (told.stop.look, told.stop.on) == (2, date(2026, 5, 10))
    assert told.stop.breached == ("called",)
    assert told.sentences[0].startswith("The stop rule is breached in called")
    fewer = next(row for row in told.stop.arms if row.arm == "alone")
    assert (fewer.reports, fewer.at_least, fewer.breached) == (0, 0.0, False)


def test_what_came_after_the_look_waits_for_the_next(tried: Here):
    people = [f"m{name[1:]}{place}" for name in groups_of(tried, "called") for place in (1, 2, 3)]
    tried.run(ingest, [said("harm", 40.0, member=who) for who in people[:4]], day=41.0)
    before, after = found(tried, 45.0), found(tried, CUT)
    assert before.stop is not None
    assert before.stop.breached == ()
    called = next(row for row in before.stop.arms if row.arm == "called")
    assert (called.reports, called.now) == (0, 4)
    assert after.stop is not None
    assert after.stop.breached == ("called",)


def test_so_many_at_once_need_no_look(tried: Here):
    rule = msgspec.structs.replace(RULE, at_once=1)
    protocol = msgspec.structs.replace(TRIAL.protocol, stop_rule=rule)
    amended = msgspec.structs.replace(
        TRIAL, protocol=protocol, amendments=({"made_on": str(FIRST), "why": "A death would be too many."},)
    )
    trial = msgspec.convert(msgspec.to_builtins(amended), Trial)
    tried.run(revise, [trial])
    who = f"m{groups_of(tried, 'alone')[0][1:]}1"
    tried.run(ingest, [said("died", 5.0, member=who)], day=6.0)
    told = found(tried, 7.0)
    assert told.stop is not None
    assert (told.stop.look, told.stop.breached) == (0, ("alone",))
    assert "the first look is a month after the start" in told.sentences[1]


def test_without_a_rule_its_words_are_told(here: Here):
    plain = msgspec.structs.replace(TRIAL, protocol=Protocol())
    here.run(revise, [ONE, plain])
    assert found(here).stop is None
    assert found(here).sentences[0].startswith("No stop rule is declared in figures.")


def test_a_protocol_without_a_rule_keeps_its_hash():
    plain = msgspec.structs.replace(TRIAL, protocol=Protocol())
    assert b"stop_rule" not in msgspec.json.encode(plain)
    assert protocol_hash(plain) != protocol_hash(TRIAL)
    assert msgspec.json.decode(msgspec.json.encode(TRIAL), type=Trial) == TRIAL


def test_looks_are_on_the_day_of_the_start_or_the_last_of_a_shorter_month():
    late = msgspec.structs.replace(TRIAL, starts_on=date(2026, 1, 31))
    days = [look_day(late, look) for look in range(4)]
    assert days == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert [looks(late, day) for day in days] == [0, 1, 2, 3]
    assert [looks(late, day - timedelta(days=1)) for day in days[1:]] == [0, 1, 2]


def test_an_unknown_trial_is_said(here: Here):
    with pytest.raises(NotFound, match="no trial"):
        found(here)


def test_without_a_trial_there_are_actions_alone(here: Here):
    told = found(here, trial=None)
    assert (told.arms, told.stop, told.sentences) == ((), None, ())
    assert in_words(told)[-1] == "  Nothing of that kind was reported."


# --- where it is told ---------------------------------------------------------------------------------


def test_the_command_tells_it_after_what_was_found(tried: Here, capsys: pytest.CaptureFixture[str]):
    who = f"m{groups_of(tried, 'alone')[0][1:]}1"
    tried.run(ingest, [said("harm", 5.0, member=who)], day=6.0)
    url = tried.db.url.render_as_string(hide_password=False)
    words = ["trial", "which", "--program", tried.id, "--found", "--on", "2026-05-10", "--database", url]
    assert main(words) == 0
    assert "The stop rule is not breached." in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["harms"]["stop"]["look"] == 2


def test_the_report_holds_it(tried: Here):
    with tried.db.read() as conn:
        told = report(conn, tried.kept, tried.id, ReportWanted(), ms(CUT))
    assert told.harms is not None
    assert told.harms.stop is not None
