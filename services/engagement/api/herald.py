"""Who tells the outside where nobody scrapes: a daily line, and a ping that is missed when it stays away.

One thread looks every few seconds. The day's line is sent once, by whichever process takes it first, after
the hour that is set, by webhook, by e-mail or both; where no way worked it is given back, and a later look
tries again. The ping says no more than that a process lives and its database answers: whoever is pinged
(a dead man's switch) raises the alarm when nothing comes.
"""

import logging
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import httpx
import msgspec

from engagement.clock import Clock
from engagement.errors import Unavailable
from engagement.settings import Settings
from engagement.store import facts, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.wall import LISTING, NOBODY
from engagement.strategy.cadence import local_date
from engagement.workflows.program_watch import watch
from engagement.workflows.self_check import SelfCheck, self_check
from engagement.workflows.tell import moment

log = logging.getLogger("engagement.herald")
LOOK_S = 20.0
TRIES = 3
PAUSE_S = 2.0
TIMEOUT_S = 10.0
AGAIN_S = 600.0
"""After a day's line could not be sent, it is tried again so much later."""


class Way(NamedTuple):
    """One way of sending. name : as a log says it"""

    name: str
    send: Callable[[SelfCheck], None]


def ways(settings: Settings) -> list[Way]:
    """The ways that the settings name."""
    found = []
    if settings.self_check_url:
        found.append(Way("webhook", lambda told: post(settings.self_check_url, told)))
    if settings.self_check_to:
        found.append(Way("mail", lambda told: mail(settings, told)))
    return found


def post(url: str, told: SelfCheck) -> None:
    """Posts the line as JSON: `text` is what chats show."""
    content, kind = msgspec.json.encode(told), {"content-type": "application/json"}
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        client.post(url, content=content, headers=kind).raise_for_status()


def mail(settings: Settings, told: SelfCheck) -> None:
    """Sends the line as an e-mail; its first line is the subject."""
    message = EmailMessage()
    message["Subject"] = told.text.splitlines()[0]
    message["From"], message["To"] = settings.self_check_from, settings.self_check_to
    message.set_content(told.text)
    server = urlsplit(settings.mail_server)
    kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    with kind(server.hostname or "", server.port or 0, timeout=TIMEOUT_S) as line:
        if server.scheme == "smtp+starttls":
            line.starttls(context=ssl.create_default_context())
        if server.username:
            line.login(unquote(server.username), unquote(server.password or ""))
        line.send_message(message)


def send(told: SelfCheck, found: list[Way], pause_s: float = PAUSE_S) -> None:
    """Sends the line every way there is, each up to three times.

    raises : Unavailable where none of them worked
    """
    worked = [way for way in found if _insistently(way, told, pause_s)]
    if found and not worked:
        raise Unavailable("the daily line could not be sent")


def _insistently(way: Way, told: SelfCheck, pause_s: float) -> bool:
    for attempt in range(1, TRIES + 1):
        try:
            way.send(told)
        except (httpx.HTTPError, httpx.InvalidURL, smtplib.SMTPException, OSError) as flaw:
            log.warning("the daily line was not sent by %s: %s", way.name, type(flaw).__name__)
        else:
            return True
        if attempt < TRIES:
            time.sleep(pause_s * attempt)
    return False


def line_of(db: Database, kept: Kept, clock: Clock) -> SelfCheck:
    """The line of this moment."""
    now_ms = clock.now_ms()
    watched, _ = watch(db, kept, now_ms, {})
    return self_check(watched, now_ms, simulated=clock.simulated)


class Herald:
    """The thread. It begins only where there is somewhere to send to. pause_s : between two tries"""

    def __init__(self, db: Database, clock: Clock, settings: Settings, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._db = db
        self._clock = clock
        self._settings = settings
        self._ways = ways(settings)
        self._closed = threading.Event()
        self._next_ping_s = self._next_try_s = 0.0
        self._thread = threading.Thread(target=self._run, name="herald", daemon=True)
        if self._ways or settings.ping_url:
            self._thread.start()

    @property
    def sends(self) -> bool:
        """Whether there is anybody to send the daily line to."""
        return bool(self._ways)

    def close(self, within_s: float) -> None:
        """Ends after what is under way."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while True:
            for look in (self._ping_if_due, self._send_if_due):
                try:
                    look()
                except Exception:
                    log.exception("the outside could not be told; it is tried again")
            if self._closed.wait(min(LOOK_S, self._settings.ping_every_s)):
                return

    def _ping_if_due(self) -> None:
        if not self._settings.ping_url or time.monotonic() < self._next_ping_s:
            return
        with self._db.read(LISTING) as conn:  # raises where the database does not answer, and nothing is sent
            setup.program_ids(conn)
        httpx.get(self._settings.ping_url, timeout=TIMEOUT_S, trust_env=False).raise_for_status()
        self._next_ping_s = time.monotonic() + self._settings.ping_every_s

    def _send_if_due(self) -> None:
        now_ms = self._clock.now_ms()
        early = moment(now_ms).hour < self._settings.self_check_hour
        if not self._ways or early or time.monotonic() < self._next_try_s:
            return
        day = local_date(now_ms, "UTC")
        with self._db.write(NOBODY) as conn:
            if not facts.take_self_check(conn, day):
                return
        try:
            send(line_of(self._db, Kept(), self._clock), self._ways, self._pause_s)
        except BaseException:
            self._next_try_s = time.monotonic() + AGAIN_S
            with self._db.write(NOBODY) as conn:
                facts.give_back_self_check(conn, day)
            raise
        with self._db.write(NOBODY) as conn:
            facts.note_self_check(conn, now_ms)
