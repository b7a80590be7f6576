"""API keys: recognised while they live, and no other."""

import pytest

from engagement.errors import Invalid, Unauthenticated
from engagement.store import keys
from engagement.workflows.access import SCOPES, create_key, program_of, recognise
from support.peer_groups import a_program, ms


def new_key(here, scopes=("recommend", "signals"), audience="staff", expires_at=None):
    with here.db.write() as conn:
        return create_key(conn, here.id, scopes, audience, ms(0), expires_at)


def known(here, text, day=1.0):
    with here.db.read() as conn:
        return recognise(conn, text, ms(day))


def test_a_key_is_recognised_with_all_that_it_may(here):
    made = new_key(here)
    assert known(here, made.text) == made.key
    assert (made.key.program_id, made.key.scopes, made.key.audience) == (
        here.id,
        ("recommend", "signals"),
        "staff",
    )


def test_a_key_tells_its_program_before_anything_is_looked_up(here):
    assert program_of(new_key(here).text) == here.id


def test_every_scope_survives_being_stored(here):
    assert known(here, new_key(here, SCOPES).text).scopes == SCOPES


def test_a_key_lives_until_the_moment_it_expires(here):
    made = new_key(here, expires_at=ms(1))
    assert known(here, made.text, 0.999) == made.key
    with pytest.raises(Unauthenticated, match="expired"):
        known(here, made.text, 1)


def test_a_revoked_key_is_refused_and_the_other_lives_on(here):
    first, second = new_key(here), new_key(here)
    with here.db.write() as conn:
        assert keys.revoke(conn, here.id, first.key.key_id, ms(0.5))
        assert not keys.revoke(conn, here.id, first.key.key_id, ms(0.6))
    with pytest.raises(Unauthenticated, match="revoked"):
        known(here, first.text)
    assert known(here, second.text) == second.key


def test_no_two_keys_are_alike(here):
    assert len({new_key(here).text for _ in range(20)}) == 20


def test_only_the_digest_is_stored(here):
    made = new_key(here)
    secret = made.text.split("_", 2)[2]
    assert secret not in repr(here.read(keys.all_keys))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: text[:-1],
        lambda text: text.upper(),
        lambda text: text.replace("eng_", "gen_"),
        lambda text: text.rpartition("_")[0] + "_",
        lambda text: text.replace("_", "-"),
        lambda text: text.replace(text[4:36], "z" * 32),
        lambda text: text.replace(text[4:36], "٣" * 32),
        lambda text: text[:4],
        lambda text: text[:0],
        lambda text: " " + text,
    ],
)
def test_a_key_that_is_not_exactly_one_of_ours_is_refused(here, spoil):
    with pytest.raises(Unauthenticated, match="not one of this service's"):
        known(here, spoil(new_key(here).text))


def test_a_key_does_not_open_another_program(here):
    other = a_program(here.db)
    text = new_key(here).text.replace(here.id.replace("-", ""), other.id.replace("-", ""))
    with pytest.raises(Unauthenticated, match="not one of this service's"):
        known(other, text)


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_who_may_not_read_all_of_a_member_gets_no_key_to_change_them(here, audience):
    with pytest.raises(Invalid, match="`admin` is for the audience"):
        new_key(here, ("read", "admin"), audience)
