"""When a program, and who left it, have been kept as long as it said."""

from datetime import date

import pytest

from engagement.strategy.retention import kept_until, last_day, left_too_long, months_after
from engagement.strategy.setup import Catalogue, Program, Site


def ended(*days: date | None, months: int | None = None) -> Catalogue:
    sites = {f"s{n}": Site(id=f"s{n}", title="S", ends_on=day) for n, day in enumerate(days)}
    program = Program(id="p", title="P", retention_months=months)
    return Catalogue(1, program, sites, {}, {}, {}, {})


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 3, 15), -3, date(2025, 12, 15)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_a_day_so_many_months_later(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected


def test_a_program_ends_at_its_last_site_and_not_while_one_goes_on() -> None:
    assert last_day(ended(date(2026, 6, 30), date(2026, 3, 31))) == date(2026, 6, 30)
    assert last_day(ended(date(2026, 6, 30), None)) is None
    assert last_day(ended()) is None


def test_it_is_kept_for_so_many_months_behind_that_day() -> None:
    assert kept_until(ended(date(2026, 6, 30), months=36)) == date(2029, 6, 30)
    assert kept_until(ended(date(2026, 6, 30))) is None
    assert kept_until(ended(None, months=36)) is None


def test_whoever_left_longer_ago_is_kept_too_long() -> None:
    assert left_too_long(ended(None, months=24), date(2026, 6, 30)) == date(2024, 6, 30)
    assert left_too_long(ended(None), date(2026, 6, 30)) is None
