"""A brief over HTTP: its forms, who reads what in it, and the form that comes back."""

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from engagement.signals.catalogue import BY_KIND, CATALOGUE
from engagement.signals.signal import may_see
from engagement.signals.tally import DAY_MS
from engagement.store import tables as t
from engagement.workflows.tell import moment
from support.running import Caller, Program

BRIEF, MONTH = "/v1/groups/north/brief", "/v1/groups/north/month"
CANARY = "canary4711"
FORMATS = ("json", "html", "sms", "voice")
EMPTY = re.compile(r"</legend>\s*(?:<p[^>]*>\s*</p>)?\s*</fieldset>")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def days_ago(program: Program, days: float) -> str:
    return moment(program.running.service.clock.now_ms() - int(days * DAY_MS)).isoformat()


def meet(program: Program, days: int = 20, **month: Any) -> None:
    """A meeting of so many days ago is told of."""
    given = {"date": days_ago(program, days)[:10], "held": True} | month
    answer = program.caller("signals").post(MONTH, given)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "stored"


def page(program: Program, **fields: Any) -> tuple[Caller, str]:
    """Somebody without a key who has a link to the brief of `north`, and the link."""
    admin = program.caller("admin")
    made = admin.post("/v1/links", {"opens": "brief", "of": "north"} | fields)
    assert made.status_code == 200, made.text
    return program.running.stranger(), made.json()["path"]


def send(program: Program, **fields: Any) -> int:
    """What a form is answered with."""
    stranger, link = page(program)
    answer = stranger.call("POST", link, data=fields, headers=FORM)
    return answer.status_code


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
    ],
)
def test_a_browser_gets_a_page_and_a_program_gets_json(program: Program, accept: str, media: str) -> None:
    answer = program.caller("read").get(BRIEF, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)


@pytest.mark.parametrize("language", ["en", "hi", "te"])
def test_every_form_comes_in_every_language(program: Program, language: str) -> None:
    reader = program.caller("read")
    for form in FORMATS:
        answer = reader.get(f"{BRIEF}?format={form}&language={language}")
        assert answer.status_code == 200, answer.text
        if form == "html":
            assert f'<html lang="{language}">' in answer.text
            assert "<form" not in answer.text  # there is nowhere to send one
            assert "http" not in answer.text.replace("https://", "http")
        else:
            assert (answer.json()["format"], answer.json()["language"]) == (form, language)


@pytest.mark.parametrize("wrong", ["format=pdf", "language=ta", "phone=mine"])
def test_what_is_not_offered_is_refused_by_name(program: Program, wrong: str) -> None:
    answer = program.caller("read").get(f"{BRIEF}?{wrong}")
    assert answer.status_code == 400
    assert wrong.partition("=")[0] in answer.json()["detail"]


def test_of_no_group_there_is_neither_brief_nor_link_nor_month(program: Program) -> None:
    assert program.caller("read").get("/v1/groups/nowhere/brief").status_code == 404
    assert program.caller("signals").post("/v1/groups/nowhere/month", {"text": "1"}).status_code == 404
    made = program.caller("admin").post("/v1/links", {"opens": "brief", "of": "nowhere"})
    assert made.status_code == 404


def test_another_programs_group_is_no_group(program: Program, other: Program) -> None:
    other.caller("admin").put("/v1/groups/theirs", {"id": "theirs", "site": "site-1"})
    assert program.caller("read").get("/v1/groups/theirs/brief").status_code == 404
    assert program.caller("signals").post("/v1/groups/theirs/month", {"text": "1"}).status_code == 404


def test_a_month_that_contradicts_itself_is_refused_and_says_where(program: Program) -> None:
    answer = program.caller("signals").post(MONTH, {"held": True, "met": [1], "missed": [1]})
    assert answer.status_code == 400
    assert "speaks of seat 1 twice" in answer.json()["detail"]
    answer = program.caller("signals").post(MONTH, {"held": True, "present": ["1"]})
    assert answer.json()["errors"][0]["field"] == "present[0]"


def test_a_message_that_says_nothing_is_answered_kindly_and_not_with_a_problem(program: Program) -> None:
    answer = program.caller("signals").post(MONTH, {"text": "we all met!"})
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["meeting"]) == ("refused", None)
    assert answer.json()["reply"].startswith("Almost!")


