"""The pages as data: fenced blocks, tables, headings, links.

Only what our pages use of Markdown is read. A fence says what it is in its info string:

    ```bash service     the command that starts the service for the page's other blocks
    ```bash run         is run, in order, with HOST and KEY set; so is ```python run
    ```text shown       is what the block before it prints, `…` standing for anything
    ```json shown       likewise as JSON; the string "…" stands for any value, the key "…" for further ones
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = "```"
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    """A page as its readers know it."""
    return str(page.relative_to(ROOT))


class Block(NamedTuple):
    """A fenced block: the line it begins at, its info string, its text."""

    line: int
    info: str
    text: str


class Table(NamedTuple):
    """A table below the heading it stands under, without its own first line."""

    heading: str
    rows: tuple[tuple[str, ...], ...]


def blocks(text: str) -> list[Block]:
    """Every fenced block in order."""
    found: list[Block] = []
    inside: list[str] | None = None
    start, info = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith(FENCE):
            if inside is not None:
                inside.append(line)
        elif inside is None:
            inside, start, info = [], number, line.removeprefix(FENCE).strip()
        else:
            found.append(Block(start, info, "\n".join(inside)))
            inside = None
    assert inside is None, f"the fence of line {start} is never closed"
    return found


def prose(text: str) -> str:
    """The page without its fenced blocks; lines keep their numbers."""
    kept, inside = [], False
    for line in text.splitlines():
        fence = line.startswith(FENCE)
        kept.append("" if fence or inside else line)
        inside ^= fence
    return "\n".join(kept)


def headings(text: str) -> list[str]:
    """The headings' words, without their marks."""
    return [line.lstrip("#").strip() for line in prose(text).splitlines() if line.startswith("#")]


def anchor(heading: str) -> str:
    """The fragment that leads to a heading, as Git hosts make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def tables(text: str) -> list[Table]:
    """Every table with the heading above it."""
    found: list[Table] = []
    heading, rows = "", []
    for line in [*prose(text).splitlines(), ""]:
        if line.startswith("|"):
            rows.append(tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]))
            continue
        if rows:
            found.append(Table(heading, tuple(rows[2:])))
            rows = []
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
    return found


def links(text: str) -> list[str]:
    """The targets of the page's links."""
    return LINK.findall(prose(text))


def named_below(text: str, heading: str) -> dict[str, tuple[str, ...]]:
    """Of the tables below a heading: each row's first cell, which is code, and its other cells."""
    return {
        row[0].strip("`"): row[1:] for table in tables(text) if table.heading == heading for row in table.rows
    }
