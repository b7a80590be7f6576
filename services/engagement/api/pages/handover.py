"""A site's handover, and its goodbye, as one file to print: a sheet a group, each in its own language."""

from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from engagement.api.pages.page import environment, style
from engagement.workflows.handover import Handover
from engagement.workflows.wording import money, words_in

MOST_TRIED, MOST_STAYING, MOST_PROMISES = 4, 5, 16
"""So many of each stand on a sheet of paper; the JSON has them all."""


@cache
def sheet_style() -> str:
    """The style sheet of sheets that stand in one file."""
    return style() + (Path(__file__).parents[1] / "static" / "handover.css").read_text()


def handover_sheets(told: Handover) -> str:
    """A page a group, and one for the new keeper."""
    return _sheets("handover.html", told)


def goodbye_sheets(told: Handover) -> str:
    """A page a group: thank you, its own dates, where help is free, what happens to what was kept."""
    return _sheets("goodbye.html", told)


def _sheets(template: str, told: Handover) -> str:
    sheet, zone = environment().get_template(template), ZoneInfo(told.keeper.time_zone)
    return sheet.render(
        page=told,
        local=lambda moment: moment.astimezone(zone).date(),
        words_in=words_in,
        money=money,
        style=sheet_style(),
        most_tried=MOST_TRIED,
        most_staying=MOST_STAYING,
        most_promises=MOST_PROMISES,
    )
