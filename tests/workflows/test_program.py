"""New programs: from templates, whole or not at all."""

import msgspec
import pytest

from engagement.bandits.allocations.uniform import Uniform
from engagement.errors import Invalid
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.strategy.setup import Budget, Group, Member, Program, Site
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import (
    DEFAULT_TEMPLATE,
    create_program,
    read_template,
    template,
    template_names,
)
from engagement.workflows.revise import revise
from support.peer_groups import CALL, COUNTED, LEARNED, PLAN, TOKEN, a_program, ms


def catalogue_of(here):
    with here.db.read() as conn:
        return setup.catalogue(conn, Kept(), here.id, setup.catalogue_revision(conn, here.id))


@pytest.mark.parametrize("name", template_names())
def test_every_template_makes_a_program_with_all_that_it_says(db, name):
    plan = template(name)
    catalogue = catalogue_of(a_program(db, plan))
    assert catalogue.program == plan.program
    assert tuple(catalogue.strategies.values()) == plan.strategies
    assert tuple(catalogue.actions.values()) == plan.actions
    assert tuple(catalogue.sites.values()) == plan.sites
    assert tuple(catalogue.budgets.values()) == plan.budgets


def test_a_template_may_bring_groups_of_its_own(db):
    community = Group(id="community", site="here", type="virtual")
    here = a_program(db, msgspec.structs.replace(PLAN, groups=(community,)))
    assert here.read(setup.newest, "group", ["community"])["community"].thing == community


def test_the_default_template_is_one_of_them():
    assert DEFAULT_TEMPLATE in template_names()


def test_an_unknown_template_is_refused_and_the_known_ones_named():
    with pytest.raises(Invalid, match=DEFAULT_TEMPLATE):
        template("perfect")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"program = 3", "expected `object`|Expected `object`"),
        (b"[program", "set-up file"),
        (b"[program]\nid = 'p'\ntitle = 'P'\ncolour = 'red'", "colour"),
        (b"[program]\nid = 'p'\ntitle = 'P'\ntime_zone = 'Mars'", "time zone"),
    ],
)
def test_a_set_up_file_that_makes_no_sense_is_refused_with_the_reason(content, words):
    with pytest.raises(Invalid, match=words):
        read_template(content)


def test_a_program_may_get_a_title_of_its_own(db):
    kept = Kept()
    with db.write() as conn:
        program_id = create_program(conn, kept, PLAN, ms(0), title="Sonipat")
        catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    assert catalogue.program == msgspec.structs.replace(PLAN.program, title="Sonipat")


def test_every_program_has_a_draw_secret_of_its_own(db):
    first, second = (
        here.read(lambda conn, name: setup.draw_secret(conn, Kept(), name))
        for here in (a_program(db), a_program(db))
    )
    assert first != second
    assert len(first) == 32


@pytest.mark.parametrize(
    "flawed",
    [
        msgspec.structs.replace(PLAN, actions=(CALL,)),
        msgspec.structs.replace(PLAN, program=msgspec.structs.replace(PLAN.program, default_strategy="x")),
    ],
)
def test_a_set_up_that_does_not_fit_together_makes_no_program(db, flawed):
    with db.read() as conn:
        before = setup.program_ids(conn)
    with pytest.raises(Invalid):
        a_program(db, flawed)
    with db.read() as conn:
        assert setup.program_ids(conn) == before


# --- changes ----------------------------------------------------------------------------------------


def change(here, *things):
    return here.run(revise, things)


TOGETHER = msgspec.structs.replace(CALL, id="together", level="group")


