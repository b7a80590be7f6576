"""The roster: a sheet of groups, members and seats, looked at line by line before it is stored."""

from collections.abc import Mapping

import msgspec

from engagement.api.console.uploaded import MOST_BYTES, page_of_files
from engagement.workflows.roster import COLUMNS, NEEDED
from engagement.workflows.uploads import upload_rosters


class RosterPage(msgspec.Struct, frozen=True):
    """What a roster may hold."""

    columns: Mapping[str, str]
    needed: tuple[str, ...]
    most_kib: int


PAGE = page_of_files("roster", "admin", RosterPage(COLUMNS, NEEDED, MOST_BYTES // 1024), upload_rosters)
