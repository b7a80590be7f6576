"""Where an adviser stands on the path: screened, trained, active, tired or stepped down, succeeded."""

from typing import NamedTuple

from engagement.signals.adviser import ADVISER_STEP, REFRESHER_DUE, TRAINING_DONE
from engagement.signals.tally import DAY_MS, Report, Tally, kind_of

REFRESHER = TRAINING_DONE.number("refresher")
_TRAINED = ("trained", "active", "tired")
_OVER = ("stepped_down", "succeeded")


class Advising(NamedTuple):
    """What is known of one adviser, or of a group's.

    step : the last step reported, None when none was; a module completed after the screening is one
    trained : a module was completed, or a step was taken that comes after training
    refresher_due_ms : None when no day is known, or a refresher came after it was set
    step_at_ms : when the step was taken      module_at_ms : when the last module was completed
    """

    step: str | None
    trained: bool
    refresher_due_ms: int | None
    step_at_ms: int | None = None
    module_at_ms: int | None = None

    @property
    def untrained(self) -> bool:
        """Whether it is known that the training is still to come: screened, and nothing after it.

        Of whom no step and no module was ever reported nobody knows, and who does not know does not say so:
        a program that reports no training at all has no untrained adviser.
        """
        return self.step == "screened" and not self.trained

    @property
    def over(self) -> bool:
        """Whether the person has handed it over, or given it up."""
        return self.step in _OVER

    def refresher_ms(self, usual_days: int) -> int | None:
        """When a refresher is due: the day that was told, else so long after the last training; None if none.

        usual_days : from a completed module, or where none is known from the step `trained`, to a refresher
        """
        if self.refresher_due_ms is not None:
            return self.refresher_due_ms
        last = self.step_at_ms if self.module_at_ms is None and self.step == "trained" else self.module_at_ms
        return None if last is None else last + usual_days * DAY_MS


def advising(tally: Tally) -> Advising:
    """The adviser's state as of all that was reported."""
    taken, module = _latest(tally, ADVISER_STEP.code), _latest(tally, TRAINING_DONE.code)
    step = None if taken is None else ADVISER_STEP.word(taken.value)
    step_at_ms = None if taken is None else taken.occurred_at_ms
    if module is not None and (
        taken is None or (step == "screened" and module.occurred_at_ms > taken.occurred_at_ms)
    ):
        step, step_at_ms = "trained", module.occurred_at_ms
    return Advising(
        step,
        module is not None or step in _TRAINED,
        _refresher_due_ms(tally, module),
        step_at_ms,
        None if module is None else module.occurred_at_ms,
    )


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
