"""A program file: what it means on top of a template, and every mistake in it with its place."""

import msgspec
import pytest

from engagement.workflows.program import template, template_names, template_text
from engagement.workflows.program_file import read_program

HEAD = 'template = "virtual-community"\n[program]\nid = "ours"\n'


def told(text):
    """The mistakes as (line, column, words)."""
    return [(*(one.place or (0, 0)), one.words) for one in read_program(text).mistakes]


def action(text, name):
    plan = read_program(text).plan
    assert plan is not None, told(text)
    return next(row for row in plan.actions if row.id == name)


@pytest.mark.parametrize("name", template_names())
def test_a_template_is_a_program_file_and_a_file_that_only_names_it_is_the_same(name):
    whole, named = read_program(template_text(name)), read_program(f'template = "{name}"')
    assert whole.plan == named.plan == template(name)
    assert whole.mistakes == named.mistakes == ()


def test_a_table_with_the_templates_id_changes_what_it_names_and_nothing_else():
    before = next(row for row in template("virtual-community").actions if row.id == "thanks")
    changed = action(HEAD + '[[actions]]\nid = "thanks"\ncool_down_days = 7\n', "thanks")
    assert changed == msgspec.structs.replace(before, cool_down_days=7)


def test_a_wording_replaces_the_one_of_its_language_and_reader_and_the_others_stay():
    content = '{ language = "hi", audience = "member", text = "नया" }'
    words = action(HEAD + f'[[actions]]\nid = "thanks"\ncontent = [{content}]\n', "thanks").content
    assert [row.language for row in words] == ["en", "hi", "te"]
    assert words[1].text == "नया"


def test_sites_of_the_file_stand_instead_of_the_templates():
    text = 'template = "ncd-peer-groups"\n[[sites]]\nid = "north"\ntitle = "North"\n'
    assert [site.id for site in read_program(text).plan.sites] == ["north"]


def test_every_mistake_is_told_at_once_each_at_its_place():
    text = HEAD + (
        'langauge = "hi"\n'
        'default_strategy = "learnd"\n'
        "[[actions]]\n"
        'id = "thanks"\n'
        'cool_down_days = "7"\n'
        'content = [{ language = "en", text = "Hello {name}" }]\n'
        "[[actions]]\n"
        'kind = "nudgee"\n'
        'id = "x"\n'
        "[[strategies]]\n"
        'id = "own"\n'
        'title = "Own"\n'
        'actions = ["thanks", "nowhere", "x", "neither"]\n'
        "[[budgets]]\n"
        'id = "a b"\n'
    )
    assert [(line, column) for line, column, _ in told(text)] == [
        (4, 1), (5, 1), (8, 1), (9, 12), (11, 1), (16, 22), (16, 38), (17, 1), (18, 1),
    ]  # fmt: skip
    words = [said for *_, said in told(text)]
    assert "did you mean `language`?" in words[0]
    assert "`learnd`" in words[1]
    assert words[2] == "this is a text in quotes; it should be a whole number"
    assert "{name}" in words[3]
    assert words[4].startswith("`nudgee` is no kind; there are: nudge, incentive, chw_linkage")
    assert ["`nowhere`" in words[5], "`neither`" in words[6]] == [True, True]
    assert words[7] == "`limit_minor` is missing"
    assert "`a b` is not an id" in words[8]


def test_the_default_that_names_nothing_is_told_at_its_line():
    assert told(HEAD + 'default_strategy = "learnd"\n') == [
        (4, 1, "there is no strategy `learnd` to be the default")
    ]


def test_what_names_something_faulty_is_not_blamed_for_it():
    text = HEAD + (
        'default_strategy = "own"\n[[actions]]\nid = "mine"\nkind = "nudge"\ntitle = 3\n'
        '[[strategies]]\nid = "own"\ntitle = "Own"\nactions = ["mine"]\n'
    )
    assert told(text) == [(8, 1, "this is a whole number; it should be a text in quotes")]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[program\n", (1, 9), "cannot be read as TOML"),
        ("a = 1\na = 2\n", (2, 6), "cannot be read as TOML"),
        ('template = "perfect"\n', (1, 1), "there is no template `perfect`"),
        (HEAD + "[colours]\n", (4, 1), "there is no `colours` in a program file"),
        (HEAD + "actions = 3\n", (4, 1), "there is no `actions` here"),
        (HEAD + "[[actions]]\nretired = true\n", (4, 1), "`id` is missing"),
        (HEAD + '[[actions]]\nid = "thanks"\n[[actions]]\nid = "thanks"\n', (6, 1), "a second time"),
        (HEAD + '[[sites]]\nid = "s"\ntitle = "S"\n', (1, 1), "there is no site `online`"),
        (HEAD + 'time_zone = "Mars"\n', (2, 1), "`Mars` is not a time zone"),
        (HEAD + '[[budgets]]\nid = "b"\nlimit_minor = -1\n', (6, 1), "it should be at least 0"),
        (
            HEAD + '[[budgets]]\nid = "b"\nlimit_minor = 1\nperiod = "weekly"\n',
            (7, 1),
            "`weekly` is not known",
        ),
        (
            HEAD + '[[links]]\nhealth_worker = "hw"\ncatchment = "east"\nstarts_on = 2026-01-01\n',
            (4, 1),
            "there is no health worker `hw`",
        ),
        (
            HEAD + '[[actions]]\nid = "thanks"\ncontent = [{ language = "en", audience = "member", '
            'channel = "sms", text = "' + "अ" * 300 + '" }]\n',
            (6, 12),
            "takes 5 parts",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(text, place, words):
    (mistake,) = told(text)
    assert mistake[:2] == place
    assert words in mistake[2]


def test_a_finding_is_one_line_as_editors_read_it():
    (mistake,) = read_program(HEAD + 'time_zone = "Mars"\n').mistakes
    assert mistake.told("ours.toml").startswith("ours.toml:2:1: error: `Mars` is not")
