"""Every belief has a short page of its own, with a figure, that the overview leads to."""

import tomllib
from typing import get_args

import msgspec
import pytest

from docs.pages import ROOT, Block, blocks, headings, links, named_below, tables
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.strategy.strategy import Strategy

FOLDER = ROOT / "docs" / "beliefs"
KINDS = [str(kind.__struct_config__.tag) for kind in get_args(AnyPosterior)]
OVERVIEW = (FOLDER / "README.md").read_text()
MOST_LINES = 45

each_belief = pytest.mark.parametrize("kind", KINDS)


@each_belief
def test_a_belief_has_a_page_that_says_when_to_choose_it_and_what_it_costs(kind: str) -> None:
    page = (FOLDER / f"{kind}.md").read_text()
    for words in ("**Assumes**", "**Choose it**", "**Do not choose it**", "**Costs**", "**Prior.**"):
        assert words in page


@each_belief
def test_a_page_is_short(kind: str) -> None:
    assert len((FOLDER / f"{kind}.md").read_text().splitlines()) <= MOST_LINES


@each_belief
def test_a_page_shows_a_figure_that_is_there(kind: str) -> None:
    assert f"]({kind}.svg)" in (FOLDER / f"{kind}.md").read_text()
    assert (FOLDER / f"{kind}.svg").read_text().startswith("<svg")


@each_belief
def test_the_overview_leads_to_the_page(kind: str) -> None:
    assert f"{kind}.md" in links(OVERVIEW)


def test_the_overview_shows_one_belief_first_and_the_others_under_more() -> None:
    first, second = headings(OVERVIEW)[1:3]
    more = next(table for table in tables(OVERVIEW) if table.heading == second)
    assert (first, second, len(more.rows)) == ("The one to begin with", "More", len(KINDS) - 1)


@pytest.mark.parametrize(
    "block", [block for block in blocks(OVERVIEW) if block.info == "toml"], ids=lambda block: block.line
)
def test_a_belief_that_is_shown_can_be_declared(block: Block) -> None:
    plain = {"id": "s", "title": "S", "actions": ["call"]}
    declared = msgspec.convert(plain | tomllib.loads(block.text), Strategy)
    assert isinstance(declared.posterior, BetaBernoulli)
    assert [one.worth for one in declared.posterior.expected] == [20, 20]


def test_the_dictionary_and_the_registry_begin_with_the_same_belief() -> None:
    explained = named_below((ROOT / "docs/data-dictionary.md").read_text(), "Beliefs")
    assert next(iter(explained)) == KINDS[0] == "pooled_linear"
