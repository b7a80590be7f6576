"""Phases, and what the set-up refuses."""

from datetime import date
from math import isnan
from typing import get_args

import msgspec
import pytest

from engagement.actions.action import Barrier
from engagement.actions.nudge import Nudge
from engagement.signals.features import BARRIERS
from engagement.strategy.setup import (
    Barriers,
    Catalogue,
    Group,
    Member,
    Membership,
    Program,
    Site,
    months_to_end,
    phase,
)
from engagement.strategy.strategy import Strategy

ENDS_ON = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("handover_days", "today", "expected"),
    [
        (10, date(2026, 12, 21), "running"),
        (10, date(2026, 12, 22), "handover"),  # the first of the last ten days
        (10, date(2026, 12, 31), "handover"),
        (10, date(2027, 1, 1), "sustaining"),
        (0, date(2026, 12, 31), "running"),
        (0, date(2027, 1, 1), "sustaining"),
    ],
)
def test_the_phase_at_its_edges(handover_days, today, expected):
    site = Site(id="s", title="S", ends_on=ENDS_ON, handover_days=handover_days)
    assert phase(site, today) == expected


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date(3000, 1, 1), date.max])
def test_a_site_ends_on_a_day_from_which_one_can_look_back_and_ahead(day):
    with pytest.raises(ValueError, match="between 1970 and 2999"):
        Site(id="here", title="Here", ends_on=day)


def test_a_site_without_an_end_keeps_running():
    assert phase(Site(id="s", title="S"), date(2099, 1, 1)) == "running"


@pytest.mark.parametrize(("today", "days"), [(date(2026, 12, 1), 30), (ENDS_ON, 0), (date(2027, 1, 30), -30)])
def test_months_to_the_end_are_thirty_days_and_a_bit_each(today, days):
    # 365.25 / 12 = 30.4375, rounded to 30.44
    assert months_to_end(Site(id="s", title="S", ends_on=ENDS_ON), today) == pytest.approx(days / 30.44)


def test_without_an_end_nobody_knows_the_months():
    assert isnan(months_to_end(Site(id="s", title="S"), ENDS_ON))


def test_a_time_zone_must_exist():
    with pytest.raises(msgspec.ValidationError, match="`Asia/Atlantis`"):
        msgspec.convert({"id": "p", "title": "P", "time_zone": "Asia/Atlantis"}, Program)


@pytest.mark.parametrize("zone", ["", "../etc/passwd", "/etc/localtime", "Asia"])
def test_a_time_zone_that_is_a_path_is_refused_like_any_other(zone):
    with pytest.raises(msgspec.ValidationError, match="IANA"):
        msgspec.convert({"id": "p", "title": "P", "time_zone": zone}, Program)


@pytest.mark.parametrize("half", [{"group": "g"}, {"seat": 1}])
def test_a_group_and_a_seat_come_together(half):
    with pytest.raises(msgspec.ValidationError, match="needs a"):
        msgspec.convert({"member": "m", "starts_on": "2026-01-01"} | half, Membership)


@pytest.mark.parametrize("whole", [{"group": "g", "seat": 1}, {"reason": "left"}])
def test_with_both_or_neither_it_is_a_membership(whole):
    membership = msgspec.convert({"member": "m", "starts_on": "2026-01-01"} | whole, Membership)
    assert membership.member == "m"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Program, {"title": "P", "currency": "rupees"}),
        (Program, {"title": "P", "language": "English"}),
        (Site, {"title": "S", "handover_days": -1}),
        (Group, {"site": "s", "setting": "suburb"}),
        (Group, {"site": "s", "phone": "+91"}),
        (Membership, {"member": "m", "starts_on": "2026-01-01", "group": "g", "seat": 0}),
    ],
    ids=str,
)
def test_what_the_set_up_cannot_be_is_refused(kind, fields):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "x"} | fields, kind)


def test_a_strategys_actions_are_offered_in_its_own_order():
    actions = {name: Nudge(id=name, title=name) for name in "abc"}
    strategy = Strategy(id="s", title="S", actions=("c", "a"))
    catalogue = Catalogue(1, Program(id="p", title="P"), {}, {}, actions, {"s": strategy}, {"s": 1})
    assert [action.id for action in catalogue.offered(strategy)] == ["c", "a"]


def test_barriers_are_the_same_wherever_they_are_named():
    assert tuple(BARRIERS) == Barriers.__struct_fields__ == get_args(Barrier)


def test_only_barriers_that_were_answered_are_known():
    assert Barriers(money="yes", time="no").known() == (("money", True), ("time", False))
    assert Barriers().known() == ()


def test_a_barrier_needs_the_day_of_its_check():
    with pytest.raises(ValueError, match="barriers_checked_on"):
        Member(id="m", barriers=Barriers(money="no"))
    checked = Member(id="m", barriers=Barriers(money="no"), barriers_checked_on=ENDS_ON)
    assert checked.barriers_checked_on == ENDS_ON


def test_a_condition_is_named_once():
    with pytest.raises(ValueError, match="twice"):
        Member(id="m", conditions=("diabetes", "diabetes"))


@pytest.mark.parametrize("code", ["", "a1", "500001", "12 Main Street", "LONGER-THAN8", "A\n", "A_1"])
def test_a_neighbourhood_is_a_short_code_and_nothing_finer(code):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "m", "neighbourhood": code}, Member)


def test_a_neighbourhood_code_is_the_program_s_own():
    assert msgspec.convert({"id": "m", "neighbourhood": "W-12"}, Member).neighbourhood == "W-12"
