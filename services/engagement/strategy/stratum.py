"""A stratum: people and groups told apart by the few coarse facts that are kept, and a floor for them.

Learning can help the mean and hurt those who gain least (Oralytics, arXiv 2409.02069). A higher floor where
a program doubts that enough is learned keeps every action in play there.
"""

from typing import Annotated, Literal

import msgspec

from engagement.signals.picture import Role, Setting

Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(?!\n)$")]
Phone = Literal["none", "shared", "basic", "smart"]
Sex = Literal["female", "male", "other"]
AgeBand = Literal["18-29", "30-39", "40-49", "50-59", "60-69", "70+"]


class Stratum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of a unit, or what it must be to belong; None where it is not known, or all the same.

    A group as a whole has a setting and a language, and nothing else.
    """

    setting: Setting | None = None
    role: Role | None = None
    phone: Phone | None = None
    sex: Sex | None = None
    age_band: AgeBand | None = None
    can_read: bool | None = None
    language: Language | None = None

    def has(self, unit: "Stratum") -> bool:
        """Whether a unit belongs: whatever is asked for is known of it, and is the same."""
        asked = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return all(value is None or getattr(unit, name) == value for name, value in asked)


class StratumFloor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The least probability of every available action for units of one stratum."""

    where: Stratum
    floor: Annotated[float, msgspec.Meta(ge=0, le=0.5)]

    def __post_init__(self) -> None:
        """Refuses a stratum of everybody."""
        if self.where == Stratum():
            raise ValueError("`where` names no fact, so it is everybody: that is the strategy's own `floor`")
