"""What ends by itself: sessions and links; and who has left for good is found."""

from datetime import date

from sqlalchemy import select

from engagement.store import console_sessions, keys, page_links, setup
from engagement.store import tables as t
from engagement.strategy.setup import Membership
from engagement.workflows.merge_member import MemberMerge, Merging, merge_members
from engagement.workflows.seal import seal_if_due
from engagement.workflows.seat import seat
from support.peer_groups import Here, ms, seat_members


def link(here: Here, name: str, expires: float, revoked: float | None = None) -> None:
    ended = None if revoked is None else ms(revoked)
    made = page_links.PageLink(here.id, name, "worklist", "m0", "adviser", ms(0), ms(expires), ended)
    with here.db.write() as conn:
        page_links.insert_link(conn, made, page_links.digest(f"{here.id}{name}"))


def test_with_the_nights_seal_sessions_end_and_links_that_ended_a_month_ago_go(here: Here) -> None:
    key = keys.ApiKey(here.id, "k", ("read",), "staff", ms(0), None, None)
    with here.db.write() as conn:
        keys.insert_key(conn, key, keys.digest(here.id))
        for name, ends in (("over", 39), ("lasts", 41)):
            session = console_sessions.Session(here.id, "k", ms(0), ms(ends))
            console_sessions.insert_session(conn, session, name.encode())
    link(here, "lasts", 50)
    link(here, "ended lately", 11)
    link(here, "ended long ago", 9)
    link(here, "revoked lately", 50, 11)
    link(here, "revoked long ago", 50, 9)
    assert seal_if_due(here.db, here.id, "me", ms(40)) is not None
    with here.db.read() as conn:
        links = conn.execute(select(t.page_links.c.link_id).where(t.page_links.c.program_id == here.id))
        assert set(links.scalars()) == {"lasts", "ended lately", "revoked lately"}
        sessions = select(t.console_sessions.c.digest).where(t.console_sessions.c.program_id == here.id)
        assert [bytes(digest) for digest in conn.execute(sessions).scalars()] == [b"lasts"]


def leave(here: Here, member: str, on: str) -> None:
    gone = Membership(member=member, starts_on=date.fromisoformat(on), reason="left")
    here.run(seat, [gone], day=100)


def test_who_left_for_good_before_a_day_is_found_and_nobody_else(here: Here) -> None:
    seat_members(here, 9)
    leave(here, "m1", "2026-04-01")
    leave(here, "m2", "2026-04-02")  # on the day itself
    leave(here, "m3", "2026-04-01")
    back = Membership(member="m3", starts_on=date(2026, 5, 1), group="g1", seat=5)
    here.run(seat, [back], day=100)
    here.run(merge_members, [Merging("m4", MemberMerge(into="m5", on=date(2026, 4, 1)))], day=100)
    assert here.read(setup.left_before, date(2026, 4, 2)) == ["m1"]
    assert here.read(setup.left_before, date(2026, 4, 3)) == ["m1", "m2"]
    leave(here, "m5", "2026-04-02")
    assert here.read(setup.left_before, date(2026, 4, 3)) == ["m1", "m2", "m5"]
