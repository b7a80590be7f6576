"""The exception tree. The first line of each docstring is the title a person reads.

Whose fault it is decides the branch: the request's (`Mistake`), or ours (`Fault`). Normal but
unhappy results — nobody available, a fallback used — are data and never raised.
"""


class EngagementError(Exception):
    """Something went wrong."""

    @classmethod
    def title(cls) -> str:
        """The first line of the class's docstring, without its full stop."""
        return (cls.__doc__ or "").strip().splitlines()[0].rstrip(".")


class Mistake(EngagementError):
    """The request cannot be carried out as it stands."""


class Invalid(Mistake):
    """A value is missing, malformed or out of range."""


class Identifying(Invalid):
    """A person could be found by a value; people have pseudonyms here.

    field, what : where it stands, and what it looks like; never the value itself
    """

    def __init__(self, words: str = "", field: str = "", what: str = "") -> None:
        super().__init__(words)
        self.field = field
        self.what = what


class NotFound(Mistake):
    """There is no such thing in this program."""


class Conflict(Mistake):
    """The request does not fit what is stored already."""


class PreconditionFailed(Mistake):
    """It does not stand as the request says it must; somebody may have changed it meanwhile."""


class Unauthenticated(Mistake):
    """The key is missing, unknown, revoked or expired."""


class Forbidden(Mistake):
    """The key's scopes do not reach this."""


class TooManyRequests(Mistake):
    """The key has sent more requests than it may in a minute."""

    def __init__(self, after_s: int = 60) -> None:
        super().__init__(f"the next one may come in {after_s} s")
        self.after_s = after_s


class TooLarge(Mistake):
    """The request is larger than the service takes at once."""


class Fault(EngagementError):
    """The service could not do its part; nothing was stored."""


class Overloaded(Fault):
    """More is waiting than the service can take; nothing was stored. Try again shortly."""


class Unavailable(Fault):
    """The database does not answer; nothing was stored. Try again shortly."""


class Unusable(Fault):
    """The belief gives no usable numbers, so the declared fallback decides."""


class NoLongerKept(EngagementError):
    """What a deep replay needs is no longer kept."""
