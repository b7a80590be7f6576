"""Many callers at once who do not give up, and a journal of everything they were told is stored."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from time import monotonic, sleep
from typing import Any, NamedTuple

from support.service import PATIENCE_SECONDS, Client, Service, client_of

SIGNALS_A_TURN = 4


class Journal(NamedTuple):
    """What callers were told is stored.

    signals : (source, id)      decisions : (member, decision point) → the body they were given
    answers : decision → what they said became of it
    """

    signals: set[tuple[str, str]]
    decisions: dict[tuple[str, str], dict[str, Any]]
    answers: dict[str, str]

    @property
    def writes(self) -> int:
        """How many writes were acknowledged."""
        return len(self.signals) + len(self.decisions) + len(self.answers)


def together(journals: Sequence[Journal]) -> Journal:
    """One journal of all; callers who asked the same thing must have been told the same."""
    whole = Journal(set(), {}, {})
    for journal in journals:
        whole.signals.update(journal.signals)
        whole.answers.update(journal.answers)
        for key, body in journal.decisions.items():
            assert whole.decisions.setdefault(key, body) == body
    return whole


class Load:
    """Callers at work, made by `loaded`. `grow` waits until more of what they reported is acknowledged."""

    def __init__(self, callers: int) -> None:
        self.journals = [Journal(set(), {}, {}) for _ in range(callers)]
        self.enough = threading.Event()
        self._futures: list[Any] = []

    @property
    def signals(self) -> int:
        """How many signals were acknowledged so far; every caller's are its own."""
        return sum(len(journal.signals) for journal in self.journals)

    def grow(self, by: int) -> None:
        """Returns once so many more signals are acknowledged, and what goes with them."""
        goal, deadline = self.signals + by, monotonic() + PATIENCE_SECONDS + by / 20
        while self.signals < goal:
            failed = [future for future in self._futures if future.done() and future.exception()]
            if failed:
                failed[0].result()
            if monotonic() > deadline:
                raise TimeoutError(f"{goal - self.signals} of {by} more signals were not acknowledged")
            sleep(0.005)

    def finish(self) -> Journal:
        """Lets every caller end what it began, to the last acknowledgement; what they were told."""
        self.enough.set()
        for future in self._futures:
            future.result()
        return together(self.journals)


@contextmanager
def loaded(service: Service, key: str, members: Sequence[str], callers: int = 8) -> Iterator[Load]:
    """Callers in pairs: both of a pair ask for the same members, so that all is asked twice at once."""
    load = Load(callers)
    with ThreadPoolExecutor(callers) as pool:
        for number, journal in enumerate(load.journals):
            own = members[number // 2 :: (callers + 1) // 2]
            load._futures.append(
                pool.submit(_call, service, key, f"caller-{number}", own, journal, load.enough.is_set)
            )
        try:
            yield load
        finally:
            load.enough.set()


def _call(
    service: Service,
    key: str,
    name: str,
    members: Sequence[str],
    journal: Journal,
    enough: Callable[[], bool],
) -> None:
    """Turn after turn: asks, says what became of it, reports what was seen of the member."""
    with client_of(service, key) as client:
        for turn in count():
            if enough():
                return
            member, point = members[turn % len(members)], f"turn-{turn // len(members)}"
            decision = client.recommend(member, point)
            assert decision["decision_point"] == point
            journal.decisions[member, point] = decision
            status = ("done", "not_done")[turn % 2]
            client.insist(f"/v1/decisions/{decision['decision_id']}/answers", {"status": status})
            journal.answers[decision["decision_id"]] = status
            _report(client, name, member, turn, decision["decided_at"], journal)


def _report(client: Client, name: str, member: str, turn: int, decided_at: str, journal: Journal) -> None:
    """Says after a decision that the member came, and met a goal or not."""
    at = datetime.fromisoformat(decided_at) + timedelta(minutes=1)
    signals = [
        {
            "source": name,
            "id": f"{turn}-{place}",
            "kind": kind,
            "member": member,
            "value": (turn + place) % 2,
            "occurred_at": (at + timedelta(seconds=place)).isoformat(),
        }
        for place, kind in enumerate(("attendance", "goal_met") * (SIGNALS_A_TURN // 2))
    ]
    for result in client.insist("/v1/signals", {"signals": signals})["results"]:
        journal.signals.add((result["receipt"]["source"], result["receipt"]["id"]))