def test_a_form_that_names_nothing_says_nothing_of_who_came(program: Program) -> None:
    meet(program, present=[1, 2, 3])
    day = days_ago(program, 20)[:10]
    assert send(program, held="1", date=day) == 303
    brief = program.caller("read").get(BRIEF).json()
    assert brief["missed"] == []  # and so nobody was marked as away


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"held": "2"},
        {"held": "1", "date": "yesterday"},
        {"held": "1", "date": "2999-01-01"},
        {"held": "1", "came": "x"},
        {"held": "1", "came": "99"},
        {"held": "1", "came": ["1", "99"]},
        {"held": "1", "win": "99"},
        {"held": "1", "goal.2": "forgotten"},
        {"held": "1", "agreed": "gossip"},
        {"held": "1", "new.2": "money"},
    ],
)
def test_a_form_that_cannot_be_understood_says_so_on_the_page_and_stores_nothing(
    program: Program, fields: dict[str, str | list[str]]
) -> None:
    stranger, link = page(program)
    answer = stranger.call("POST", link, data=fields, headers=FORM)
    assert answer.status_code == 409
    assert "could not be understood, so nothing was stored" in answer.text
    with program.running.service.db.read() as conn:
        rows = select(func.count()).select_from(t.signals).where(t.signals.c.program_id == program.id)
        assert conn.execute(rows).scalar_one() == 0


def test_on_a_shared_phone_the_form_asks_of_every_seat_and_tells_of_none(program: Program) -> None:
    meet(program, present=[1, 2], new_goals=[{"seat": 2, "category": "doctor"}])
    program.caller("admin").put("/v1/members/ana", {"id": "ana", "phone": "shared"})
    stranger, link = page(program)
    shown = stranger.get(link).text
    assert "doctor" not in shown.partition('name="new.')[0]
    assert all(f'name="goal.{seat}"' in shown for seat in (1, 2, 3))
    assert send(program, held="1", date=days_ago(program, 0)[:10], **{"goal.2": "met"}) == 303
    program.caller("admin").put("/v1/members/ana", {"id": "ana", "phone": "smart"})
    assert program.caller("read").get(BRIEF).json()["goals"] == []


def test_two_goals_of_a_seat_have_a_field_each(program: Program) -> None:
    meet(program, 40, new_goals=[{"seat": 2, "category": "doctor"}])
    meet(program, 20, new_goals=[{"seat": 2, "category": "food"}])
    chains = [goal["chain"] for goal in program.caller("read").get(BRIEF).json()["goals"]]
    stranger, link = page(program)
    shown = stranger.get(link).text
    assert all(f'name="goal.2.{chain}"' in shown for chain in chains)
    ends = {f"goal.2.{chains[0]}": "met", f"goal.2.{chains[1]}": "missed"}
    assert send(program, held="1", date=days_ago(program, 0)[:10], **ends) == 303
    assert program.caller("read").get(BRIEF).json()["goals"] == []


def test_a_goal_of_which_the_form_says_nothing_stays_as_it_was_told(program: Program) -> None:
    meet(program, 40, new_goals=[{"seat": seat, "category": "food"} for seat in (2, 3)])
    meet(program, 20, met=[2])
    assert send(program, held="1", date=days_ago(program, 20)[:10], **{"goal.3": "missed"}) == 303
    wins = program.caller("read").get(BRIEF).json()["wins"]
    assert [(win["seat"], win["what"]) for win in wins] == [(2, "goal")]


HEADINGS = {"en": "Who met their goal?", "hi": "किसका लक्ष्य पूरा हुआ?", "te": "ఎవరి లక్ష్యం నెరవేరింది?"}


@pytest.mark.parametrize("language", ["en", "hi", "te"])
def test_where_no_goal_waits_the_form_asks_who_met_theirs_by_seat(program: Program, language: str) -> None:
    stranger, link = page(program)
    shown = stranger.get(f"{link}?lang={language}").text
    assert f"<legend>{HEADINGS[language]}</legend>" in shown
    assert [f'name="met" value="{seat}"' in shown for seat in (1, 2, 3)] == [True] * 3
    assert 'name="goal.' not in shown
    assert not EMPTY.search(shown)


