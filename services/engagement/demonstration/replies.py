"""What people say became of a proposal. Every share is a guess, and none is evidence."""

from collections.abc import Sequence
from typing import NamedTuple

from engagement.strategy.life import ReasonCode
from engagement.workflows.answer import Reply

ACCEPTED, DECLINED = 0.82, 0.13
"""Of proposals that wait for a yes; to the rest nobody answers, so that they expire."""
KEPT = 0.92
"""Of accepted ones, those that are then carried out."""
DONE, NOT_DONE = 0.84, 0.11
"""Of proposals that wait for nobody; of the rest nothing is heard."""
WHY_DECLINED: tuple[ReasonCode, ...] = ("no_time", "not_wanted", "not_suitable", "already_happening")
WHY_NOT_DONE: tuple[ReasonCode, ...] = ("no_time", "not_reached", "not_home", "other")


class Replies(NamedTuple):
    """What is said at once, and what a week later; None where nothing is said."""

    at_once: Reply | None
    later: Reply | None

    @property
    def done(self) -> bool:
        """Whether it was carried out, as far as anybody says."""
        return self.later is not None and self.later.status == "done"


def replies(needs_accept: bool, draws: Sequence[float]) -> Replies:
    """What becomes of one proposal.

    draws : three uniforms in [0, 1): is it taken up, is it then carried out, and why not
    """
    willing, able, why = draws
    if needs_accept:
        if willing >= ACCEPTED + DECLINED:
            return Replies(None, None)
        if willing >= ACCEPTED:
            return Replies(Reply("declined", _one_of(WHY_DECLINED, why)), None)
        later = Reply("done") if able < KEPT else Reply("not_done", _one_of(WHY_NOT_DONE, why))
        return Replies(Reply("accepted"), later)
    if willing >= DONE + NOT_DONE:
        return Replies(None, None)
    return Replies(None, Reply("done") if willing < DONE else Reply("not_done", _one_of(WHY_NOT_DONE, why)))


def _one_of(reasons: Sequence[ReasonCode], draw: float) -> ReasonCode:
    return reasons[int(draw * len(reasons))]
