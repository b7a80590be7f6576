"""Who did it: the trail tells it by what each row names, and the seal holds it."""

import pytest
from sqlalchemy import func, select

from engagement.errors import NotFound
from engagement.store import acts, keys, leaving, setup
from engagement.store import tables as t
from engagement.store.acts import By
from engagement.strategy.setup import Budget, Site, Switched
from engagement.workflows.access import create_key
from engagement.workflows.acted import Deed, acted, noted
from engagement.workflows.audit import audit
from engagement.workflows.import_register import import_register
from engagement.workflows.promotion import Wish, promote
from engagement.workflows.revise import revise
from engagement.workflows.roster import import_roster
from engagement.workflows.seal import seal
from engagement.workflows.switch import Throw, throw
from engagement.workflows.trail import TrailWanted, Who, trails
from support.peer_groups import ms, seat_members
from workflows.test_promotion import JUDGED, in_shadow

ASHA, BINA = By("key", "0a0a", "change_site"), By("console", "0b0b", "roster")
TYPED = By("command", None, "stop")


def did(here, *deeds, day=1.0):
    """Carries out deeds in one transaction; their results."""
    return here.run(acted, deeds, day=day)


def site(name, by=ASHA):
    return Deed(by, revise, [Site(id=name, title="A place")])


def entries(here, before=10_000):
    with here.db.read(here.id) as conn:
        (found,) = trails(conn, here.kept, here.id, [TrailWanted("staff", ms(before))], ms(0))
    return found.entries


def who(here, *names):
    """Who did what was done in one of these ways: what, and who."""
    return [(entry.did, entry.who) for entry in entries(here) if entry.did in names]


def count(here, table=t.acts):
    with here.db.read(here.id) as conn:
        query = select(func.count()).select_from(table).where(table.c.program_id == here.id)
        return conn.execute(query).scalar_one()


def test_each_of_one_transaction_is_told_with_its_own_hand(here):
    did(
        here,
        site("a"),
        site("b", BINA),
        Deed(TYPED, throw, [Throw(True, Switched(by="lead", why="A flood"))]),
    )
    told = {entry.ids[:1] or entry.did: entry.who for entry in entries(here) if entry.who}
    assert told == {("a",): Who(*ASHA), ("b",): Who(*BINA), "stopped": Who(*TYPED)}
    assert count(here) == 3


def test_what_was_done_before_acts_were_kept_is_told_without(here):
    here.run(revise, [Budget(id="fund", limit_minor=1)], day=1)
    assert {entry.who for entry in entries(here)} == {None}
    assert count(here) == 0


def test_of_two_who_do_the_same_at_once_only_the_first_has_done_it(here):
    did(here, site("a"), site("a", BINA))
    assert [entry.who for entry in entries(here) if entry.ids == ("a",)] == [Who(*ASHA)]
    assert count(here) == 1


def test_an_act_of_many_rows_is_one(here):
    did(here, Deed(BINA, import_roster_of, ["group,member,seat\ng0,m0,1\ng0,m1,2\n"]))
    assert {entry.who for entry in entries(here) if entry.did == "seated"} == {Who(*BINA)}
    assert count(here) == 1


def import_roster_of(conn, kept, program_id, sheets, now_ms):
    return [import_roster(conn, kept, program_id, sheet, now_ms) for sheet in sheets]


def test_what_several_transactions_did_is_an_act_in_each_and_one_entry(here):
    """Parts of a register by one hand are joined; another's is another entry, however near."""
    seat_members(here, 2)
    for by, seat, at in ((ASHA, 1, 0), (ASHA, 2, 20), (BINA, 2, 40)):
        came = "no" if by is BINA else "yes"
        content = f"group,date,seat,came\ng0,2026-03-12,{seat},{came}\n"
        now_ms = ms(5) + 1_000 * at
        import_register(here.db.acting(by, lambda at=now_ms: at), here.kept, here.id, content, now_ms)
    assert who(here, "register") == [("register", Who(*BINA)), ("register", Who(*ASHA))]
    assert count(here) == 3


