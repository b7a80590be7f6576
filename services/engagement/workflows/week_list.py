"""The work list of a carrier: what to do now, in order of when it is due, and whether the time is enough.

A list shows no more than its carrier may see, whoever asks for it, so that it can be handed over as it is.
What does not fit into the time there is stands on it all the same, and says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.actions.action import NONE, Carrier
from engagement.errors import Mistake
from engagement.signals.signal import Audience
from engagement.store import decisions, plans, setup
from engagement.store.decisions import Answered, Decision
from engagement.store.identifiers import first_uuid7
from engagement.store.kept import Kept
from engagement.store.plans import Visit
from engagement.strategy.cadence import calendar, local_date
from engagement.strategy.life import Status, status
from engagement.strategy.setup import Catalogue, HealthWorker
from engagement.workflows.carriers import EYES, NOBODY, Crew, Whose, crew, narrower, whose
from engagement.workflows.crew import all_names
from engagement.workflows.leading import leads_of, tired_groups
from engagement.workflows.sight import sight_of
from engagement.workflows.states import CUT, states_of
from engagement.workflows.week_care import Care
from engagement.workflows.week_sums import WeekList, for_members, summed
from engagement.workflows.week_tasks import Check, Row, Scene, Task, cared_for, checks, referrals, task
from engagement.workflows.worklist import OPEN_MS, seats_of, still_wanted

OPEN: tuple[Status, ...] = ("proposed", "accepted")
ANSWERED: tuple[Status, ...] = ("declined", "replaced", "done", "not_done")
MOST = 1_000
"""On one person's list."""


class WeekWanted(NamedTuple):
    """Which list.

    language : of words for the carrier, None for the person's own
    silent, cares : of `silent_groups` and, on the list of staff, of `week_care`
    after : the decision to go on behind, "" for the first
    """

    subject: str
    audience: Audience
    language: str | None = None
    after: str = ""
    limit: int = MOST
    silent: tuple[Check, ...] = ()
    cares: tuple[Care, ...] = ()


# --- groups somebody should ask after -------------------------------------------------------------


def looked_at(
    conn: Connection, kept: Kept, program_id: str, subjects: Sequence[str], now_ms: int
) -> list[tuple[str, ...] | Mistake]:
    """The groups that each list looks at for silence; they may be many, so `silent_groups` takes parts."""
    return [_looked_at(conn, kept, program_id, subject, now_ms) for subject in subjects]


def _looked_at(
    conn: Connection, kept: Kept, program_id: str, subject: str, now_ms: int
) -> tuple[str, ...] | Mistake:
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    try:
        mine = whose(conn, program_id, subject, local_date(now_ms, program.time_zone))
    except Mistake as mistake:
        return mistake
    if mine.groups is not None:
        return tuple(sorted(mine.groups))
    if mine.kind in ("staff", "health_worker"):
        return tuple(all_names(conn, program_id, "group"))
    return ()


def cuts(names: Sequence[str]) -> list[Sequence[str]]:
    """Names in parts that may each be looked at in one go."""
    return [names[start : start + CUT] for start in range(0, len(names), CUT)]


def silent_groups(
    conn: Connection, kept: Kept, program_id: str, parts: Sequence[Sequence[str]], now_ms: int
) -> list[tuple[Check, ...]]:
    """Those of each part of at most `CUT` groups of which nothing is heard."""
    out = []
    for names in parts:
        states = states_of(conn, kept, program_id, names, now_ms)
        silent = sorted(name for name, row in states.items() if row.state == "silent")
        out.append(tuple(Check(name, states[name].last_known_meeting) for name in silent))
    return out


# --- the list -------------------------------------------------------------------------------------


