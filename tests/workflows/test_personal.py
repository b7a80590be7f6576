"""Phone numbers, addresses and Aadhaar numbers are known for what they are, and ordinary cells are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.workflows.personal import checks, personal


@pytest.mark.parametrize(
    "text",
    [
        "9876543210",
        "call 98765 43210 after six",
        "+91 98765-43210",
        "+919876543210",
        "00919876543210",
        "919876543210",
        "09876543210",
        "987-654-3210",
        "9876 543 210",
        "m-9876543210",
        "0130 2212345",
        "0891-2551234",
        "011-23456789",
        "+44 20 7946 0958",
        "+1 (202) 555-0143",
    ],
)
def test_a_phone_number_is_recognised(text):
    assert personal(text) == "a phone number"


@pytest.mark.parametrize("text", ["ask sunita@example.org", "a.b+c@mail.example.co.in", "(x@y.zz)"])
def test_an_e_mail_address_is_recognised(text):
    assert personal(text) == "an e-mail address"


@pytest.mark.parametrize("text", ["2341 2341 2346", "234123412346", "aadhaar 2341-2341-2346."])
def test_an_aadhaar_number_is_recognised(text):
    assert personal(text) == "an Aadhaar number"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 3 4 6 8",
        "6 7 8 9 10 11 12",
        "seats 6, 7, 8, 9, 10, 11 and 12 came",
        "31/03/2026",
        "2026-03-31 2026-04-30",
        "2026-03-31T00:00:00",
        "moved from W-12",
        "BP 140/90, sugar 180",
        "g1-m7",
        "1234567890",
        "5000 rupees",
        "2341 2341 2345",
        "20260331",
        "3.14159265358979",
        "+1 point",
        "half @ home",
        "019cd670-2640-7164-a952-b8ae95457bdd",
    ],
)
def test_what_is_none_of_them_passes(text):
    assert personal(text) is None


def test_the_check_digit_is_that_of_a_worked_example():
    # of 236 it is 3: the example of the article on Verhoeff's scheme in Wikipedia
    assert [digit for digit in "0123456789" if checks(f"236{digit}")] == ["3"]


@given(st.uuids())
def test_no_id_drawn_by_chance_is_taken_for_a_person(drawn):
    assert personal(f"member {drawn}") is None
    assert personal(str(drawn).upper()) is None


@given(st.integers(0, 10**11 - 1), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number, place, shift):
    digits = f"{number:011d}"
    whole = next(digits + last for last in "0123456789" if checks(digits + last))
    changed = str((int(whole[place]) + shift) % 10)
    assert not checks(whole[:place] + changed + whole[place + 1 :])
