"""Until when what is stored of people is to be kept, by what their program says of it."""

from calendar import monthrange
from datetime import date

from engagement.strategy.setup import Catalogue


def last_day(catalogue: Catalogue) -> date | None:
    """The last day of a program at the last of its sites; None while it goes on at one of them."""
    ends = [site.ends_on for site in catalogue.sites.values()]
    known = [day for day in ends if day is not None]
    return max(known) if known and len(known) == len(ends) else None


def kept_until(catalogue: Catalogue) -> date | None:
    """The last day on which a program is to be kept as a whole; None where it goes on, or says nothing."""
    last, months = last_day(catalogue), catalogue.program.retention_months
    return None if last is None or months is None else months_after(last, months)


def left_too_long(catalogue: Catalogue, today: date) -> date | None:
    """Whoever left before this day is kept longer than the program says; None where it says nothing."""
    months = catalogue.program.retention_months
    return None if months is None else months_after(today, -months)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or earlier; the month's last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
