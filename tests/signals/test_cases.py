"""Which safety cases wait for an answer. Times are small numbers; all that is said is of one member."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.cases import KINDS, Case, ever_reported, family_unsafe, open_cases
from engagement.signals.catalogue import BY_KIND
from engagement.signals.chains import Link
from engagement.signals.safety import REPORTS
from engagement.signals.tally import EMPTY, Event, of


def link(kind, moment, chain=None, name=None, told=None):
    return Link(kind, 1, moment, moment if told is None else told, chain, "app", name or f"{kind}/{moment}")


def answered(moment, chain=None):
    return link("referral_answered", moment, chain)


def tally(*kinds):
    return of(Event(BY_KIND[kind].code, 1, 5, "app", kind) for kind in kinds)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_report_of_each_kind_opens_a_case(kind):
    assert open_cases([link(kind, 5)]) == (Case(kind, None, 5, 5),)


def test_the_kinds_are_those_of_the_family():
    assert {signal.kind for signal in REPORTS} == KINDS


def test_no_other_signal_opens_a_case():
    assert open_cases([link("attendance", 5), link("left", 6), answered(4)]) == ()


def test_an_answer_after_it_closes_a_case():
    assert open_cases([link("harm", 5), answered(6)]) == ()


@pytest.mark.parametrize("moment", [4, 5])
def test_an_answer_to_everything_closes_nothing_of_its_own_moment_or_later(moment):
    assert len(open_cases([link("harm", 5), answered(moment)])) == 1


def test_an_answer_to_everything_closes_all_cases_so_far():
    assert open_cases([link("harm", 5, "a"), link("distress", 6), answered(7)]) == ()


def test_an_answer_to_one_case_leaves_the_other_open():
    assert open_cases([link("harm", 5, "a"), link("distress", 6, "b"), answered(9, "a")]) == (
        Case("distress", "b", 6, 6),
    )


def test_an_answer_to_another_case_closes_nothing():
    assert len(open_cases([link("harm", 5), answered(9, "a")])) == 1


def test_named_in_the_answer_a_case_of_the_same_moment_is_closed():
    assert open_cases([link("harm", 5, "a"), answered(5, "a")]) == ()


def test_a_case_reported_again_after_its_answer_is_open_again():
    reports = [link("harm", 5, "a"), answered(6, "a"), link("harm", 7, "a")]
    assert open_cases(reports) == (Case("harm", "a", 7, 7),)


def test_reports_of_one_chain_are_one_case():
    assert open_cases([link("distress", 5, "a"), link("harm", 6, "a")]) == (Case("harm", "a", 6, 6),)


def test_who_has_waited_longest_comes_first():
    reports = [link("harm", 1, told=9), link("distress", 5, told=5)]
    assert [case.kind for case in open_cases(reports)] == ["distress", "harm"]


def test_of_whom_nothing_was_reported_there_is_nothing_to_look_for():
    assert not ever_reported(EMPTY)
    assert not ever_reported(tally("attendance", "referral_answered", "family_sabotage"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_whatever_opens_a_case_is_seen_in_the_tally(kind):
    assert ever_reported(tally(kind))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_family_is_unsafe_for_who_was_not_safe_at_home_and_for_nobody_else(kind):
    assert family_unsafe(tally(kind, "referral_answered")) == (kind == "not_safe_at_home")


reports = st.lists(
    st.builds(
        link,
        st.sampled_from(["harm", "distress", "referral_answered", "attendance"]),
        st.integers(0, 5),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(reports.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))))
def test_the_order_of_arrival_is_nothing(orders):
    one, other = orders
    assert open_cases(one) == open_cases(other)


@given(reports)
def test_an_answer_to_everything_after_all_reports_leaves_nothing_open(seen):
    assert open_cases([*seen, answered(6)]) == ()


@given(reports, st.sampled_from(["a", "b", None]))
def test_a_new_report_after_all_answers_is_always_open(seen, chain):
    kinds = [case.occurred_at_ms for case in open_cases([*seen, link("complaint", 6, chain)])]
    assert 6 in kinds


@pytest.mark.parametrize("chain", [None, "a"])
def test_a_report_that_arrives_after_the_answer_opens_its_case_however_old_it_is(chain):
    late = link("harm", 3, chain, told=9)
    assert open_cases([link("distress", 2, chain), answered(6, chain), late]) == (Case("harm", chain, 3, 9),)


def test_what_was_answered_stays_answered_when_more_of_the_same_case_comes_late():
    late = link("harm", 4, "a", told=9)
    assert open_cases([link("harm", 5, "a"), answered(6, "a"), late]) == (Case("harm", "a", 4, 9),)
