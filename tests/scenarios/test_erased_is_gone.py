"""A member asks to be erased, and afterwards there is no word of her anywhere.

She is enrolled under an id that is a canary, seated, decided for, reported of, learned from, and linked to.
A backup is taken, then the program's data officer erases her. Nothing that any key can read, no log, metric,
report or export holds the canary, and no row of the database, on either kind. What lies on the disk:

- SQLite: no byte of the file, of its write-ahead log, or of a backup made since;
- PostgreSQL: no word of a backup made since, a dump that is unpacked for the search.

Then yesterday's backup, in which the same search finds her, is put back elsewhere: the service has erased her
again when it gives its first answer, and all of that is searched once more. Everybody here is synthetic.

PostgreSQL's own files and archived logs are not searched: what they keep and until when is in
docs/erase-a-person.md, under "The file, backups, and write-ahead logs".
"""

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engagement.cli import main
from engagement.store.database import Database
from support import backup
from support.postgres import bundled_binaries
from support.service import (
    PATIENCE_SECONDS,
    Client,
    client_of,
    new_program,
    on_day,
    ran,
    running_service,
)

HER = "canary4711-id"
CANARY = re.compile("canary4711")
STAYING = "g1-m3"
ROSTER = "\n".join(
    [
        "group,setting,seat,member,role,joined_on,chance,health_worker",
        "g1,urban,1,g1-m1,adviser,2025-01-01,yes,yes",
        f"g1,urban,2,{HER},deputy,2025-01-01,yes,yes",
        *(f"g1,urban,{seat},g1-m{seat},member,2025-01-01,yes,yes" for seat in range(3, 9)),
    ]
)
PLACES = {
    "groups": "g1",
    "members": STAYING,
    "sites": "site-1",
    "worklists": "staff",
    "strategies": "messages",
}


def lives(client: Client) -> None:
    """Everything of her that a program comes to hold in a month."""
    told = [
        {"kind": kind, "value": 1, "member": HER, "source": "register", "id": f"{HER}/{kind}"}
        | {"occurred_at": on_day(-2)}
        for kind in ("attendance", "goal_met", "motivation", "family_support")
    ]
    results = client.insist("/v1/signals", {"signals": told})["results"]
    assert {row["receipt"]["status"] for row in results} == {"stored"}
    for member in (HER, STAYING, "g1-m4"):
        drawn = client.insist("/v1/recommendations", {"member": member})
        client.insist(f"/v1/decisions/{drawn['decision_id']}/answers", {"status": "accepted"})
    member = client.get(f"/v1/members/{HER}").json()["value"]
    client.put(f"/v1/members/{HER}", member | {"language": "hi"}).raise_for_status()


def everything_readable(client: Client) -> Iterator[tuple[str, str]]:
    """What each path answers that only reads and needs no more than the id of a place."""
    for path, methods in client.get("/schema/openapi.json").json()["paths"].items():
        noun = path.removeprefix("/v1/").partition("/")[0]
        here = re.sub(r"\{\w+\}", PLACES.get(noun, "-"), path)
        if "get" in methods:
            answer = client.get(here)
            assert answer.status_code < 500, (here, answer.text)
            yield here, _text(answer.content)


