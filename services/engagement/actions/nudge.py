"""A nudge: words, a reminder, a better hour. It costs attention and nothing else."""

from engagement.actions.action import Action


class Nudge(Action, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="nudge"):
    """A motivational message or a small change of how the group meets."""
