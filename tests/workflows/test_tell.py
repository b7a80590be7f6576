"""What each reader is told of one and the same answer."""

import msgspec
import pytest

from engagement.actions.availability import Reason
from engagement.signals.signal import AUDIENCES
from engagement.strategy.setup import Consent
from engagement.workflows.sight import Sight
from engagement.workflows.tell import (
    NOTHING,
    REFUSED_FROM,
    WITHHELD,
    WITHHELD_FROM,
    Chance,
    Recommendation,
    ReferralTold,
    Refusal,
    moment,
    seen_by,
    withheld,
)

OFFERED = Recommendation(
    decision_id="d",
    member="m",
    group="g",
    strategy="s",
    strategy_revision=1,
    version=0,
    decision_point="p",
    phase="running",
    action=msgspec.structs.replace(NOTHING, id="call", barrier="sabotage"),
    probability=1.0,
    randomised=False,
    chances=(Chance("none", 0.5), Chance("call", 0.5)),
    unavailable=(Refusal("invite", "family_unsafe", ""), Refusal("token", "cool_down", "")),
    reward_window=None,
    decided_at=None,
    expires_at=None,
    fallback=None,
    withheld=None,
    why="Drawn. 2 could not be offered now.",
    simulated=False,
)
REFERRED = withheld("m", "g", "referred", ReferralTold("harm", "nurse", moment(0)), simulated=False)


def seen(audience, told, *, shares=True):
    """What a reader sees. shares : whether the member shares with the health worker"""
    return seen_by(Sight(audience, {"m": Consent(health_worker=shares).reader(audience)}), told)


@pytest.mark.parametrize(
    ("audience", "refused"),
    [
        ("group", []),
        ("adviser", ["cool_down"]),
        ("health_worker", ["cool_down"]),
        ("staff", ["family_unsafe", "cool_down"]),
        ("research", ["family_unsafe", "cool_down"]),
    ],
)
def test_a_reader_is_told_of_the_refusals_meant_for_them(audience, refused):
    assert [refusal.reason for refusal in seen(audience, OFFERED).unavailable] == refused


@pytest.mark.parametrize(
    ("audience", "why"),
    [
        ("group", "Drawn."),
        ("adviser", "Drawn. 1 could not be offered now."),
        ("staff", "Drawn. 2 could not be offered now."),
    ],
)
def test_the_reason_counts_only_what_the_reader_is_told_of(audience, why):
    assert seen(audience, OFFERED).why == why


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_neighbour_is_not_told_which_barrier_an_action_speaks_to(audience):
    told = seen(audience, OFFERED).action.barrier
    assert (told is None) == (audience in {"group", "adviser"})


@pytest.mark.parametrize("audience", AUDIENCES)
def test_of_who_does_not_share_a_health_worker_is_told_what_a_neighbour_is_and_nobody_else_less(audience):
    near = "adviser" if audience == "health_worker" else audience
    assert seen(audience, OFFERED, shares=False) == seen(near, OFFERED)


def test_whoever_was_not_looked_up_shares_with_no_health_worker():
    assert seen_by(Sight("health_worker", {}), OFFERED) == seen("adviser", OFFERED)


def test_what_is_for_a_group_as_a_whole_needs_nobodys_consent():
    of_group = msgspec.structs.replace(OFFERED, member=None)
    assert seen_by(Sight("health_worker", {}), of_group).action.barrier == "sabotage"


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_to_others_than_staff_a_referral_is_no_more_than_not_now(audience):
    told = seen(audience, REFERRED)
    assert (told.withheld, told.referral) == ("not_now", None)
    assert told == withheld("m", "g", "not_now", simulated=False)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_health_worker_is_told_of_a_red_flag_and_a_neighbour_is_not(audience):
    flagged = withheld("m", "g", "referred", ReferralTold("red_flag", "nurse", moment(0)), simulated=False)
    for shares in (True, False):  # a red flag is hers to answer, whoever is concerned
        found = seen(audience, flagged, shares=shares)
        assert (found == flagged) == (audience not in {"group", "adviser"})


def test_staff_are_told_whom_to_turn_to():
    assert seen("staff", REFERRED) == REFERRED


def test_a_referral_and_messages_declined_look_alike_to_a_neighbour():
    declined = withheld("m", "g", "messages_declined", simulated=False)
    assert seen("adviser", declined) == seen("adviser", REFERRED)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_why_the_program_recommends_nothing_is_told_to_everybody(audience):
    stopped = withheld("m", "g", "program_stopped", simulated=False)
    assert seen(audience, stopped) == stopped


def test_every_reason_has_an_audience():
    assert set(REFUSED_FROM) == set(Reason)
    assert set(WITHHELD_FROM) == set(WITHHELD)


def test_reasons_that_lie_in_the_person_cannot_be_told_apart_by_who_sees_neither():
    assert REFUSED_FROM[Reason.FAMILY_UNSAFE] == REFUSED_FROM[Reason.CONSENT]
