"""The README is true: map and floors are those of the code, the numbers of its picture hang together."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from docs.pages import ROOT, Block, blocks
from engagement.bandits.propensity import bounded
from engagement.records import Scores
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from support.courses import course

README = (ROOT / "README.md").read_text()
PACKAGE = ROOT / "services/engagement"


def block(info: str) -> Block:
    (found,) = (block for block in blocks(README) if block.info == info)
    return found


def rooms() -> set[str]:
    """Packages, and modules at the top, as the README writes them."""
    folders = {
        f"{init.parent.relative_to(PACKAGE)}/"
        for init in PACKAGE.rglob("__init__.py")
        if init.parent != PACKAGE and init.parent.name != "versions"
    }
    return folders | {file.name for file in PACKAGE.glob("*.py") if file.stem != "__init__"}


def on_the_map() -> set[str]:
    """First words of the map's lines, each below the folder that is less indented."""
    found: set[str] = set()
    above: list[tuple[int, str]] = []
    for line in block("text map").text.splitlines():
        match = re.match(r"( *)([\w/.]+)", line)
        if match is None or len(match[1]) > 8:
            continue
        depth, word = len(match[1]), match[2]
        above = [(indent, folder) for indent, folder in above if indent < depth]
        found.add("".join(folder for _, folder in above) + word)
        if word.endswith("/"):
            above.append((depth, word))
    return found


def test_the_map_names_every_room_and_no_other() -> None:
    assert {word.removeprefix("services/engagement/") for word in on_the_map()} - {""} == rooms()


def floors_in_force() -> list[set[str]]:
    """The floors of the import contract, without rooms that are not there."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers"))
    there = {Path(room.rstrip("/")).stem for room in rooms()}
    named = [{word for word in re.findall(r"\w+", layer) if word in there} for layer in layers]
    return [floor for floor in named if floor]


def test_the_floors_are_those_of_the_import_contract() -> None:
    lines = block("text floors").text.splitlines()
    written = [set(re.findall(r"\w+", line)) for line in lines if not line.startswith("-")]
    assert written == floors_in_force()


LINE = re.compile(r"^ *(\w+) +(−?[\d.]+)(?: ± ([\d.]+))? +([\d.]+ %|—)", re.MULTILINE)


def picture() -> list[tuple[str, float, float, float | None]]:
    """Action, mean, sd and probability of each line of the picture; None where it was not available."""
    return [
        (
            action,
            float(mean.replace("−", "-")),
            float(sd or 0),
            None if share == "—" else float(share.split()[0]) / 100,
        )
        for action, mean, sd, share in LINE.findall(block("text picture").text)
    ]


def test_the_picture_shows_the_actions_of_the_example() -> None:
    strategy = next(row for row in template(DEFAULT_TEMPLATE).strategies if row.id == "learned")
    assert tuple(action for action, *_ in picture()) == ("none", *strategy.actions)


def test_the_probabilities_of_the_picture_follow_from_its_belief() -> None:
    # 15 decisions are left, from October to a year after the program's end in December. Printed to a
    # thousandth, a mean or an sd is off by .0005, of sds of .09 that the rule makes .026: by .02 of an sd.
    # No density of a normal exceeds .4 an sd, so with five rivals a share is off by less than
    # 5 · .4 · 2 · .02 = .08 if all errors push one way, and by a third of it where they do not.
    _, mean, sd, share = zip(*picture(), strict=True)
    available = np.array([[part is not None for part in share]])
    strategy = next(row for row in template(DEFAULT_TEMPLATE).strategies if row.id == "learned")
    scores = Scores("normal", np.array([mean]), np.array([sd]))
    rho = strategy.allocation.probabilities(scores, available, course(15.0))
    expected = bounded(rho, available, strategy.floor)[0]
    assert [part or 0.0 for part in share] == pytest.approx(expected.tolist(), abs=0.03)


def test_the_draw_of_the_picture_falls_on_its_pick() -> None:
    text = block("text picture").text
    draw = float(re.search(r"draw[^.\d]*(0\.\d+)", text)[1])
    pick = re.search(r"falls on (\w+)", text)[1]
    reached = np.cumsum([part or 0.0 for *_, part in picture()])
    assert picture()[int((reached > draw).argmax())][0] == pick
