"""As whom a reader reads of each member."""

import pytest

from engagement.signals.signal import AUDIENCES
from engagement.workflows.merge_member import MemberMerge, Merging, merge_members
from engagement.workflows.sight import sight_of
from support.peer_groups import Here, seat

SHARING = "group,member,seat,health_worker"


def read_as(here: Here, audience, *members: str) -> list[str]:
    with here.db.read() as conn:
        sight = sight_of(conn, here.id, audience, members)
    return [sight.of(name) for name in members]


@pytest.mark.parametrize("audience", AUDIENCES)
def test_consent_to_share_changes_what_a_health_worker_counts_as_and_nobody_else(here: Here, audience):
    seat(here, "g0,m0,1,yes", "g0,m1,2,no", columns=SHARING)
    near = "adviser" if audience == "health_worker" else audience
    assert read_as(here, audience, "m0", "m1", "nobody") == [audience, near, near]


def test_it_is_what_members_agree_to_now(here: Here):
    for day, says in enumerate(("yes", "no", "yes")):
        seat(here, f"g0,m0,1,{says}", columns=SHARING, day=day)
        assert read_as(here, "health_worker", "m0") == ["health_worker" if says == "yes" else "adviser"]


def test_whoever_was_merged_agrees_to_what_the_id_kept_does(here: Here):
    seat(here, "g0,m0,1,yes", "g0,m1,2,yes", columns=SHARING)
    here.run(merge_members, [Merging("m0", MemberMerge(into="m1"))], day=1.0)
    assert read_as(here, "health_worker", "m0", "m1") == ["health_worker"] * 2
    seat(here, "g0,m1,2,no", columns=SHARING, day=2.0)
    assert read_as(here, "health_worker", "m0", "m1") == ["adviser"] * 2
