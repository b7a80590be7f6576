"""Where an adviser stands on the path: screened, trained, active, tired or stepped down, succeeded."""

from typing import NamedTuple

from engagement.signals.adviser import ADVISER_STEP, REFRESHER_DUE, TRAINING_DONE
from engagement.signals.tally import DAY_MS, Report, Tally, kind_of

REFRESHER = TRAINING_DONE.number("refresher")
_TRAINED = ("trained", "active", "tired")


class Advising(NamedTuple):
    """What is known of one adviser, or of a group's.

    step : the last step reported, None when none was; a module completed after the screening is one
    trained : a module was completed, or a step was taken that comes after training
    refresher_due_ms : None when no day is known, or a refresher came after it was set
    """

    step: str | None
    trained: bool
    refresher_due_ms: int | None


def advising(tally: Tally) -> Advising:
    """The adviser's state as of all that was reported."""
    taken, module = _latest(tally, ADVISER_STEP.code), _latest(tally, TRAINING_DONE.code)
    step = None if taken is None else ADVISER_STEP.word(taken.value)
    if module is not None and (
        taken is None or (step == "screened" and module.occurred_at_ms > taken.occurred_at_ms)
    ):
        step = "trained"
    return Advising(step, module is not None or step in _TRAINED, _refresher_due_ms(tally, module))


def _refresher_due_ms(tally: Tally, module: Report | None) -> int | None:
    due = _latest(tally, REFRESHER_DUE.code)
    if due is None:
        return None
    if module is not None and module.value == REFRESHER and module.occurred_at_ms > due.occurred_at_ms:
        return None
    return due.occurred_at_ms + due.value * DAY_MS


def _latest(tally: Tally, code: int) -> Report | None:
    kind = kind_of(tally, code)
    return None if kind is None else kind.latest[0]
