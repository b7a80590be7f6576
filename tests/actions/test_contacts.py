"""The stricter of two limits."""

import pytest

from engagement.actions.contacts import Contacts


@pytest.mark.parametrize(
    ("program", "member", "both"),
    [
        ((3, 8), (None, None), (3, 8)),
        ((3, 8), (1, None), (1, 8)),
        ((3, None), (5, 4), (3, 4)),
        ((None, None), (None, 0), (None, 0)),
    ],
)
def test_of_two_limits_the_stricter_holds_for_the_week_and_for_the_month(program, member, both):
    limits = [Contacts(weekly=weekly, monthly=monthly) for weekly, monthly in (program, member, both)]
    assert limits[0].and_at_most(limits[1]) == limits[2]
    assert limits[1].and_at_most(limits[0]) == limits[2]
