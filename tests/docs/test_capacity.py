"""What the page about capacity calculates follows from what it says was measured."""

import pytest

from docs.pages import ROOT, tables

PAGE = (ROOT / "docs/capacity.md").read_text()
MEASURED = {
    row[0]: float(row[2].replace(",", ""))
    for table in tables(PAGE)
    if table.heading == "Measured"
    for row in table.rows
    if ": " in row[0]
}
CALCULATED = [
    [float(cell.replace(",", "")) for cell in row]
    for table in tables(PAGE)
    if table.heading == "Calculated"
    for row in table.rows
]
BUSY_S = 10 * 8 * 3600
SIGNALS = 4
ONE_BY_ONE_US = 9_000


def of(start: str) -> float:
    (found,) = (value for name, value in MEASURED.items() if name.startswith(start))
    return found


@pytest.mark.parametrize("row", CALCULATED, ids=lambda row: f"{row[0]:.0f}")
def test_a_line_is_what_its_members_make_of_the_figures(row: list[float]) -> None:
    """A decision has one signal in it, so that three more are reported."""
    members, decisions, signals, gigabytes, service, database, alone = row
    assert decisions == pytest.approx(members / BUSY_S, rel=0.02)
    assert signals == pytest.approx(SIGNALS * members / BUSY_S, rel=0.02)
    month = of("decision: bytes") + (SIGNALS - 1) * of("further signal: bytes")
    assert gigabytes == pytest.approx(members * (of("member seated") + 12 * month) / 1e9, rel=0.01)
    for hours, whose in ((service, "service's"), (database, "database's")):
        each = of(f"decision: µs of the {whose}") + 3 * of(f"further signal: µs of the {whose}")
        assert hours == pytest.approx(members * each / 3.6e9, rel=0.02, abs=0.05)
    assert alone == pytest.approx(service + members * ONE_BY_ONE_US / 3.6e9, rel=0.02)
