"""Workbooks and CSV texts that a command is given."""

from pathlib import Path

from engagement.commands.terminal import why
from engagement.errors import Invalid, TooLarge
from engagement.settings import MOST_BYTES
from engagement.workflows.sheet import MOST_LINES, Sheet
from engagement.workflows.sheet_file import opened


def sheet_of(file: Path, most: int = MOST_LINES) -> Sheet:
    """A workbook or a CSV text from a file that is no longer than the service itself would take.

    most : lines
    """
    try:
        with file.open("rb") as source:
            content = source.read(MOST_BYTES + 1)
    except OSError as flaw:
        raise Invalid(f"cannot read {file}: {why(flaw)}") from flaw
    if len(content) > MOST_BYTES:
        raise TooLarge(f"{file} is larger than {MOST_BYTES // 1024**2} MiB; import it in parts")
    return opened(content, most)
