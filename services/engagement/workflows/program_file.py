"""A program file: a program's set-up as one text that people write, with the line of every mistake in it.

It may build on a template. Then a table with an id of the template's changes what it says and leaves
the rest, a table with another id is added, and wordings are told apart by language, reader and channel.
Sites are the exception: a file that names any means its own only.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from engagement.actions.action import Id
from engagement.actions.catalogue import AnyAction
from engagement.errors import Mistake
from engagement.store.setup import AnyNoun, noun_of
from engagement.strategy.setup import Budget, Catalogue, Group, HealthWorker, Program, Site
from engagement.strategy.strategy import Strategy
from engagement.strategy.stratum import Language
from engagement.strategy.trial import Trial
from engagement.workflows.mistakes import UNREAD, decoded, flaws, unread
from engagement.workflows.program import Template, template_names, template_text
from engagement.workflows.revise import DEFAULTS, misfits
from engagement.workflows.toml_places import Path, Place, places

Severity = Literal["error", "warning", "note"]
SECTIONS: dict[str, Any] = {
    "sites": Site,
    "groups": Group,
    "health_workers": HealthWorker,
    "budgets": Budget,
    "actions": AnyAction,
    "strategies": Strategy,
    "trials": Trial,
}
"""Lists of a file → what each of their tables is."""
NOUNS = {
    "site": "sites",
    "group": "groups",
    "health_worker": "health_workers",
    "budget": "budgets",
    "action": "actions",
    "strategy": "strategies",
    "trial": "trials",
}
WORDINGS = next(
    field.type for field in msgspec.structs.fields(get_args(AnyAction)[0]) if field.name == "content"
)
SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
QUOTED = re.compile(r"`([^`]+)`")


class Linked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From this day the health worker works in this catchment."""

    health_worker: Id
    catchment: Id
    starts_on: dt.date


class Finding(NamedTuple):
    """Something to be said about a file. place : None where it stands in the template, or nowhere"""

    severity: Severity
    place: Place | None
    words: str

    def told(self, file: str) -> str:
        """One line, the place in front as editors and compilers write it."""
        at = file if self.place is None else f"{file}:{self.place.line}:{self.place.column}"
        return f"{at}: {self.severity}: {self.words}"


class ProgramFile(NamedTuple):
    """A program file that has been read.

    plan : None where there are mistakes      languages : spoken in the program, the program's own first
    origins : (noun, id) → where the file speaks of it; what stands in the template alone is not there
    """

    plan: Template | None
    links: tuple[Linked, ...]
    languages: tuple[str, ...]
    mistakes: tuple[Finding, ...]
    origins: Mapping[tuple[str, str], Path]
    where: Mapping[Path, Place]

    def place(self, noun: str, name: str, *fields: str | int) -> Place | None:
        """Where the file says something: of a field, or else of the thing as a whole."""
        path = self.origins.get((noun, name))
        if path is None:
            return None
        return self.where.get((*path, *fields)) or self.where.get(path)

    def place_of_word(self, noun: str, name: str, word: str) -> Place | None:
        """Where a thing's table names another one."""
        path = self.origins.get((noun, name))
        return None if path is None else self.where.get((*path, "=", word)) or self.where.get(path)


def read_program(text: str) -> ProgramFile:
    """A program file from its text, with everything that is wrong with it."""
    try:
        document = tomllib.loads(text)
    except UNREAD as flaw:
        # the first mistake hides the rest
        return ProgramFile(None, (), (), (unreadable(unread(flaw), text),), {}, {})
    return _Reading(document, places(text)).read()


def unreadable(said: str, text: str) -> Finding:
    """What is wrong with a text that is no TOML. said : by `tomllib`"""
    found = SYNTAX.fullmatch(said)
    words = said if found is None else found[1]
    lines = text.count("\n") + 1
    place = Place(lines, 1)
    if found is not None and found[2]:
        place = Place(int(found[2]), int(found[3]))
    words = f"this cannot be read as TOML: {words[:1].lower()}{words[1:]}"
    return Finding("error", place, words)


