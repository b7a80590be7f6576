"""Whose work list it is, and what stands on it: of a kind of carrier, of one health worker or adviser.

What a health worker does goes to whom a plan sends, else to whom the member or the group is linked, else to
every health worker of the group's catchment. What an adviser does goes to whoever leads the group.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple, get_args

from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.errors import NotFound
from engagement.signals.signal import AUDIENCES, Audience
from engagement.store import links, setup, units
from engagement.store.decisions import Decision
from engagement.store.links import linked_on
from engagement.store.plans import Visit
from engagement.strategy.setup import LEADING, HealthWorker

CARRIERS: tuple[Carrier, ...] = get_args(Carrier)
EYES: Mapping[Carrier, Audience] = {
    "app": "group",
    "adviser": "adviser",
    "health_worker": "health_worker",
    "staff": "staff",
    "group_fund": "group",
}
"""What a carrier may see, whoever asks for the list: it is theirs to read. An app shows it to members."""


class Whose(NamedTuple):
    """Whose list. Build it with `whose`.

    worker : the one health worker, or None      adviser : the one adviser's or deputy's id, or None
    groups, members : whose things may stand on a person's list; None on the list of a kind: everybody's
    shared_phone : others read what is sent to the person
    language : the person's, None where nobody has said
    """

    kind: Carrier
    worker: HealthWorker | None = None
    adviser: str | None = None
    groups: frozenset[str] | None = None
    members: frozenset[str] = frozenset()
    shared_phone: bool = False
    language: str | None = None


def whose(conn: Connection, program_id: str, subject: str, today: date) -> Whose:
    """Whose list a kind of carrier or an id names; a health worker's id goes before a member's."""
    if subject in CARRIERS:
        return Whose(subject)
    found = setup.newest(conn, program_id, "health_worker", [subject]).get(subject)
    if found is not None and isinstance(found.thing, HealthWorker):
        return _of_worker(conn, program_id, found.thing, today)
    row = units.members(conn, program_id, [subject], today).get(subject)
    if row is not None and row.group is not None and row.role in LEADING:
        shared = row.member.phone == "shared"
        return Whose(
            "adviser", None, subject, frozenset((row.group,)), frozenset(), shared, row.member.language
        )
    raise NotFound(
        f"nobody has the work list `{subject}`: it is no health worker and leads no group today, "
        f"and it is none of {', '.join(CARRIERS)}"
    )


def _of_worker(conn: Connection, program_id: str, worker: HealthWorker, today: date) -> Whose:
    own = links.links_of(conn, program_id, "health_worker", [worker.id]).get(worker.id, ())
    catchment = linked_on(own, "catchment", today)
    targets = [name for name in (worker.id, catchment) if name is not None]
    near = links.ever_linked_to(conn, program_id, targets)
    named = sorted(name for kind, name in near if kind == "group")
    who = workers_of_groups(conn, program_id, named, today)
    groups = {name for name in named if worker.id in who[name]}
    known = sorted(name for kind, name in near if kind == "member")
    of_members = links.links_of(conn, program_id, "member", known)
    members = {
        name for name in known if linked_on(of_members.get(name, ()), "health_worker", today) == worker.id
    }
    language = worker.languages[0] if worker.languages else None
    return Whose("health_worker", worker, None, frozenset(groups), frozenset(members), language=language)


def workers_of_groups(
    conn: Connection, program_id: str, groups: Iterable[str], today: date
) -> dict[str, tuple[str, ...]]:
    """Whose each group is: the health worker it is linked to, else all of its catchment."""
    names = sorted(set(groups))
    linked = links.links_of(conn, program_id, "group", names)
    catchment = {name: linked_on(linked.get(name, ()), "catchment", today) for name in names}
    there: dict[str, list[str]] = {}
    near = links.ever_linked_to(conn, program_id, sorted({name for name in catchment.values() if name}))
    workers = sorted(name for kind, name in near if kind == "health_worker")
    of_workers = links.links_of(conn, program_id, "health_worker", workers)
    for worker in workers:
        place = linked_on(of_workers[worker], "catchment", today)
        there.setdefault(place or "", []).append(worker)
    out = {}
    for name in names:
        own = linked_on(linked.get(name, ()), "health_worker", today)
        out[name] = (own,) if own is not None else tuple(there.get(catchment[name] or "", ()))
    return out


class Crew(NamedTuple):
    """Who does what falls to health workers. Build it with `crew`.

    visits : of plans, by decision; the entry that holds
    """

    visits: Mapping[str, Visit]
    of_member: Mapping[str, str]
    of_group: Mapping[str, tuple[str, ...]]

    def who(self, decision: Decision) -> tuple[str, ...]:
        """The health workers to whom a decision falls; nobody where no one can go or none is linked."""
        visit = self.visits.get(decision.decision_id)
        if visit is not None:
            return () if visit.worker_id is None else (visit.worker_id,)
        own = self.of_member.get(decision.unit_id) if decision.unit_kind == "member" else None
        return (own,) if own is not None else self.of_group.get(decision.group_id, ())


NOBODY = Crew({}, {}, {})


def crew(
    conn: Connection, program_id: str, found: Iterable[Decision], visits: Mapping[str, Visit], today: date
) -> Crew:
    """Who does these things, if they fall to health workers."""
    found = list(found)
    members = sorted({row.unit_id for row in found if row.unit_kind == "member"})
    linked = links.links_of(conn, program_id, "member", members)
    own = {name: linked_on(linked.get(name, ()), "health_worker", today) for name in members}
    groups = workers_of_groups(conn, program_id, (row.group_id for row in found), today)
    return Crew(visits, {name: who for name, who in own.items() if who is not None}, groups)


def narrower(one: Audience, other: Audience) -> Audience:
    """The audience of two that sees less."""
    return min(one, other, key=AUDIENCES.index)
