"""A study file: which strategies are tried in which worlds, how often, and how large.

Every mistake in it is told with its line. Worlds and strategies are called by name where they come with the
service, or written out as tables.
"""

import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from engagement.actions.action import Id, Text
from engagement.simulation.contender import VISIT, Contender
from engagement.simulation.examples import CONTENDERS
from engagement.simulation.registry import WORLDS, World
from engagement.simulation.setting import Size
from engagement.workflows.mistakes import UNREAD, Flaw, decoded, flaws, unread
from engagement.workflows.program import DEFAULT_TEMPLATE, template, template_names
from engagement.workflows.program_file import Finding, unreadable
from engagement.workflows.toml_places import Path, Place, places

T = TypeVar("T", World, Contender)


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be run: every strategy in every world, once for each seed.

    strategies : the first is the one that the others are compared with
    program : the template whose actions, with their costs and limits, there are
    keep_decisions : every single one with its probability, too; they take much room
    """

    name: Id
    title: Text = "A simulated study"
    program: Id = DEFAULT_TEMPLATE
    worlds: Annotated[tuple[Id | World, ...], msgspec.Meta(min_length=1, max_length=100)]
    strategies: Annotated[tuple[Id | Contender, ...], msgspec.Meta(min_length=1, max_length=100)]
    seeds: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 30
    size: Size = Size()
    keep_decisions: bool = False


class Resolved(NamedTuple):
    """A study with everything in it that it calls by name."""

    study: Study
    worlds: tuple[World, ...]
    contenders: tuple[Contender, ...]


class StudyFile(NamedTuple):
    """A study file that has been read. resolved : None where there are mistakes"""

    resolved: Resolved | None
    mistakes: tuple[Finding, ...]


def read_study(text: str) -> StudyFile:
    """A study from its text, with everything that is wrong with it."""
    try:
        document = tomllib.loads(text)
    except UNREAD as flaw:
        return StudyFile(None, (unreadable(unread(flaw), text),))
    where = places(text)
    found = list(flaws(document, Study)) or list(_misfits(decoded(document, Study)))
    if found:
        wrong = (Finding("error", _nearest(where, flaw.path), flaw.words) for flaw in found)
        return StudyFile(None, tuple(sorted(wrong, key=lambda one: one.place or Place(0, 0))))
    return StudyFile(resolved(decoded(document, Study)), ())


def resolved(study: Study) -> Resolved:
    """A sound study with its worlds and strategies looked up."""
    return Resolved(study, tuple(_called(study.worlds, WORLDS)), tuple(_called(study.strategies, CONTENDERS)))


def _called(given: Sequence[Any], known: Sequence[T]) -> Iterator[T]:
    by_name = {one.name: one for one in known}
    return (by_name[one] if isinstance(one, str) else one for one in given)


def _misfits(study: Study) -> Iterator[Flaw]:
    """What names something that is not there."""
    strange = [
        *_strange("worlds", study.worlds, WORLDS),
        *_strange("strategies", study.strategies, CONTENDERS),
    ]
    yield from strange
    if study.program not in template_names():
        yield Flaw(
            ("program",), f"there is no template `{study.program}`; there are {', '.join(template_names())}"
        )
    elif not strange:
        yield from _without_action(study)


def _strange(field: str, given: Sequence[Any], known: Sequence[World | Contender]) -> Iterator[Flaw]:
    names = [one.name for one in known]
    seen: set[str] = set()
    for place, one in enumerate(given):
        name = one if isinstance(one, str) else one.name
        if isinstance(one, str) and one not in names:
            near = get_close_matches(one, names, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else f"; there are: {', '.join(names)}"
            yield Flaw((field, place), f"`{one}` is none of the {field} that come with the service{meant}")
        elif name in seen:
            yield Flaw((field, place), f"`{name}` stands here a second time")
        seen.add(name)


def _without_action(study: Study) -> Iterator[Flaw]:
    """Strategies whose actions the program does not have."""
    actions = {action.id for action in template(study.program).actions}
    for place, one in enumerate(resolved(study).contenders):
        wanted = () if one.strategy is None else one.strategy.actions
        visits = () if one.visits is None else (VISIT,)
        for name in (*wanted, *visits):
            if name not in actions:
                yield Flaw(
                    ("strategies", place),
                    f"`{one.name}` needs `{name}`, which `{study.program}` does not have",
                )


def _nearest(where: dict[Path, Place], path: Path) -> Place | None:
    """The place of a path, or of the nearest thing around it that has one."""
    while path and path not in where:
        path = path[:-1]
    return where.get(path)
