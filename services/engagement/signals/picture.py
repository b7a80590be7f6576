"""What is known about one member at one moment: the whole input of the features."""

from typing import Literal, NamedTuple

from engagement.signals.tally import Tally

Role = Literal["member", "adviser", "deputy"]
Setting = Literal["urban", "rural", "unknown"]
Phase = Literal["running", "handover", "sustaining"]


class Picture(NamedTuple):
    """One member, or the adviser, as known when a decision is made.

    member, group : the two tallies; EMPTY when nothing was reported
    months_to_end : until the program ends here, negative after; NaN when it has no end date
    dose : decayed number of actions already proposed or done, at least 0
    doses : (action, the same of it alone) of those that were      burden : the same, each times its burden
    context : features sent by the calling app, by name without prefix; finite
    barriers : (name, whether the member has it) of those that are known
    tired, leader_tired : the member, or whoever leads the group, has refused so much that it shows
    """

    member: Tally
    group: Tally
    role: Role
    setting: Setting
    phase: Phase
    months_to_end: float
    dose: float
    context: tuple[tuple[str, float], ...] = ()
    barriers: tuple[tuple[str, bool], ...] = ()
    burden: float = 0.0
    doses: tuple[tuple[str, float], ...] = ()
    tired: bool = False
    leader_tired: bool = False
