"""Settings from the environment."""

import pytest

from engagement.errors import Invalid
from engagement.settings import Settings, from_environment


def test_without_variables_every_setting_has_its_default() -> None:
    assert from_environment({"PATH": "/bin"}) == Settings()


def test_variables_are_read_as_the_type_of_their_setting() -> None:
    found = from_environment({"ENGAGEMENT_PORT": "9000", "ENGAGEMENT_SHARED_COMMITS": "false"})
    assert (found.port, found.shared_commits) == (9000, False)


def test_what_is_given_goes_before_the_environment() -> None:
    assert from_environment({"ENGAGEMENT_PORT": "9000"}, {"port": 9001}).port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "eight"),
        ("DEADLINE_MS", "0"),
        ("QUEUE", "-1"),
        ("LOG_LEVEL", "loud"),
        ("DEDALINE_MS", "100"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name.lower()):
        from_environment({f"ENGAGEMENT_{name}": value})


def test_every_setting_is_explained_in_the_docstring() -> None:
    for name in Settings.__struct_fields__:
        assert name in (Settings.__doc__ or "")
