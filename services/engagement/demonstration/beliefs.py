"""What the strategy believes of each action, read from the stories of a month's decisions."""

from typing import NamedTuple

import numpy as np

from engagement.client import Client
from engagement.demonstration.course import ACTIONS, Course
from engagement.demonstration.options import Options
from engagement.records import Floats

STORIES = 40
"""Decisions whose stories are read, spread evenly over the month's."""


class Learned(NamedTuple):
    """Beliefs about the actions, averaged over the members whose decisions were looked at.

    mean, sd : (K,) in the order of `ACTIONS`, of the reward, or of the effect against `none`
    effects : whether they are effects    decisions : how many were looked at
    """

    mean: Floats
    sd: Floats
    effects: bool
    decisions: int


def learned(client: Client, options: Options, course: Course) -> Learned:
    """The beliefs with which the program's last month was decided."""
    proposals = course.months[options.months_running - 1].proposals
    ids = [proposal.recommendation.decision_id for proposal in proposals]
    known = [name for name in ids if name is not None]
    stories = [client.story(name) for name in known[:: max(1, -(-len(known) // STORIES))]]
    if not stories:
        nothing = np.full(len(ACTIONS), np.nan)
        return Learned(nothing, nothing, effects=False, decisions=0)
    by_action = [{belief.action: belief for belief in story.beliefs} for story in stories]
    mean = np.array([[beliefs[action].mean for action in ACTIONS] for beliefs in by_action])
    sd = np.array([[beliefs[action].sd for action in ACTIONS] for beliefs in by_action])
    return Learned(mean.mean(axis=0), sd.mean(axis=0), not sd[:, 0].any(), len(stories))
