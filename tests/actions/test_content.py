"""What a wording may hold, how many messages it takes, and who gets which."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.actions.content import (
    Content,
    Values,
    chosen,
    filled,
    parts,
)

SEAT_4 = Values(seat=4, date=date(2026, 3, 9), goal="walk to the well")


def read(**fields):
    """A wording as a caller sends it."""
    return msgspec.convert({"language": "en", "text": "Hello"} | fields, Content)


# --- variables --------------------------------------------------------------------------------------


def test_variables_are_filled_in_each_in_its_own_way():
    text = "Seat {seat}, your goal: {goal}. We meet on {date}; {date}!"
    told = "Seat 4, your goal: walk to the well. We meet on 09/03/2026; 09/03/2026!"
    assert filled(text, SEAT_4) == told


def test_a_variable_without_a_value_is_named():
    with pytest.raises(ValueError, match="`question`"):
        filled("{seat}: {question}", SEAT_4)


def test_what_stands_in_a_value_is_not_filled_in_again():
    assert filled("{goal}", Values(goal="{seat}")) == "{seat}"


def test_a_wording_knows_its_variables_once_each_in_order():
    assert read(text="{goal} {seat} {goal}").variables == ("goal", "seat")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dear {name}", "no variable `{name}`; there are seat, date, goal, question"),
        ("Seat {{seat}}", "one pair around its name"),
        ("Seat {seat", "one pair around its name"),
        ("Seat seat}", "one pair around its name"),
        ("Seat {}", "one pair around its name"),
        ("Seat {seat:04}", "one pair around its name"),
        ("Seat { seat }", "one pair around its name"),
    ],
)
def test_braces_that_are_no_variable_are_refused_with_words(text, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        read(text=text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 31, "at most 30 characters"),
        ("😀" * 16, "at most 30 characters"),  # 16 emojis take 32 places
        ("walk\nrun", "one line"),
        ("walk\n", "one line"),
        ("walk\u2028run", "one line"),
        ("", "not empty"),
    ],
)
def test_a_value_that_no_registered_template_takes_is_refused(value, words):
    with pytest.raises(ValueError, match=words):
        Values(goal=value)


@pytest.mark.parametrize("value", ["x" * 30, "😀" * 15, "అ" * 30])
def test_a_value_of_thirty_characters_is_the_longest(value):
    assert filled("{question}", Values(question=value)) == value


@pytest.mark.parametrize("given", [{"seat": 0}, {"seat": "four"}, {"date": "tomorrow"}, {"name": "x"}])
def test_a_value_of_another_type_or_name_is_refused(given):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Values)


# --- parts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (160 * "a", 1),
        (161 * "a", 2),
        (306 * "a", 2),  # 2 x 153
        (307 * "a", 3),
        (459 * "a", 3),  # 3 x 153
        (460 * "a", 4),
        (80 * "€", 1),  # an escape and a sign each: 160 places
        (81 * "€", 2),
        (152 * "a" + "€" + 152 * "a", 3),  # 306 places, but the sign is not split: 152, 2 + 151, 1
        (70 * "अ", 1),  # Hindi
        (71 * "अ", 2),
        (134 * "అ", 2),  # Telugu, 2 x 67
        (135 * "అ", 3),
        (201 * "అ", 3),
        (202 * "అ", 4),
        (70 * "a" + "अ", 2),  # one letter outside the alphabet counts for all
        (35 * "😀", 1),  # two places each
        (36 * "😀", 2),
        (67 * "😀", 3),  # 134 places, but 33 emojis a part: 33, 33, 1
    ],
    ids=lambda value: f"{len(value)} like {value[-1]}" if isinstance(value, str) else str(value),
)
def test_the_parts_of_a_text_are_those_counted_by_hand(text, expected):
    assert parts(text) == expected


@given(st.text(max_size=500), st.text(max_size=50))
def test_more_text_never_takes_fewer_parts(text, more):
    assert parts(text) <= parts(text + more)


def test_a_wording_is_counted_with_its_variables_at_full_length():
    # a goal may be in Hindi: 40 + 30 letters of UCS-2 fit into one part, 41 + 30 do not
    assert read(text=40 * "a" + "{goal}").parts == 1
    assert read(text=41 * "a" + "{goal}").parts == 2


def test_numbers_and_dates_leave_a_wording_in_the_plain_alphabet():
    # 9999 and 10/10/2000 take 4 and 10 places
    assert read(text=146 * "a" + "{seat}{date}").parts == 1
    assert read(text=147 * "a" + "{seat}{date}").parts == 2


@pytest.mark.parametrize(
    "text", [460 * "a", 202 * "అ", 172 * "a" + "{goal}"], ids=["plain", "telugu", "goal"]
)
def test_an_sms_of_four_parts_is_refused(text):
    with pytest.raises(msgspec.ValidationError, match="takes 4 parts"):
        read(text=text, channel="sms")


@pytest.mark.parametrize(
    "text", [459 * "a", 201 * "అ", 171 * "a" + "{goal}"], ids=["plain", "telugu", "goal"]
)
def test_an_sms_of_three_parts_is_the_longest(text):
    assert read(text=text, channel="sms").parts == 3


@pytest.mark.parametrize("channel", ["app", "voice", "paper"])
def test_what_is_no_sms_may_be_longer(channel):
    assert read(text=460 * "a", channel=channel).parts == 4


@given(
    st.lists(st.sampled_from(["word ", "पानी ", "{seat}", "{goal}", "{question}"]), min_size=1, max_size=9),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=15),
)
def test_no_values_make_a_text_longer_than_was_counted(pieces, value):
    wording = read(text="".join(pieces))
    assert parts(filled(wording.text, Values(seat=12, goal=value, question=value))) <= wording.parts


# --- review -----------------------------------------------------------------------------------------

SIGNED = {"status": "reviewed", "reviewed_by": "clinician", "reviewed_on": "2026-03-10"}


def test_a_reviewed_wording_says_in_which_role_and_when():
    assert read(**SIGNED).reviewed_on == date(2026, 3, 10)


@pytest.mark.parametrize("missing", ["status", "reviewed_by", "reviewed_on"])
def test_half_a_review_is_refused(missing):
    half = {name: value for name, value in SIGNED.items() if name != missing}
    with pytest.raises(msgspec.ValidationError, match="needs `reviewed_by` and `reviewed_on`"):
        read(**half)


@pytest.mark.parametrize(
    "fields",
    [
        SIGNED | {"reviewed_by": "Dr Rao"},
        {"audience": "family"},
        {"channel": "letter"},
        {"template_id": "11070 0"},
        {"template_id": "1107\n"},
        {"text": ""},
    ],
    ids=str,
)
def test_what_no_wording_can_be_is_refused(fields):
    with pytest.raises(msgspec.ValidationError):
        read(**fields)


# --- choosing ---------------------------------------------------------------------------------------

FOR_ADVISER = Content("en", "Ask them")
FOR_MEMBER = Content("en", "You are asked", audience="member")
AS_SMS = Content("en", "Asked", audience="member", channel="sms")
IN_HINDI = Content("hi", "पूछिए", channel="paper")
ROWS = (AS_SMS, FOR_ADVISER, FOR_MEMBER, IN_HINDI)


@pytest.mark.parametrize(
    ("language", "channel", "reader", "expected"),
    [
        ("en", "app", "adviser", FOR_ADVISER),
        ("en", "app", "member", FOR_MEMBER),
        ("en", "sms", "member", AS_SMS),
        ("en", "sms", "adviser", AS_SMS),  # the channel comes before the reader
        ("en", "app", "staff", FOR_ADVISER),  # nothing for staff: the first of the channel
        ("en", "voice", "member", AS_SMS),  # nothing to be spoken: the first for the reader
        ("hi", "app", "member", IN_HINDI),  # the language comes before both
        ("te", "app", "adviser", None),
    ],
)
def test_the_language_decides_first_then_the_channel_then_the_reader(language, channel, reader, expected):
    assert chosen(ROWS, language, reader, channel) is expected


@given(st.permutations(ROWS))
def test_a_wording_that_fits_in_every_way_is_chosen_wherever_it_stands(rows):
    assert chosen(rows, "en", "member") is FOR_MEMBER
