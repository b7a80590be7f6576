"""Events in a real database: what is known of them is learned once, whatever happens to who learns it."""

from contextlib import closing, contextmanager

import numpy as np
import pytest

from engagement.bandits import featured
from engagement.errors import Conflict, Invalid
from engagement.records import ROOT, Named
from engagement.store import beliefs, events, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.ranking import RANKER, Ranking
from engagement.workflows.event_report import EventReport, report_events
from engagement.workflows.learn_events import fold_events, replay_events
from engagement.workflows.rank import RankAsk, Slot, rank_events
from engagement.workflows.rebuild import compare, rebuild
from support.peer_groups import a_program, ms

CLOSED = 1.0


def ask(event, *slots, digest=b"d", deferred=False):
    """A rank of actions a and b for slots, or for one place."""
    moment = Named(np.array([5], np.uint64), np.array([1.0]))
    own = tuple(Named(np.array([n], np.uint64), np.array([1.0])) for n in (7, 8))
    phi = np.stack([featured.features(moment, one) for one in own])
    made = [Slot(name, ("a", "b"), (False, False), 0, moment, own, phi) for name in slots or ("",)]
    return RankAsk(event, digest, deferred, tuple(made))


@pytest.fixture
def here(database_url):
    with closing(Database(database_url)) as db:
        yield a_program(db)


def folded(here, day=CLOSED, owner="folder", **more):
    return [
        (row.version, row.rows_in, row.rows_out)
        for row in fold_events(here.db, here.id, owner, ms(day), **more)
    ]


def reward(here, event, value, day=0.0):
    return here.run(report_events, [EventReport(event, (("", value),))], day=day)


def test_two_requests_under_one_id_in_one_batch_are_one_event(here):
    told = here.run(rank_events, [ask("e"), ask("f"), ask("e"), ask("e", digest=b"other")])
    assert told[0] == told[2]
    assert isinstance(told[3], Conflict)
    assert here.read(events.all_ids) == ["e", "f"]


def test_what_is_learned_is_the_sums_of_the_events_alone(here):
    here.run(rank_events, [ask(f"e{n}") for n in range(5)])
    reward(here, "e1", 1)
    assert folded(here) == [(1, 5, 0)]
    rows = [row for found in here.read(events.by_id, [f"e{n}" for n in range(5)]).values() for row in found]
    asked = ask("e")
    phi = np.stack([asked.slots[0].phi[("a", "b").index(row.action_id)] for row in rows])
    rewards = np.array([float(row.event_id == "e1") for row in rows])
    expected = featured.folded({}, phi, rewards, np.ones(5))[ROOT]
    stored = here.read(beliefs.read_nodes, RANKER, [ROOT], 1)[ROOT]
    np.testing.assert_allclose(stored, expected, rtol=1e-12)


def test_versions_are_cut_where_they_are_told_to_be(here):
    here.run(rank_events, [ask(f"e{n}") for n in range(5)])
    assert folded(here, most=2) == [(1, 2, 0), (2, 2, 0), (3, 1, 0)]
    assert folded(here) == []
    assert compare(here.db, Kept(), here.id) == []


def test_corrections_end_where_a_timely_reward_would_have(here):
    here.run(rank_events, [ask("late"), ask("timely"), ask("twice")])
    reward(here, "timely", 1)
    assert folded(here) == [(1, 3, 0)]
    reward(here, "late", 1, day=2)
    reward(here, "twice", 0, day=2)  # the default reward: nothing changes
    assert folded(here, day=3) == [(2, 1, 1)]
    reward(here, "late", 1, day=4)  # the same again
    assert folded(here, day=5) == []
    both = featured.known(here.read(beliefs.read_nodes, RANKER, [ROOT], 2))
    found = here.read(events.by_id, ["late", "timely"])
    assert np.isfinite(both.mean).all()
    assert {name: here.read(events.reports, [name])[name, ""][0].value for name in found} == {
        "late": 1,
        "timely": 1,
    }
    assert compare(here.db, Kept(), here.id) == []


