import pytest

from docs.shown import same_json, same_text


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a key: …", "a key: eng_1_2\n"),
        ("first\n…\nlast", "first\nmany\nlines\nlast"),
        ("3 replayed, 0 differ", "3 replayed, 0 differ\n"),
    ],
)
def test_an_ellipsis_stands_for_any_text(shown: str, printed: str) -> None:
    assert same_text(shown, printed)


@pytest.mark.parametrize(
    "printed", ["3 replayed, 1 differ", "3 replayed, 0 differ and more", "3 replayed. 0 differ"]
)
def test_other_text_is_noticed(printed: str) -> None:
    assert not same_text("3 replayed, 0 differ", printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ('{"a": "…", "b": [1]}', '{"b": [1], "a": null}'),
        ('{"a": 1, "…": "…"}', '{"a": 1, "b": 2}'),
        ('[{"a": 1}, "…"]', '[{"a": 1}, 2, 3]'),
    ],
)
def test_an_ellipsis_stands_for_any_value(shown: str, printed: str) -> None:
    assert same_json(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ('{"a": 1, "…": "…"}', '{"b": 2}'),
        ("[1]", "[1, 2]"),
        ('[1, 2, "…"]', "[1]"),
        ("1", "true"),
        ('{"a": {"b": 0}}', '{"a": {"b": 1}}'),
    ],
)
def test_another_value_is_noticed(shown: str, printed: str) -> None:
    assert not same_json(shown, printed)
