"""What a sound program file leaves open, each thing said once, and silence where nothing is open."""

from datetime import date

import pytest

from engagement.workflows.check_program import check
from engagement.workflows.program import template_names
from engagement.workflows.program_file import read_program

TODAY = date(2026, 6, 1)
REVIEWED = 'status = "reviewed", reviewed_by = "speaker", reviewed_on = 2026-05-01'
QUIET = """\
[program]
id = "ours"
title = "Ours"
default_strategy = "walk"
default_adviser_strategy = "call"
default_group_strategy = "thank"
[[sites]]
id = "here"
title = "Here"
ends_on = 2027-03-31
[[budgets]]
id = "trust"
limit_minor = 1000
[[actions]]
kind = "nudge"
id = "walk"
title = "Walk"
cost_minor = 10
payer = "trust"
payer_until = 2027-03-31
minutes = 5
content = [{ language = "en", text = "Walk together.", REVIEWED }]
[[actions]]
kind = "nudge"
id = "call"
title = "Call"
level = "adviser"
minutes = 5
content = [{ language = "en", text = "Call.", REVIEWED }]
[[actions]]
kind = "nudge"
id = "thank"
title = "Thank"
level = "group"
minutes = 5
content = [{ language = "en", text = "Thank.", REVIEWED }]
[[strategies]]
id = "walk"
title = "Walk"
actions = ["walk"]
[[strategies]]
id = "call"
title = "Call"
level = "adviser"
actions = ["call"]
outcome = { kind = "next_meeting_held" }
[[strategies]]
id = "thank"
title = "Thank"
level = "group"
actions = ["thank"]
outcome = { kind = "next_meeting_with_three" }
""".replace("REVIEWED", REVIEWED)


def said(text, today=TODAY):
    return [
        (one.severity, one.place.line if one.place else 0, one.words)
        for one in check(read_program(text), today)
    ]


def test_a_program_that_leaves_nothing_open_is_met_with_silence():
    assert said(QUIET) == []


WORDING = f'{{ language = "en", text = "Walk together.", {REVIEWED} }}'
SMS = f'{WORDING}, {{ language = "en", audience = "member", channel = "sms", text = "TEXT", {REVIEWED} }}'
"""Behind the wording of `walk`."""


@pytest.mark.parametrize(
    ("old", "new", "severity", "at", "words"),
    [
        (WORDING, WORDING.replace('"en"', '"hi"'), "warning", "Walk tog", "no words in en for `walk`"),
        (WORDING, '{ language = "en", text = "Walk." }', "warning", "Walk.", "are drafts in en"),
        (WORDING, SMS.replace("TEXT", "It’s on."), "warning", "It’s on.", "instead of 160, only for ’"),
        (WORDING, SMS.replace("TEXT", "a" * 161), "note", "aaaa", "takes 2 parts (GSM-7)"),
        ("payer_until = 2027-03-31\n", "", "warning", "[[budgets]]", "until when `trust` pays for `walk`"),
        ('payer = "trust"', 'payer = "moon"', "warning", '"moon"', "`moon` pays for `walk` and has no"),
        ("ends_on = 2027-03-31", "ends_on = 2026-05-31", "warning", "ends_on", "`here` ended on 2026-05-31"),
        ("ends_on = 2027-03-31\n", "", "note", "[[sites]]", "has no `ends_on`"),
        ("until = 2027-03-31", "until = 2026-05-31", "warning", "payer_until", "2026-05-31, has passed"),
        ("minutes = 5\n", "", "warning", "[[actions]]", "`walk` takes the adviser no `minutes`"),
        ("minutes = 5", "minutes = 61", "error", "minutes = 61", "it can never be offered"),
        ("minutes = 5", "minutes = 31", "note", "minutes = 31", "too long for an adviser who is tired"),
        ('= ["walk"]', '= ["walk"]\nfloor = 0.5001', None, "", ""),  # of one action: the belief refuses it
        (
            '{ kind = "next_meeting_held" }', '{ kind = "came_to_next_meeting" }',
            "error", '{ kind = "came_to', "it could never be reported",
        ),
        (
            "{ kind = \"next_meeting_held\"", "{ kind = \"next_meeting_held\", window_days = 30",
            "warning", "window_days", "may not meet within them",
        ),
        ('default_group_strategy = "thank"\n', "", "note", "[program]", "nobody decides for groups"),
        ('= ["call"]', '= ["call"]\npaused = true', "warning", 'id = "call"', "no strategy offers `call`"),
        ("minutes = 5", "retired = true", "warning", 'id = "walk"\ntitle = "Walk"\nactions', "is retired"),
    ],
)  # fmt: skip
def test_what_is_open_is_said_at_its_place(old, new, severity, at, words):
    assert old in QUIET
    text = QUIET.replace(old, new, 1)
    if severity is None:
        assert [row[0] for row in said(text)] == ["error"]
        return
    found = [row for row in said(text) if words in row[2]]
    assert [row[0] for row in found] == [severity], said(text)
    before = text[: text.index(at)].count("\n") + 1
    assert abs(found[0][1] - before) <= 2  # the table's first line where the field is missing


def test_floors_that_make_more_than_one_leave_the_belief_nothing():
    text = 'template = "ncd-peer-groups"\n[[strategies]]\nid = "framing"\nfloor = 0.34\n'
    (severity, line, words), *_ = said(text)
    assert (severity, line) == ("error", 4)
    assert words.endswith("at most 0.333 fits")  # of win_story, risk_fact and none
    assert said(text.replace("0.34", "0.33"))[0][0] == "warning"


def test_a_program_for_a_virtual_group_cannot_wait_for_a_meeting():
    text = QUIET + '[[groups]]\nid = "online"\nsite = "here"\ntype = "virtual"\n'
    assert {words.partition(" waits")[2][:14] for severity, _, words in said(text)} == {" for a meeting"}
    assert {severity for severity, *_ in said(text)} == {"error"}


def test_health_workers_are_asked_for_where_actions_need_them_and_places_where_weeks_are_planned():
    name = 'template = "ncd-peer-groups"\n'
    assert any("a health worker is needed" in words for *_, words in said(name))
    worker = '[[health_workers]]\nid = "hw-1"\n'
    words = [words for *_, words in said(name + worker)]
    assert any("works in no catchment" in one for one in words)
    assert any("speaks no language here" in one for one in words)
    linked = (
        worker
        + 'languages = ["hi"]\n[[links]]\nhealth_worker = "hw-1"\ncatchment = "c"\nstarts_on = 2026-01-01\n'
    )
    assert not any("`hw-1`" in words for *_, words in said(name + linked))


@pytest.mark.parametrize("name", template_names())
def test_the_templates_have_no_error(name):
    assert [row for row in said(f'template = "{name}"\n') if row[0] == "error"] == []


def test_a_file_with_mistakes_is_told_only_these():
    assert [row[0] for row in said("[program]\n")] == ["error", "error"]
