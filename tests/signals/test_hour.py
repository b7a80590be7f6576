"""A possible hour: its parts, and how the talk is chosen."""

from datetime import date

from engagement.signals.hour import FRAME, TALKS, TOPICS, hour, suggested

APRIL = date(2026, 4, 11)


def talk(*goals: str, talked: tuple[str, ...] = (), month: date = APRIL) -> str:
    topics = suggested(month, goals, talked)  # type: ignore[arg-type]  # words of topics
    assert (*topics[:3], topics[4]) == FRAME
    return topics[3]


def test_an_hour_has_sixty_minutes() -> None:
    assert [item.minutes for item in hour(suggested(APRIL, (), ()))] == [5, 10, 20, 15, 10]


def test_the_talk_is_about_what_most_goals_are_about() -> None:
    assert talk("food", "doctor", "doctor") == "doctor"
    assert talk("food", "activity") == "activity"  # as many of each: in the order of the words


def test_what_was_talked_of_lately_gives_way_to_the_next() -> None:
    assert talk("food", talked=("food",)) == "festival_food"
    assert talk("food", "medicine", "medicine", talked=("medicine", "side_effects")) == "food"
    assert talk("food", talked=("food", *("sleep",) * 6)) == "food"


def test_without_goals_the_talks_take_turns_by_month() -> None:
    year = [date(2026 + month // 12, month % 12 + 1, 1) for month in range(len(TALKS))]
    assert {talk(month=month) for month in year} == set(TALKS)


def test_when_everything_was_talked_of_there_still_is_a_talk() -> None:
    assert talk("other") in TALKS
    assert set(FRAME) | set(TALKS) == set(TOPICS)
