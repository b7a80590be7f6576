"""Small programs in which health workers' weeks are planned. Everybody in them is synthetic.

Week 2026-W11 begins a day before `START`, a Tuesday.
"""

from datetime import date
from typing import Any

import msgspec

from engagement.actions.chw_linkage import ChwLinkage
from engagement.errors import Mistake
from engagement.signals.rhythm import EveryWeeks
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.planning import Planning
from engagement.strategy.setup import Budget, Consent, Group, HealthWorker, Link, Member, Membership
from engagement.strategy.strategy import Outcome, Strategy
from engagement.workflows.ingest import ingest
from engagement.workflows.link import Linking, link
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.plan_told import PlanSeen, plan_seen
from engagement.workflows.revise import revise
from engagement.workflows.seat import seat as sit
from support.peer_groups import PLAN, Here, a_program, held, ms

WEEK, NEXT_WEEK = "2026-W11", "2026-W12"
MONDAY = date(2026, 3, 9)
LINKED_ON = date(2025, 1, 1)
RHYTHM = EveryWeeks(first_on=date(2025, 12, 30))
"""Expected every four weeks: 70, 42 and 14 days before the start, and 14 days after it."""
VISIT = ChwLinkage(id="visit", title="The health worker visits the group", level="group", minutes=45)
OTHER = ChwLinkage(id="clinic", title="A day at the clinic", level="group", minutes=60)
PLANNED = Strategy(
    id="visits",
    title="Shares the visits of the week",
    level="group",
    actions=("visit",),
    cadence="week",
    outcome=Outcome("next_meeting_with_three", 35),
    plan=Planning(),
)
HOME_VISIT = ChwLinkage(id="home_visit", title="The health worker visits a member", minutes=45)
PLANNED_MEMBERS = Strategy(
    id="home_visits",
    title="Shares the visits to members",
    actions=("home_visit",),
    cadence="week",
    plan=Planning(),
)
BOTH = Strategy(
    id="groups",
    title="Chooses for groups",
    level="group",
    actions=("visit", "clinic"),
    outcome=Outcome("next_meeting_with_three", 35),
)


SHARED = Consent(health_worker=True)


def a_planned_program(db: Database, *, budgets: tuple[Budget, ...] = (), **changes: Any) -> Here:
    """A program with a strategy that plans visits. changes : of that strategy"""
    cost = {"cost_minor": 100, "payer": budgets[0].id} if budgets else {}
    plan = msgspec.structs.replace(
        PLAN,
        budgets=(*PLAN.budgets, *budgets),
        actions=(*PLAN.actions, msgspec.structs.replace(VISIT, **cost), OTHER),
        strategies=(*PLAN.strategies, msgspec.structs.replace(PLANNED, **changes), BOTH),
    )
    return a_program(db, plan)


def add_groups(here: Here, pool: str, *names: str, met: int = 1, **fields: Any) -> None:
    """Groups that live in a catchment and met every time so far, or with 0 never."""
    things = [Group(id=name, site="here", rhythm=RHYTHM, **fields) for name in names]
    here.run(revise, things)
    here.run(link, [linking("group", name, "catchment", pool) for name in names])
    here.run(ingest, [held(name, day, met) for name in names for day in (-70.0, -42.0, -14.0)])


def add_members(here: Here, group: str, *names: str, consent: Consent = SHARED, **fields: Any) -> None:
    """Members in seats 1, 2, … of a group; they agree that the health worker comes."""
    here.run(revise, [Member(id=name, consent=consent, **fields) for name in names])
    memberships = [
        Membership(member=name, group=group, seat=seat, starts_on=LINKED_ON)
        for seat, name in enumerate(names, start=1)
    ]
    told = here.run(sit, memberships)
    assert not [one for one in told if isinstance(one, Mistake)], told


def add_worker(here: Here, pool: str, name: str, *, hours: float = 2.0, **fields: Any) -> None:
    """A health worker of a catchment; two hours are two visits of 45 minutes."""
    here.run(revise, [HealthWorker(id=name, hours_a_week=hours, **fields)])
    here.run(link, [linking("health_worker", name, "catchment", pool)])


def linking(kind: Any, unit: str, relation: Any, to: str) -> Linking:
    return Linking(kind, unit, Link(relation=relation, starts_on=LINKED_ON, to=to))


def planned(here: Here, day: float = 0.0, **ask: Any) -> list[PlanSeen]:
    """Plans the week as staff sees it; a pool that cannot be planned fails the test."""
    made = plan_week(here.db, here.kept, here.id, PlanAsk(**ask), ms(day))
    mistakes = [row.mistake for row in made.pools if row.mistake is not None]
    assert not mistakes, mistakes
    return [seen(here, str(row.plan_id), day) for row in made.pools]


def seen(here: Here, plan_id: str, day: float = 0.0) -> PlanSeen:
    """A plan as staff sees it."""
    with here.db.read(here.id) as conn:
        return plan_seen(conn, Kept(), here.id, plan_id, "staff", ms(day))
