"""The console at `/console`, for a program's staff: one file a page, one entry here, in the menu's order."""

from engagement.api.console import group, groups, learning, member, strategies, why
from engagement.api.console.page import ConsolePage

PAGES: tuple[ConsolePage, ...] = (
    groups.PAGE,
    group.PAGE,
    member.PAGE,
    why.PAGE,
    strategies.PAGE,
    learning.PAGE,
)
"""Every page of the console."""
