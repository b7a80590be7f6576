"""Who goes to whom: small maps by hand, and all assignments of small ones."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.restless.assignment import Places, Worker, assigned, substitute


def places(*catchments, languages=None):
    names = tuple(f"g{n}" for n in range(len(catchments)))
    return Places(names, catchments, languages or ("te",) * len(catchments))


def worker(name="w", catchments=("a",), languages=("te",), visits=9, **more):
    return Worker(name, frozenset(catchments), frozenset(languages), 45 * visits + 44, 45, **more)


@st.composite
def maps(draw):
    """Up to four units and three workers over two catchments and two languages."""
    size = draw(st.integers(1, 4))
    two = st.sampled_from("ab")
    units = draw(st.lists(st.tuples(two, two), min_size=size, max_size=size))
    crew = [
        worker(
            name,
            draw(st.sets(two)),
            draw(st.sets(two)),
            draw(st.integers(0, 2)),
            away=draw(st.booleans()),
            knows=frozenset(draw(st.sets(st.sampled_from(["g0", "g1", "g2", "g3"])))),
        )
        for name in "uvw"[: draw(st.integers(1, 3))]
    ]
    return places(*(c for c, _ in units), languages=tuple(lang for _, lang in units)), crew


def possible(where, crew):
    """Every way to send workers, None where nobody goes."""
    named = {w.name: w for w in crew}
    for way in product([None, *named], repeat=len(where.units)):
        fits = all(
            name is None
            or (where.catchments[n] in named[name].catchments and where.languages[n] in named[name].languages)
            for n, name in enumerate(way)
        )
        if fits and all(way.count(name) <= w.slots for name, w in named.items()):
            yield way


def merit(way, where, crew):
    """How many are visited; then who, earliest first; then how many by someone they know."""
    knows = {w.name: w.knows for w in crew}
    served = tuple(name is not None for name in way)
    known = sum(name is not None and where.units[n] in knows[name] for n, name in enumerate(way))
    return sum(served), served, known


def test_a_worker_goes_where_she_works_and_is_understood():
    crew = [worker("here"), worker("elsewhere", ["b"]), worker("foreign", languages=["hi"])]
    assert assigned(places("a"), crew).worker == ("here",)


def test_she_has_as_many_visits_as_fit_into_her_minutes():
    # 134 minutes, 45 a visit
    assert assigned(places("a", "a", "a"), [worker(visits=2)]).worker == ("w", "w", None)


def test_the_early_in_line_come_first():
    assert assigned(places("a", "a"), [worker(visits=1)]).worker == ("w", None)


def test_more_visits_come_before_an_earlier_place():
    # only the one who speaks both can go to g1; sent to g0, the earlier, she would leave g1 without
    where = places("a", "a", languages=("te", "hi"))
    crew = [worker("both", languages=["te", "hi"], visits=1), worker("telugu", visits=1)]
    assert assigned(where, crew).worker == ("telugu", "both")


def test_whom_she_knows_decides_between_equals():
    crew = [worker("u", visits=1, knows=frozenset(["g1"])), worker("v", visits=1, knows=frozenset(["g0"]))]
    assert assigned(places("a", "a"), crew).worker == ("v", "u")


def test_whom_she_knows_does_not_jump_the_line():
    assert assigned(places("a", "a"), [worker(visits=1, knows=frozenset(["g1"]))]).worker == ("w", None)


def test_no_number_of_acquaintances_jumps_the_line():
    # sent to g0 and g2 both would meet somebody they know; sent to g1 and g0 neither does
    where = places("a", "a", "a", languages=("te", "hi", "te"))
    crew = [
        worker("u", languages=["te", "hi"], visits=1, knows=frozenset(["g0"])),
        worker("v", visits=1, knows=frozenset(["g2"])),
    ]
    assert assigned(where, crew).worker == ("v", "u", None)


@pytest.mark.parametrize(
    ("crew", "reason"),
    [
        ([], "catchment"),
        ([worker(catchments=["b"])], "catchment"),
        ([worker(languages=["hi"])], "language"),
        ([worker(away=True)], "leave"),
        ([worker(visits=0)], "minutes"),
        ([worker("u", away=True), worker("v", languages=["hi"])], "leave"),
        ([worker("u", away=True), worker("v", visits=0)], "minutes"),
    ],
)
def test_who_is_left_out_is_told_the_first_condition_nobody_meets(crew, reason):
    assert assigned(places("a"), crew).reason == (reason,)


def test_who_finds_all_minutes_taken_is_told_so():
    assert assigned(places("a", "a"), [worker(visits=1)]).reason == (None, "full")


def test_asked_21_fit_9():
    where = places(*"a" * 12, *"b" * 6, *"c" * 3)
    crew = [worker("u", ["a"], visits=5), worker("v", ["a", "b"], visits=4), worker("x", ["c"], away=True)]
    found = assigned(where, crew)
    assert (
        sum(name is not None for name in found.worker),
        found.reason.count("full"),
        found.reason.count("leave"),
    ) == (9, 9, 3)


@given(maps())
def test_no_other_assignment_is_better(given_map):
    where, crew = given_map
    best = max(merit(way, where, crew) for way in possible(where, crew))
    assert merit(assigned(where, crew).worker, where, crew) == best


@given(maps())
def test_what_is_assigned_is_possible(given_map):
    where, crew = given_map
    assert assigned(where, crew).worker in set(possible(where, crew))


@given(maps())
def test_the_order_of_workers_changes_nothing(given_map):
    where, crew = given_map
    assert assigned(where, crew) == assigned(where, crew[::-1])


def test_freed_time_goes_to_the_first_in_line_who_fits():
    assert substitute(places("b", "a", "a"), worker(visits=1)) == 1


def test_time_that_is_too_short_for_a_visit_goes_to_nobody():
    assert substitute(places("a"), worker(visits=0)) is None


def test_freed_time_that_nobody_can_use_goes_to_nobody():
    assert substitute(places("b"), worker(visits=1)) is None


def test_a_visit_without_minutes_is_refused():
    with pytest.raises(ValueError, match="minute"):
        assigned(places("a"), [worker()._replace(visit=0)])


def test_a_name_given_twice_is_refused():
    with pytest.raises(ValueError, match="same name"):
        assigned(places("a"), [worker(), worker()])
