"""The health workers of a pool in a week, with the time that no plan has promised yet."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from engagement.bandits.restless.assignment import Worker
from engagement.store import decisions, links, setup
from engagement.store.plans import Visit, newest
from engagement.strategy.crew import away_in, minutes_in
from engagement.strategy.setup import HealthWorker

FALLEN_OUT = frozenset({"declined", "replaced", "not_done"})
"""Answers after which a visit takes nobody's time. One of which nothing was said counts as made."""
PAGE = 1_000


def pools_of(conn: Connection, program_id: str, groups: Sequence[str], day: date) -> dict[str, list[str]]:
    """The groups of each catchment on a day; those of none are under ""."""
    found = links.links_of(conn, program_id, "group", groups)
    out: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        out[links.linked_on(found.get(group, ()), "catchment", day) or ""].append(group)
    return out


def all_names(conn: Connection, program_id: str, noun: str) -> list[str]:
    """Every id of a noun, in order."""
    out: list[str] = []
    while True:
        page = setup.page(conn, program_id, noun, out[-1] if out else "", PAGE)
        out += [row.thing.id for row in page]
        if len(page) < PAGE:
            return out


def standing_visits(conn: Connection, program_id: str, visits: Sequence[Visit]) -> list[Visit]:
    """Those that hold: the newest entry of each decision, with somebody who goes, not fallen out."""
    held = [row for row in newest(visits).values() if row.worker_id is not None]
    said = decisions.answers(conn, program_id, [row.decision_id for row in held])
    return [row for row in held if not _fell_out(said.get(row.decision_id, ()))]


def _fell_out(said: Sequence[decisions.Answered]) -> bool:
    return bool(said) and said[-1].status in FALLEN_OUT


def crew_of(
    conn: Connection,
    program_id: str,
    pool: str,
    monday: date,
    day: date,
    *,
    least_minutes: int,
    languages: Collection[str],
    standing: Sequence[Visit],
    homes: Mapping[str, str],
) -> list[Worker]:
    """Who works in a pool in a week, by name.

    day : whose links hold      least_minutes : a visit takes no less
    standing : visits of the week that hold, of all plans
    languages : those of the pool; whoever has told none speaks them all
    homes : the group of each unit; a worker knows those whose group is linked to her
    """
    names = all_names(conn, program_id, "health_worker")
    found = links.links_of(conn, program_id, "health_worker", names)
    there = [name for name in names if links.linked_on(found.get(name, ()), "catchment", day) == pool]
    people = setup.newest(conn, program_id, "health_worker", there)
    known = links.links_of(conn, program_id, "group", sorted(set(homes.values())))
    of_group = {group: links.linked_on(some, "health_worker", day) for group, some in known.items()}
    promised: Counter[str | None] = Counter()
    for row in standing:
        promised[row.worker_id] += row.minutes
    out = []
    for name in there:
        one = people[name].thing
        assert isinstance(one, HealthWorker)  # noqa: S101  # stored under this noun
        visit = max(one.minutes_a_visit, least_minutes)
        out.append(
            Worker(
                name,
                frozenset((pool,)),
                frozenset(one.languages or languages),
                minutes_in(one, monday) - promised[name],
                visit,
                away_in(one, monday),
                frozenset(unit for unit, group in homes.items() if of_group.get(group) == name),
            )
        )
    return out


def last_visited(visits: Iterable[Visit]) -> Mapping[str, str]:
    """The last period in which each unit had a visit. visits : those that hold"""
    out: dict[str, str] = {}
    for row in visits:
        out[row.unit_id] = max(out.get(row.unit_id, ""), row.period)
    return out
