"""What each arm of a trial cost for what it gained, and who gained least.

Every interval here is by drawing whole groups, or whatever was drawn together, again.
"""

from collections.abc import Callable, Sequence
from math import floor, log10

import msgspec
import numpy as np

from engagement.errors import Invalid
from engagement.estimators.cost import Account, Plane, cost_of_gain, net_benefit, plane, spread, worth_it
from engagement.estimators.redrawn import REDRAWS, average, least, redrawn
from engagement.estimators.sample import Term, bootstrap, numbered
from engagement.randomness import generator
from engagement.records import Floats, Integers
from engagement.strategy.trial import Trial
from engagement.workflows.trial_analysis import arms_compared
from engagement.workflows.trial_found import Range
from engagement.workflows.trial_lives import account_of, members_of
from engagement.workflows.trial_rows import GroupRow

SHOWN = 250
"""Redraws of a plane that are kept to be drawn as dots."""
WORTHS = (0.5, 1.0, 2.0)
"""What a month could be worth, in times a round amount near to what it cost."""


class ArmGained(msgspec.Struct, frozen=True):
    """One arm; amounts in the currency's minor unit, months after the program's end up to the horizon.

    group_months : lived a group      member_months : that its members stayed, together, a group
    cost_of_group_month, cost_of_member_month : spent for each; null where nobody was followed for so long
    everybody, quarter : share of meetings come to, of all who sat there, and of the quarter who came least
    minutes : of carriers, a group
    """

    arm: str
    members: int
    group_months: float | None
    member_months: float | None
    cost_of_group_month: Range | None
    cost_of_member_month: Range | None
    everybody: Range | None
    quarter: Range | None
    minutes: float


class Worth(msgspec.Struct, frozen=True):
    """If one more month of a living group were worth so much.

    net : the worth of the months gained less what they cost, a group      pays : share of redraws above 0
    """

    worth_minor: float
    net: Range
    pays: float


class PlaneFound(msgspec.Struct, frozen=True):
    """The second arm less the first, a group: what it cost more, and how many more months it lived.

    cost_sd, gain_sd, correlation : of the redraws, whose 95 % lie about within an ellipse
    ratio : cost of one more month, null where none was gained
    dominates : share of redraws that gained more and cost no more
    cloud : (months, cost) of some redraws
    """

    first: str
    second: str
    cost: Range
    gain: Range
    cost_sd: float
    gain_sd: float
    correlation: float
    ratio: float | None
    dominates: float
    worths: tuple[Worth, ...]
    cloud: tuple[tuple[float, float], ...]


class Gained(msgspec.Struct, frozen=True):
    """Arms, and each comparison that could be made."""

    horizon_months: int
    redraws: int
    arms: tuple[ArmGained, ...]
    planes: tuple[PlaneFound, ...]


def gained(trial: Trial, rows: Sequence[GroupRow]) -> Gained:
    """What was gained in each arm and at what cost."""
    horizon = float(trial.protocol.horizon_months)
    by_arm = {arm.id: [row for row in rows if row.assigned.arm == arm.id] for arm in trial.arms}
    accounts = {name: account for name, some in by_arm.items() if (account := _account(some, horizon))}
    pairs = [pair for pair in arms_compared(trial) if all(name in accounts for name in pair)]
    drawn = [_plane(trial, accounts, pair) for pair in pairs]
    worths = round_worths([one for one in drawn if one is not None])
    return Gained(
        trial.protocol.horizon_months,
        REDRAWS,
        tuple(_arm(trial, name, some, accounts.get(name)) for name, some in by_arm.items()),
        tuple(
            _told(pair, accounts, found, worths)
            for pair, found in zip(pairs, drawn, strict=True)
            if found is not None
        ),
    )


def _account(rows: Sequence[GroupRow], horizon: float) -> Account | None:
    try:
        return account_of(rows, horizon)
    except Invalid:
        return None


def _arm(trial: Trial, name: str, rows: Sequence[GroupRow], groups: Account | None) -> ArmGained:
    try:
        members = members_of(rows, float(trial.protocol.horizon_months))
    except Invalid:
        members = None
    rng = generator(0, "gained", trial.id, name)
    shares = np.array([share for row in rows for share in row.attended], np.float64)
    cluster = numbered([row.assigned.unit_id for row in rows for _ in row.attended])
    return ArmGained(
        name,
        sum(row.seated for row in rows),
        None if groups is None else float(groups.gain.mean()),
        None if members is None else float(members.gain.mean()),
        _cost_of(groups, rng),
        _cost_of(members, rng),
        _shares(shares, cluster, average, rng),
        _shares(shares, cluster, least, rng),
        sum(row.spent.minutes for row in rows) / max(len(rows), 1),
    )


def _cost_of(account: Account | None, rng: np.random.Generator) -> Range | None:
    """Σcost/Σgain with its bootstrap interval."""
    if account is None:
        return None
    try:
        found = cost_of_gain(account)
    except Invalid:
        return None
    if not account.cost.any():
        return Range(0.0, 0.0, 0.0)
    low, high = bootstrap((Term(account.cost, account.gain),), account.cluster, rng, repeats=REDRAWS)
    return Range(found.value, max(low, 0.0), high)


def _shares(
    shares: Floats, cluster: Integers, what: Callable[[Floats], float], rng: np.random.Generator
) -> Range | None:
    """A number of members' shares of meetings, with its interval."""
    if not len(shares):
        return None
    return Range(what(shares), *(redrawn(shares, cluster, what, rng, REDRAWS) or (None, None)))


def _plane(trial: Trial, accounts: dict[str, Account], pair: tuple[str, str]) -> Plane | None:
    try:
        return plane(accounts[pair[0]], accounts[pair[1]], generator(0, "trial", trial.id), repeats=REDRAWS)
    except Invalid:
        return None


def round_worths(planes: Sequence[Plane]) -> tuple[float, ...]:
    """Round amounts near to what a month cost at most, for rays and net benefit; none where nothing did."""
    cost = max((float(np.abs(one.cost).mean()) for one in planes), default=0.0)
    gain = max((float(np.abs(one.gain).mean()) for one in planes), default=0.0)
    if not cost or not gain:
        return ()
    near = cost / gain
    ten = 10.0 ** floor(log10(near))
    unit = ten * min((1.0, 2.0, 5.0, 10.0), key=lambda step: abs(log10(near / ten / step)))
    return tuple(unit * times for times in WORTHS)


def _told(
    pair: tuple[str, str], accounts: dict[str, Account], found: Plane, worths: Sequence[float]
) -> PlaneFound:
    one, other = (accounts[name] for name in pair)
    cost, gain = spread(found.cost), spread(found.gain)
    sds = float(found.cost.std()), float(found.gain.std())
    pays = worth_it(found, np.array(worths))
    return PlaneFound(
        *pair,
        Range(float(other.cost.mean() - one.cost.mean()), cost.low, cost.high),
        Range(float(other.gain.mean() - one.gain.mean()), gain.low, gain.high),
        *sds,
        float(np.corrcoef(found.cost, found.gain)[0, 1]) if all(sds) else 0.0,
        found.ratio,
        found.dominates,
        tuple(
            Worth(worth, _net(found, one, other, worth), float(share))
            for worth, share in zip(worths, pays, strict=True)
        ),
        tuple(zip(found.gain[:SHOWN].tolist(), found.cost[:SHOWN].tolist(), strict=True)),
    )


def _net(found: Plane, one: Account, other: Account, worth: float) -> Range:
    low, high = spread(worth * found.gain - found.cost)
    return Range(net_benefit(one, other, worth).value, low, high)
