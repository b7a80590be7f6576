"""Contenders that a study may call by name, from doing nothing to learning with planned visits.

Action ids are those of the template for peer groups. What learns chooses among the five things for one
member that need no health worker; her visits are few, and are planned or shared out apart.
"""

from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.pooled import Slope, Spread
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.restless.plan import Rule
from engagement.signals.features import BARRIERS
from engagement.simulation.contender import Contender, InTurn, Planned, Schedule, WorstFirst
from engagement.strategy.planning import REWARD
from engagement.strategy.strategy import Fallback, Outcome, Strategy

MENU = ("goal_reminder", "win_story", "move_meeting", "recognition", "transport_token")
SPOKEN_TO = tuple(f"barrier_{name}" for name in ("motivation", "awareness", "time", "motivation", "money"))
"""The barrier that each of these speaks to, as the template says of them."""
HALF_A_YEAR, A_YEAR = 6, 12

_BY_GROUP = Outcome("next_meeting_with_three")


def always(action: str, level: str = "member") -> Strategy:
    """A strategy that gives one action whenever it is available, without any chance in it."""
    return Strategy(
        id=f"always_{action}",
        title=f"Always {action}",
        level="group" if level == "group" else "member",
        actions=(action,),
        posterior=BetaBernoulli(),
        allocation=FixedSchedule(order=(1,)),
        outcome=_BY_GROUP if level == "group" else Outcome(),
        floor=0.0,
    )


POOLED = Strategy(
    id="pooled",
    title="Learns what helps whom, pooled over program, group and member",
    actions=MENU,
    posterior=PooledLinear(
        slopes=(
            Slope(SPOKEN_TO, mean=0.05, sd=0.05),
            Slope(tuple(f"dose.{action}" for action in MENU), mean=-0.1, sd=0.1),
        )
    ),
    features=(*dict.fromkeys(SPOKEN_TO), *(f"dose.{action}" for action in MENU)),
    fallback=Fallback("reminder", ("goal_reminder",)),
)
UNSEEING = Strategy(
    id="unseeing",
    title="The same, without a look at barriers and repetition",
    actions=MENU,
    posterior=PooledLinear(),
    fallback=Fallback("reminder", ("goal_reminder",)),
)
ALONE = Strategy(
    id="alone",
    title="Learns of every member by themselves (Thompson)",
    actions=MENU,
    posterior=PooledLinear(
        baseline=Spread(0.0, 0.0, 0.47), effect=Spread(0.0, 0.0, 0.2), refit=False
    ),  # the default's spreads, all of it laid on the member: √(.3² + .2² + .3²), √(.15² + .1² + .1²)
    allocation=Thompson(),
)
BY_BARRIER = Strategy(
    id="by_barrier",
    title="Learns what helps those who named the same barrier",
    actions=MENU,
    posterior=LinearGaussian(),
    features=(*(f"barrier_{name}" for name in BARRIERS), "urban"),
    fallback=Fallback("reminder", ("goal_reminder",)),
)
UNIFORM = Strategy(
    id="uniform",
    title="Every action has the same chance (micro-randomised)",
    actions=MENU,
    posterior=BetaBernoulli(),
    allocation=Uniform(),
)

CONTENDERS: tuple[Contender, ...] = (
    Contender(name="adviser_alone", title="The adviser alone; nothing is suggested"),
    Contender(
        name="reminders", title="A reminder of the goal, every month", strategy=always("goal_reminder")
    ),
    Contender(
        name="incentives_stopped",
        title="An incentive for every group, stopped after half a year",
        strategy=always("group_transport", "group"),
        schedule=Schedule(months=HALF_A_YEAR),
    ),
    Contender(
        name="incentives_tapered",
        title="An incentive for every group, rarer and rarer over a year",
        strategy=always("group_transport", "group"),
        schedule=Schedule(months=A_YEAR, taper=True),
    ),
    Contender(name="visits_in_turn", title="Health workers visit group after group", visits=InTurn()),
    Contender(name="visits_worst_first", title="Health workers visit the worst first", visits=WorstFirst()),
    Contender(name="uniform", title="Every action has the same chance", strategy=UNIFORM),
    Contender(name="thompson_alone", title="Thompson without pooling", strategy=ALONE),
    Contender(name="by_barrier", title="Learns by the barriers that are known", strategy=BY_BARRIER),
    Contender(
        name="pooled_unseeing", title="The pooled default, told of no barrier and no dose", strategy=UNSEEING
    ),
    Contender(name="pooled", title="The pooled default", strategy=POOLED),
    Contender(
        name="pooled_planned",
        title="The pooled default, and planned visits",
        strategy=POOLED,
        visits=Planned(rule=Rule(reward=REWARD, draws=200)),  # half the service's draws, in half the time
    ),
)
