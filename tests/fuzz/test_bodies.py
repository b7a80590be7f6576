"""Whatever is sent to whatever takes a body: no fault, no hang, and what is refused leaves nothing behind."""

from collections import Counter

import pytest

from fuzz.conftest import Origin
from support.fuzzing import Finding, Mutated, told, watched
from support.ledger import agrees_with_itself

ROUND = 1000
"""Requests that one copy of the database gets, one after the other: what is taken changes what comes next."""


# the framework drops the file of a form whose text is in an alphabet nobody knows without closing it
@pytest.mark.filterwarnings(
    r"ignore:Exception ignored in.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(
    "requests", [200, pytest.param(100_000, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_what_nobody_should_send_is_answered_in_words_and_leaves_nothing(
    origin: Origin, requests: int, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = Mutated(origin.lived.seeds, origin.lived.words, origin.lived.key)
    found: list[Finding] = []
    counts: Counter[int] = Counter()
    late = 0
    for first in range(0, requests, ROUND):
        with origin.copy() as url:
            with watched(url, origin.lived.now_ms) as service:
                for number in range(first, min(first + ROUND, requests)):
                    found += service.ask(drawn.drawn(f"bodies {number}"))[1]
                counts += service.counts
                late += service.late
            assert agrees_with_itself(url), f"after requests {first} and on\n{capsys.readouterr()}"
        capsys.readouterr()
    assert not found, told(found)
    # neither is everything refused at the door, nor is anything taken for right
    assert counts.total() == requests
    assert late <= 1 + requests // 1000
    assert 0.1 < counts[200] / requests < 0.6
    assert counts[400] / requests > 0.3
