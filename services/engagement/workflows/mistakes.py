"""Everything that is wrong with data that somebody wrote by hand, in words for whoever wrote it.

A decoder stops at the first mistake and speaks of types. Here each field is decoded by itself, so that
one run names them all.
"""

import difflib
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from engagement.actions.action import Id

Path = tuple[str | int, ...]
A_MOMENT = "2026-03-10T12:00:00+05:30"
KINDS = {
    "str": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table in { }",
    "date": "a day such as 2027-03-31, without quotes",
    "datetime": "a moment such as 2027-03-31T10:00:00Z",
    "null": "nothing",
}
ID_PATTERN = str(next(part for part in get_args(Id) if isinstance(part, msgspec.Meta)).pattern)
ID_WORDS = (
    "an id: letters without accents, digits and . _ : - only, at most 64, a letter or a digit first, no space"
)
LIMITS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
AT = re.compile(r" - at `(\$.*)`$", re.DOTALL)
STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

UNREAD = (msgspec.DecodeError, ValueError, RecursionError)
"""What reading others' JSON or TOML raises: it may be no text, too deep, or hold too long a number."""


class Flaw(NamedTuple):
    """Something wrong, and where: the keys and places that lead to it."""

    path: Path
    words: str


def unread(flaw: Exception) -> str:
    """Why something cannot be read, of one of the errors in `UNREAD`."""
    if isinstance(flaw, RecursionError):
        return "too many lists or tables inside of one another"
    if isinstance(flaw, UnicodeDecodeError):
        return f"no text in UTF-8, from byte {flaw.start + 1} on"
    return "a number is too long" if "digits" in str(flaw) else str(flaw)


def decoded(value: object, kind: Any) -> Any:
    """A value as TOML gives it, as what it is meant to be. Raises msgspec.ValidationError."""
    return msgspec.convert(value, kind, builtin_types=(datetime, date, time), str_keys=True)


def flaws(value: object, kind: Any, path: Path = ()) -> Iterator[Flaw]:
    """Every mistake in a value. path : where the value stands"""
    element = _element(kind)
    structs = [choice for choice in _choices(kind) if isinstance(choice, type(msgspec.Struct))]
    if structs and isinstance(value, dict):
        yield from _flaws_of_table(value, structs, path)
    elif element is not None and isinstance(value, list):
        for number, item in enumerate(value):
            yield from flaws(item, element, (*path, number))
    else:
        yield from _flaw(value, kind, path)


def _flaws_of_table(value: Mapping[str, object], structs: Sequence[Any], path: Path) -> Iterator[Flaw]:
    struct, tag = _chosen(value, structs)
    if struct is None:
        known = ", ".join(str(one.__struct_config__.tag) for one in structs)
        given = value.get(tag)
        said = f"`{given}` is no {tag}" if given is not None else f"it needs `{tag}`"
        yield Flaw((*path, tag) if given is not None else path, f"{said}; there are: {known}")
        return
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    found = [Flaw((*path, name), _unknown(name, fields)) for name in value if name not in {*fields, tag}]
    for name, field in fields.items():
        if name in value:
            found += flaws(value[name], field.type, (*path, name))
        elif field.required:
            found.append(Flaw(path, f"`{name}` is missing"))
    yield from found
    if not found:
        yield from _flaw(value, struct, path)


def _flaw(value: object, kind: Any, path: Path) -> Iterator[Flaw]:
    """What the decoder says of a value as a whole."""
    try:
        decoded(value, kind)
    except msgspec.ValidationError as error:
        yield _told(str(error), value, kind, path)


def _told(said: str, value: object, kind: Any, path: Path) -> Flaw:
    """A decoder's complaint in plain words, at its place."""
    deeper = AT.search(said)
    if deeper is not None:
        path = (*path, *_steps(deeper[1]))
        said = said[: deeper.start()]
    return Flaw(path, plain(said, value, kind))


def plain(said: str, value: object, kind: Any) -> str:
    """A decoder's complaint about one value in plain words."""
    for pattern, words in COMPLAINTS:
        found = pattern.fullmatch(said)
        if found is not None:
            return words(found, value, kind)
    return said


def remedied(said: str, content: bytes | msgspec.Raw, kind: Any, at: str) -> str:
    """A decoder's complaint, in plain words where the decoder's own do not say what would be right.

    content, kind : the JSON that was to be decoded, and as what
    at : where in it, such as `$.goals[0].became`
    """
    if not any(pattern.fullmatch(said) for pattern, _ in WITHOUT_REMEDY):
        return said
    try:
        value = msgspec.json.decode(content)
    except UNREAD:  # behind the complaint nobody has read
        return plain(said, None, None)
    return plain(said, value, _kind_at(value, kind, _steps(at)))


