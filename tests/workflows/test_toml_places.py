"""Where a value stands in a TOML text, against `tomllib`'s reading of the same text."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.workflows.program import template_names, template_text
from engagement.workflows.toml_places import places

TEXT = '''\
# a comment with = and [brackets]
top = "a # no comment"
dotted.key."odd name" = 1

[table] # behind it
list = [
    1, # one
    { a = "}", b = [2, 3] },
]
long = """
[not a table]
x = 1
"""
after = 2027-03-31

[[rows]]
id = 'first'
[[rows]]
id = "sec\\"ond"
[rows.inner]
deep = true
[[rows.more]]
x = 1
[[rows.more]]
x = 2
'''


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("top",), (2, 1)),
        (("dotted", "key", "odd name"), (3, 1)),
        (("table",), (5, 1)),
        (("table", "list", 0), (7, 5)),
        (("table", "list", 1, "a"), (8, 7)),
        (("table", "list", 1, "b", 1), (8, 24)),
        (("table", "after"), (14, 1)),
        (("rows", 0), (16, 1)),
        (("rows", 1, "id"), (19, 1)),
        (("rows", 1, "inner", "deep"), (21, 1)),
        (("rows", 1, "more", 1, "x"), (25, 1)),
    ],
)
def test_a_value_is_found_at_its_line_and_column(path, place):
    assert places(TEXT)[path] == place


def paths(value, path=()):
    """Every key and element of a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*path, number)
            yield from paths(inner, (*path, number))


@pytest.mark.parametrize("text", [TEXT, *map(template_text, template_names())])
def test_every_value_that_is_read_has_a_place_and_no_other(text):
    document = tomllib.loads(text)
    found = set(places(text))
    arrays = {path for path in paths(document) if (*path, 0) in found}
    implied = {("dotted",), ("dotted", "key")}
    assert set(paths(document)) - arrays - implied == found - arrays


@given(st.text(alphabet='ab"\'\\#[]{}=,\n é"', max_size=30))
def test_no_text_in_quotes_misleads_the_reading(words):
    quoted = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    text = f'a = "{quoted}"\nb = ["{quoted}", {{ c = "{quoted}" }}]\nd = 1\n'
    assert tomllib.loads(text)["a"] == words
    assert places(text)["d",] == (3, 1)
