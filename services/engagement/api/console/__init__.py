"""The console at `/console`, for a program's staff: one file a page, one entry here, in the menu's order."""

from engagement.api.console import (
    data,
    digest,
    ends,
    file,
    group,
    groups,
    learning,
    member,
    money,
    program,
    referrals,
    register,
    roster,
    strategies,
    switch,
    trail,
    visits,
    why,
    work,
)
from engagement.api.console.page import ConsolePage

PAGES: tuple[ConsolePage, ...] = (
    groups.PAGE,
    group.PAGE,
    member.PAGE,
    why.PAGE,
    visits.PAGE,
    work.PAGE,
    referrals.PAGE,
    strategies.PAGE,
    learning.PAGE,
    program.PAGE,
    digest.PAGE,
    money.PAGE,
    data.PAGE,
    trail.PAGE,
    switch.PAGE,
    ends.PAGE,
    file.PAGE,
    roster.PAGE,
    register.PAGE,
)
"""Every page of the console."""