def test_where_goals_wait_the_form_asks_for_each_of_them_and_not_once_more(program: Program) -> None:
    meet(program, new_goals=[{"seat": 2, "category": "food"}])
    stranger, link = page(program)
    shown = stranger.get(link).text
    assert 'name="goal.2"' in shown
    assert 'name="met"' not in shown
    assert not EMPTY.search(shown)


def test_who_is_ticked_as_having_met_their_goal_is_told_as_by_message(program: Program) -> None:
    day = days_ago(program, 0)[:10]
    assert send(program, held="1", date=day, came=["1", "2", "3"], met=["1", "3"]) == 303
    wins = program.caller("read").get(BRIEF).json()["wins"]
    assert [(win["seat"], win["what"]) for win in wins] == [(1, "goal"), (3, "goal")]
    again = program.caller("signals").post(MONTH, {"text": "1 | 1 2 3 | 1 3", "date": day}).json()
    assert (again["signals"], again["corrected"]) == (0, 0)


# --- canaries --------------------------------------------------------------------------------------------


@pytest.fixture
def full_of_canaries(program: Program) -> Program:
    """Of ben everything is known that can be said of a member, each report with a canary where one fits."""
    program.caller("admin").put(
        "/v1/members/ben",
        {
            "id": "ben",
            "barriers": dict.fromkeys(("money", "motivation", "awareness", "time", "sabotage"), "yes"),
            "barriers_checked_on": "2026-01-01",
            "neighbourhood": "C4711",
        },
    )
    meet(program, present=[1, 2], new_goals=[{"seat": 2, "category": "food"}])
    reports = []
    for signal in CATALOGUE:
        report = {"source": CANARY, "id": f"{CANARY}-{signal.kind}", "kind": signal.kind}
        report |= {"member": "ben"} if signal.level == "member" else {"group": "north"}
        report |= {"value": signal.high, "occurred_at": days_ago(program, 5)}
        report |= {"chain": f"{CANARY}-chain"} if signal.chain == "must" else {}
        report |= {"reported_by": signal.reported_by[0]}
        if signal.kind not in ("left", "moved", "died"):
            reports.append(report)
    answer = program.caller("signals").post("/v1/signals", {"signals": reports}).json()
    stored = [row for row in answer["results"] if "receipt" in row]
    assert len(stored) == len(reports), answer
    return program


SECRET = [
    "sabotage",
    "control",
    "pressure",
    "glucose",
    "motivat",
    "harm",
    "distress",
    "refer",
    "unsafe",
    "barrier",
]
"""Parts of English words that would give away what is not for a neighbour."""


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker", "staff", "research"])
def test_no_canary_and_nothing_secret_is_in_any_form(full_of_canaries: Program, audience: str) -> None:
    reader = full_of_canaries.caller("read", audience=audience)  # type: ignore[arg-type]  # one of the five
    stranger, link = page(full_of_canaries)
    told = {f"{form} for {audience}": reader.get(f"{BRIEF}?format={form}") for form in FORMATS}
    told |= {f"link in {name}": stranger.get(f"{link}?lang={name}") for name in ("en", "hi", "te")}
    for place, answer in told.items():
        assert answer.status_code == 200, answer.text
        words = answer.text.partition("</style>")[2] or answer.text
        assert CANARY not in words, place
        assert "C4711" not in words, place
        assert "ben" not in words.split('"'), place  # nobody is named but by seat
        if not place.endswith((" hi", " te")):
            assert [secret for secret in SECRET if secret in words.lower()] == [], place


def test_a_report_that_only_others_may_see_changes_nothing_in_it(program: Program) -> None:
    meet(program, present=[1, 2], new_goals=[{"seat": 2, "category": "food"}])
    before = program.caller("read").get(BRIEF).content
    hidden = [signal for signal in BY_KIND.values() if not may_see("adviser", signal.audience)]
    hidden = [one for one in hidden if one.level == "member" and one.kind not in ("left", "moved", "died")]
    assert len(hidden) > 10
    reports = [
        {"source": CANARY, "id": one.kind, "kind": one.kind, "member": "ben", "value": one.high}
        | {"occurred_at": days_ago(program, 1), "reported_by": one.reported_by[0]}
        | ({"chain": "x"} if one.chain == "must" else {})
        for one in hidden
    ]
    answer = program.caller("signals").post("/v1/signals", {"signals": reports}).json()
    assert all("receipt" in row for row in answer["results"]), answer
    assert program.caller("read").get(BRIEF).content == before
