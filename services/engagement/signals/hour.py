"""A possible hour: what a group may talk about, suggested and never set. The group decides.

Topics are codes, so that a report of what was agreed holds no free text about anybody; the words for
them are in the languages' files.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, NamedTuple, get_args

Topic = Literal[
    "welcome",
    "wins",
    "follow_up",
    "new_goals",
    "food",
    "festival_food",
    "activity",
    "walking_together",
    "medicine",
    "side_effects",
    "doctor",
    "feet",
    "measuring",
    "sleep",
    "worries",
    "family",
    "fund",
    "health_worker",
    "questions",
]
TOPICS: tuple[Topic, ...] = get_args(Topic)
FRAME: tuple[Topic, ...] = ("welcome", "wins", "follow_up", "new_goals")
"""Parts of every hour, in order; the talk comes before the last."""
TALKS: tuple[Topic, ...] = tuple(topic for topic in TOPICS if topic not in FRAME)
MINUTES: dict[Topic, int] = {"welcome": 5, "wins": 10, "follow_up": 20, "new_goals": 10}
TALK_MINUTES = 15
OF_CATEGORY: dict[str, tuple[Topic, ...]] = {
    "food": ("food", "festival_food"),
    "activity": ("activity", "walking_together"),
    "medicine": ("medicine", "side_effects"),
    "doctor": ("doctor", "measuring", "feet"),
}
"""What bears on goals of a category."""


class Item(NamedTuple):
    """One part of the hour."""

    topic: Topic
    minutes: int


def hour(topics: Iterable[Topic]) -> tuple[Item, ...]:
    """Topics with the minutes they may take."""
    return tuple(Item(topic, MINUTES.get(topic, TALK_MINUTES)) for topic in topics)


def suggested(month: date, goals: Sequence[str], talked: Sequence[Topic]) -> tuple[Topic, ...]:
    """An hour for a group: welcome, wins, last month's goals, a talk, new goals.

    month : any day of it      goals : categories of the open goals, one a goal
    talked : what the group agreed on before, the latest last

    The talk is about what most goals are about and was not talked of lately; where no goal says
    anything, the topics take turns by month.
    """
    wanted = sorted(OF_CATEGORY, key=lambda name: (-goals.count(name), name))
    near = [topic for name in wanted if name in goals for topic in OF_CATEGORY[name]]
    turn = (12 * month.year + month.month) % len(TALKS)
    line = [*near, *TALKS[turn:], *TALKS[:turn]]
    lately = set(talked[-6:])
    talk = next((topic for topic in line if topic not in lately), line[0])
    return (*FRAME[:-1], talk, FRAME[-1])
