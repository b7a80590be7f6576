"""What may be said of an action, and that it survives being written down."""

from datetime import date
from typing import get_args

import msgspec
import pytest

from engagement.actions.action import READER_OF, Carrier, Id
from engagement.actions.catalogue import AnyAction
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge

EVERY_KIND = [
    Nudge(id="goal-reminder", title="Goal reminder", barrier="motivation", cool_down_days=7, monthly_cap=4),
    Incentive(id="token", title="Token", cost_minor=5_000, payer="fund", payer_until=date(2026, 12, 31)),
    ChwLinkage(id="visit", title="Visit", level="group", minutes=45, phases=("handover", "sustaining")),
]

each_kind = pytest.mark.parametrize("action", EVERY_KIND, ids=lambda action: action.id)


def read(**fields):
    """A nudge as a caller sends it."""
    return msgspec.convert({"kind": "nudge", "id": "a", "title": "A"} | fields, AnyAction)


@each_kind
def test_an_action_written_as_json_reads_as_itself(action):
    assert msgspec.json.decode(msgspec.json.encode(action), type=AnyAction) == action


@each_kind
def test_an_action_read_from_toml_is_the_same(action):
    plain = msgspec.to_builtins(action, builtin_types=(date,))  # TOML has dates of its own, and no null
    given = {name: value for name, value in plain.items() if value is not None}
    lines = [
        f"{name} = {value if isinstance(value, date) else msgspec.json.encode(value).decode()}"
        for name, value in given.items()
    ]
    assert msgspec.toml.decode("\n".join(lines), type=AnyAction) == action


@pytest.mark.parametrize(
    ("kind", "waits", "carrier"),
    [("nudge", False, "adviser"), ("incentive", True, "adviser"), ("chw_linkage", True, "health_worker")],
)
def test_each_kind_says_who_carries_it_out_and_whether_it_waits_for_a_yes(kind, waits, carrier):
    action = msgspec.convert({"kind": kind, "id": "a", "title": "A"}, AnyAction)
    assert (action.needs_accept, action.carrier) == (waits, carrier)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "prayer"},
        {"colour": "red"},
        {"id": ""},
        {"id": "-a"},
        {"id": "a b"},
        {"id": "a" * 65},
        {"title": ""},
        {"level": "village"},
        {"barrier": "rain"},
        {"cost_minor": -1, "payer": "fund"},
        {"cool_down_days": -1},
        {"monthly_cap": 0},
        {"monthly_cap": 32},
        {"phases": ["beginning"]},
        {"minutes": 601},
        {"burden": -1},
        {"burden": 4},
        {"payer_until": "2026-02-30"},
        {"content": [{"language": "English", "text": "Hello"}]},
        {"content": [{"language": "en", "text": "x" * 501}]},
        {"content": [{"language": "en", "text": "Hello", "status": "blessed"}]},
    ],
    ids=str,
)
def test_what_no_action_can_be_is_refused(fields):
    with pytest.raises(msgspec.ValidationError):
        read(**fields)


def test_the_id_none_is_taken_by_the_action_that_does_nothing():
    with pytest.raises(msgspec.ValidationError, match="built in"):
        read(id="none")


def test_what_costs_money_needs_somebody_who_pays():
    with pytest.raises(msgspec.ValidationError, match="needs a payer"):
        read(cost_minor=1)


def test_two_wordings_for_the_same_reader_on_the_same_channel_are_refused():
    with pytest.raises(msgspec.ValidationError, match="`hi` twice for app and adviser"):
        read(content=[{"language": "hi", "text": "one"}, {"language": "hi", "text": "two"}])


@pytest.mark.parametrize("other", [{"channel": "sms"}, {"audience": "member"}, {"language": "te"}])
def test_another_language_channel_or_reader_has_a_wording_of_its_own(other):
    plain = {"language": "hi", "text": "one"}
    assert len(read(content=[plain, plain | other]).content) == 2


def incentive(**fields):
    """An incentive as a caller sends it."""
    return msgspec.convert({"kind": "incentive", "id": "a", "title": "A"} | fields, AnyAction)


def test_an_incentive_is_for_the_whole_group_unless_said_otherwise():
    assert incentive().level == "group"


def test_an_incentive_for_one_member_is_refused_unless_neighbours_may_differ():
    with pytest.raises(msgspec.ValidationError, match="individual = true"):
        incentive(level="member")


def test_an_incentive_for_one_member_may_be_declared():
    assert incentive(level="member", individual=True).individual


@pytest.mark.parametrize("level", ["group", "adviser"])
def test_neighbours_do_not_differ_where_an_incentive_is_not_for_a_member(level):
    with pytest.raises(msgspec.ValidationError, match="has none"):
        incentive(level=level, individual=True)


def test_somebody_reads_what_each_carrier_is_to_do():
    assert set(READER_OF) == set(get_args(Carrier))


def test_an_id_that_ends_in_a_line_break_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="regex"):
        msgspec.convert("goal_reminder\n", Id)
