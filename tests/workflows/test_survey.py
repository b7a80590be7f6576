"""What a survey's sheet says: who answered, which columns are outcomes, and where a cell is wrong."""

from io import BytesIO

import pytest
from openpyxl import Workbook

from engagement.errors import Invalid
from engagement.workflows.sheet_file import opened
from engagement.workflows.survey import LeftOut, Outcome, outcomes, read_survey

NEITHER = " is neither a number nor yes or no"
NO_NUMBER = " is no number, as others of the column are"


def survey(text, name="baseline"):
    return read_survey(opened(text), name)


def both(first, second):
    return outcomes(survey(first), survey(second, "endline"))


def answers(text, other=None):
    [outcome], _ = both(text, other or text)
    return [outcome.of(who) for who in survey(text).respondents]


def test_numbers_and_yes_or_no_are_outcomes():
    found, left_out = both("group,walks,hba1c\na,yes,7.5\n", "group,walks,hba1c\na,no,\nb,no,8\n")
    assert found == [Outcome("walks", yes_no=True), Outcome("hba1c", yes_no=False)]
    assert left_out == []


def test_yes_and_no_are_read_in_the_languages_of_the_sheets():
    assert answers("group,walks\na,हाँ\na,నహి\n".replace("నహి", "కాదు")) == [1.0, 0.0]


@pytest.mark.parametrize("cell", ["-2.5", "+3", "७.५", "0.1e-3", ".5"])
def test_a_number_is_read_however_it_is_written(cell):
    assert answers(f"group,score\na,{cell}\n") == [float(cell)]


def test_a_missing_answer_is_none_and_not_no():
    assert answers("group,walks\na,yes\nb,\n") == [1.0, None]


def test_semicolons_a_mark_at_the_start_and_a_title_above_are_read():
    text = "\ufeffBaseline 2027;;\ngroup;member;walks\na;m1;yes\n".encode()
    (who,) = read_survey(opened(text), "baseline").respondents
    assert (who.group, who.member, who.cells["walks"]) == ("a", "m1", "yes")


def test_a_workbook_is_read_alike():
    book, out = Workbook(), BytesIO()
    for row in (("Group", "Walks", "HbA1c"), ("a", True, 7.5), ("b", False, 8)):
        book.active.append(row)
    book.save(out)
    read = read_survey(opened(out.getvalue()), "baseline")
    found, _ = outcomes(read, read._replace(name="endline"))
    assert [[outcome.of(who) for who in read.respondents] for outcome in found] == [[1.0, 0.0], [7.5, 8.0]]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("group,x\na,2\n", "group\na\n", "is missing in the endline"),
        ("group,x,x\na,2,2\n", "group,x\na,2\n", "stands twice in the baseline"),
        ("group,x\na,2\n", "group,x,y\na,,\n", "is empty in the endline"),
        ("group,x\na,2\na,3\n", "group,x\na,2\na,two\n", "cell B3 of the endline" + NEITHER),
        ("group,x\na,2\na,yes\n", "group,x\na,2\n", "cell B3 of the baseline" + NO_NUMBER),
        ("group,x\na,nan\n", "group,x\na,2\n", "cell B2 of the baseline" + NEITHER),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_compared_is_named_with_the_reason(first, second, why):
    found, left_out = both(first, second)
    assert found == []
    assert LeftOut("x", why) in left_out


def test_what_stands_in_a_cell_is_not_repeated():
    _, left_out = both("group,said\na,a secret\n", "group,said\na,another\n")
    assert "secret" not in str(left_out)


def test_a_column_without_a_name_is_named_by_its_letter():
    assert both("group,,x\na,2,1\n", "group,x\na,1\n")[1] == [
        LeftOut("column B", "has no name in the baseline")
    ]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("group,member,x\na,98765 43210,1\n", "B2"),
        ("group,member,x\n9876543210,m1,1\n", "A2"),
        ("group,member,x\na,m1,9876543210\n", "C2"),
        ("group,member,x\na,,1\n", "B2"),
        ("group,compared,x\na,perhaps,1\n", "B2"),
        ("group,member,x\na,m1,1\nb,m1,1\n", "B3"),
        ("group,arm,x\na,a very long sentence on what an arm is,1\n", "B2"),
    ],
)
def test_a_wrong_cell_is_named_and_harms_no_other_line(text, cell):
    read = survey(text + "c,m9,1\n".replace("m9", "no" if "compared" in text else "m9"))
    assert [flaw.cell for flaw in read.refused] == [cell]
    assert read.respondents[-1].group == "c"


def test_two_ways_to_say_who_is_compared_are_one_too_many():
    with pytest.raises(Invalid, match="give one of them"):
        survey("group,arm,compared\na,x,yes\n")


def test_a_survey_may_be_longer_than_a_register():
    text = "group,x\n" + "a,1\n" * 1500
    assert len(read_survey(opened(text, 2000), "baseline").respondents) == 1500
