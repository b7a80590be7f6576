"""The life of a decision: proposed → accepted / declined / replaced → done / not done.

A pick is not an act. A decision is open until it is answered or expires, and closes for learning
when the strategy's window has passed, whatever became of the action.
"""

from collections.abc import Sequence
from typing import Literal

Answer = Literal["accepted", "declined", "replaced", "done", "not_done"]
Status = Literal["proposed", "accepted", "declined", "replaced", "done", "not_done", "expired"]
ReasonCode = Literal[
    "no_time", "not_suitable", "not_wanted", "not_reached", "not_home", "already_happening", "unsafe", "other"
]

FOLLOWS: dict[Status, frozenset[Status]] = {
    "proposed": frozenset({"accepted", "declined", "replaced", "done", "not_done", "expired"}),
    "accepted": frozenset({"declined", "replaced", "done", "not_done", "expired"}),
    "expired": frozenset({"done", "not_done"}),
    "not_done": frozenset({"done"}),
    "declined": frozenset(),
    "replaced": frozenset(),
    "done": frozenset(),
}
"""What may come after what. A late report still counts: an expired decision may prove done."""

RELEASED: frozenset[Status] = frozenset({"declined", "replaced", "not_done", "expired"})
"""States in which what was reserved for the action is free again."""


def status(answers: Sequence[Status], expires_ms: int, now_ms: int) -> Status:
    """Where a decision stands, given what became of it so far in order."""
    last = answers[-1] if answers else "proposed"
    return "expired" if last in ("proposed", "accepted") and now_ms >= expires_ms else last


def is_open(answers: Sequence[Status], expires_ms: int, now_ms: int) -> bool:
    """Whether asking again returns this decision instead of making a new one."""
    return status(answers, expires_ms, now_ms) in ("proposed", "accepted")
