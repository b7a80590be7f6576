"""The sheet for a registry of SMS templates, and how many SMS the words take."""

import csv
import io

import pytest

from engagement.actions.content import Content, Values, filled
from engagement.actions.nudge import Nudge
from engagement.workflows.program import DEFAULT_TEMPLATE, template, template_names
from engagement.workflows.sms_sheet import in_parts, registered, rows, sheet


def sms(text, language="en", **more):
    return Content(language, text, audience="member", channel="sms", **more)


def nudge(*content, **more):
    return Nudge(id="walk", title="Walk", content=content, **more)


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_each_variable_stands_as_the_registry_wants_it_and_its_name_beside_it():
    words = sms('Seat {seat}: "{goal}", by {date}. See you on {date}.', template_id="1107")
    (row,) = read(sheet(list(rows([nudge(words)], "NRTHGR", "service_implicit"))))
    assert row["text"] == 'Seat {#var#}: "{#var#}", by {#var#}. See you on {#var#}.'
    assert row["variables"] == "seat goal date date"
    assert (row["header"], row["template_id"], row["category"]) == ("NRTHGR", "1107", "service_implicit")


def test_only_words_for_sms_of_actions_in_use_are_on_it_unless_all_are_wanted():
    app, old = Content("en", "Walk."), nudge(sms("Old."), retired=True)
    actions = [nudge(app, sms("Walk.")), old]
    assert [row.channel for row in rows(actions, "", "promotional")] == ["sms"]
    assert [row.channel for row in rows(actions, "", "promotional", every_channel=True)] == ["app", "sms"]


@pytest.mark.parametrize("name", template_names())
def test_every_shipped_wording_is_registered_as_the_letters_that_are_sent(name):
    """Cut at its variables, the sheet's text has the very pieces of what goes out."""
    values = Values(seat=4, date=None, goal="walk", question="why")
    for action in template(name).actions:
        for words in action.content:
            fixed = registered(words.text).split("{#var#}")
            assert len(fixed) == 1 + registered(words.text).count("{#var#}")
            if "date" not in words.variables:
                sent = filled(words.text, values)
                assert sent.startswith(fixed[0])
                assert sent.endswith(fixed[-1])


def test_no_cell_is_taken_for_a_formula():
    (row,) = read(sheet(list(rows([nudge(sms("=1+1"))], "", "promotional"))))
    assert row["text"] == "'=1+1"


def test_parts_are_counted_a_language():
    long, short = "अ" * 71, "अ" * 70
    assert in_parts([nudge(sms(long, "hi"), sms("a" * 160)), nudge(sms(short, "hi"))]) == [
        "language      1 part   2 parts  wordings",
        "en                 1         0         1",
        "hi                 1         1         2",
    ]


def test_the_shipped_sms_take_at_most_two_parts_in_any_language():
    head, *_ = in_parts(template(DEFAULT_TEMPLATE).actions)
    assert head.split() == ["language", "1", "part", "2", "parts", "wordings"]