def new_strategy(**changes):
    return Strategy(**{"id": "new", "title": "New", "actions": ("call",)} | changes)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (Program(id="other", title="Other"), "id is `program`"),
        (msgspec.structs.replace(PLAN.program, default_strategy="guess"), "no strategy `guess`"),
        (msgspec.structs.replace(PLAN.program, default_adviser_strategy="guess"), "no strategy `guess`"),
        (msgspec.structs.replace(PLAN.program, default_group_strategy="learned"), "of level `member`"),
        (msgspec.structs.replace(PLAN.program, default_adviser_strategy="learned"), "of level `member`"),
        (Group(id="g0", site="nowhere"), "no site `nowhere`"),
        (new_strategy(actions=("sing",)), "no action `sing`"),
        (new_strategy(level="group"), "not for a group"),
        (msgspec.structs.replace(LEARNED, actions=("call",), fallback=COUNTED.fallback), "under a new id"),
        (msgspec.structs.replace(LEARNED, posterior=COUNTED.posterior), "under a new id"),
        (msgspec.structs.replace(LEARNED, features=("intercept",)), "under a new id"),
        (msgspec.structs.replace(LEARNED, outcome=PLAN.strategies[2].outcome), "under a new id"),
        (msgspec.structs.replace(CALL, id=TOKEN.id), "of another kind"),
        (msgspec.structs.replace(CALL, level="group"), "of another kind or level"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_and_harms_no_other(here, thing, words):
    before = catalogue_of(here)
    flaw, stored = change(here, thing, Site(id="there", title="There"))
    assert words in str(flaw)
    assert stored.revision == 1
    after = catalogue_of(here)
    assert after._replace(sites=before.sites, revision=before.revision) == before


@pytest.mark.parametrize(
    ("thing", "revision"),
    [
        (msgspec.structs.replace(LEARNED, paused=True), 2),
        (msgspec.structs.replace(LEARNED, floor=0.1, cadence="week", allocation=Uniform()), 2),
        (msgspec.structs.replace(CALL, retired=True), 2),
        (Budget(id="fund", limit_minor=1), 2),
        (msgspec.structs.replace(PLAN.program, stopped=True), 3),  # the first had no default strategy yet
    ],
)
def test_a_change_that_fits_is_a_new_revision_and_the_old_one_stays(here, thing, revision):
    old = catalogue_of(here)
    (stored,) = change(here, thing)
    assert (stored.thing, stored.revision) == (thing, revision)
    assert catalogue_of(here) != old
    with here.db.read() as conn:
        assert setup.catalogue(conn, Kept(), here.id, old.revision) == old


def test_storing_what_is_there_already_changes_nothing(here):
    before = catalogue_of(here)
    assert [stored.revision for stored in change(here, *PLAN.actions, *PLAN.strategies)] == [1] * 6
    assert catalogue_of(here) == before


def test_later_things_of_a_batch_may_refer_to_earlier_ones(here):
    strategy = new_strategy(level="group", actions=("together",))
    site = Site(id="there", title="There")
    stored = change(here, TOGETHER, strategy, site, Group(id="g9", site="there"))
    assert [one.revision for one in stored] == [1, 1, 1, 1]


def test_a_program_may_name_a_default_strategy_for_each_level(here):
    strategy = new_strategy(level="group", actions=("together",))
    program = msgspec.structs.replace(PLAN.program, default_group_strategy="new")
    assert change(here, TOGETHER, strategy, program)[-1].thing == program


def test_a_strategy_of_another_level_cannot_be_the_default_for_members(here):
    strategy = new_strategy(level="group", actions=("together",))
    program = msgspec.structs.replace(PLAN.program, default_strategy="new")
    assert "cannot be the `default_strategy`" in str(change(here, TOGETHER, strategy, program)[-1])


def test_a_thing_given_twice_counts_as_given_last(here):
    quiet, loud = (msgspec.structs.replace(CALL, title=title) for title in ("Quiet", "Loud"))
    assert [stored.thing for stored in change(here, quiet, loud)] == [loud, loud]
    assert catalogue_of(here).actions["call"] == loud


def test_new_members_and_groups_have_an_empty_tally(here):
    change(here, Group(id="g0", site="here"), Member(id="m0"))
    with here.db.write() as conn:
        assert units.lock_tallies(conn, here.id, "group", ["g0"]).keys() == {"g0"}
        assert units.lock_tallies(conn, here.id, "member", ["m0"]).keys() == {"m0"}
