"""The console at `/console`, for a program's staff: one file a page, one entry here, in the menu's order."""

from engagement.api.console import groups
from engagement.api.console.page import ConsolePage

PAGES: tuple[ConsolePage, ...] = (groups.PAGE,)
"""Every page of the console."""
