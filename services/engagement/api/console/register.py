"""The paper register: a sheet of meetings, looked at line by line before it is stored."""

from collections.abc import Mapping

import msgspec

from engagement.api.console.uploaded import MOST_BYTES, page_of_files
from engagement.workflows.register import COLUMNS, NEEDED, Layout
from engagement.workflows.uploads import MOST_REPORTS, upload_registers


class RegisterPage(msgspec.Struct, frozen=True):
    """What a register may hold, by layout."""

    columns: Mapping[Layout, Mapping[str, str]]
    needed: Mapping[Layout, tuple[str, ...]]
    most_kib: int
    most_reports: int


SHOWN = RegisterPage(COLUMNS, NEEDED, MOST_BYTES // 1024, MOST_REPORTS)
PAGE = page_of_files("register", "signals", SHOWN, upload_registers)
