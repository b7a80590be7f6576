"""Events are learned: what has closed, and what was reported later of what was learned before.

The same law as for decisions (`fold`): an event closes at its time, rewarded or not, whatever was answered,
and only then is it learned; each entry says what a version took in; a later report is one out and one in.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from engagement.bandits import featured
from engagement.randomness import uniform
from engagement.records import ROOT, Floats, Nodes
from engagement.store import beliefs, events, setup
from engagement.store.beliefs import Version
from engagement.store.database import Database
from engagement.store.events import Event, EventEntry, EventKey
from engagement.store.kept import Kept
from engagement.strategy.ranking import RANKER, Said, earned, phi_of, ranked_again
from engagement.workflows.claimed import claimed, parts, still_mine
from engagement.workflows.rank import SECOND_MS, believed, settings

ENTRIES = 500
"""Entries a transaction."""
ROWS = 1_000
"""Rows folded at once; a rebuild cuts at the same places, so that it reaches the same bytes."""
MOST_ENTRIES = 10_000
"""Entries a version; what is beyond waits for the next."""


def fold_events(
    db: Database, program_id: str, owner: str, now_ms: int, *, most: int = MOST_ENTRIES, sparing: bool = False
) -> list[Version]:
    """Versions of what ranks have taught, one after another, until nothing is new.

    sparing : makes none while the last is younger than the program's settings say
    """
    made: list[Version] = []
    if sparing and not _old_enough(db, program_id, now_ms):
        return made
    while (version := _fold_once(db, program_id, owner, now_ms, most)) is not None:
        made.append(version)
    return made


def _old_enough(db: Database, program_id: str, now_ms: int) -> bool:
    with db.read(program_id) as conn:
        version = beliefs.pointers(conn, program_id, [RANKER])[RANKER]
        last = events.published_at(conn, program_id, version)
        return last is None or now_ms - last >= settings(conn, program_id)[0].export_s * SECOND_MS


def _anything_new(program_id: str, now_ms: int) -> Callable[[Connection, int], bool]:
    def found(conn: Connection, version: int) -> bool:
        interrupted = events.entries_of_version(conn, program_id, version)
        return bool(interrupted or events.unlearned(conn, program_id, now_ms, 1))

    return found


def _fold_once(db: Database, program_id: str, owner: str, now_ms: int, most: int) -> Version | None:
    """One new version; None when there is nothing new or another is at it."""
    version = claimed(db, program_id, RANKER, owner, now_ms, _anything_new(program_id, now_ms))
    if version is None:
        return None
    with db.read(program_id) as conn:
        fresh = _entries(conn, program_id, events.unlearned(conn, program_id, now_ms, most), version)
    for part in parts(fresh, ENTRIES):
        with db.write(program_id) as conn:
            if not still_mine(conn, program_id, RANKER, version, owner, now_ms):
                return None
            events.insert_entries(conn, program_id, part)
    with db.read(program_id) as conn:
        nodes, rows = learned(conn, program_id, version)
    with db.write(program_id) as conn:
        if not still_mine(conn, program_id, RANKER, version, owner, now_ms):
            return None
        made = Version(RANKER, version, *rows, now_ms)
        beliefs.write_nodes(conn, program_id, RANKER, version, nodes)
        beliefs.publish(conn, program_id, made)
        beliefs.release(conn, program_id, RANKER, version)
    return made


def _entries(conn: Connection, program_id: str, keys: Sequence[EventKey], version: int) -> list[EventEntry]:
    """What a version is to learn of each event, by all that has been reported of it."""
    ids = sorted({event_id for event_id, _ in keys})
    found = {row.key: row for rows in events.by_id(conn, program_id, ids).values() for row in rows}
    said = events.reports(conn, program_id, ids)
    return [EventEntry(*key, len(said.get(key, ())), version, _earned(found[key], said)) for key in keys]


def _earned(event: Event, said: dict[EventKey, list[Said]]) -> float | None:
    reports = said.get(event.key, [])
    return earned(event.evidence, deferred=event.deferred, closes_at=event.closes_at, said=reports)


class Rows(NamedTuple):
    """How many rewards of a version entered, were taken out again, and were none."""

    entered: int
    taken_out: int
    missing: int


def learned(conn: Connection, program_id: str, version: int) -> tuple[Nodes, Rows]:
    """The nodes that a version changes: a pure fold of its entries, from the version before."""
    entries = sorted(events.entries_of_version(conn, program_id, version))
    before = beliefs.read_nodes(conn, program_id, RANKER, [ROOT], version - 1)
    nodes: Nodes = {}
    counts = Rows(0, 0, 0)
    for part in parts(entries, ROWS):
        found = events.by_id(conn, program_id, sorted({entry.event_id for entry in part}))
        known = {row.key: row for rows in found.values() for row in rows}
        replaced = events.replaced_by(conn, program_id, part)
        signed = list(_signed(part, replaced))
        entered = sum(weight > 0 for _, _, weight in signed)
        missing = sum(entry.reward is None for entry in part)
        counts = Rows(
            counts.entered + entered, counts.taken_out + len(signed) - entered, counts.missing + missing
        )
        if signed:
            phi = np.concatenate([_phi(known[key]) for key, _, _ in signed])
            reward, weight = (np.array([row[n] for row in signed]) for n in (1, 2))
            nodes = featured.folded(nodes or before, phi, reward, weight)
    return nodes, counts


def _signed(
    entries: Sequence[EventEntry], replaced: dict[EventKey, EventEntry]
) -> Iterator[tuple[EventKey, float, float]]:
    """Rewards that enter (+1) and those they take the place of (−1); what stays the same is left alone."""
    newest = dict(replaced)
    for entry in entries:
        earlier = newest.get(entry.key)
        was = None if earlier is None else earlier.reward
        newest[entry.key] = entry
        if was == entry.reward:
            continue
        if was is not None:
            yield entry.key, was, -1.0
        if entry.reward is not None:
            yield entry.key, entry.reward, 1.0


def _phi(event: Event) -> Floats:
    return phi_of(event.evidence, [event.evidence.actions.index(event.action_id)])


def remake_events(conn: Connection, program_id: str) -> None:
    """Writes the nodes of every version again, from the entries alone."""
    for header in beliefs.versions(conn, program_id, RANKER):
        nodes, _ = learned(conn, program_id, header.version)
        beliefs.write_nodes(conn, program_id, RANKER, header.version, nodes)


class EventVerdict(NamedTuple):
    """One event made again. action : that the draw picks      probability_gap : in units of 2⁻³²"""

    event: Event
    action: str
    probability_gap: int
    keyed: bool

    @property
    def agrees(self) -> bool:
        """Whether the choice is the same within what is promised."""
        return self.keyed and self.action == self.event.action_id and self.probability_gap <= 1


def replay_events(
    conn: Connection, kept: Kept, program_id: str, ids: Sequence[str]
) -> Iterator[EventVerdict]:
    """Makes events again from what is kept of them and the version that answered; unknown ids are left out.

    keyed : the stored draw is the one keyed to the event
    """
    secret = setup.draw_secret(conn, kept, program_id)
    for rows in events.by_id(conn, program_id, ids).values():
        for row in rows:
            belief = believed(conn, kept, program_id, row.version)
            again = ranked_again(row.evidence, None if row.evidence.fallback else belief)
            stored = np.frombuffer(row.evidence.probability, np.uint64)
            gap = np.abs(again.probability[0].astype(np.int64) - stored.astype(np.int64)).max()
            drawn = uniform(secret, program_id, RANKER, f"event:{row.event_id}", row.slot)
            action = row.evidence.actions[int(again.picked[0])]
            yield EventVerdict(row, action, int(gap), drawn == row.evidence.uniform)
