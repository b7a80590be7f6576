"""Budgets: what is left of each payer's money and of each carrier's time."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.errors import Mistake
from engagement.store.kept import Kept
from engagement.workflows.budgets import Budgets, Time, budgets
from engagement.workflows.wording import money

SCARCE = 0.1
"""With less than this share left somebody should look; a guess."""
SHOWN = 30
"""So many advisers are shown, who has least left first."""


class Money(msgspec.Struct, frozen=True):
    """The budgets, and how to write them."""

    told: Budgets

    def money(self, amount_minor: int) -> str:
        """An amount as people read it."""
        return money(amount_minor, self.told.currency)

    @property
    def scarce(self) -> tuple[str, ...]:
        """Payers with less than a tenth left."""
        return tuple(row.payer for row in self.told.funds if row.left_minor < SCARCE * row.limit_minor)

    @property
    def spent_out(self) -> int:
        """Advisers who have no time left this month."""
        return sum(row.left == 0 for row in self.told.advisers)

    @property
    def advisers(self) -> tuple[Time, ...]:
        """Those that are shown."""
        return self.told.advisers[:SHOWN]


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[Money | Mistake]:
    """The budgets for each visitor."""
    found = budgets(conn, kept, program_id, [visit.audience for visit in visits], now_ms)
    return [one if isinstance(one, Mistake) else Money(one) for one in found]


PAGE = ConsolePage("money", "/money", read, audience="staff", under="program")
