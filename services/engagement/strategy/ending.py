"""What ends at a site, and on which day; what is free and stays.

An action ends with whoever pays for it or carries it out, with its phases, or at the last step of its
taper. What ends nowhere of these stays: with the health service, with the group's fund, or for nothing.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

from engagement.actions.action import PROGRAM
from engagement.actions.catalogue import AnyAction
from engagement.strategy.setup import Catalogue, Site, days_to_end

When = Literal["before", "near", "over"]
"""How far a site's end is: more than `NEAR` away or not set, within that, or past."""
NEAR = timedelta(days=92)
"""Three months: so long before the end a group is told what will stop."""
ON_THEMSELVES = (PROGRAM, "group_fund")
"""Payers whose money is no gift to a group: the program's ends, and the fund is the group's own."""


def when(site: Site, today: date) -> When:
    """How far the site's end is on a day."""
    left = days_to_end(site, today)
    if left is None or left > NEAR.days:
        return "before"
    return "near" if left >= 0 else "over"


def last_day(action: AnyAction, site: Site) -> date | None:
    """The last day on which an action can be offered at a site; None where it stays.

    Known of the set-up alone: consent, caps and what is left of money may refuse it earlier.
    """
    return min(_ends(action, site), default=None)


def _ends(action: AnyAction, site: Site) -> Iterable[date]:
    if action.payer_until is not None:
        yield action.payer_until
    if site.ends_on is None:
        return
    if action.on_program_money or action.by_program_staff:
        yield site.ends_on
    if "sustaining" not in action.phases:
        handed = "handover" in action.phases
        yield site.ends_on if handed else site.ends_on - timedelta(days=site.handover_days)
    taper = getattr(action, "taper", ())
    if taper and taper[-1].cost_minor == 0:
        yield site.ends_on - timedelta(days=taper[-1].days_before_end + 1)


def offered(catalogue: Catalogue) -> list[AnyAction]:
    """The actions that a strategy which runs still offers, in the order of their ids."""
    running = (row for row in catalogue.strategies.values() if not row.paused)
    names = {name for row in running for name in row.actions}
    return [
        action for name, action in sorted(catalogue.actions.items()) if name in names and not action.retired
    ]


def stays_free(action: AnyAction, site: Site) -> bool:
    """Whether it goes on after the program and costs a group nothing."""
    free = not action.cost_minor or action.payer not in ON_THEMSELVES
    return free and last_day(action, site) is None
