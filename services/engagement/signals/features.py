"""Context features: numbers in which a belief sees a member, near 0 and at most 1 in size.

Each is one *reading* of a picture, NaN when it is not known. An unknown value becomes a neutral 0, and
where that can happen a companion feature `…_missing` is 1, so that a belief can tell the two apart and
silence never passes for a number. The calling app's own are `context.<name>` and `context.<name>_missing`,
in whatever unit it sends them. How much a unit had of one action is `dose.<action>`: in a belief that is
linear in its features, it lets the effect of that action wear off.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from math import cos, inf, nan, pi, sin
from types import MappingProxyType

import numpy as np

from engagement.errors import Invalid
from engagement.records import Floats
from engagement.signals import reading
from engagement.signals.feature import Feature, Reading, clipped
from engagement.signals.goals import GOAL_MET
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.signals.picture import Picture
from engagement.signals.refinements import REFINEMENTS
from engagement.signals.tally import week_of

CONTACT_CAP_WEEKS = 12.0  # three expected meetings: after as many without one a group is dissolved
END_CAP_MONTHS = 12.0  # as far before and after the end as a program is judged
YEAR_MS = 365.2425 * 86_400_000  # the mean year of the calendar
DOSE_CAP = 5.0  # the limit of x ← 0.8·x + 1, an action every month
BURDEN_CAP = 15.0  # the same with the heaviest of burdens, 3

INTERCEPT = "intercept"
_CONTEXT = "context."
DOSE_OF = "dose."
"""Before an action's id: the dose of that action alone."""
_MISSING = "_missing"


def _attendance(picture: Picture, now_ms: int) -> float:
    return reading.share(picture.member, ATTENDANCE, week_of(now_ms)) - 0.5


def _goals_met(picture: Picture, now_ms: int) -> float:
    return reading.share(picture.member, GOAL_MET, week_of(now_ms)) - 0.5


def _weeks_since_contact(picture: Picture, now_ms: int) -> float:
    return clipped(reading.weeks_since_contact(picture.member, now_ms) / CONTACT_CAP_WEEKS)


def _group_attendance(picture: Picture, now_ms: int) -> float:
    return reading.share(picture.group, ATTENDANCE, week_of(now_ms)) - 0.5


def _group_held(picture: Picture, now_ms: int) -> float:
    return reading.share(picture.group, MEETING_HELD, week_of(now_ms)) - 0.5


def _adviser(picture: Picture, _now_ms: int) -> float:
    return float(picture.role == "adviser")


def _urban(picture: Picture, _now_ms: int) -> float:
    return nan if picture.setting == "unknown" else float(picture.setting == "urban")


def _handover(picture: Picture, _now_ms: int) -> float:
    return float(picture.phase == "handover")


def _sustaining(picture: Picture, _now_ms: int) -> float:
    return float(picture.phase == "sustaining")


def _months_to_end(picture: Picture, _now_ms: int) -> float:
    return clipped(picture.months_to_end / END_CAP_MONTHS)


def _dose(picture: Picture, _now_ms: int) -> float:
    return clipped(picture.dose / DOSE_CAP)


def _turn_of_the_year(now_ms: int) -> float:
    """The angle of a moment in its year: 0 at New Year, within a day; π at the start of July."""
    return 2 * pi * now_ms / YEAR_MS


def _season_cos(_picture: Picture, now_ms: int) -> float:
    return cos(_turn_of_the_year(now_ms))


def _season_sin(_picture: Picture, now_ms: int) -> float:
    return sin(_turn_of_the_year(now_ms))


def _burden(picture: Picture, _now_ms: int) -> float:
    return clipped(picture.burden / BURDEN_CAP)


def _dose_of(picture: Picture, action: str) -> float:
    return clipped(_named(action, picture.doses, 0.0) / DOSE_CAP)


def _named(wanted: str, pairs: Iterable[tuple[str, float]], otherwise: float) -> float:
    """What stands beside a name in a few pairs, each named once."""
    for name, value in pairs:
        if name == wanted:
            return value
    return otherwise