def _kind_at(value: Any, kind: Any, path: Path) -> Any:
    """What should stand at a place of a value; None where that cannot be told."""
    for step in path:
        structs = [choice for choice in _choices(kind) if isinstance(choice, type(msgspec.Struct))]
        if isinstance(step, int) and isinstance(value, list):
            kind, value = _element(kind), value[step]
        elif structs and isinstance(value, dict):
            kind, value = _kind_of_field(value, structs, str(step)), value.get(step)
        else:
            return None
    return kind


def _kind_of_field(value: Mapping[str, object], structs: Sequence[Any], name: str) -> Any:
    struct, tag = _chosen(value, structs)
    if name == tag:
        return Literal[tuple(one.__struct_config__.tag for one in structs)]
    fields = () if struct is None else msgspec.structs.fields(struct)
    return next((field.type for field in fields if field.encode_name == name), None)


def _steps(at: str) -> Path:
    return tuple(name or int(number) for name, number in STEP.findall(at))


def _a(kind: str) -> str:
    return " or ".join(
        KINDS.get(one.strip(), one.strip()) for one in kind.split("|") if one.strip() != "null"
    )


def _wrong_kind(found: re.Match[str], _value: object, kind: Any) -> str:
    choices = _words_to_choose_from(kind)
    wanted = f"one of {', '.join(choices)}" if choices else _a(found[1])
    return f"this is {_a(found[2])}; it should be {wanted}"


def _no_choice(found: re.Match[str], _value: object, kind: Any) -> str:
    choices = _words_to_choose_from(kind)
    if not choices:
        return found[0]
    near = difflib.get_close_matches(found[1], choices, n=1)
    meant = f"; did you mean `{near[0]}`?" if near else ""
    return f"`{found[1]}` is not known here; there are: {', '.join(choices)}{meant}"


def _no_match(found: re.Match[str], value: object, _kind: Any) -> str:
    pattern = found[1].encode().decode("unicode_escape") if "\\\\" in found[1] else found[1]
    wanted = ID_WORDS if pattern == ID_PATTERN else f"of the form {pattern}"
    return f"`{value}` is not {wanted}" if isinstance(value, str) else f"a text here is not {wanted}"


Complaints = tuple[tuple[re.Pattern[str], Callable[[re.Match[str], object, Any], str]], ...]
WITHOUT_REMEDY: Complaints = (
    (re.compile(r"Invalid (?:enum )?value ['\"]?(.*?)['\"]?", re.DOTALL), _no_choice),
    (
        re.compile(r"Expected `datetime` with a timezone component"),
        lambda *_: f"the time zone is missing; write it like {A_MOMENT}",
    ),
    (
        re.compile(r"Invalid RFC3339 encoded datetime"),
        lambda *_: f"this is no moment; write it like {A_MOMENT}",
    ),
)
"""What a decoder says without saying what would be right."""
COMPLAINTS: Complaints = (
    *WITHOUT_REMEDY,
    (re.compile(r"Expected `([^`]+)`, got `([^`]+)`"), _wrong_kind),
    (re.compile(r"Expected `\w+` matching regex '(.*)'"), _no_match),
    (
        re.compile(r"Expected `(?:str|array)` of length ([<>]=) (\d+)"),
        lambda found, *_: (
            f"it is too {'short, at least' if found[1] == '>=' else 'long, at most'} {found[2]}"
        ),
    ),
    (
        re.compile(r"Expected `(?:int|float)` ([<>]=?) ([-\d.e+]+)"),
        lambda found, *_: f"it should be {LIMITS[found[1]]} {found[2]}",
    ),
    (re.compile(r"Invalid date"), lambda *_: "there is no such day"),
    (
        re.compile(r"Object missing required field `(\w+)`"),
        lambda found, *_: f"`{found[1]}` is missing",
    ),
)


def _unknown(name: str, fields: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, list(fields), n=1)
    meant = f"; did you mean `{near[0]}`?" if near else f"; there are: {', '.join(fields)}"
    return f"there is no `{name}` here{meant}"


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _choices(kind: Any) -> list[Any]:
    """What a type may be."""
    bare = _bare(kind)
    if get_origin(bare) in (Union, types.UnionType):
        return [found for one in get_args(bare) for found in _choices(one)]
    return [bare]


def _element(kind: Any) -> Any:
    """What each element of a list is; None where it may have others than one kind of element."""
    for one in _choices(kind):
        args = get_args(one)
        if get_origin(one) in (tuple, list) and (get_origin(one) is list or args[1:] == (...,)):
            return args[0]
    return None


def _words_to_choose_from(kind: Any) -> list[str]:
    return [str(word) for one in _choices(kind) if get_origin(one) is Literal for word in get_args(one)]


def _chosen(value: Mapping[str, object], structs: Sequence[Any]) -> tuple[Any, str]:
    """Which of several kinds of table this is, and the name of the field that says so."""
    tag = structs[0].__struct_config__.tag_field or ""
    if len(structs) == 1 and not tag:
        return structs[0], tag
    fitting = (one for one in structs if one.__struct_config__.tag == value.get(tag))
    return next(fitting, structs[0] if len(structs) == 1 and tag not in value else None), tag
