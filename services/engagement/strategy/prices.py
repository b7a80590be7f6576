"""What support costs, in units of reward: taken off an action's score before the exploration rule sees it.

What is learned are raw outcomes, so a price may change under the same strategy. A price on support itself,
rising as the program's end comes near, is how a strategy is rewarded for needing less and less of it.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from engagement.actions.catalogue import AnyAction
from engagement.records import Floats, Scores

Price = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prices in units of reward, from 0 to 1. All are 0 unless a strategy says otherwise.

    burden : of each point of an action's burden          minute : of each of its carrier's minutes
    cost_minor : of each minor unit of money that it costs at that time
    support : of anything but `none` on the program's last day at a site and after it. It rises to that
        evenly from 0, `support_days` before the end; where no end is set, it stays 0
    """

    burden: Price = 0.0
    minute: Price = 0.0
    cost_minor: Price = 0.0
    support: Price = 0.0
    support_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 365

    @property
    def any(self) -> bool:
        """Whether anything has a price."""
        return any((self.burden, self.minute, self.cost_minor, self.support))

    def of(self, action: AnyAction, days_to_end: int | None) -> float:
        """What an action's score loses so many days before the program's end at a site."""
        lasting = self.burden * action.burden + self.minute * action.minutes
        return lasting + self.cost_minor * action.cost_on(days_to_end) + self._of_support(days_to_end)

    def _of_support(self, days_to_end: int | None) -> float:
        if days_to_end is None:
            return 0.0
        return self.support * min(1.0, max(0.0, 1.0 - days_to_end / self.support_days))


def priced(prices: Prices, actions: Sequence[AnyAction], days_to_end: Sequence[int | None]) -> Floats:
    """What the scores of N units lose: (N, K), 0 for `none`."""
    by_day = {days: [0.0, *(prices.of(action, days) for action in actions)] for days in set(days_to_end)}
    return np.array([by_day[days] for days in days_to_end]).reshape(-1, 1 + len(actions))


def less(scores: Scores, price: Floats | None) -> Scores:
    """Scores after their prices. price : (N, K), or None where nothing has one"""
    return scores if price is None else scores._replace(mean=scores.mean - price)
