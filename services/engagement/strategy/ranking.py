"""Ranks: actions arrive with the request, and one of them is drawn. Still pure.

A rank is an *event* and a decision point of its own: events never wait for one another. Its draw is keyed by
the event's id, its probabilities are bounded, counted and drawn from like those of every decision; what it
earned is a function of what was reported of it, so that late reports end where timely ones would have.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np

from engagement.bandits import featured
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.featured import Known
from engagement.bandits.propensity import ONE, bounded, in_units, pick
from engagement.errors import Unusable
from engagement.records import Bools, Course, Floats, Integers, Named, Scores, Units
from engagement.strategy.setup import Noun

RANKER = "@ranks"
"""The name under which versions, nodes and draws of ranks are kept: no strategy can be called so."""
LONGEST_WAIT_S = 370 * 86_400

Mode = Literal["Online", "Apprentice", "LoggingOnly"]
Aggregation = Literal["earliest", "sum"]
Reward = Annotated[float, msgspec.Meta(ge=-1, le=1)]


class Ranking(Noun, frozen=True, kw_only=True):
    """How ranks are decided, and what is learned from them. An event keeps what held when it was ranked.

    default_reward : of an active event of which no reward was heard
    wait_s : seconds from the rank until the event closes, rewarded or not; only then is it learned
    aggregation : which of several rewards counts
    exploration : share of the ranks that is left to an even draw, whatever is believed
    mode : `Apprentice` answers the baseline and learns beside it, `LoggingOnly` answers it and learns nothing
    export_s : seconds at least between two versions of what is learned, where the service folds by itself
    """

    id: Literal["ranking"] = "ranking"
    default_reward: Reward = 0.0
    wait_s: Annotated[int, msgspec.Meta(ge=5, le=LONGEST_WAIT_S)] = 600
    aggregation: Aggregation = "earliest"
    exploration: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    mode: Mode = "Online"
    export_s: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_WAIT_S)] = 3600


class RankEvidence(msgspec.Struct, frozen=True, array_like=True):
    """Everything that an event's choice was made of, and by what it is learned: enough to make it again.

    actions : K ids as they came      baseline : the index of the first that was not excluded
    excluded : K bytes, 1 where the action could not be chosen
    moment, own : features of the moment, and of each action: digests of their names and their values
    mean, sd : the scores, K float64 each      probability : K uint64, units of 2⁻³²
    beside : what the belief would have drawn from where the baseline was answered, else empty
    uniform : the draw, in [0, 2⁵³)      fallback : why the belief did not decide, or None
    """

    actions: tuple[str, ...]
    baseline: int
    excluded: bytes
    moment: tuple[bytes, bytes]
    own: tuple[tuple[bytes, bytes], ...]
    mean: bytes
    sd: bytes
    probability: bytes
    beside: bytes
    uniform: int
    exploration: float
    mode: Mode
    default_reward: float
    aggregation: Aggregation
    fallback: str | None = None


class Ranked(NamedTuple):
    """N choices, each among K actions.

    mean, sd, probability : (N, K)      beside : (N, K), None where the belief itself decided
    picked : (N,)      fallback : why the belief did not decide, or None
    """

    mean: Floats
    sd: Floats
    probability: Units
    beside: Units | None
    picked: Integers
    fallback: str | None


class Said(NamedTuple):
    """One report about an event: its activation, or with a value a reward."""

    report_id: str
    value: float | None
    recorded_at: int


def rank(
    belief: Known | None,
    phi: Floats,
    available: Bools,
    baseline: Sequence[int],
    exploration: float,
    mode: Mode,
    uniforms: Sequence[int],
) -> Ranked:
    """Chooses N times among K actions that come with features.

    belief : None where it is unusable: every available action is then as likely as any other
    phi : (N, K, D)      available : (N, K), at least one a row      baseline : N indices of available ones
    uniforms : N integers in [0, 2⁵³)
    """
    count = available.sum(axis=1, keepdims=True)
    scores, rho = _believed(belief, phi, available)
    believed = in_units(bounded(available / count if rho is None else rho, available, exploration / count))
    fallback = "belief_unusable" if rho is None else None
    if mode == "Online":
        return Ranked(scores.mean, scores.sd, believed, None, pick(believed, uniforms), fallback)
    certain = np.zeros_like(believed)
    picked = np.array(baseline, np.int64)
    certain[np.arange(len(picked)), picked] = ONE
    return Ranked(scores.mean, scores.sd, certain, believed, picked, fallback)


def _believed(belief: Known | None, phi: Floats, available: Bools) -> tuple[Scores, Floats | None]:
    """The belief's scores and what follows from them; zeros and None where it gives no usable numbers."""
    nothing = np.zeros(available.shape)
    if belief is None:
        return Scores("normal", nothing, nothing), None
    try:
        found = featured.scores(belief, phi, available)
    except Unusable:
        return Scores("normal", nothing, nothing), None
    rows = len(available)
    no_course = Course(np.zeros(rows, np.int64), np.ones(rows))
    return found, Thompson().probabilities(found, available, no_course)


def order(probability: Sequence[int], picked: int, excluded: Sequence[bool]) -> list[int]:
    """Indices in the order of a ranking: the choice, then by probability; what is excluded stays in place."""
    ranked = iter(
        sorted(
            (k for k in range(len(excluded)) if not excluded[k]),
            key=lambda k: (k != picked, -probability[k], k),
        )
    )
    return [k if excluded[k] else next(ranked) for k in range(len(excluded))]


def active(said: Sequence[Said], *, deferred: bool, closes_at: int) -> bool:
    """Whether an event counts: at once, or where it was deferred once it was activated before it closed."""
    return not deferred or any(report.value is None and report.recorded_at <= closes_at for report in said)


def earned(evidence: RankEvidence, *, deferred: bool, closes_at: int, said: Sequence[Said]) -> float | None:
    """The reward an event is learned with, by what was reported of it, early or late; None for not at all."""
    if evidence.mode == "LoggingOnly" or not active(said, deferred=deferred, closes_at=closes_at):
        return None
    in_order = sorted(said, key=lambda report: (report.recorded_at, report.report_id))
    rewards = [report.value for report in in_order if report.value is not None]
    if not rewards:
        return evidence.default_reward
    return rewards[0] if evidence.aggregation == "earliest" else float(sum(rewards))


def stored(named: Named) -> tuple[bytes, bytes]:
    """Named features as they are kept."""
    return named.names.astype("<u8").tobytes(), named.values.astype("<f8").tobytes()


def kept(content: tuple[bytes, bytes]) -> Named:
    """The features that `stored` kept."""
    return Named(np.frombuffer(content[0], "<u8").astype(np.uint64), np.frombuffer(content[1], "<f8"))


def phi_of(evidence: RankEvidence, actions: Sequence[int] | None = None) -> Floats:
    """φ of an event's actions, (K, D); or of some of them by index."""
    wanted = range(len(evidence.actions)) if actions is None else actions
    moment = kept(evidence.moment)
    return np.stack([featured.features(moment, kept(evidence.own[k])) for k in wanted])


def ranked_again(evidence: RankEvidence, belief: Known | None) -> Ranked:
    """The choice made again, with the belief that made it, as one row."""
    excluded = np.frombuffer(evidence.excluded, np.uint8).astype(np.bool_)
    return rank(
        belief,
        phi_of(evidence)[None, :],
        ~excluded[None, :],
        (evidence.baseline,),
        evidence.exploration,
        evidence.mode,
        (evidence.uniform,),
    )
