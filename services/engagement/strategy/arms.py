"""Who decides for a group under one strategy: its belief, or a baseline beside it.

*Control*: a share of the groups for which the baseline decides for ever, and from which nothing is
learned, so that the others have something to be compared with. *Shadow*: for a time the baseline decides
for everybody else, too, while the belief learns and what it would have done is written down.
Whole groups, never single members: neighbours hear of what the others are offered.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from engagement.randomness import UNIFORM_BITS, group_uniform
from engagement.strategy.baseline import AnyBaseline, FixedOrder
from engagement.strategy.promotion import Rule

Arm = Literal["learning", "control", "shadow"]


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen share of the groups for which the baseline decides.

    share : each group's chance to be one of them
    """

    share: Annotated[float, msgspec.Meta(gt=0, le=0.9)]
    baseline: AnyBaseline


class Shadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The baseline decides, the belief learns beside it, until the rule is met and somebody applies it.

    until : decisions closed by the end of this day are what the rule looks at, once it has passed
    """

    until: date
    baseline: AnyBaseline
    rule: Rule

    def __post_init__(self) -> None:
        """Refuses to ask for a gain that this baseline cannot show."""
        if self.rule.gain is not None and isinstance(self.baseline, FixedOrder):
            raise ValueError(
                "a fixed order never tries what the belief would have chosen instead, so no gain can be "
                "measured beside it; let the baseline be `even_chance`, or leave `gain` out of the rule"
            )


def in_control(control: Control, secret: bytes, program: str, strategy: str, group: str) -> bool:
    """Whether a group is in the control share: by a draw of its own, the same for ever and on any replica.

    Other groups that come or go change nothing, and under a larger share whoever was in it still would be.
    """
    drawn: int = group_uniform(secret, program, strategy, group)
    return bool(drawn < control.share * 2**UNIFORM_BITS)
