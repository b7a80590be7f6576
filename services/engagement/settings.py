"""Settings: each an environment variable `ENGAGEMENT_…`, each with a default that works."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from engagement.errors import Invalid

PREFIX = "ENGAGEMENT_"
MOST_BYTES = 4 * 1024 * 1024
"""Of a request's body, and of a file that a command reads in its place."""
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one process of the service runs.

    database : `sqlite:///file.db`, or `postgresql://user:password@host/name`
    host, port : where it listens
    deadline_ms : a recommendation is answered with the safe default after this long
    requests_a_minute : that one key may send to this process, 0 for no limit
    queue : requests that may wait on a lane before it says no
    fold_every_s : seconds between folds inside `serve`, 0 to leave them to `engagement fold`
    shared_commits : False commits once a request; it exists to be measured against
    log_level : debug, info, warning or error
    erasures : the file outside of the database that lists who was erased; `beside` is a file beside SQLite's,
        named like it with `.erasures` behind
    program_metrics_s : seconds for which the figures of `/metrics/programs` are kept
    self_check_url : a webhook to which the daily line is posted as JSON
    self_check_to, self_check_from : addresses between which the daily line is mailed
    mail_server : `smtp://host:25`, `smtp+starttls://user:password@host:587` or `smtps://…:465`
    self_check_hour : from this hour (UTC) on the daily line is due
    ping_url : asked every `ping_every_s` seconds while all is well, for a dead man's switch
    """

    database: str = "sqlite:///engagement.db"
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    deadline_ms: Positive = 300
    requests_a_minute: Annotated[int, msgspec.Meta(ge=0)] = 60_000
    queue: Positive = 4096
    fold_every_s: Annotated[int, msgspec.Meta(ge=0)] = 60
    shared_commits: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    erasures: str = "beside"
    program_metrics_s: Annotated[int, msgspec.Meta(ge=0)] = 60
    self_check_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")] = ""
    self_check_to: str = ""
    self_check_from: str = ""
    mail_server: Annotated[str, msgspec.Meta(pattern=r"^((smtps?|smtp\+starttls)://\S+:\d+)?$")] = ""
    self_check_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 3
    ping_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")] = ""
    ping_every_s: Positive = 300

    def __post_init__(self) -> None:
        """Refuses an e-mail of which it is not said from whom, or through whom."""
        if bool(self.self_check_to) != bool(self.self_check_from and self.mail_server):
            raise ValueError("an e-mail needs self_check_to, self_check_from and mail_server, all three")


def from_environment(
    environment: Mapping[str, str] | None = None, given: Mapping[str, object] | None = None
) -> Settings:
    """The settings that `ENGAGEMENT_…` variables name, defaults for the rest; what is `given` goes first."""
    source = os.environ if environment is None else environment
    named = {
        name.removeprefix(PREFIX).lower(): value for name, value in source.items() if name.startswith(PREFIX)
    }
    try:
        return msgspec.convert(named | dict(given or {}), Settings, strict=False)
    except msgspec.ValidationError as flaw:
        raise Invalid(f"settings (options, or {PREFIX}… variables): {flaw}") from flaw
