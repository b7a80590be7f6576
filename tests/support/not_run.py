"""A pytest plugin: a test whose program is absent does not run, and the end says so by name."""

from collections import defaultdict

import pytest

from support.programs import find, how_to_get


@pytest.hookimpl(tryfirst=True)  # before fixtures that would start the program
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what `pytest.mark.needs` a program that is not here."""
    for program in [name for mark in item.iter_markers("needs") for name in mark.args]:
        way = how_to_get(program)
        if way is None:
            raise pytest.UsageError(f"{item.nodeid} needs {program}, which tests/support/programs.py lacks")
        if find(program) is None:
            pytest.skip(f"{program} is absent; to get it: {way}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every test that did not run, under the reason."""
    tests_by_reason = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        tests_by_reason[report.longrepr[2].removeprefix("Skipped: ")].append(report.nodeid)
    if tests_by_reason:
        terminalreporter.section("did not run")
    for reason, tests in sorted(tests_by_reason.items()):
        terminalreporter.write_line(reason)
        for test in tests:
            terminalreporter.write_line(f"    {test}")
