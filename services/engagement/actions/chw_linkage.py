"""A link to a community health worker (CHW): she joins, visits, measures or takes over."""

from engagement.actions.action import Action, Carrier


class ChwLinkage(Action, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="chw_linkage"):
    """A health worker's time for a group or a member, with the member's consent to share."""

    carrier: Carrier = "health_worker"
    needs_accept: bool = True