def _barrier(name: str) -> Reading:
    """Whether the member has a barrier."""
    return lambda picture, _now_ms: float(_named(name, picture.barriers, nan))


BARRIERS: Mapping[str, str] = MappingProxyType(
    {
        "money": "Money keeps the member away",
        "motivation": "Lacks the drive to control the disease",
        "awareness": "Does not know why it matters",
        "time": "Has no time",
        "sabotage": "Family or friends undermine it",
    }
)
"""What the yearly check asks after. Never for neighbours: an adviser is one."""

_SHARE = "share less one half"
_READ: tuple[tuple[Feature, Reading], ...] = (
    (Feature("attendance", "Came to meetings lately", "adviser", _SHARE, -0.5, 0.5), _attendance),
    (Feature("goals_met", "Met goals lately", "adviser", _SHARE, -0.5, 0.5), _goals_met),
    (
        Feature("weeks_since_contact", "Time since last heard from", "health_worker", "12 weeks"),
        _weeks_since_contact,
    ),
    (Feature("group_attendance", "Members came lately", "group", _SHARE, -0.5, 0.5), _group_attendance),
    (Feature("group_held", "The group met lately", "group", _SHARE, -0.5, 0.5), _group_held),
    (Feature("adviser", "Is the group's adviser", "group", "yes or no"), _adviser),
    (Feature("urban", "The group meets in a town", "group", "yes or no"), _urban),
    (Feature("handover", "The program ends here soon", "group", "yes or no"), _handover),
    (Feature("sustaining", "The program has ended here", "group", "yes or no"), _sustaining),
    (Feature("months_to_end", "Time until the program ends", "group", "12 months", -1.0), _months_to_end),
    (Feature("season_cos", "Near New Year, not July", "group", "cosine of the year", -1.0), _season_cos),
    (
        Feature("season_sin", "Near April, not October", "group", "sine of the year", -1.0),
        _season_sin,
    ),
    (Feature("dose", "Suggestions received lately", "staff", "5 suggestions"), _dose),
    (Feature("burden", "What suggestions asked lately", "staff", "15 points of burden"), _burden),
    *(
        (Feature(f"barrier_{name}", label, "health_worker", "yes or no"), _barrier(name))
        for name, label in BARRIERS.items()
    ),
    *REFINEMENTS,
)
_READINGS: Mapping[str, Reading] = MappingProxyType({feature.name: read for feature, read in _READ})
_COMPANIONS: Mapping[str, str] = MappingProxyType(
    {
        "attendance_missing": "attendance",
        "goals_met_missing": "goals_met",
        "weeks_since_contact_missing": "weeks_since_contact",
        "group_attendance_missing": "group_attendance",
        "group_held_missing": "group_held",
        "setting_missing": "urban",
        "months_to_end_missing": "months_to_end",
        **{f"barrier_{name}_missing": f"barrier_{name}" for name in BARRIERS},
        **{f"{feature.name}_missing": feature.name for feature, _ in REFINEMENTS},
    }
)
"""The feature that says another is not known → that other."""


def _companion(name: str, of: Feature) -> Feature:
    return Feature(name, f"Not known: {of.label}", of.audience, "yes or no")


_BY_READING = {feature.name: feature for feature, _ in _READ}
FEATURES: tuple[Feature, ...] = (
    Feature(INTERCEPT, "Always 1", "group", "one", 1.0),
    *_BY_READING.values(),
    *(_companion(name, _BY_READING[base]) for name, base in _COMPANIONS.items()),
)
BY_NAME: Mapping[str, Feature] = MappingProxyType({feature.name: feature for feature in FEATURES})

DEFAULT_FEATURES: tuple[str, ...] = (
    INTERCEPT,
    "attendance",
    "attendance_missing",
    "goals_met",
    "goals_met_missing",
    "weeks_since_contact",
    "weeks_since_contact_missing",
    "group_attendance",
    "group_attendance_missing",
    "adviser",
    "urban",
    "setting_missing",
    "sustaining",
    "dose",
)
"""For strategies that decide for members: the minimal month is enough for every one of them."""

