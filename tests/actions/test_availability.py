"""Which actions a unit may get: every reason, their order, and their edges."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.actions.availability import DAY_MS, WORDS, Given, Reason, Situation, refusals
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.contacts import Contacts
from engagement.actions.content import Content
from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge
from engagement.actions.taper import Step

NOW_MS = 1_700_000_000_000
TODAY = date(2023, 11, 15)
ANYONE = Situation("running", TODAY, NOW_MS, shares_with_health_worker=True, languages=("hi", "en"), given=())


def nudge(**fields):
    return Nudge(**{"id": "a", "title": "A"} | fields)


def reason(action, situation=ANYONE):
    """Why the only action is not available."""
    codes = refusals([action], [situation])
    assert codes.shape == (1, 2)
    return Reason(int(codes[0, 1]))


def given_before(*ages_ms):
    """A situation in which the action was given so long ago."""
    return ANYONE._replace(given=tuple(Given("a", NOW_MS - age) for age in ages_ms))


def test_an_action_without_limits_is_available():
    assert reason(nudge()) == Reason.AVAILABLE


def test_an_action_that_a_plan_decides_about_is_offered_by_nobody_else():
    situation = ANYONE._replace(planned=frozenset({"a"}))
    assert (reason(nudge(), situation), reason(nudge(id="b"), situation)) == (
        Reason.PLANNED,
        Reason.AVAILABLE,
    )


def test_a_retired_action_is_offered_no_more():
    assert reason(nudge(retired=True)) == Reason.RETIRED


def test_an_action_of_another_phase_is_not_offered():
    assert reason(nudge(phases=("handover", "sustaining"))) == Reason.PHASE


@pytest.mark.parametrize(
    ("last_day", "expected"),
    [(date(2023, 11, 14), Reason.PAYER_ENDED), (date(2023, 11, 15), Reason.AVAILABLE)],
)
def test_a_payer_pays_up_to_and_on_the_last_day(last_day, expected):
    assert reason(nudge(payer_until=last_day)) == expected


@pytest.mark.parametrize(
    ("phase", "payer", "cost_minor", "expected"),
    [
        ("handover", "program", 1, Reason.AVAILABLE),
        ("sustaining", "program", 1, Reason.PAYER_ENDED),
        ("sustaining", "program", 0, Reason.AVAILABLE),
        ("sustaining", "state", 1, Reason.AVAILABLE),
    ],
)
def test_the_program_pays_at_a_site_until_it_ends_there(phase, payer, cost_minor, expected):
    action = nudge(payer=payer, cost_minor=cost_minor)
    assert reason(action, ANYONE._replace(phase=phase)) == expected


@pytest.mark.parametrize(
    ("phase", "carrier", "payer", "expected"),
    [
        ("handover", "staff", "nobody", Reason.AVAILABLE),
        ("sustaining", "staff", "nobody", Reason.STAFF_ENDED),
        ("sustaining", "staff", "program", Reason.STAFF_ENDED),
        ("sustaining", "staff", "state", Reason.AVAILABLE),
        ("sustaining", "adviser", "nobody", Reason.AVAILABLE),
        ("sustaining", "health_worker", "nobody", Reason.AVAILABLE),
    ],
)
def test_the_programs_staff_leave_a_site_with_the_program(phase, carrier, payer, expected):
    action = nudge(carrier=carrier, payer=payer)
    assert reason(action, ANYONE._replace(phase=phase)) == expected


def test_a_health_worker_is_linked_only_with_consent_to_share():
    visit = ChwLinkage(id="visit", title="Visit")
    assert reason(visit, ANYONE._replace(shares_with_health_worker=False)) == Reason.CONSENT


def test_a_health_worker_is_linked_with_that_consent():
    assert reason(ChwLinkage(id="visit", title="Visit")) == Reason.AVAILABLE


def test_a_nudge_needs_no_consent_to_share():
    assert reason(nudge(), ANYONE._replace(shares_with_health_worker=False)) == Reason.AVAILABLE


@pytest.mark.parametrize(
    ("agreed", "unsafe", "expected"),
    [
        (True, False, Reason.AVAILABLE),
        (False, False, Reason.CONSENT),
        (True, True, Reason.FAMILY_UNSAFE),
        (False, True, Reason.FAMILY_UNSAFE),
    ],
)
def test_the_family_is_contacted_with_consent_and_never_where_home_is_not_safe(agreed, unsafe, expected):
    situation = ANYONE._replace(family_may_be_contacted=agreed, family_unsafe=unsafe)
    assert reason(nudge(contacts_family=True), situation) == expected


def test_what_leaves_the_family_alone_needs_neither():
    assert reason(nudge(), ANYONE._replace(family_unsafe=True)) == Reason.AVAILABLE


@pytest.mark.parametrize(
    ("written", "expected"),
    [(("te",), Reason.NO_CONTENT), (("te", "en"), Reason.AVAILABLE), ((), Reason.AVAILABLE)],
)
def test_words_must_be_in_one_of_the_members_languages_if_there_are_words(written, expected):
    content = tuple(Content(language, "text") for language in written)
    assert reason(nudge(content=content)) == expected


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, Reason.COOL_DOWN),
        (7 * DAY_MS - 1, Reason.COOL_DOWN),
        (7 * DAY_MS, Reason.AVAILABLE),
    ],
)
def test_a_cool_down_of_seven_days_ends_with_the_seventh(age_ms, expected):
    assert reason(nudge(cool_down_days=7), given_before(age_ms)) == expected


def test_without_a_cool_down_an_action_may_come_twice_at_once():
    assert reason(nudge(), given_before(0)) == Reason.AVAILABLE


@pytest.mark.parametrize(
    ("ages_ms", "expected"),
    [
        ((DAY_MS,), Reason.AVAILABLE),
        ((DAY_MS, 30 * DAY_MS - 1), Reason.MONTHLY_CAP),
        ((DAY_MS, 30 * DAY_MS), Reason.AVAILABLE),
        ((0, DAY_MS, 2 * DAY_MS), Reason.MONTHLY_CAP),
    ],
)
def test_a_cap_of_two_counts_the_last_thirty_days(ages_ms, expected):
    assert reason(nudge(monthly_cap=2), given_before(*ages_ms)) == expected


@pytest.mark.parametrize(
    ("ages_ms", "expected"),
    [
        ((DAY_MS,), Reason.AVAILABLE),
        ((DAY_MS, 7 * DAY_MS - 1), Reason.WEEKLY_CAP),
        ((DAY_MS, 7 * DAY_MS), Reason.AVAILABLE),
    ],
)
def test_a_cap_of_two_a_week_counts_the_last_seven_days(ages_ms, expected):
    assert reason(nudge(weekly_cap=2), given_before(*ages_ms)) == expected


@pytest.mark.parametrize(
    ("contacts", "ages_ms", "expected"),
    [
        (Contacts(weekly=2), (DAY_MS, 7 * DAY_MS - 1), Reason.CONTACTS),
        (Contacts(weekly=2), (DAY_MS, 7 * DAY_MS), Reason.AVAILABLE),
        (Contacts(monthly=2), (DAY_MS, 30 * DAY_MS - 1), Reason.CONTACTS),
        (Contacts(monthly=2), (DAY_MS, 30 * DAY_MS), Reason.AVAILABLE),
        (Contacts(weekly=0), (), Reason.CONTACTS),
        (Contacts(), (0,) * 40, Reason.AVAILABLE),
    ],
)
def test_contacts_count_whatever_was_given(contacts, ages_ms, expected):
    given = tuple(Given(f"other-{age}", NOW_MS - age) for age in ages_ms)
    assert reason(nudge(), ANYONE._replace(contacts=contacts, given=given)) == expected


def test_an_offer_that_nobody_answered_may_have_been_a_contact():
    given = (Given("a", NOW_MS - DAY_MS, unanswered=True),)
    assert reason(nudge(), ANYONE._replace(contacts=Contacts(weekly=1), given=given)) == Reason.CONTACTS


def test_an_offer_that_nobody_answered_was_not_given():
    given = (Given("a", NOW_MS - DAY_MS, unanswered=True),)
    limited = nudge(cool_down_days=7, weekly_cap=1, monthly_cap=1)
    assert reason(limited, ANYONE._replace(given=given)) == Reason.AVAILABLE


def test_what_quiet_hours_would_outlast_is_not_offered():
    assert reason(nudge(), ANYONE._replace(in_time=False)) == Reason.QUIET_HOURS


TAPERING = Incentive(
    id="a", title="A", cost_minor=9, payer="fund", taper=(Step(days_before_end=30, cost_minor=0),)
)


@pytest.mark.parametrize(
    ("days_to_end", "expected"),
    [(31, Reason.AVAILABLE), (30, Reason.TAPERED), (-5, Reason.TAPERED), (None, Reason.AVAILABLE)],
)
def test_an_incentive_that_has_tapered_off_is_not_offered(days_to_end, expected):
    assert reason(TAPERING, ANYONE._replace(days_to_end=days_to_end)) == expected


def test_what_another_action_was_given_does_not_count():
    situation = ANYONE._replace(given=(Given("b", NOW_MS),))
    assert reason(nudge(cool_down_days=7, monthly_cap=1), situation) == Reason.AVAILABLE


BARRED = [  # each would be refused for its own reason and every later one
    (Reason.RETIRED, {"retired": True}),
    (Reason.PHASE, {"phases": ("sustaining",)}),
    (Reason.PAYER_ENDED, {"payer_until": date(2023, 1, 1)}),
    (Reason.QUIET_HOURS, {}),
    (Reason.FAMILY_UNSAFE, {"contacts_family": True}),
    (Reason.CONSENT, {}),
    (Reason.NO_CONTENT, {"content": (Content("te", "text"),)}),
    (Reason.CONTACTS, {}),
    (Reason.COOL_DOWN, {"cool_down_days": 7}),
    (Reason.WEEKLY_CAP, {"weekly_cap": 1}),
    (Reason.MONTHLY_CAP, {"monthly_cap": 1}),
]


@pytest.mark.parametrize("place", range(len(BARRED)), ids=[reason.name for reason, _ in BARRED])
def test_of_several_reasons_the_first_is_told(place):
    fields = {name: value for _, limits in BARRED[place:] for name, value in limits.items()}
    past = {reason: place > at for at, (reason, _) in enumerate(BARRED)}
    situation = given_before(0)._replace(
        shares_with_health_worker=past[Reason.CONSENT],
        family_unsafe=True,
        in_time=past[Reason.QUIET_HOURS],
        contacts=Contacts() if past[Reason.CONTACTS] else Contacts(weekly=1),
    )
    action = ChwLinkage(**{"id": "a", "title": "A"} | fields)
    assert reason(action, situation) == BARRED[place][0]


def test_none_stands_first_and_is_always_available():
    assert refusals([nudge(retired=True)], [ANYONE, ANYONE]).tolist() == [[0, 1], [0, 1]]


@given(
    st.lists(
        st.builds(
            Situation,
            st.sampled_from(["running", "handover", "sustaining"]),
            st.sampled_from([date(2023, 11, 15), date(2024, 1, 1)]),
            st.sampled_from([NOW_MS, NOW_MS + 40 * DAY_MS]),
            st.booleans(),
            st.sampled_from([("en",), ("te", "en"), ("hi",)]),
            st.lists(st.builds(Given, st.sampled_from("abc"), st.just(NOW_MS - DAY_MS))).map(tuple),
            st.booleans(),
            st.booleans(),
            st.booleans(),
            st.sampled_from([Contacts(), Contacts(weekly=1)]),
        ),
        max_size=6,
    )
)
def test_a_units_refusals_do_not_depend_on_the_units_beside_it(situations):
    actions = [
        nudge(phases=("handover",), cool_down_days=3),
        ChwLinkage(id="b", title="B", payer_until=date(2023, 12, 1), monthly_cap=1),
        nudge(id="c", content=(Content("te", "text"),)),
        nudge(id="d", contacts_family=True),
    ]
    together = refusals(actions, situations)
    alone = [refusals(actions, [situation])[0] for situation in situations]
    np.testing.assert_array_equal(together, np.array(alone, np.uint8).reshape(len(situations), 5))


def test_every_reason_has_words():
    assert set(WORDS) == set(Reason)


def test_the_numbers_of_reasons_are_stored_and_never_change():
    assert {reason.name: int(reason) for reason in Reason} == {
        "AVAILABLE": 0,
        "RETIRED": 1,
        "PHASE": 2,
        "PAYER_ENDED": 3,
        "CONSENT": 4,
        "COOL_DOWN": 5,
        "MONTHLY_CAP": 6,
        "BUDGET": 7,
        "NO_CONTENT": 8,
        "FAMILY_UNSAFE": 9,
        "MINUTES": 10,
        "WEEKLY_CAP": 11,
        "CONTACTS": 12,
        "QUIET_HOURS": 13,
        "TAPERED": 14,
        "PLANNED": 15,
        "CHANCE": 16,
        "UNTRAINED": 17,
        "STAFF_ENDED": 18,
    }


# --- training -------------------------------------------------------------------------------------

UNTRAINED = ANYONE._replace(untrained=True)


def test_what_leads_the_group_is_nothing_for_a_leader_who_has_still_to_be_trained():
    assert reason(nudge(needs_training=True), UNTRAINED) == Reason.UNTRAINED
    assert reason(nudge(needs_training=True)) == Reason.AVAILABLE


def test_what_leads_nobody_needs_no_training():
    assert reason(nudge(), UNTRAINED) == Reason.AVAILABLE
