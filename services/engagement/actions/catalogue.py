"""The kinds of action. A new kind is one file and one name here."""

from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.incentive import Incentive
from engagement.actions.nudge import Nudge

AnyAction = Nudge | Incentive | ChwLinkage
