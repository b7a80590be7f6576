"""An incentive: a certificate, a token, a seed for the group's fund.

Effects of incentives fade, and are gone some three months after the incentive ends
(Mantzari 2015, PMC4728181), so a person agrees first. Each is attached to coming or trying, never to a
clinical value, and whoever's own report earns it is never the only source of that report.
"""

from engagement.actions.action import Action, Level


class Incentive(Action, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="incentive"):
    """Something given. It waits for a person's yes unless the program says otherwise.

    level : the whole group by default, so that neighbours face the same offer
    individual : neighbours may be offered different things; without it no incentive is for a member
    """

    level: Level = "group"
    needs_accept: bool = True
    individual: bool = False

    def __post_init__(self) -> None:
        """Refuses a different offer to neighbours, unless the program says that this is meant."""
        super().__post_init__()
        if (self.level == "member") != self.individual:
            raise ValueError(
                f"`{self.id}` is an incentive: for a `member` it needs `individual = true`, which says that "
                "neighbours may be offered different things; for a group or an adviser it has none"
            )
