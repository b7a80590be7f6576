"""A rank is asked for: of actions that come with the request one is drawn, and the event is stored.

Asking again under the same event id gives the same answer; another request under it is refused. Every event
is a unit and a decision point of its own, so nothing is locked and nobody waits for anybody.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.bandits import featured
from engagement.bandits.featured import Known
from engagement.errors import Conflict, Mistake, Unusable
from engagement.randomness import uniform
from engagement.records import ROOT, Bools, Floats, Named
from engagement.store import beliefs, events, setup
from engagement.store.events import Event
from engagement.store.kept import Kept
from engagement.strategy.ranking import RANKER, Mode, RankEvidence, Ranking, order, rank, stored
from engagement.workflows.claimed import parts

SECOND_MS = 1000


class Slot(NamedTuple):
    """What one slot may show: K actions with features. A rank without slots has one, named "".

    excluded : K flags      baseline : index of the action answered when nothing else is known
    moment : features of the moment, and of the slot      own : of each action      phi : (K, D)
    """

    name: str
    actions: tuple[str, ...]
    excluded: tuple[bool, ...]
    baseline: int
    moment: Named
    own: tuple[Named, ...]
    phi: Floats


class RankAsk(NamedTuple):
    """One rank. digest : of the whole request      deferred : it counts only once it is activated"""

    event_id: str
    digest: bytes
    deferred: bool
    slots: tuple[Slot, ...]


class Place(NamedTuple):
    """An action's place in a ranking, and with what probability it could have been drawn."""

    action: str
    probability: int


class SlotTold(NamedTuple):
    """What was chosen for one slot, None where the slots before left nothing; the ranking of all actions."""

    name: str
    chosen: str | None
    ranking: tuple[Place, ...]


class RankTold(NamedTuple):
    """The answer to a rank.

    version, updated_at : of what answered, 0 and None before anything was learned
    """

    event_id: str
    slots: tuple[SlotTold, ...]
    mode: Mode
    version: int
    updated_at: int | None
    closes_at: int


def settings(conn: Connection, program_id: str) -> tuple[Ranking, int]:
    """How the program's ranks are decided, and the number of that revision; 0 for the defaults."""
    found = setup.newest(conn, program_id, "ranking", ["ranking"]).get("ranking")
    if found is None or not isinstance(found.thing, Ranking):
        return Ranking(), 0
    return found.thing, found.revision


def rank_events(
    conn: Connection, kept: Kept, program_id: str, asks: Sequence[RankAsk], now_ms: int
) -> list[RankTold | Mistake]:
    """Answers ranks in the connection's transaction; each gets its answer or its own error."""
    known = events.by_id(conn, program_id, sorted({ask.event_id for ask in asks}))
    fresh = [ask for ask in asks if ask.event_id not in known]
    if fresh:
        known.update(_decided(conn, kept, program_id, fresh, now_ms))
    published = {
        version: events.published_at(conn, program_id, version)
        for version in sorted({rows[0].version for rows in known.values()})
    }
    return [_told(ask, known[ask.event_id], published) for ask in asks]


def _decided(
    conn: Connection, kept: Kept, program_id: str, asks: Sequence[RankAsk], now_ms: int
) -> dict[str, list[Event]]:
    """New events, decided and stored; of two requests under one id the first is decided.

    The first slots of all events are decided at once, then the second ones, after what the first took.
    """
    own, revision = settings(conn, program_id)
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    if catalogue.program.stopped:
        own = msgspec.structs.replace(own, mode="LoggingOnly")
    version = beliefs.pointers(conn, program_id, [RANKER])[RANKER]
    deciding = _Deciding(program_id, own, revision, version, now_ms)
    belief = believed(conn, kept, program_id, version)
    secret = setup.draw_secret(conn, kept, program_id)
    distinct = {ask.event_id: ask for ask in reversed(asks)}
    made: dict[str, list[Event]] = {name: [] for name in sorted(distinct)}
    for place in range(max(len(ask.slots) for ask in asks)):
        waiting: dict[int, list[_Choice]] = defaultdict(list)
        for name, before in made.items():
            if place < len(distinct[name].slots):
                slot = distinct[name].slots[place]
                free = _free(slot, {row.action_id for row in before})
                if free.any():
                    waiting[len(free)].append(_Choice(distinct[name], place, slot, free))
        for actions in sorted(waiting):
            for row in _chosen(deciding, belief, secret, waiting[actions]):
                made[row.event_id].append(row)
    for part in parts([row for rows in made.values() for row in rows], 1_000):
        events.insert_events(conn, program_id, part)
    return made


