"""A program's vital signs are what the ledger, the report and the pages say, counted by other means."""

from collections import Counter
from math import sqrt
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, func, select

from engagement.bandits.allocations.uniform import Uniform
from engagement.records import ROOT
from engagement.store import beliefs, counts
from engagement.store import tables as t
from engagement.store.beliefs import Version
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.planning import Planning
from engagement.strategy.setup import Consent, Member
from engagement.strategy.strategy import Strategy
from engagement.workflows.answer import Reply, answer
from engagement.workflows.ingest import ingest
from engagement.workflows.program import template
from engagement.workflows.program_metrics import PREFIX, Told, exposition, names_of
from engagement.workflows.program_watch import Replayed, Watched, replayed_sample
from engagement.workflows.report import ReportWanted, report
from engagement.workflows.revise import revise
from engagement.workflows.safety import open_referrals
from engagement.workflows.vital_signs import VitalSigns, vital_signs
from support.peer_groups import (
    FOLDED,
    PLAN,
    Here,
    a_program,
    always,
    ask,
    came,
    decided,
    held,
    ms,
    said,
    seat_members,
)
from support.visits import a_planned_program, add_groups, add_worker, planned

TODAY = FOLDED + 2
EVEN = Strategy(id="even", title="Draws evenly", actions=("call", "story"), allocation=Uniform())
TRIED = msgspec.structs.replace(PLAN, strategies=(*PLAN.strategies, EVEN))


def signs(here: Here, day: float = TODAY) -> VitalSigns:
    with here.db.read() as conn:
        return vital_signs(conn, Kept(), here.id, ms(day))


def of(found: VitalSigns, strategy: str):
    (row,) = [row for row in found.strategies if row.strategy == strategy]
    return row


@pytest.fixture
def lived(db: Database) -> Here:
    """Sixteen members in two groups; both met on day 0 and one later, half came; decided on days 1 and 20."""
    here = a_program(db, TRIED)
    people = seat_members(here, 16)
    register = [held("g0", 0), held("g1", 0), held("g0", 30)]
    here.run(ingest, [*register, *(came(name, 30.0, n % 2) for n, name in enumerate(people[:8]))], day=30)
    decided(here, *people, day=1, decision_point="first")
    done = decided(here, *people[:5], day=20, decision_point="second", strategy="even")
    here.run(answer, [(name, Reply("done")) for name in done], day=21)
    return here


METRICS_SAY = "metrics"
WHO_SAYS = [METRICS_SAY, "report", "ledger"]  # the console joins here
"""Whoever tells a person how groups stand, how many decisions there are and how many members."""


def told(here: Here, who: str) -> tuple[Counter[str], int]:
    """(groups by state, decisions ever made), as one of them has it."""
    if who == "report":
        with here.db.read() as conn:
            found = report(conn, Kept(), here.id, ReportWanted(), ms(TODAY))
        return Counter({state: number for state, number in found.states.items() if number}), (
            found.provenance.decisions
        )
    if who == "ledger":
        d = t.decisions.c
        query = select(func.count()).where(d.program_id == here.id)
        with here.db.read() as conn:
            # g0 met last on day 30; nothing was heard of g1 since day 0, the meeting of April among it
            return Counter({"thriving": 2}), conn.execute(query).scalar_one()
    families = text_string_to_metric_families(exposed(signs(here)))
    samples = {family.name: family.samples for family in families}
    states: Counter[str] = Counter()
    for sample in samples[f"{PREFIX}groups"]:
        states[sample.labels["state"]] += int(sample.value)
    (ever,) = samples[f"{PREFIX}decisions_ever"]
    return +states, int(ever.value)


def exposed(found: VitalSigns) -> str:
    watched = Watched(found, Replayed(None, 0, 0))  # type: ignore[arg-type]  # of no day
    return exposition(Told([watched], (1, 0, 0.0, 0.0, None))).decode()


@pytest.mark.parametrize("who", WHO_SAYS[1:])
def test_whoever_tells_says_the_same_as_the_metrics(lived: Here, who: str) -> None:
    assert told(lived, METRICS_SAY) == told(lived, who)


def test_attendance_is_what_the_ledger_holds(lived: Here) -> None:
    s = t.signals.c
    query = select(func.sum(s.value), func.count()).where(s.program_id == lived.id, s.kind == "attendance")
    with lived.db.read() as conn:
        counted = tuple(conn.execute(query).one())
    running = signs(lived).phases[0]
    assert (running.came, running.expected) == counted


