"""What a program expects of its advisers, and when one is tired.

Tiredness is derived: who declines several things in a row has too much of it, whatever the reasons. It is a
pure function of the answers to what the adviser was asked to carry out:

- `declined` adds to the run; `accepted`, `done` and `replaced` end it, for then she does something;
- `not_done` and what ran out unanswered do neither: nobody has said no;
- only answers since she leads the group, since a reported step `active`, and within the window count.

So it ends by itself: by the next thing done, by the word `active`, or when the refusals lie far enough back.
A reported step `tired` is a person's word, and holds until another step is reported.
"""

from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from engagement.signals.advising import Advising
from engagement.signals.tally import DAY_MS
from engagement.strategy.life import Status
from engagement.strategy.screening import Screening

ENDS: frozenset[Status] = frozenset({"accepted", "done", "replaced"})


class Advisers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A program's rules for its advisers; every number is a guess to change.

    refusals : so many in a row, within `refusals_days`, mark an adviser tired
    tired_percent : of the minutes of a month that may be asked of a tired one
    refresher_days : from the last training to a refresher, where no day was told. Health workers without
        one had 4 times the odds of leaving (Ngugi 2018, 95 % CI 2.2 to 7.1); how often is not known
    screening : how the score of who could lead is made
    """

    refusals: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    refusals_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 60
    tired_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50
    refresher_days: Annotated[int, msgspec.Meta(ge=1, le=1095)] = 365
    screening: Screening = Screening()

    def minutes(self, whole: int, *, tired: bool) -> int:
        """What may be asked in a month, in whole minutes."""
        return whole * self.tired_percent // 100 if tired else whole


class Replied(NamedTuple):
    """What became last of one thing that an adviser was asked to carry out."""

    status: Status
    at_ms: int


class Tired(NamedTuple):
    """since_ms : when it began      refusals : in a row, 0 where it was only said"""

    since_ms: int
    refusals: int


def tired(
    rules: Advisers, state: Advising, replies: Iterable[Replied], leads_since_ms: int, now_ms: int
) -> Tired | None:
    """Whether whoever leads a group is tired of it.

    replies : to what was to be carried out in the group by its adviser, in any order
    """
    at_ms = state.step_at_ms or 0
    since_ms = max(
        leads_since_ms, now_ms - rules.refusals_days * DAY_MS, at_ms if state.step == "active" else 0
    )
    run: list[int] = []
    for reply in sorted(
        (one for one in replies if since_ms <= one.at_ms <= now_ms), key=lambda one: one.at_ms
    ):
        if reply.status in ENDS:
            run.clear()
        elif reply.status == "declined":
            run.append(reply.at_ms)
    if len(run) >= rules.refusals:
        return Tired(run[rules.refusals - 1], len(run))
    return Tired(at_ms, 0) if state.step == "tired" else None