def test_a_promotion_is_told_with_who_asked_for_it(db):
    here = in_shadow(db)
    by = By("key", "0a0a", "promote_strategy")
    for _ in range(2):
        did(here, Deed(by, promote, [Wish("learned", 1)]), day=JUDGED)
    assert who(here, "promoted") == [("promoted", Who(*by))]
    assert count(here) == 1


def test_keys_are_told_with_who_made_and_who_ended_them(here):
    with here.db.acting(By("command", None, "key create"), lambda: ms(1)).write(here.id) as conn:
        made = create_key(conn, here.id, ["read"], "staff", ms(1), None).key
    with here.db.acting(By("command", None, "key revoke"), lambda: ms(2)).write(here.id) as conn:
        keys.revoke(conn, here.id, made.key_id, ms(2))
    assert who(here, "key_made", "key_revoked") == [
        ("key_revoked", Who("command", None, "key revoke")),
        ("key_made", Who("command", None, "key create")),
    ]


def test_what_no_row_tells_is_told_by_the_act_itself(here):
    did(here, Deed(ASHA, noted, ["exported"]))
    assert who(here, "exported") == [("exported", Who(*ASHA))]


def test_a_refusal_is_no_act(here):
    [[refused]] = did(here, Deed(ASHA, promote, [Wish("nothing", 1)]))
    assert isinstance(refused, NotFound)
    assert count(here) == 0


def test_behind_an_act_nobody_acts(here):
    with here.db.write(here.id) as conn:
        with acts.under(conn, acts.act_of(ASHA, ms(1))):
            setup.revise(conn, here.id, [Site(id="a", title="A")], ms(1))
        setup.revise(conn, here.id, [Site(id="b", title="B")], ms(1))
    assert {entry.ids: entry.who for entry in entries(here) if entry.ids in (("a",), ("b",))} == {
        ("a",): Who(*ASHA),
        ("b",): None,
    }


def test_what_was_taken_back_leaves_no_act_and_what_follows_has_its_own(here):
    with here.db.write(here.id) as conn, acts.under(conn, acts.act_of(ASHA, ms(1))):
        with conn.begin_nested() as undone:
            setup.revise(conn, here.id, [Site(id="a", title="A")], ms(1))
            undone.rollback()
        assert (
            conn.execute(select(func.count()).select_from(t.acts).filter_by(program_id=here.id)).scalar() == 0
        )
        setup.revise(conn, here.id, [Site(id="b", title="B")], ms(1))
    assert [entry.who for entry in entries(here) if entry.ids == ("b",)] == [Who(*ASHA)]


def test_nothing_of_a_transaction_that_failed_is_remembered(here):
    """Two change the set-up in one transaction that is lost; what comes in its place is read anew."""

    def fail(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        did(here, Deed(ASHA, revise, [Budget(id="fund", limit_minor=1)]), site("x"), Deed(ASHA, fail, []))
    here.run(revise, [Budget(id="fund", limit_minor=2)], day=1)
    with here.db.read(here.id) as conn:
        revision = setup.catalogue_revision(conn, here.id)
        known = setup.catalogue(conn, here.kept, here.id, revision)
        fresh = setup.catalogue(conn, type(here.kept)(), here.id, revision)
    assert known == fresh


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (t.acts, {"key_id": "0c0c"}),
        (t.acts, {"operation": "change_group"}),
        (t.acts, {"recorded_at": 5}),
        (t.revisions, {"act_id": "01900000-0000-7000-8000-0000000000ff"}),
        (t.revisions, {"act_id": None}),
    ],
    ids=["key", "operation", "moment", "another act", "no act"],
)
def test_who_did_it_cannot_be_changed_unseen(here, table, change):
    did(here, site("a"))
    assert seal(here.db, here.id, "sealer", ms(2)) is not None
    with here.db.read(here.id) as conn:
        assert audit(conn, here.id).flaws == ()
    with here.db.write(here.id) as conn, leaving.unguarded(conn):
        here_alone = table.c.program_id == here.id
        named = here_alone if table is t.acts else here_alone & table.c.act_id.is_not(None)
        assert conn.execute(table.update().where(named).values(change)).rowcount == 1
    with here.db.read(here.id) as conn:
        assert {flaw.table for flaw in audit(conn, here.id).flaws} == {table.name}
