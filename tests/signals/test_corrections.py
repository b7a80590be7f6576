from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.corrections import Recorded, effective
from engagement.signals.tally import DAY_MS, Event, encoded, of

ATTENDANCE = 2


def recorded(name, value, corrects=None, day=0):
    target = None if corrects is None else ("app", corrects)
    return Recorded(ATTENDANCE, value, day * DAY_MS, "app", name, target)


def values(*signals):
    return [event.value for event in effective(signals)]


def test_what_is_not_corrected_counts():
    assert effective([recorded("a", 1)]) == (Event(ATTENDANCE, 1, 0, "app", "a"),)


def test_events_come_by_time_then_source_then_id():
    signals = [recorded("b", 1, day=1), recorded("a", 1, day=1), recorded("c", 1, day=0)]

    assert [event.id for event in effective(signals)] == ["c", "a", "b"]


def test_a_correction_counts_in_the_place_of_its_target():
    assert values(recorded("a", 0), recorded("b", 1, "a")) == [1]


def test_a_correction_that_arrives_first_counts_alone():
    assert values(recorded("b", 1, "a")) == [1]


def test_a_target_that_arrives_after_its_correction_does_not_count():
    assert values(recorded("b", 1, "a"), recorded("a", 0)) == [1]


def test_a_retraction_leaves_nothing():
    assert values(recorded("a", 1), recorded("b", None, "a")) == []


def test_a_retraction_can_be_taken_back():
    assert values(recorded("a", 1), recorded("b", None, "a"), recorded("c", 0, "b")) == [0]


def test_the_end_of_a_chain_counts():
    assert values(recorded("a", 1), recorded("b", 0, "a"), recorded("c", 1, "b")) == [1]


def test_a_chain_whose_middle_has_not_arrived_counts_at_both_ends():
    # a, then b that corrects a (not here yet), then c that corrects b: nothing yet joins a with c.
    assert values(recorded("a", 0), recorded("c", 1, "b")) == [0, 1]


def test_of_two_corrections_the_one_with_the_greater_id_counts():
    assert values(recorded("a", 1), recorded("c", 0, "a"), recorded("b", 1, "a")) == [0]


def test_what_corrects_a_fallen_correction_falls_with_it():
    assert values(recorded("a", 1), recorded("b", 1, "a"), recorded("c", 0, "a"), recorded("d", 1, "b")) == [
        0
    ]


def test_a_ring_of_corrections_counts_for_nothing():
    assert values(recorded("a", 1, "b"), recorded("b", 1, "a")) == []


def test_a_signal_that_corrects_itself_counts_for_nothing():
    assert values(recorded("a", 1, "a")) == []


def test_the_same_id_from_another_source_is_another_signal():
    signals = [recorded("a", 1), Recorded(ATTENDANCE, 0, 0, "paper", "x", ("paper", "a"))]

    assert [event.value for event in effective(signals)] == [1, 0]


@st.composite
def ledgers(draw):
    """Up to twenty signals; each after the first may correct one before it or one that never comes."""
    signals = []
    for number in range(draw(st.integers(0, 20))):
        value = draw(st.sampled_from([0, 1, None]))
        corrects = draw(
            st.none() | st.integers(0, number - 1).map(str) if number else st.none() | st.just("lost")
        )
        signals.append(recorded(str(number), value, corrects, day=draw(st.integers(0, 300))))
    return signals


@given(ledgers(), st.randoms(use_true_random=False))
def test_corrections_before_and_after_give_the_same_bytes(signals, random):
    shuffled = random.sample(signals, len(signals))

    assert encoded(of(effective(shuffled))) == encoded(of(effective(signals)))


@given(ledgers())
def test_each_first_report_counts_at_most_once(signals):
    roots = {signal.id for signal in signals if signal.corrects is None}
    roots |= {"lost" for signal in signals if signal.corrects == ("app", "lost")}

    assert len(effective(signals)) <= len(roots)


@given(ledgers())
def test_nothing_corrected_counts(signals):
    corrected = {signal.corrects for signal in signals}

    assert all((event.source, event.id) not in corrected for event in effective(signals))