def test_what_is_derived_can_be_dropped_and_made_again(here):
    here.run(rank_events, [ask(f"e{n}") for n in range(3)])
    folded(here)
    before = here.read(beliefs.read_nodes, RANKER, [ROOT], 1)[ROOT]
    with here.db.write() as conn:
        beliefs.drop_nodes(conn, here.id, RANKER, 0)
    assert [row.table for row in rebuild(here.db, Kept(), here.id)] == ["nodes"]
    np.testing.assert_array_equal(here.read(beliefs.read_nodes, RANKER, [ROOT], 1)[ROOT], before)


class Stopped(Exception):
    """The folder was killed."""


class Watched:
    """A database whose writing ends after so many transactions."""

    def __init__(self, db, writes):
        self.db, self.left = db, writes
        self.read = db.read

    @contextmanager
    def write(self, of=""):
        if not self.left:
            raise Stopped
        self.left -= 1
        with self.db.write(of) as conn:
            yield conn


@pytest.mark.parametrize("writes", [1, 2])
def test_whoever_is_killed_while_learning_is_finished_by_the_next(here, writes):
    here.run(rank_events, [ask(f"e{n}") for n in range(3)])
    with pytest.raises(Stopped):
        fold_events(Watched(here.db, writes), here.id, "killed", ms(CLOSED))
    reward(here, "e1", 1, day=CLOSED)
    assert folded(here, day=CLOSED) == []  # the claim of the other holds a minute
    assert folded(here, day=CLOSED + 0.01, owner="next")[0][0] == 1
    assert folded(here, day=CLOSED + 1) == []
    entries = here.read(events.entries_of_version, 1)
    assert {(row.event_id, row.reward) for row in entries} >= {("e0", 0.0), ("e1", 1.0), ("e2", 0.0)}
    assert compare(here.db, Kept(), here.id) == []


def test_the_service_itself_makes_no_version_sooner_than_the_settings_say(here):
    here.run(rank_events, [ask("one")])
    assert folded(here, sparing=True) == [(1, 1, 0)]
    here.run(rank_events, [ask("two")], day=CLOSED)
    assert folded(here, day=CLOSED + 0.04, sparing=True) == []
    assert folded(here, day=CLOSED + 0.042, sparing=True) == [(2, 1, 0)]


def test_a_slot_that_is_left_nothing_shows_nothing_and_is_not_learned(here):
    asked = ask("e", "one", "two")
    only_a = asked.slots[1]._replace(excluded=(False, True))
    shown = set()
    for n in range(40):
        told = here.run(rank_events, [asked._replace(event_id=f"e{n}", slots=(asked.slots[0], only_a))])[0]
        shown.add(tuple(slot.chosen for slot in told.slots))
    assert shown == {("a", None), ("b", "a")}


def test_activation_and_rewards_of_what_is_not_there_are_refused(here):
    here.run(rank_events, [ask("e", "one", "two")])
    told = here.run(
        report_events,
        [
            EventReport("e", (("one", 1.0), ("three", 1.0)), slotted=True),
            EventReport("e", (("", 1.0),)),
            EventReport("e", (("one", 1.0),), slotted=True),
        ],
    )
    assert [type(row) for row in told] == [Invalid, Invalid, bool]
    assert set(here.read(events.reports, ["e"])) == {("e", "one")}


def test_a_replay_sees_a_probability_that_was_changed(here):
    here.run(rank_events, [ask(f"e{n}") for n in range(3)])
    folded(here)
    here.run(rank_events, [ask("later")], day=CLOSED)
    with here.db.read() as conn:
        verdicts = {v.event.event_id: v for v in replay_events(conn, Kept(), here.id, ["e0", "later"])}
    assert {name: verdict.agrees for name, verdict in verdicts.items()} == {"e0": True, "later": True}
    assert verdicts["later"].event.version == 1
    changed = verdicts["later"]._replace(probability_gap=2)
    assert not changed.agrees


def test_settings_are_revisions(here):
    for wait in (60, 120, 120):
        with here.db.write() as conn:
            setup.revise(conn, here.id, [Ranking(wait_s=wait)], ms(0))
    here.run(rank_events, [ask("e")])
    row = here.read(events.by_id, ["e"])["e"][0]
    assert (row.settings_revision, row.closes_at - row.decided_at) == (2, 120_000)
