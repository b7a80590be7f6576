"""Where somebody should look: what was copied, what is too good, what disagrees."""

from datetime import timedelta

import pytest

from engagement.workflows.ingest import ingest
from engagement.workflows.trust import Disagreement, Register, trust
from support.peer_groups import START, came, held, seat

UNTIL = START.date() + timedelta(days=400)
DAYS = [28.0 * n for n in range(8)]


@pytest.fixture
def met(here):
    seat(here, *(f"g{n},m{n}{who},{who}" for n in range(2) for who in (1, 2, 3)))
    return here


def found(here, until=UNTIL):
    with here.db.read() as conn:
        return trust(conn, here.id, ["g0", "g1"], "Asia/Kolkata", until)


def meeting(here, group, day, present, absent=()):
    reports = [came(f"m{group[1:]}{who}", day) for who in present]
    reports += [came(f"m{group[1:]}{who}", day, 0) for who in absent]
    here.run(ingest, reports, day=day + 2)


def test_who_reported_and_how_late(met):
    meeting(met, "g0", 0.0, (1, 2, 3))
    met.run(ingest, [held("g0", 0.0, reported_by="adviser")], day=10.0)
    told = found(met)
    assert (told.reports, told.reported_by, told.days_late) == (4, {"system": 3, "adviser": 1}, 2.0)


def test_the_same_people_four_times_in_a_row_look_copied(met):
    for day in DAYS[:4]:
        meeting(met, "g0", day, (1, 2), (3,))
        meeting(met, "g1", day, (1, 2) if day else (1, 3), (3,) if day else (2,))
    assert found(met).same == (Register("g0", 4),)


def test_everybody_six_times_in_a_row_looks_too_good(met):
    for day in DAYS[:6]:
        meeting(met, "g0", day, (1, 2, 3))
    for day in DAYS[:5]:
        meeting(met, "g1", day, (1, 2, 3))
    told = found(met)
    assert (told.same, told.everybody) == ((), (Register("g0", 6),))


def test_sources_that_disagree_are_named(met):
    met.run(ingest, [came("m01", 0.0), came("m01", 0.0, 0, source="app", id="other"), came("m02", 0.0)])
    assert found(met).disagree == (Disagreement("g0", 1, ("app", "register")),)


def test_a_corrected_report_does_not_disagree_with_what_it_corrects(met):
    wrong = came("m01", 0.0, id="wrong")
    right = came("m01", 0.0, 0, id="right", corrects="wrong")
    met.run(ingest, [wrong])
    met.run(ingest, [right])
    told = found(met)
    assert (told.reports, told.disagree) == (1, ())


def test_nothing_reported_is_nothing_to_doubt(met):
    assert found(met).days_late is None
    meeting(met, "g0", 28.0, (1,))
    assert found(met, START.date()).reports == 0
