"""DHIS2's counts over HTTP: by codes, for staff, of the month that is asked for."""

import pytest

from support.running import Program

PATH = "/v1/exports/dhis2"
REGISTER = "group,date,held,came,goals_set,goals_met,goals_missed\nnorth,2026-02-14,yes,1 2 3,1,2,\n"


@pytest.fixture
def met(program: Program) -> Program:
    """A program whose northern group met in February, when all three came."""
    csv = {"Content-Type": "text/csv"}
    answer = program.caller("signals").call("POST", "/v1/register", content=REGISTER, headers=csv)
    assert answer.json()["refused"] == []
    return program


def test_a_month_s_counts_go_by_codes(met: Program) -> None:
    answer = met.caller("read").get(PATH, params={"period": "202602"}).json()
    assert set(answer) == {"dataValues"}
    values = {row["dataElement"]: row["value"] for row in answer["dataValues"]}
    assert {row["orgUnit"] for row in answer["dataValues"]} == {"site-1"}
    assert {row["period"] for row in answer["dataValues"]} == {"202602"}
    assert values["ENGAGEMENT_MEETINGS_HELD"] == "1"
    assert (values["ENGAGEMENT_ATTENDANCES"], values["ENGAGEMENT_ATTENDANCES_KNOWN"]) == ("3", "3")
    assert (values["ENGAGEMENT_GOALS_SET"], values["ENGAGEMENT_GOALS_MET"]) == ("1", "1")


def test_small_numbers_are_left_out_on_request(met: Program) -> None:
    answer = met.caller("read").get(PATH, params={"period": "202602", "least": 3}).json()
    values = {row["dataElement"]: row["value"] for row in answer["dataValues"]}
    assert "ENGAGEMENT_GOALS_SET" not in values
    assert values["ENGAGEMENT_ATTENDANCES"] == "3"
    assert values["ENGAGEMENT_MEETINGS_NOT_HELD"] == "0"


def test_without_a_period_it_is_the_last_month_that_is_over(met: Program) -> None:
    values = met.caller("read").get(PATH).json()["dataValues"]
    assert len({row["period"] for row in values}) == 1


@pytest.mark.parametrize("audience", ["group", "adviser", "health_worker"])
def test_counts_that_leave_the_program_are_for_staff(program: Program, audience: str) -> None:
    reader = program.caller("read", audience=audience)  # type: ignore[arg-type]  # one of the five
    assert reader.get(PATH).status_code == 403


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"period": "202613"}, "period"),
        ({"period": "2026-03"}, "period"),
        ({"period": "299912"}, "yet to come"),
        ({"least": "-1"}, "least"),
    ],
)
def test_a_wish_that_cannot_be_is_a_problem(program: Program, query: dict[str, str], words: str) -> None:
    answer = program.caller("read").get(PATH, params=query)
    assert (answer.status_code, words in answer.json()["detail"]) == (400, True)