def a_report(client: Client) -> str:
    """A report of today as figures and as a page."""
    where = client.post("/v1/reports", {}).raise_for_status().headers["location"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (told := client.get(where)).json()["state"] == "asked":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return told.text + client.get(f"{where}/page").raise_for_status().text


def shown(client: Client) -> set[str]:
    """Where she can be read: of all paths, and of a report."""
    seen = dict(everything_readable(client))
    assert {"/metrics", "/metrics/programs"} <= seen.keys()
    return {place for place, text in (seen | {"report": a_report(client)}).items() if CANARY.search(text)}


def in_its_files(url: str, folder: Path) -> list[str]:
    """SQLite's files that hold a byte of her, once the service has had the time to write them anew."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while url.startswith("sqlite") and holding(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    return holding(folder)


def _text(content: bytes) -> str:
    if content[:2] == b"PK":  # a workbook is an archive
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return " ".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return content.decode("utf-8", "replace")


def naming_her(url: str, program_id: str) -> list[str]:
    """Tables with a row that names her."""
    with closing(Database(url)) as db:
        held = backup.told(backup.rows(db, program_id))
    return [table for table, text in held.items() if CANARY.search(text)]


def holding(folder: Path) -> list[str]:
    """Files that hold a word of her; of a dump, once it is unpacked."""
    files = [file for file in folder.iterdir() if file.is_file()]
    return [file.name for file in files if CANARY.search(backup.readable(file))]


def told_by_backup(url: str, file: Path, logs: Path) -> set[str]:
    """Who is in a backup that is taken now: of her any word, and of both the revision of the member.

    A revision is stored in bytes, which a dump spells otherwise: that these are searched shows in who stays.
    """
    ran(logs, "backup", str(file), "--database", url)
    text = backup.readable(file)
    revised = {member for member in (HER, STAYING) if f'"id":"{member}"' in text}
    return revised | set(CANARY.findall(text))


def test_erased_is_gone(
    database_url: str, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGBIN", str(bundled_binaries()))
    made = new_program(database_url, ROSTER)
    logs, copies, listed = tmp_path / "logs", tmp_path / "copies", tmp_path / "listed.txt"
    for folder in (logs, copies):
        folder.mkdir()
    settings = {"log_level": "debug", "fold_every_s": 1, "erasures": listed}
    with (
        running_service(database_url, logs, on_day(0), **settings) as service,
        client_of(service, made.key) as client,
    ):
        lives(client)
        client.move_clock(on_day(11))
        came = {"kind": "attendance", "value": 1, "source": "register", "occurred_at": on_day(10)}
        met = [came | {"member": name, "id": f"{name}/10"} for name in (HER, STAYING)]
        client.insist("/v1/signals", {"signals": met})
        client.move_clock(on_day(50))
        client.post("/v1/links", {"opens": "worklist", "of": HER}).raise_for_status()
        client.post("/v1/folds").raise_for_status()
        assert shown(client) >= {"/v1/members", "/v1/groups/g1/members"}
        assert told_by_backup(database_url, copies / "yesterday", logs) == {HER, STAYING, CANARY.pattern}

        erased = client.insist(f"/v1/members/{HER}/erasure")
        assert {row["table"] for row in erased["rows"]} >= {"signals", "decisions", "nodes", "page_links"}
        assert not CANARY.search(json.dumps(erased))
        again = client.post(f"/v1/members/{HER}/erasure")
        assert (again.status_code, again.json()["type"]) == (404, "urn:engagement:problem:not-found")

        client.post("/v1/folds").raise_for_status()
        assert shown(client) == set()
        assert naming_her(database_url, made.program_id) == []
        assert in_its_files(database_url, tmp_path) == []
        service.stop()
        assert holding(tmp_path) == []
        assert holding(logs) == []
        out = tmp_path / "all.zip"
        given = ("--database", database_url)
        assert main(["export", "all", str(out), *given]) == 2  # where is the list?
        monkeypatch.setenv("ENGAGEMENT_ERASURES", str(listed))
        assert main(["export", "all", str(out), *given]) == 0
        assert not CANARY.search(_text(out.read_bytes()))
        assert main(["rebuild", "--check", *given]) == 0
        assert main(["replay", "--deep", *given]) == 0
        assert told_by_backup(database_url, tmp_path / "since", logs) == {STAYING}

    ran(logs, "restore", str(copies / "yesterday"), "--database", elsewhere)
    assert naming_her(elsewhere, made.program_id) != []
    with (
        running_service(elsewhere, logs, on_day(60), **settings) as service,
        client_of(service, made.key) as client,
    ):
        assert client.get(f"/v1/members/{HER}").status_code == 404
        assert naming_her(elsewhere, made.program_id) == []
        client.insist("/v1/folds")
        assert shown(client) == set()
        assert in_its_files(elsewhere, tmp_path) == []
        assert service.stop() == 0
    assert holding(tmp_path) == []
    assert holding(logs) == []
    assert told_by_backup(elsewhere, tmp_path / "today", logs) == {STAYING}
    assert holding(tmp_path) == []
