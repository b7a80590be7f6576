"""An incentive: a certificate, a token, a seed for the group's fund.

Effects of incentives fade, and are gone some three months after the incentive ends
(Mantzari 2015, PMC4728181), so each is attached to coming or trying and a person agrees first.
"""

from engagement.actions.action import Action


class Incentive(Action, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="incentive"):
    """Something given. It waits for a person's yes unless the program says otherwise."""

    needs_accept: bool = True