def test_the_lower_quarter_is_that_of_the_members_indices(lived: Here) -> None:
    (running, *_) = signs(lived).phases
    # four of g0 came to their one meeting and four did not: 100, 0; nothing is known of g1's
    assert running.members == 16
    assert running.lower_quarter is not None
    assert running.member_index is not None
    assert running.lower_quarter < running.member_index


def test_decisions_are_counted_over_thirty_days_and_by_what_decided(lived: Here) -> None:
    lived.run(revise, [Member(id="m0", consent=Consent(chance=False))], day=TODAY)
    ask(lived, "m0", day=TODAY, decision_point="third")
    found = signs(lived)
    # those of day 1 are 41 days old
    assert of(found, "even").phases == (5, 0, 0)
    assert of(found, "even").decided_by == (5, 0, 0, 0, 0)
    assert of(found, "learned").decided_by == (0, 0, 1, 0, 0)
    assert found.decisions == 16 + 5 + 1


def test_before_the_fold_what_has_closed_is_due_and_waits_and_afterwards_it_is_known_or_missing(
    lived: Here,
) -> None:
    before = of(signs(lived), "learned")
    assert before.outcomes == (0, 16, 0, 0)
    # decided on day 1, closed 35 days later
    assert (before.unfolded, before.lag_ms) == (16, ms(TODAY) - ms(36))
    lived.fold(day=TODAY)
    after = of(signs(lived), "learned")
    # of g0's eight something was said; of g1's nothing
    assert after.outcomes == (0, 0, 8, 8)
    assert (after.unfolded, after.lag_ms, after.version) == (0, 0, 1)
    assert after.published_at_ms == ms(TODAY)


def test_what_is_open_is_pending(lived: Here) -> None:
    assert of(signs(lived), "even").outcomes == (5, 0, 0, 0)


def test_expected_counts_are_the_sums_of_stored_probabilities(lived: Here) -> None:
    row = of(signs(lived), "even")
    # three actions are available to each: `none` and two nudges
    assert [(kind.kind, round(kind.expected, 6)) for kind in row.kinds[:2]] == [
        ("none", round(5 / 3, 6)),
        ("nudge", round(10 / 3, 6)),
    ]
    assert sum(kind.observed for kind in row.kinds) == 5
    d = t.decisions.c
    query = select(d.action_id).where(d.program_id == lived.id, d.strategy_id == "even")
    with lived.db.read() as conn:
        picked = Counter(conn.execute(query).scalars())
    sd = sqrt(5 * (1 / 3) * (2 / 3))
    gaps = [abs(picked[name] - 5 / 3) / sd for name in ("none", "call", "story")]
    assert row.gap_sds == pytest.approx(max(gaps), rel=1e-6)


def test_no_probability_is_out_of_bounds_and_everything_replays(lived: Here) -> None:
    found = signs(lived)
    assert [(row.below_floor, row.above_cap) for row in found.strategies] == [(0, 0)] * len(found.strategies)
    with lived.db.read() as conn:
        sample = replayed_sample(conn, Kept(), lived.id, ms(22))
        again = replayed_sample(conn, Kept(), lived.id, ms(22))
    assert sample == again
    assert (sample.number, sample.differ) == (5, 0)


def test_the_dose_is_what_was_given_and_fades_by_a_fifth_a_month(db: Database) -> None:
    here = a_program(db, always("call"))
    people = seat_members(here, 8, chance="no")  # each is given the call
    given = decided(here, *people, day=0)
    here.run(answer, [(name, Reply("done")) for name in given[:5]], day=1)
    here.run(answer, [(given[5], Reply("declined"))], day=1)
    # open are two, which may still be given; a month later they have run out
    assert [round(row.dose, 9) for row in signs(here, 0).doses] == [7, 0, 0]
    (later, *_) = signs(here, 30.44).doses
    assert (later.kind, later.dose, later.per_member) == ("nudge", pytest.approx(4), pytest.approx(0.5))


