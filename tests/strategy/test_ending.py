"""What ends at a site, on which day, and what stays: the same as availability has it, day by day."""

from datetime import date, timedelta

import msgspec
import pytest

from engagement.actions.availability import Reason, Situation, refusals
from engagement.actions.catalogue import AnyAction
from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.actions.taper import Step
from engagement.strategy.ending import last_day, offered, stays_free, when
from engagement.strategy.setup import Catalogue, Program, Site, days_to_end, phase
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import DEFAULT_TEMPLATE, template

SITE = Site(id="s", title="S", ends_on=date(2026, 6, 30))
OPEN_END = Site(id="s", title="S")
TAPERED = Incentive(
    id="tapered",
    title="T",
    cost_minor=10,
    payer="state",
    taper=(Step(days_before_end=60, cost_minor=5), Step(days_before_end=10, cost_minor=0)),
)
ALL: tuple[AnyAction, ...] = (
    *template(DEFAULT_TEMPLATE).actions,
    TAPERED,
    Nudge(id="until", title="U", payer="state", payer_until=date(2026, 5, 5)),
)


def open_on(action: AnyAction, day: date) -> bool:
    situation = Situation(
        phase(SITE, day), day, 1, True, ("en",), (), days_to_end=days_to_end(SITE, day)
    )  # fmt: skip
    code = Reason(int(refusals([action], [situation])[0, 1]))
    return code not in (Reason.PHASE, Reason.PAYER_ENDED, Reason.STAFF_ENDED, Reason.TAPERED)


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.id)
def test_the_last_day_is_the_last_on_which_it_is_available(action: AnyAction) -> None:
    last = last_day(action, SITE)
    if last is None:
        assert all(open_on(action, date(2026, 7, 1) + timedelta(days=days)) for days in range(0, 400, 40))
    else:
        assert open_on(action, last)
        assert not any(open_on(action, last + timedelta(days=days)) for days in range(1, 400, 13))


def test_the_last_days_of_the_template_are_those_worked_out_by_hand() -> None:
    days = {action.id: last_day(action, SITE) for action in ALL}
    assert days["goal_reminder"] is None
    assert days["transport_token"] == days["adviser_call"] == days["group_transport"] == date(2026, 6, 30)
    assert days["small_prize"] == date(2026, 3, 30)  # `running` ends 92 days before
    assert days["tapered"] == date(2026, 6, 19)
    assert days["until"] == date(2026, 5, 5)


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.id)
def test_where_no_end_is_set_only_a_payer_ends(action: AnyAction) -> None:
    assert last_day(action, OPEN_END) == action.payer_until


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 3, 29), "before"),
        (date(2026, 3, 30), "near"),
        (date(2026, 6, 30), "near"),
        (date(2026, 7, 1), "over"),
    ],
)
def test_a_group_is_told_three_months_ahead(today: date, expected: str) -> None:
    assert when(SITE, today) == expected
    assert when(OPEN_END, today) == "before"


def test_free_is_what_costs_the_group_nothing_and_ends_nowhere() -> None:
    free = {action.id for action in ALL if stays_free(action, SITE)}
    assert {"goal_reminder", "chw_meeting", "hand_over"} <= free
    assert not free & {"clinic_day", "transport_token", "schemes_help", "tapered", "until"}


def test_only_what_a_running_strategy_offers_counts() -> None:
    a, b, c = (Nudge(id=name, title=name) for name in "abc")
    first = Strategy(id="first", title="F", actions=("a", "b"))
    paused = Strategy(id="paused", title="P", actions=("c",), paused=True)
    actions = {"a": a, "b": msgspec.structs.replace(b, retired=True), "c": c}
    program = Program(id="p", title="P")
    strategies = {"first": first, "paused": paused}
    assert offered(Catalogue(1, program, {}, {}, actions, strategies, {})) == [a]
