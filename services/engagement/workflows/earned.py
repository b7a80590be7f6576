"""Which incentives may be paid: those whose earning somebody other than the earner has reported."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from engagement.actions.incentive import Incentive
from engagement.store import merges, setup, signals
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.store.merges import Merged
from engagement.store.setup import Seated
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.earned import Earner, Voice, borne_out
from engagement.strategy.setup import LEADING
from engagement.workflows.tallies import counting, key, kin


def unearned(
    conn: Connection, kept: Kept, program_id: str, decisions: Sequence[Decision], now_ms: int
) -> dict[str, Incentive]:
    """Decisions whose incentive may not be paid yet, with it; none of those where nothing is to be earned.

    What counts was reported by now of the time since the offer. Nothing to earn costs no statement.
    """
    offered = {row.decision_id: _to_earn(conn, kept, program_id, row) for row in decisions}
    asked = [row for row in decisions if offered[row.decision_id] is not None]
    if not asked:
        return {}
    named = sorted({row.unit_id for row in asked if row.unit_kind == "member"})
    persons = merges.merged(conn, program_id, named)
    heard = _heard(conn, program_id, asked, sorted({*named, *persons}), now_ms)
    seats = setup.memberships_of(conn, program_id, named)
    out = {}
    for row in asked:
        incentive = offered[row.decision_id]
        zone = setup.catalogue(conn, kept, program_id, row.catalogue).program.time_zone
        earner = _earner(row, seats.get(row.unit_id, ()), zone)
        if incentive is not None and not borne_out(earner, _voices(row, incentive, heard, persons)):
            out[row.decision_id] = incentive
    return out


def _to_earn(conn: Connection, kept: Kept, program_id: str, decision: Decision) -> Incentive | None:
    """The incentive of a decision, if it has to be earned."""
    action = setup.catalogue(conn, kept, program_id, decision.catalogue).actions.get(decision.action_id)
    return action if isinstance(action, Incentive) and action.earned_by else None


def _heard(
    conn: Connection, program_id: str, asked: Sequence[Decision], people: Sequence[str], now_ms: int
) -> list[Recorded]:
    """What counts of what was reported of these people and groups since the first of these offers."""
    groups = sorted({row.group_id for row in asked})
    since = min(row.decided_at for row in asked)
    found = signals.in_window(conn, program_id, people, groups, groups, since, now_ms)
    return list(counting(kin(conn, program_id, map(key, found)).values()))


def _voices(
    decision: Decision, incentive: Incentive, heard: Sequence[Recorded], persons: Mapping[str, Merged]
) -> list[Voice]:
    """Who said since the offer that it was earned.

    Of a member's incentive only what is said of them and of their group; else of anybody in the group, too.
    """
    merge = persons.get(decision.unit_id) if decision.unit_kind == "member" else None
    person = decision.unit_id if merge is None else merge.into
    telling = [
        (row, row.unit_kind == "group" or row.unit_id == person)
        for row in heard
        if row.kind in incentive.earned_by and row.value and row.occurred_at > decision.decided_at
    ]
    return [
        Voice(row.reported_by, own)
        for row, own in telling
        if (row.group_id == decision.group_id and incentive.level != "member")
        or (own and (row.unit_kind == "member" or row.group_id == decision.group_id))
    ]


def _earner(decision: Decision, seats: Sequence[Seated], zone: str) -> Earner:
    """Whom the incentive rewards. Who led a group that day reports for it, whatever the incentive is for.

    seats : the member's, in order of day; of a group none
    """
    if decision.unit_kind == "group":
        return "group"
    day = local_date(decision.decided_at, zone)
    sat = [seat for seat in seats if seat.starts_on <= day]
    return "adviser" if sat and sat[-1].role in LEADING else "member"
