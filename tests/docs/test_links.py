"""Pages lead to one another, to files that are there, and to sources that are listed."""

import re
from pathlib import Path

import pytest

from docs.pages import PAGES, ROOT, anchor, headings, links, name, prose

BIBLIOGRAPHY = (ROOT / "docs/references.bib").read_text()
KEYS = set(re.findall(r"^@\w+\{([^,]+),", BIBLIOGRAPHY, re.MULTILINE))
PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:py|toml|md|bib|lock))?|\w+\.py)`")
"""Code that looks like a file or a folder of the repository."""

each_page = pytest.mark.parametrize("page", PAGES, ids=name)


def leads_nowhere(page: Path, target: str) -> bool:
    """Whether a link within the repository has no file or no heading at its end."""
    if re.match(r"[a-z]+:", target):
        return False
    file, _, fragment = target.partition("#")
    there = (page.parent / file).resolve() if file else page
    if not there.exists():
        return True
    return bool(fragment) and fragment not in {anchor(heading) for heading in headings(there.read_text())}


def cited(page: Path) -> set[str]:
    """Keys of the sources that a page names, as [@key] or [@key, section 2; @other]."""
    return {
        key
        for inside in re.findall(r"\[(@[^\]]+)\]", prose(page.read_text()))
        for key in re.findall(r"@(\w+)", inside)
    }


def is_there(path: str) -> bool:
    """Whether a path is one of the repository or of the package; `x` stands for a file yet to be written."""
    stem = path.rstrip("/")
    return Path(stem).stem == "x" or any(
        (ROOT / place / stem).exists() for place in (".", "services/engagement")
    )


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [target for target in links(page.read_text()) if leads_nowhere(page, target)] == []


@each_page
def test_every_file_a_page_names_is_there(page: Path) -> None:
    assert [path for path in PATH.findall(prose(page.read_text())) if not is_there(path)] == []


@each_page
def test_every_source_a_page_cites_is_listed(page: Path) -> None:
    assert cited(page) <= KEYS


def test_no_source_is_listed_that_nobody_cites() -> None:
    assert set().union(*map(cited, PAGES)) == KEYS


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != ROOT], ids=name)
def test_every_page_can_be_reached_from_the_readme(page: Path) -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        here = waiting.pop()
        if here in reached or here.suffix != ".md":
            continue
        reached.add(here)
        targets = (target.partition("#")[0] for target in links(here.read_text()) if ":" not in target)
        waiting += [(here.parent / target).resolve() for target in targets if target]
    assert page in reached


@pytest.mark.parametrize("target", ["nowhere.md", "README.md#no-such-heading"])
def test_a_broken_link_would_be_seen(target: str) -> None:
    assert leads_nowhere(ROOT / "CONTRIBUTING.md", target)


def test_a_missing_file_would_be_seen() -> None:
    assert not is_there("bandits/guesses.py")
