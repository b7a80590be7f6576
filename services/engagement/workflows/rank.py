"""A rank is asked for: of actions that come with the request one is drawn, and the event is stored.

Asking again under the same event id gives the same answer; another request under it is refused. Every event
is a unit and a decision point of its own, so nothing is locked and nobody waits for anybody.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
    """New events, decided and stored; of two requests under one id the first is decided."""
    own, revision = settings(conn, program_id)
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    mode: Mode = "LoggingOnly" if catalogue.program.stopped else own.mode
    version = beliefs.pointers(conn, program_id, [RANKER])[RANKER]
    belief = believed(conn, kept, program_id, version)
    secret = setup.draw_secret(conn, kept, program_id)
    made: dict[str, list[Event]] = {}
    for ask in asks:
        if ask.event_id in made:
            continue
        taken: set[str] = set()
        made[ask.event_id] = []
        for place, slot in enumerate(ask.slots):
            free = _free(slot, taken)
            if not free.any():
                continue
            drawn = uniform(secret, program_id, RANKER, f"event:{ask.event_id}", slot.name)
            baseline = slot.baseline if free[slot.baseline] else int(np.argmax(free))
            found = rank(belief, slot.phi, free, baseline, own.exploration, mode, drawn)
            taken.add(slot.actions[found.picked])
            evidence = RankEvidence(
                actions=slot.actions,
                baseline=baseline,
                excluded=(~free).astype(np.uint8).tobytes(),
                moment=stored(slot.moment),
                own=tuple(stored(named) for named in slot.own),
                mean=found.mean.tobytes(),
                sd=found.sd.tobytes(),
                probability=found.probability.tobytes(),
                beside=b"" if found.beside is None else found.beside.tobytes(),
                uniform=drawn,
                exploration=own.exploration,
                mode=mode,
                default_reward=own.default_reward,
                aggregation=own.aggregation,
                fallback=found.fallback,
            )
            made[ask.event_id].append(
                Event(
                    event_id=ask.event_id,
                    slot=slot.name,
                    place=place,
                    settings_revision=revision,
                    digest=ask.digest,
                    deferred=ask.deferred,
                    action_id=slot.actions[found.picked],
                    probability=int(found.probability[found.picked]),
                    version=version,
                    decided_at=now_ms,
                    closes_at=now_ms + own.wait_s * SECOND_MS,
                    evidence=evidence,
                )
            )
    rows = [row for event_id in sorted(made) for row in made[event_id]]
    for part in parts(rows, 1_000):
        events.insert_events(conn, program_id, part)
    return made


def _free(slot: Slot, taken: set[str]) -> Bools:
    """(K,): what a slot may choose, after what stands in the slots before it."""
    barred = zip(slot.actions, slot.excluded, strict=True)
    return np.array([not (excluded or action in taken) for action, excluded in barred], np.bool_)


def believed(conn: Connection, kept: Kept, program_id: str, version: int) -> Known | None:
    """What a version of the belief says; None where it is unusable. It cannot change, so it is kept."""
    key = (program_id, version)
    found = kept.ranked.get(key)
    if found is None:
        nodes = beliefs.read_nodes(conn, program_id, RANKER, [ROOT], version) if version else {}
        try:
            found = kept.ranked[key] = featured.known(nodes)
        except Unusable:
            return None
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
