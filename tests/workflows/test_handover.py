"""What a group and the new keeper are told as a program ends at their site, and what no page may hold."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from scipy.stats import norm

from engagement.actions.catalogue import AnyAction
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.api.pages.handover import goodbye_sheets, handover_sheets
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.errors import NotFound
from engagement.signals.rhythm import EveryMonth, EveryWeeks
from engagement.store import decisions, setup
from engagement.strategy.replay import scored
from engagement.strategy.setup import Barriers, Budget, Group, HealthWorker, Link, Member, Site
from engagement.strategy.strategy import Outcome, Strategy
from engagement.workflows.access import create_key
from engagement.workflows.answer import Reply, answer
from engagement.workflows.group_handed import GroupHanded
from engagement.workflows.handover import Handover, handover
from engagement.workflows.ingest import ingest
from engagement.workflows.keeper import KeeperWanted
from engagement.workflows.link import Linking, link
from engagement.workflows.month import Asked, tell_months
from engagement.workflows.month_told import GoalNew, Month
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.tried import FEW, may_be_told
from engagement.workflows.wording import LANGUAGES, words_in
from support.peer_groups import PLAN, Here, a_program, ms, said, seat

ENDS_ON = date(2026, 6, 30)
"""112 days from the start, which is 10 March."""
BEFORE, NEAR, OVER = 5.0, 30.0, 120.0
VISIT = ChwLinkage(id="visit", title="The health worker comes", level="group", cost_minor=9, payer="state")
THANKS = Nudge(id="thanks", title="The group thanks", level="group")
PRIZE = Incentive(
    id="prize", title="A prize", cost_minor=50, payer="program", earned_by=("attendance",), needs_accept=False
)
STAFFED = Nudge(id="staffed", title="Staff call", carrier="staff")
SECRET = Nudge(id="secret", title="It passes", barrier="sabotage")
ACTIONS: tuple[AnyAction, ...] = (VISIT, THANKS, PRIZE, STAFFED, SECRET)
FOR_GROUPS = Strategy(
    id="for_groups",
    title="For groups",
    level="group",
    actions=("visit", "thanks"),
    allocation=FixedSchedule(order=(1, 2, 0, 1)),
    floor=0.0,
    outcome=Outcome("next_meeting_held", 35),
)
PAID = Strategy(
    id="paid",
    title="Paid",
    level="group",
    actions=("prize",),
    allocation=FixedSchedule(order=(1,)),
    floor=0.0,
    outcome=Outcome("next_meeting_held", 35),
)
FOR_MEMBERS = Strategy(id="for_members", title="For members", actions=("secret", "staffed"))
ENDING = msgspec.structs.replace(
    PLAN,
    program=msgspec.structs.replace(PLAN.program, default_strategy="for_members"),
    sites=(Site(id="here", title="Here", ends_on=ENDS_ON), Site(id="there", title="There")),
    budgets=(Budget(id="program", limit_minor=1_000), Budget(id="state", limit_minor=500)),
    actions=ACTIONS,
    strategies=(FOR_GROUPS, PAID, FOR_MEMBERS),
)


@pytest.fixture
def here(db: Any) -> Here:
    """Groups g (Telugu) and h at a site that ends; m1 leads, m2 is deputy."""
    made = a_program(db, ENDING)
    rhythm = EveryMonth(first_on=date(2026, 1, 1), week="second", weekday="thursday")
    revise(made, Group(id="g", site="here", rhythm=rhythm, language="te"), day=-60)
    revise(made, Group(id="h", site="here"), day=-60)
    roles = {1: "adviser", 2: "deputy"}
    lines = [f"g,m{n},{n},{roles.get(n, 'member')},2026-01-01" for n in range(1, 5)]
    seat(made, *lines, "h,n1,1,member,2026-01-01", columns="group,member,seat,role,joined_on")
    return made


def revise(here: Here, *things: Any, day: float = 0.0) -> None:
    with here.db.write() as conn:
        setup.revise(conn, here.id, things, ms(day))


def handed(here: Here, day: float, language: str = "", site: str = "here") -> Handover:
    return here.run(handover, KeeperWanted(site, language), day=day)  # type: ignore[arg-type]  # gives one


def of_group(here: Here, day: float, **more: Any) -> GroupHanded:
    return handed(here, day, **more).groups[0]


def suggest(here: Here, day: float, strategy: str = "for_groups", **unit: str) -> Any:
    (told,) = here.run(recommend, [Ask(strategy=strategy, **(unit or {"group": "g"}))], day=day)
    return told


def say(here: Here, decision: str, status: str, day: float) -> None:
    (told,) = here.run(answer, [(decision, Reply(status))], day=day)  # type: ignore[arg-type]  # one of the words
    assert not isinstance(told, Exception), told


# --- a group's page --------------------------------------------------------------------------------------


def test_it_tells_who_leads_and_when_the_next_six_meetings_are(here: Here) -> None:
    page = of_group(here, NEAR)
    assert (page.group, page.adviser, page.deputies) == ("g", 1, (2,))
    assert [meeting.on for meeting in page.meetings] == [
        date(2026, 4, 9), date(2026, 5, 14), date(2026, 6, 11),
        date(2026, 7, 9), date(2026, 8, 13), date(2026, 9, 10),
    ]  # fmt: skip
    other = handed(here, NEAR).groups[1]
    assert (other.adviser, other.deputies, other.meetings[0].any_day) == (None, (), True)


def test_six_meetings_are_told_of_the_slowest_rhythm_too(here: Here) -> None:
    rhythm = EveryWeeks(first_on=date(2026, 4, 20), weeks=26)
    revise(here, Group(id="g", site="here", rhythm=rhythm), day=1)
    apart = timedelta(weeks=26)
    assert [row.on for row in of_group(here, NEAR + 2).meetings] == [
        date(2026, 4, 20) + place * apart for place in range(6)
    ]


def test_a_virtual_group_has_no_dates_and_one_that_ended_no_page(here: Here) -> None:
    revise(here, Group(id="g", site="here", type="virtual"), Group(id="h", site="here", ended=True))
    (page,) = handed(here, NEAR).groups
    assert (page.group, page.meetings) == ("g", ())


def test_it_tells_open_goals_by_seat_and_what_was_paid_into_the_fund(here: Here) -> None:
    told = Month(held=True, present=(1, 2), new_goals=(GoalNew(2, "food"),))
    here.run(tell_months, [Asked("g", told)], day=2.3)
    paid = [said("fund_contribution", day, 5_000, member=who) for who, day in (("m1", 2.3), ("m2", 2.4))]
    here.run(ingest, [*paid, said("fund_contribution", 2.5, 0, member="m3")], day=3)
    page = of_group(here, NEAR, language="en")
    assert [(goal.seat, goal.words) for goal in page.goals] == [(2, "food")]
    assert page.fund is not None
    assert (page.fund.paid_minor, page.fund.last_on) == (10_000, date(2026, 3, 12))
    assert handed(here, NEAR).groups[1].fund is None


def test_a_health_worker_is_named_by_id_as_long_as_she_works_here(here: Here) -> None:
    revise(here, HealthWorker(id="hw-1"))
    to = Link(relation="health_worker", starts_on=date(2026, 1, 1), to="hw-1")
    here.run(link, [Linking("group", "g", to)])
    assert of_group(here, NEAR).health_workers == ("hw-1",)
    revise(here, HealthWorker(id="hw-1", ended=True), day=1)
    assert of_group(here, NEAR).health_workers == ()


def test_what_stops_and_what_stays_is_told_three_months_ahead_and_after(here: Here) -> None:
    early, near, over = (of_group(here, day) for day in (BEFORE, NEAR, OVER))
    assert (early.when, near.when, over.when) == ("before", "near", "over")
    assert early.stops == early.stays == ()
    for page in (near, over):
        assert [(row.action, row.last_day) for row in page.stops] == [
            ("prize", ENDS_ON),
            ("staffed", ENDS_ON),
        ]
        assert {row.action: row.by for row in page.stays} == {
            "visit": "health", "thanks": "own", "secret": "own",
        }  # fmt: skip


def live_four_months(here: Here) -> None:
    """A visit, thanks, nothing, a visit, all done; then the meeting is held, held, not held, unheard."""
    second_thursdays = {0.0: None, 30.0: 1, 65.0: 1, 93.0: 0}
    for day, value in second_thursdays.items():
        if value is not None:
            here.run(ingest, [said("meeting_held", day + 0.3, value, group="g")], day=day + 0.4)
        made = suggest(here, day + 0.5)
        if made.action.id != "none":
            say(here, made.decision_id, "done", day + 0.6)
    here.fold(day=OVER + 10)


def test_what_was_tried_is_told_in_counts_beside_what_followed_on_nothing(here: Here) -> None:
    live_four_months(here)
    visit, thanks = of_group(here, OVER + 11, language="en").tried
    assert (visit.action, visit.suggested, visit.done, visit.well, visit.known) == ("visit", 2, 2, 1, 1)
    assert (thanks.action, thanks.suggested, thanks.done, thanks.well, thanks.known) == ("thanks", 1, 1, 1, 1)
    assert (visit.nothing_well, visit.nothing_known) == (0, 1)
    assert visit.known < FEW
    assert visit.sentence.startswith(
        "Suggested: 2. Done: 2. After it the next meeting was held 1 of 1 times. "
        "With nothing extra: 0 of 1. Too few here to say. "
    )


def test_how_sure_follows_from_what_the_last_decision_was_made_with(here: Here) -> None:
    suggest(here, 0.5)
    here.run(ingest, [said("meeting_held", 30.3, 1, group="g")], day=30.4)
    before = of_group(here, 31, language="en").tried
    assert all(row.chance is None and "Nothing is learned about it yet." in row.sentence for row in before)
    here.fold(day=60)
    made = suggest(here, 61)
    (stored,) = here.read(decisions.by_id, [made.decision_id]).values()
    mean, sd = (row[0] for row in scored(stored.evidence)[1:3])
    for row in of_group(here, 62, language="en").tried:
        place = stored.evidence.actions.index(row.action)
        expected = norm.cdf(mean[place] - mean[0], scale=(sd[place] ** 2 + sd[0] ** 2) ** 0.5)
        assert row.chance == pytest.approx(expected, abs=1e-12)
        assert f"about {round(100 * expected)} in 100" in row.sentence


def test_of_members_only_what_the_adviser_carries_out_is_told_and_nothing_of_their_homes() -> None:
    by_adviser = Nudge(id="a", title="A")
    assert may_be_told(by_adviser)
    for change in ({"carrier": "app"}, {"barrier": "sabotage"}, {"contacts_family": True}):
        assert not may_be_told(msgspec.structs.replace(by_adviser, **change))
    assert not may_be_told(ChwLinkage(id="v", title="V"))
    assert may_be_told(ChwLinkage(id="v", title="V", level="group"))


def test_barriers_readings_and_doubts_change_no_letter_of_a_groups_page(here: Here) -> None:
    suggest(here, 0.5, "for_members", member="m3")
    before = of_group(here, NEAR)
    barriers = Barriers(sabotage="yes", motivation="yes", money="yes")
    revise(here, Member(id="m3", barriers=barriers, barriers_checked_on=date(2026, 3, 1)), day=1)
    kinds = {"motivation": 1, "family_sabotage": 1, "pressure_controlled": 0, "glucose_controlled": 0}
    told = here.run(ingest, [said(kind, 2, value, member="m3") for kind, value in kinds.items()], day=3)
    assert [one.status for one in told] == ["stored"] * len(kinds)  # type: ignore[union-attr]  # a mistake has none and fails
    assert of_group(here, NEAR) == before


# --- languages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", *LANGUAGES])
def test_each_page_is_in_its_language_and_marked_as_a_draft(here: Here, language: str) -> None:
    told = handed(here, NEAR, language)
    assert [page.language for page in told.groups] == [language or "te", language or "en"]
    assert told.keeper.language == (language or "en")
    for sheets in (handover_sheets(told), goodbye_sheets(told)):
        for page in told.groups:
            assert f'<article lang="{page.language}">' in sheets
            assert words_in(page.language).say("draft") in sheets
    assert handover_sheets(told).count("<article") == 3
    assert goodbye_sheets(told).count("<article") == 2


def test_the_file_stands_alone(here: Here) -> None:
    sheets = handover_sheets(handed(here, NEAR))
    assert not {
        word for word in ("<script", "http://", "https://", '<link rel="stylesheet') if word in sheets
    }
    assert "{" not in sheets.partition("</style>")[2]


# --- the new keeper's page -------------------------------------------------------------------------------


def test_keys_are_told_without_their_secrets_and_only_live_ones(here: Here) -> None:
    with here.db.write() as conn:
        live = create_key(conn, here.id, ("read",), "staff", ms(0), ms(200))
        create_key(conn, here.id, ("read",), "staff", ms(0), ms(1))
    told = handed(here, NEAR)
    assert [key.key_id for key in told.keeper.keys] == [live.key.key_id]
    written = handover_sheets(told) + msgspec.json.encode(told).decode()
    assert live.text.split("_", 2)[2] not in written


def test_money_left_and_promises_open(here: Here) -> None:
    suggest(here, NEAR, "paid")
    told = handed(here, NEAR + 1).keeper
    budget, state = told.budgets
    assert (budget.payer, budget.period, budget.left_minor, budget.last_day) == (
        "program",
        "2026-04",
        950,
        ENDS_ON,
    )
    assert (state.payer, state.left_minor, state.last_day) == ("state", 500, None)
    (promise,) = told.promises
    assert (promise.group, promise.seat, promise.title, promise.earned) == ("g", None, "A prize", False)
    assert promise.due_on == date(2026, 4, 30)


def test_consent_is_counted_by_purpose(here: Here) -> None:
    consents = {row.purpose: (row.agreed, row.asked) for row in handed(here, NEAR).keeper.consents}
    assert consents["messages"] == (5, 5)
    assert consents["family"] == consents["research"] == (0, 5)


def test_an_open_case_is_told_to_whoever_keeps_the_site_and_to_no_group(here: Here) -> None:
    here.run(ingest, [said("distress", 1, member="m3")], day=2)
    told = handed(here, 2.1)
    assert [row.kind for row in told.keeper.cases] == ["distress"]
    assert handed(here, 2.1, site="there").keeper.cases == ()
    groups = msgspec.json.encode(told.groups).decode()
    assert "distress" not in groups
    assert "m3" not in groups


def test_counts_are_those_of_the_site_and_an_unknown_one_is_refused(here: Here) -> None:
    keeper = handed(here, NEAR).keeper
    assert (keeper.groups, keeper.members, keeper.phase) == (2, 5, "handover")
    assert {row.strategy for row in keeper.strategies} == {"for_groups", "paid", "for_members"}
    with pytest.raises(NotFound):
        handed(here, NEAR, site="nowhere")