class _Deciding(NamedTuple):
    """What holds for all ranks of a batch. revision : of the settings"""

    program_id: str
    settings: Ranking
    revision: int
    version: int
    now_ms: int


class _Choice(NamedTuple):
    """One slot to be decided. free : (K,), what it may choose"""

    ask: RankAsk
    place: int
    slot: Slot
    free: Bools

    @property
    def baseline(self) -> int:
        """The action answered when nothing else is known: the slot's own, or the first that is left."""
        return self.slot.baseline if self.free[self.slot.baseline] else int(np.argmax(self.free))


def _chosen(
    deciding: _Deciding, belief: Known | None, secret: bytes, choices: Sequence[_Choice]
) -> list[Event]:
    """Choices among equally many actions, each as the event to be stored."""
    own = deciding.settings
    draws = [
        uniform(secret, deciding.program_id, RANKER, f"event:{row.ask.event_id}", row.slot.name)
        for row in choices
    ]
    phi, free = np.stack([row.slot.phi for row in choices]), np.stack([row.free for row in choices])
    baselines = [row.baseline for row in choices]
    found = rank(belief, phi, free, baselines, own.exploration, own.mode, draws)
    out = []
    for n, (choice, drawn) in enumerate(zip(choices, draws, strict=True)):
        slot, picked = choice.slot, int(found.picked[n])
        evidence = RankEvidence(
            actions=slot.actions,
            baseline=baselines[n],
            excluded=(~choice.free).astype(np.uint8).tobytes(),
            moment=stored(slot.moment),
            own=tuple(stored(named) for named in slot.own),
            mean=found.mean[n].tobytes(),
            sd=found.sd[n].tobytes(),
            probability=found.probability[n].tobytes(),
            beside=b"" if found.beside is None else found.beside[n].tobytes(),
            uniform=drawn,
            exploration=own.exploration,
            mode=own.mode,
            default_reward=own.default_reward,
            aggregation=own.aggregation,
            fallback=found.fallback,
        )
        out.append(
            Event(
                event_id=choice.ask.event_id,
                slot=slot.name,
                place=choice.place,
                settings_revision=deciding.revision,
                digest=choice.ask.digest,
                deferred=choice.ask.deferred,
                action_id=slot.actions[picked],
                probability=int(found.probability[n, picked]),
                version=deciding.version,
                decided_at=deciding.now_ms,
                closes_at=deciding.now_ms + own.wait_s * SECOND_MS,
                evidence=evidence,
            )
        )
    return out


def _free(slot: Slot, taken: set[str]) -> Bools:
    """(K,): what a slot may choose, after what stands in the slots before it."""
    barred = zip(slot.actions, slot.excluded, strict=True)
    return np.array([not (excluded or action in taken) for action, excluded in barred], np.bool_)


def believed(conn: Connection, kept: Kept, program_id: str, version: int) -> Known | None:
    """What a version of the belief says; None where it is unusable. It cannot change, so it is kept."""
    found = kept.ranked.get(program_id, version)
    if found is None:
        nodes = beliefs.read_nodes(conn, program_id, RANKER, [ROOT], version) if version else {}
        try:
            found = featured.known(nodes)
        except Unusable:
            return None
        kept.ranked.put(program_id, version, found)
    return found


def _told(ask: RankAsk, rows: Sequence[Event], published: Mapping[int, int | None]) -> RankTold | Mistake:
    """The stored answer, if the event was this very request."""
    if rows[0].digest != ask.digest:
        return Conflict(f"event `{ask.event_id}` was ranked before, with another request")
    slots: list[SlotTold] = []
    by_slot = {row.slot: row for row in rows}
    for slot in ask.slots:
        row = by_slot.get(slot.name)
        if row is None:
            slots.append(SlotTold(slot.name, None, ()))
            continue
        shares = np.frombuffer(row.evidence.probability, np.uint64).tolist()
        actions = row.evidence.actions
        excluded = [bool(flag) for flag in row.evidence.excluded]
        places = order(shares, actions.index(row.action_id), excluded)
        slots.append(SlotTold(row.slot, row.action_id, tuple(Place(actions[k], shares[k]) for k in places)))
    first = rows[0]
    return RankTold(
        ask.event_id,
        tuple(slots),
        first.evidence.mode,
        first.version,
        published.get(first.version),
        first.closes_at,
    )
