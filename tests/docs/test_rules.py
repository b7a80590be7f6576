"""Each exploration rule has its page and a picture that shows what the rule does today."""

import re
import runpy
from typing import get_args

import pytest

from docs.pages import ROOT
from engagement.bandits.allocations import AnyAllocation

FOLDER = ROOT / "docs/rules"
TAGS = sorted(str(rule.__struct_config__.tag) for rule in get_args(AnyAllocation))
NUMBER = re.compile(r"-?\d+\.\d+")


@pytest.fixture(scope="module")
def figures():
    return runpy.run_path(str(FOLDER / "figures.py"))


def test_each_rule_has_a_page_and_each_page_a_rule():
    assert sorted(page.stem for page in FOLDER.glob("*.md")) == sorted([*TAGS, "index"])


@pytest.mark.parametrize("tag", TAGS)
def test_a_page_says_what_the_rule_assumes_when_to_choose_it_and_what_it_costs(tag):
    text = (FOLDER / f"{tag}.md").read_text()
    assert f'`kind = "{tag}"`' in text
    assert f"]({tag}.svg)" in text
    assert all(f"\n**{part}** " in text for part in ("It assumes", "Choose it when", "It costs"))


@pytest.mark.parametrize("tag", TAGS)
def test_a_picture_is_the_one_that_the_rule_draws(tag, figures):
    kept, drawn = (FOLDER / f"{tag}.svg").read_text(), figures["drawn"](tag)
    assert NUMBER.sub("", kept) == NUMBER.sub("", drawn)
    # a tenth of a pixel may round the other way under another library
    assert [*map(float, NUMBER.findall(kept))] == pytest.approx(
        [*map(float, NUMBER.findall(drawn))], abs=0.11
    )
