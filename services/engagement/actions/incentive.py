"""An incentive: a certificate, a token, a seed for the group's fund.

Effects of incentives fade, and are gone some three months after the incentive ends
(Mantzari 2015, PMC4728181), so a person agrees first, and it may taper off. Each is attached to coming
or trying, never to a clinical value, and whoever's own report earns it is never the only source of that
report.
"""

from typing import Literal

from engagement.actions import taper
from engagement.actions.action import Action, Level
from engagement.actions.taper import Step

EarnedBy = Literal[
    "attendance",
    "meeting_held",
    "goal_set",
    "goal_met",
    "goal_partly_met",
    "clinic_follow_up",
    "reminder_passed_on",
    "training_done",
    "fund_contribution",
]
"""Signals of coming and of trying. None of a clinical value is among them."""


class Incentive(Action, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="incentive"):
    """Something given. It waits for a person's yes unless the program says otherwise.

    level : the whole group by default, so that neighbours face the same offer
    individual : neighbours may be offered different things; without it no incentive is for a member
    earned_by : signals of which one must have been reported since the offer, and not by the earner alone,
        before it can be `done`; none where nothing is to be earned
    taper : what it gives instead from some days before the program's end on, step by step
    """

    level: Level = "group"
    needs_accept: bool = True
    individual: bool = False
    earned_by: tuple[EarnedBy, ...] = ()
    taper: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a different offer to neighbours, unless the program says that this is meant."""
        super().__post_init__()
        if (self.level == "member") != self.individual:
            raise ValueError(
                f"`{self.id}` is an incentive: for a `member` it needs `individual = true`, which says that "
                "neighbours may be offered different things; for a group or an adviser it has none"
            )
        flaw = taper.flaw(self.cost_minor, self.taper)
        if flaw is not None:
            raise ValueError(f"`{self.id}`: {flaw}")

    def cost_on(self, days_to_end: int | None) -> int:
        """What it costs so many days before the program's end at a site; None where no end is set."""
        return taper.cost_on(self.cost_minor, self.taper, days_to_end)