ADVISER_FEATURES: tuple[str, ...] = (
    INTERCEPT,
    "attendance",
    "attendance_missing",
    "adviser_trained",
    "adviser_tired",
    "adviser_tired_missing",
    "refresher_due",
    "refresher_due_missing",
    "group_held",
    "group_held_missing",
    "group_attendance",
    "group_attendance_missing",
    "group_reminded",
    "group_reminded_missing",
    "urban",
    "setting_missing",
    "sustaining",
    "dose",
)
"""For strategies that decide for advisers: of the minimal month, and where they stand on their path."""

GROUP_FEATURES: tuple[str, ...] = (
    INTERCEPT,
    "group_held",
    "group_held_missing",
    "group_attendance",
    "group_attendance_missing",
    "group_goals_met",
    "group_goals_met_missing",
    "group_health",
    "group_health_missing",
    "group_adviser",
    "group_adviser_missing",
    "urban",
    "setting_missing",
    "months_to_end",
    "months_to_end_missing",
    "sustaining",
    "dose",
)
"""For strategies that decide for groups: nothing in them is read from a member's own tally."""


def described(name: str) -> Feature:
    """The feature of this name. Raises Invalid, with names near to it, when there is none."""
    if name in BY_NAME:
        return BY_NAME[name]
    action = name.removeprefix(DOSE_OF)
    if action not in ("", name):
        return Feature(name, f"Received lately: {action}", "staff", "5 suggestions")
    sent, prefix, given = name.partition(_CONTEXT)
    base = given.removesuffix(_MISSING)
    if sent or not prefix or not base:
        near = get_close_matches(name, BY_NAME, n=3) or sorted(BY_NAME)
        raise Invalid(
            f"there is no feature {name!r}; did you mean {', '.join(near)}, context.<name> or dose.<action>?"
        )
    value = Feature(_CONTEXT + base, f"Sent by the calling app: {base}", "staff", "as sent", -inf, inf)
    return value if given == base else _companion(name, value)


def columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of `matrix` by name: the intercept first, named or not, then the others as given.

    raises Invalid for a name that is unknown or given twice
    """
    return _columns(tuple(names))


@lru_cache(maxsize=256)  # a strategy's, for every decision of it
def _columns(names: tuple[str, ...]) -> tuple[str, ...]:
    ordered = (INTERCEPT, *(described(name).name for name in names if name != INTERCEPT))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid(f"named twice: {', '.join(twice)}")
    return ordered


def matrix(pictures: Sequence[Picture], names: Sequence[str], now_ms: int) -> Floats:
    """The features of each picture at one moment.

    names : see `columns`, whose d names are the columns      returns : (N, d), finite
    raises Invalid for a name that is unknown or given twice, or a number that is not finite
    """
    ordered = columns(names)
    made = np.empty((len(pictures), len(ordered)))
    read: dict[str, Floats] = {}
    for place, name in enumerate(ordered):
        base = _base(name)
        if base not in read:
            read[base] = _read(pictures, base, now_ms)
        unknown = np.isnan(read[base])
        made[:, place] = np.where(unknown, 0.0, read[base]) if name == base else unknown
        if not np.isfinite(made[:, place]).all():
            raise Invalid(f"{name} must be a finite number")
    return made


def _base(name: str) -> str:
    """The feature whose reading a column is made of."""
    if name.startswith(_CONTEXT):
        return name.removesuffix(_MISSING)
    return _COMPANIONS.get(name, name)


def _read(pictures: Sequence[Picture], base: str, now_ms: int) -> Floats:
    """One reading of every picture: (N,), NaN where it is not known."""
    if base == INTERCEPT:
        return np.ones(len(pictures))
    if base.startswith(_CONTEXT):
        sent = base.removeprefix(_CONTEXT)
        return np.array([_named(sent, picture.context, nan) for picture in pictures], dtype=np.float64)
    if base.startswith(DOSE_OF):
        return np.array([_dose_of(picture, base.removeprefix(DOSE_OF)) for picture in pictures])
    taken = _READINGS[base]
    return np.array([taken(picture, now_ms) for picture in pictures], dtype=np.float64)
