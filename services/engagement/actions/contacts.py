"""How often somebody may be turned to at all, whatever the action and whichever strategy chose it."""

from typing import Annotated

import msgspec


class Contacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most actions that one unit may be given, all of them together; None for no limit.

    weekly : in any 7 days      monthly : in any 30 days
    """

    weekly: Annotated[int, msgspec.Meta(ge=0, le=50)] | None = None
    monthly: Annotated[int, msgspec.Meta(ge=0, le=200)] | None = None

    def and_at_most(self, other: "Contacts") -> "Contacts":
        """The stricter of two limits, week and month apart."""
        return Contacts(weekly=_least(self.weekly, other.weekly), monthly=_least(self.monthly, other.monthly))


def _least(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