class _Reading:
    """One reading of a document, which gathers mistakes as it goes."""

    def __init__(self, document: dict[str, Any], where: dict[Path, Place]) -> None:
        self._document = document
        self._where = where
        self._mistakes: list[Finding] = []
        self._faulty: set[str] = set()
        self._origins: dict[tuple[str, str], Path] = {}

    def read(self) -> ProgramFile:
        for name in self._document.keys() - {"template", "languages", "program", "links", *SECTIONS}:
            known = ", ".join(["template", "languages", "program", *SECTIONS, "links"])
            self._wrong((name,), f"there is no `{name}` in a program file; there are: {known}")
        base = self._template()
        if self._mistakes and not base and "template" in self._document:  # nothing else could be told apart
            return ProgramFile(None, (), (), tuple(self._mistakes), {}, {})
        program = self._program(base)
        rows = {section: self._section(section, base) for section in SECTIONS}
        links = self._typed("links", tuple[Linked, ...], ())
        languages = self._typed("languages", tuple[Language, ...], ())
        plan: Template | None = None
        if program is not None:
            plan = Template(program, **{section: tuple(things) for section, things in rows.items()})
            self._fit(plan, links)
        mistakes = tuple(sorted(self._mistakes, key=lambda one: one.place or Place(0, 0)))
        spoken = (*([] if plan is None else [plan.program.language]), *languages)
        return ProgramFile(
            None if mistakes else plan,
            links,
            tuple(dict.fromkeys(spoken)),
            mistakes,
            self._origins,
            self._where | self._named(),
        )

    def _wrong(self, path: Path, words: str) -> None:
        """Notes a mistake at a path, or at the nearest thing around it that has a place."""
        while path and path not in self._where:
            path = path[:-1]
        self._mistakes.append(Finding("error", self._where.get(path), words))

    def _typed(self, name: str, kind: Any, absent: Any) -> Any:
        """A part of the document that no template has."""
        if name not in self._document:
            return absent
        found = list(flaws(self._document[name], kind, (name,)))
        for flaw in found:
            self._wrong(*flaw)
        return absent if found else decoded(self._document[name], kind)

    def _template(self) -> dict[str, Any]:
        name = self._document.get("template")
        if name is None:
            return {}
        if name not in template_names():
            self._wrong(
                ("template",), f"there is no template `{name}`; there are {', '.join(template_names())}"
            )
            return {}
        return tomllib.loads(template_text(name))

    def _program(self, base: Mapping[str, Any]) -> Program | None:
        given = self._document.get("program", {})
        self._origins["program", ""] = ("program",)
        whole = base.get("program", {}) | given if isinstance(given, dict) else given
        found = list(flaws(whole, Program, ("program",)))
        for flaw in found:
            self._wrong(*flaw)
        faulty = {flaw.path[1] for flaw in found if len(flaw.path) > 1}
        sound = {name: value for name, value in whole.items() if name not in faulty} if faulty else whole
        try:
            program: Program = decoded({"id": "program", "title": "…"} | sound if found else sound, Program)
        except msgspec.ValidationError:
            return None
        return program

    def _section(self, section: str, base: Mapping[str, Any]) -> list[Any]:
        """The things of a list: the template's as the file changes them, and the file's own."""
        given = self._document.get(section, [])
        if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
            self._wrong((section,), f"write each of `{section}` as a table of its own, under [[{section}]]")
            return []
        rows: dict[str, dict[str, Any]] = {row["id"]: row for row in base.get(section, [])}
        if section == "sites" and given:
            rows = {}
        noun = next(noun for noun, name in NOUNS.items() if name == section)
        for number, row in enumerate(given):
            path: Path = (section, number)
            name = row.get("id")
            if name is None:
                self._wrong(path, f"`id` is missing: each of `{section}` has one")
                continue
            before = rows.get(name, {}) if isinstance(name, str) else {}
            if (noun, name) in self._origins:
                self._wrong(path, f"`{name}` stands here a second time; each id is for one of `{section}`")
                continue
            whole = _changed(before, row)
            found = self._in_own_words(list(flaws(whole, SECTIONS[section], path)), row, path)
            for flaw in found:
                self._wrong(*flaw)
            if isinstance(name, str):
                self._origins[noun, name] = path
                rows[name] = whole
                if found:
                    self._faulty.add(name)
        return [decoded(row, SECTIONS[section]) for name, row in rows.items() if name not in self._faulty]

    def _in_own_words(self, found: Sequence[Any], row: Mapping[str, Any], path: Path) -> list[Any]:
        """Flaws of a table with the file's wordings counted as they stand in the file."""
        if not isinstance(row.get("content"), list):
            return list(found)
        own = list(flaws(row["content"], WORDINGS, (*path, "content")))
        return [flaw for flaw in found if "content" not in flaw.path] + own

    def _fit(self, plan: Template, links: Sequence[Linked]) -> None:
        """What names something that is not there. What names something faulty is not blamed for that."""
        bare = msgspec.structs.replace(plan.program, **dict.fromkeys(DEFAULTS))
        nothing = Catalogue(0, bare, {}, {}, {}, {}, {})
        self._name_missing_actions(plan)
        things = plan.things()
        for thing, flaw in zip(things, misfits(things, nothing), strict=True):
            if flaw is None:
                continue
            if thing.id not in self._faulty and not self._faulty.intersection(QUOTED.findall(str(flaw))):
                self._misfit(thing, flaw)
            self._faulty.add(thing.id)
        workers = {worker.id for worker in plan.health_workers} | self._faulty
        for number, link in enumerate(links):
            if link.health_worker not in workers:
                self._wrong(
                    ("links", number), f"there is no health worker `{link.health_worker}` in this file"
                )

    def _name_missing_actions(self, plan: Template) -> None:
        """Every action that a strategy names and nobody has written, not the first alone."""
        known = {action.id for action in plan.actions} | self._faulty
        for strategy in plan.strategies:
            path = self._origins.get(("strategy", strategy.id), ("template",))
            for number, name in enumerate(strategy.actions):
                if name not in known:
                    self._wrong((*path, "actions", number), f"there is no action `{name}`; create it first")
                    self._faulty.add(strategy.id)

    def _misfit(self, thing: AnyNoun, flaw: Mistake) -> None:
        noun = noun_of(thing)
        path = self._origins.get((noun, "" if noun == "program" else thing.id), ())
        named = self._named()
        words = [(*path, "=", word) for word in QUOTED.findall(str(flaw))]
        self._where.update({key: named[key] for key in words if key in named})
        exact = next((key for key in words if key in named), path)
        if path:
            self._wrong(exact, str(flaw))
        else:
            self._wrong(("template",), f"{noun} `{thing.id}` of the template: {flaw}")

    def _named(self) -> dict[Path, Place]:
        """(path of a table, "=", a text in it) → where that text stands first."""
        found: dict[Path, Place] = {}
        for path in self._origins.values():
            for deeper, word in _texts(_at(self._document, path), path):
                if deeper in self._where:
                    found.setdefault((*path, "=", word), self._where[deeper])
        return found


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document.get(step, {}) if isinstance(document, dict) else document[step]
    return document


def _texts(value: Any, path: Path) -> list[tuple[Path, str]]:
    """Every text inside a value, with its path."""
    match value:
        case str():
            return [(path, value)]
        case dict():
            return [row for key, inner in value.items() for row in _texts(inner, (*path, key))]
        case list():
            return [row for place, inner in enumerate(value) for row in _texts(inner, (*path, place))]
        case _:
            return []


def _changed(before: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A table of the template as the file changes it."""
    whole = {**before, **row}
    if before.get("content") and isinstance(row.get("content"), list):
        own = {_wording(words): words for words in row["content"] if isinstance(words, dict)}
        kept = {_wording(words): words for words in before["content"]}
        whole["content"] = list((kept | own).values())
    return whole


def _wording(words: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return words.get("language"), words.get("audience", "adviser"), words.get("channel", "app")