def week_lists(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[WeekWanted], now_ms: int
) -> list[WeekList | Mistake]:
    """Each list that is wanted."""
    out: list[WeekList | Mistake] = []
    for one in wanted:
        try:
            out.append(_list(conn, kept, program_id, one, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _list(conn: Connection, kept: Kept, program_id: str, wanted: WeekWanted, now_ms: int) -> WeekList:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    source = _Source(
        conn, program_id, catalogue, whose(conn, program_id, wanted.subject, today), today, now_ms
    )
    visits = source.visits()
    open_rows, following = source.open(visits, wanted.after, wanted.limit)
    said = [] if wanted.after else source.answered(visits)
    hands = source.hands([row.decision for row in (*open_rows, *said)], visits)
    found = source.still_wanted([row for row in open_rows if falls_to(source.mine, hands, row.decision)])
    said = [row for row in said if falls_to(source.mine, hands, row.decision)]
    shown = [(row.decision, row.status) for row in (*found, *said)]
    audience = narrower(wanted.audience, EYES[source.mine.kind])
    scene = Scene(
        conn=conn,
        kept=kept,
        program_id=program_id,
        catalogue=catalogue,
        whose=source.mine,
        crew=hands,
        workers=source.workers(hands, [decision for decision, _ in shown]),
        seats=seats_of(conn, program_id, shown, today),
        audience=audience,
        sight=sight_of(conn, program_id, audience, (decision.member for decision, _ in shown)),
        language=wanted.language or source.mine.language,
        today=today,
        now_ms=now_ms,
        tired=source.tired([decision for decision, _ in shown]),
    )
    others = [] if wanted.after else others_than_decisions(scene, wanted)
    tasks = sorted([*(task(scene, row) for row in found), *others], key=_due)
    latest = sorted(said, key=lambda row: row.said.recorded_at if row.said else 0, reverse=True)
    made = summed(scene, tasks, [task(scene, row) for row in latest], following)
    return for_members(scene, made) if source.mine.kind == "app" else made


def others_than_decisions(scene: Scene, wanted: WeekWanted) -> list[Task]:
    """What a list has beside decisions."""
    return [*checks(scene, wanted.silent), *referrals(scene), *cared_for(scene, wanted.cares)]


def _due(one: Task) -> tuple[datetime, str, str]:
    return one.due_at, one.decision_id or "", one.group or ""


def falls_to(mine: Whose, hands: Crew, decision: Decision) -> bool:
    """Whether a decision stands on a list, among those of its kind of carrier."""
    if mine.worker is not None:
        return mine.worker.id in hands.who(decision)
    return mine.groups is None or decision.group_id in mine.groups


def on_list(
    conn: Connection, kept: Kept, program_id: str, subject: str, decision: Decision, now_ms: int
) -> bool:
    """Whether a decision stands, or stood, on the list of a carrier. Raises NotFound where nobody has it."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    source = _Source(conn, program_id, catalogue, whose(conn, program_id, subject, today), today, now_ms)
    visits = source.visits()
    action = catalogue.actions.get(decision.action_id)
    kind: Carrier | None = "health_worker" if decision.decision_id in visits else None
    if (kind or (action and action.carrier)) != source.mine.kind:
        return False
    return falls_to(source.mine, source.hands([decision], visits), decision)


class _Source(NamedTuple):
    """Where the rows of one list come from."""

    conn: Connection
    program_id: str
    catalogue: Catalogue
    mine: Whose
    today: date
    now_ms: int

    def visits(self) -> dict[str, Visit]:
        """Who goes where from this week on, by decision; empty for those who make no visits."""
        if self.mine.kind != "health_worker":
            return {}
        week = calendar(self.now_ms, self.catalogue.program.time_zone, "week").decision_point
        return plans.newest(plans.visits_since(self.conn, self.program_id, week))

    def open(self, visits: Mapping[str, Visit], after: str, limit: int) -> tuple[list[Row], str | None]:
        """What is open, in order of when it is due, and where to go on."""
        found = self._standing(OPEN, OPEN_MS, limit + 1, open_at_ms=self.now_ms, behind=after)
        following = found[limit - 1][0].decision_id if len(found) > limit else None
        rows = [Row(*row, None) for row in found[:limit]]
        lives = decisions.answers(self.conn, self.program_id, [row.decision.decision_id for row in rows])
        rows = [row._replace(said=_last(lives.get(row.decision.decision_id, ()))) for row in rows]
        return (rows if after else rows + self._filled_in(visits, OPEN)), following

    def answered(self, visits: Mapping[str, Visit]) -> list[Row]:
        """What was answered, as far back as what was done in this month may have been decided."""
        found = self._standing(ANSWERED, 2 * OPEN_MS, MOST)
        lives = decisions.answers(self.conn, self.program_id, [decision.decision_id for decision, _ in found])
        rows = [_row(decision, lives[decision.decision_id], self.now_ms) for decision, _ in found]
        return rows + self._filled_in(visits, ANSWERED)

    def _standing(
        self,
        statuses: Sequence[Status],
        back_ms: int,
        limit: int,
        *,
        open_at_ms: int = 0,
        behind: str | None = None,
    ) -> list[tuple[Decision, Status]]:
        kind = self.mine.kind
        return decisions.standing(
            self.conn,
            self.program_id,
            actions=[name for name, one in sorted(self.catalogue.actions.items()) if one.carrier == kind],
            statuses=statuses,
            groups=self._near(),
            after=first_uuid7(self.now_ms - back_ms),
            open_at_ms=open_at_ms,
            behind=behind,
            limit=limit,
        )

    def _near(self) -> list[str] | None:
        """The groups in which a person's things can be; None for everybody's."""
        if self.mine.groups is None:
            return None
        seats = setup.memberships_of(self.conn, self.program_id, sorted(self.mine.members))
        theirs = {row.group for rows in seats.values() for row in rows if row.group is not None}
        return sorted(self.mine.groups | theirs)

    def _filled_in(self, visits: Mapping[str, Visit], statuses: Sequence[Status]) -> list[Row]:
        """Visits that a plan gave out under a decision that itself says `none`."""
        worker = self.mine.worker
        ids = [
            key
            for key, row in sorted(visits.items())
            if row.worker_id is not None and (worker is None or row.worker_id == worker.id)
        ]
        found = decisions.by_id(self.conn, self.program_id, ids)
        lives = decisions.answers(self.conn, self.program_id, ids)
        rows = [_row(one, lives.get(key, ()), self.now_ms) for key, one in sorted(found.items())]
        return [row for row in rows if row.decision.action_id == NONE and row.status in statuses]

    def hands(self, found: Iterable[Decision], visits: Mapping[str, Visit]) -> Crew:
        """Who does these things, where they fall to health workers."""
        if self.mine.kind != "health_worker":
            return NOBODY
        return crew(self.conn, self.program_id, found, visits, self.today)

    def still_wanted(self, rows: Sequence[Row]) -> list[Row]:
        """Those that somebody may still be asked to do."""
        pairs = [(row.decision, row.status) for row in rows]
        kept = still_wanted(self.conn, self.program_id, self.catalogue, pairs, self.now_ms)
        ids = {decision.decision_id for decision, _ in kept}
        return [row for row in rows if row.decision.decision_id in ids]

    def tired(self, found: Sequence[Decision]) -> frozenset[str]:
        """The groups whose adviser is tired, where a list is an adviser's: there less may be asked."""
        if self.mine.kind != "adviser":
            return frozenset()
        groups = self.mine.groups or {row.group_id for row in found}
        return tired_groups(
            leads_of(self.conn, self.program_id, self.catalogue, groups, self.today, self.now_ms)
        )

    def workers(self, hands: Crew, found: Sequence[Decision]) -> dict[str, HealthWorker]:
        """The health workers to whom these things fall, by id."""
        if self.mine.worker is not None:
            return {self.mine.worker.id: self.mine.worker}
        names = sorted({name for row in found for name in hands.who(row)})
        rows = setup.newest(self.conn, self.program_id, "health_worker", names)
        return {name: row.thing for name, row in rows.items() if isinstance(row.thing, HealthWorker)}


def _last(life: Sequence[Answered]) -> Answered | None:
    return life[-1] if life else None


def _row(decision: Decision, life: Sequence[Answered], now_ms: int) -> Row:
    stands = status([step.status for step in life], decision.expires_at, now_ms)
    return Row(decision, stands, _last(life))