def test_a_referral_is_overdue_when_its_hours_have_passed(lived: Here) -> None:
    lived.run(ingest, [said("red_flag", 40, member="m3"), said("complaint", 40, member="m4")], day=40)
    # a red flag is answered within 24 hours, a complaint within 72
    waiting = {row.kind: (row.unanswered, row.overdue) for row in signs(lived, 41.5).referrals}
    assert waiting["red_flag"] == (1, 1)
    assert waiting["complaint"] == (1, 0)
    assert sum(number for number, _ in waiting.values()) == 2
    with lived.db.read() as conn:
        (rows,) = open_referrals(conn, Kept(), lived.id, ["research"], ms(41.5))
    assert not isinstance(rows, Exception)
    assert len(rows) == 2


def test_what_is_left_of_money_and_minutes_is_the_limit_less_what_is_held(db: Database) -> None:
    here = a_program(db, TRIED)
    seat_members(here, 8)
    before = signs(here, 0)
    assert [(row.of, row.limit, row.left) for row in before.budgets] == [("fund", 10_000, 10_000)]
    assert [(row.of, row.limit, row.left) for row in before.minutes] == [
        ("adviser", 60, 60),
        ("health_worker", 0, 0),
    ]
    ask(here, *(f"m{n}" for n in range(8)), decision_point="now")
    r = t.reservations.c
    query = select(func.coalesce(func.sum(r.amount), 0)).where(
        r.program_id == here.id, r.resource_id == "fund"
    )
    with db.read() as conn:
        held_now = int(conn.execute(query).scalar_one())
    assert signs(here, 0).budgets[0].left == 10_000 - held_now


def test_a_belief_that_gives_no_numbers_is_not_usable(lived: Here) -> None:
    with lived.db.write() as conn:
        beliefs.write_nodes(conn, lived.id, "learned", 1, {ROOT: np.full(7, np.nan)})
        beliefs.publish(conn, lived.id, Version("learned", 1, 1, 0, 0, ms(TODAY)))
    row = of(signs(lived), "learned")
    assert (row.usable, row.shift, row.precision) == (False, None, None)


def test_visits_that_were_promised_and_not_made_are_unmet(db: Database) -> None:
    here = a_planned_program(db, plan=Planning(longest_wait_weeks=1))
    add_groups(here, "hill", "a", "b")
    add_worker(here, "hill", "asha")
    (first,) = planned(here, 0.0)
    assert of(signs(here, 0.5), "visits").unmet == 0
    fallen = [(row.decision_id, Reply("not_done")) for row in first.units if row.going is not None]
    here.run(answer, fallen, day=1)
    assert of(signs(here, 1.5), "visits").unmet == 0  # the week is not over
    planned(here, 7.0)
    # now both are overdue, and somebody goes
    assert of(signs(here, 7.5), "visits").unmet == 0
    (second,) = planned(here, 7.0)
    here.run(answer, [(row.decision_id, Reply("not_done")) for row in second.units if row.going], day=8)
    assert of(signs(here, 8.5), "visits").unmet == 2
    minutes = {row.of: (row.limit, row.left) for row in signs(here, 8.5).minutes}
    assert minutes["health_worker"] == (120, 120)


def test_programs_that_share_an_id_are_told_apart_and_others_keep_theirs(db: Database) -> None:
    twins = [signs(a_program(db), 0) for _ in range(2)]
    alone = msgspec.structs.replace(twins[0], program="alone")
    names = names_of([*twins, alone])
    assert names == [*(f"program-{one.program_id[-8:]}" for one in twins), "alone"]
    assert len(set(names)) == 3


@pytest.mark.parametrize("name", ["ncd-peer-groups", "virtual-community"])
def test_every_belief_of_the_templates_gives_numbers_before_anything_is_known(
    db: Database, name: str
) -> None:
    found = signs(a_program(db, template(name)), 0)
    told = [row for row in found.strategies if row.version is not None]
    assert told
    assert all(row.usable and row.precision is not None and row.precision > 0 for row in told)


def test_what_was_not_learned_is_found_by_key_and_not_by_reading_everything(db: Database) -> None:
    if not db.is_sqlite:
        return  # PostgreSQL chooses by statistics
    here = a_program(db)
    sent: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        sent.append((statement, given))

    with db.write() as conn:
        event.listen(conn, "before_cursor_execute", note)
        counts.unfolded(conn, here.id, "learned", 0, ms(TODAY))
        statement, given = sent[0]
        steps = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
    assert any("fold_entries" in step and "decision_id=?" in step for step in steps), steps
