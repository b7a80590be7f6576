"""Whose word is enough for an incentive to be paid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.actions.incentive import EarnedBy, Incentive
from engagement.signals.catalogue import BY_KIND
from engagement.strategy.earned import OUTSIDE, Voice, borne_out

SELF, OTHER = Voice("self", own=True), Voice("self", own=False)
ADVISER = Voice("adviser", own=True)


@pytest.mark.parametrize(
    ("earner", "voices", "enough"),
    [
        ("member", [], False),
        ("member", [SELF], False),
        ("member", [SELF, ADVISER], True),
        ("member", [ADVISER], True),
        ("adviser", [ADVISER], False),
        ("adviser", [SELF, ADVISER], False),
        ("adviser", [ADVISER, OTHER], True),
        ("group", [ADVISER], False),
        ("group", [OTHER], False),
        ("group", [ADVISER, OTHER], True),
    ],
)
def test_nobodys_own_word_is_enough(earner, voices, enough):
    assert borne_out(earner, voices) == enough


@pytest.mark.parametrize("earner", ["member", "adviser", "group"])
@pytest.mark.parametrize("reporter", sorted(OUTSIDE))
def test_a_word_from_outside_is_enough(earner, reporter):
    assert borne_out(earner, [Voice(reporter, own=True)])


@given(
    st.sampled_from(["member", "adviser", "group"]),
    st.lists(st.builds(Voice, st.sampled_from(["self", "adviser", "health_worker"]), st.booleans())),
    st.lists(st.builds(Voice, st.sampled_from(["self", "adviser", "staff"]), st.booleans())),
)
def test_a_further_word_never_takes_away_what_was_earned(earner, voices, more):
    assert not borne_out(earner, voices) or borne_out(earner, voices + more)


def test_what_earns_is_observed_and_never_a_clinical_value():
    kinds = set(EarnedBy.__args__)
    assert kinds <= set(BY_KIND)
    assert not kinds & {"pressure_controlled", "glucose_controlled", "medicine_taken", "motivation"}


def test_nothing_is_to_be_earned_unless_it_is_said():
    assert Incentive(id="gift", title="A gift").earned_by == ()
