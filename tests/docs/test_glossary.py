"""The field's words stand in the glossary, once, in order, and in one spelling everywhere."""

import re

import pytest

from docs.pages import PAGES, ROOT, name, named_below, prose
from engagement.actions.action import PHASES

TERMS = named_below((ROOT / "docs/glossary.md").read_text(), "Glossary")
FIELDS_WORDS = (
    "decision point", "availability", "action", "propensity", "proximal outcome", "reward", "reward window",
    "posterior", "allocation", "strategy", "fold", "matured", "dose", "burden", "audience", "unit", "site",
    "seat", "minimal month", "ledger", "derived", "tally", "floor", "fallback", "cadence", "evidence",
)  # fmt: skip
OTHER_SPELLINGS = {
    "program": r"\bprogrammes?\b",
    "adviser": r"\badvisors?\b",
    "randomised": r"\brandomized?\b",
    "set-up": r"\bset up of\b|\bsetups?\b",
    "health worker": r"\bhealthworkers?\b",
    "pseudonym": r"\balias(?:es)?\b",
}  # fmt: skip


@pytest.mark.parametrize("term", [*FIELDS_WORDS, *PHASES])
def test_the_glossary_explains_the_fields_words(term: str) -> None:
    assert term in TERMS, f"docs/glossary.md needs a row for “{term}”"


def test_the_terms_stand_in_the_order_of_the_alphabet() -> None:
    assert list(TERMS) == sorted(TERMS)


@pytest.mark.parametrize("term", OTHER_SPELLINGS)
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CONTRIBUTING.md"], ids=name)
def test_a_term_has_one_spelling(page, term: str) -> None:
    assert re.findall(OTHER_SPELLINGS[term], prose(page.read_text()), re.IGNORECASE) == []
