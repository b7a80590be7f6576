"""Small programs in a real database: their set-up, members in their seats, and what is said of them.

Time is counted in days from `START`, noon of Tuesday 10 March 2026 in Kolkata. Everything is synthetic.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.setup import Budget, Program, Site
from engagement.strategy.strategy import Fallback, Outcome, Strategy
from engagement.workflows.fold import Folded, fold_program
from engagement.workflows.ingest import Signal
from engagement.workflows.program import Template, create_program
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.roster import RosterReport, import_roster
from engagement.workflows.tell import Recommendation

T = TypeVar("T")
R = TypeVar("R")

START = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)
DAY_MS = 86_400_000
FOLDED = 40.0
"""A day on which everything decided at the start has closed: windows last 35 days."""

CALL = Nudge(id="call", title="The adviser calls")
STORY = Nudge(id="story", title="A story is told", cool_down_days=20)
TOKEN = Incentive(
    id="token", title="A token for the way", level="member", individual=True, cost_minor=50, payer="fund"
)
LEARNED = Strategy(
    id="learned", title="Learns", actions=("call", "token"), fallback=Fallback("reminder", ("call",))
)
COUNTED = Strategy(id="counted", title="Counts", actions=("call", "story"), posterior=BetaBernoulli())
POSTED = Strategy(id="posted", title="Is told", actions=("call",), outcome=Outcome("posted", 35))
PLAN = Template(
    program=Program(id="program", title="Peer groups", default_strategy="learned"),
    sites=(Site(id="here", title="Here"),),
    budgets=(Budget(id="fund", limit_minor=10_000),),
    actions=(CALL, STORY, TOKEN),
    strategies=(LEARNED, COUNTED, POSTED),
)


def moment(day: float) -> datetime:
    """A moment by its distance from the start."""
    return START + timedelta(days=day)


def ms(day: float) -> int:
    """The same in milliseconds since the Unix epoch."""
    return int(moment(day).timestamp() * 1000)


class Here(NamedTuple):
    """One program in one database, as one process of the service sees it."""

    db: Database
    kept: Kept
    id: str

    def run(self, workflow: Callable[[Connection, Kept, str, T, int], R], what: T, *, day: float = 0.0) -> R:
        """Runs a workflow in a transaction of its own."""
        with self.db.write(self.id) as conn:
            return workflow(conn, self.kept, self.id, what, ms(day))

    def read(self, query: Callable[..., R], *arguments: Any) -> R:
        """Asks the store something about the program."""
        with self.db.read(self.id) as conn:
            return query(conn, self.id, *arguments)

    def fold(self, day: float = FOLDED, owner: str = "folder") -> list[Folded]:
        """Folds every strategy once."""
        return fold_program(self.db, self.kept, self.id, owner, ms(day))


def a_program(db: Database, plan: Template = PLAN) -> Here:
    """A new program; as many as one likes in one database."""
    kept = Kept()
    with db.write() as conn:
        return Here(db, kept, create_program(conn, kept, plan, ms(0)))


def with_strategy(limit_minor: int = 10_000, **changes: Any) -> Template:
    """The plan with its default strategy changed, and with so much money a month; a token costs 50."""
    changed = msgspec.structs.replace(LEARNED, **changes)
    budget = Budget(id="fund", limit_minor=limit_minor)
    return msgspec.structs.replace(PLAN, budgets=(budget,), strategies=(changed, COUNTED, POSTED))


def always(action: str, limit_minor: int = 10_000) -> Template:
    """A plan that gives this action to whoever declines chance, as long as it is available."""
    return with_strategy(limit_minor, actions=(action,), fallback=Fallback(action, (action,)))


def seat(here: Here, *lines: str, columns: str = "group,member,seat", day: float = 0.0) -> RosterReport:
    """Imports a roster of these lines."""
    return here.run(import_roster, "\n".join((columns, *lines)), day=day)


def seat_members(here: Here, count: int, *, chance: str = "yes") -> list[str]:
    """Seats members m0, m1, … in groups g0, g1, … of eight; returns their ids."""
    lines = (f"g{n // 8},m{n},{n % 8 + 1},{chance}" for n in range(count))
    seat(here, *lines, columns="group,member,seat,chance")
    return [f"m{n}" for n in range(count)]


def ask(here: Here, *members: str, day: float = 0.0, **more: Any) -> list[Recommendation]:
    """What the service recommends for these members; an error fails the test."""
    answers = here.run(recommend, [Ask(member=member, **more) for member in members], day=day)
    assert all(isinstance(answer, Recommendation) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Recommendation)]


def decided(here: Here, *members: str, day: float = 0.0, **more: Any) -> list[str]:
    """The same, as ids of decisions."""
    return [str(answer.decision_id) for answer in ask(here, *members, day=day, **more)]


def said(kind: str, day: float, value: int | None = 1, **more: Any) -> Signal:
    """A signal; its id tells what it says unless one is given."""
    unit = more.get("member") or more.get("group")
    given = {"source": "register", "id": f"{kind}/{unit}/{day}"} | more
    return Signal(kind=kind, value=value, occurred_at=moment(day), **given)


def came(member: str, day: float, value: int | None = 1, **more: Any) -> Signal:
    """A member came to a meeting, or with 0 did not."""
    return said("attendance", day, value, member=member, **more)


def held(group: str, day: float, value: int | None = 1, **more: Any) -> Signal:
    """A group's expected meeting was held, or with 0 was not."""
    return said("meeting_held", day, value, group=group, **more)


def met_goal(member: str, day: float, value: int | None = 1, **more: Any) -> Signal:
    """A member met the goal set before, or with 0 did not."""
    return said("goal_met", day, value, member=member, **more)
