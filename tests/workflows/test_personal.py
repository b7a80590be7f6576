"""Phone numbers, addresses and Aadhaar numbers are known for what they are, and ordinary cells are not."""

import random
import string
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.actions.content import Content
from engagement.actions.nudge import Nudge
from engagement.workflows.personal import checks, personal, refusal_of


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
        "m9876543210",
        "tel9876543210",
        "9876543210-m",
        "g1_9876543210",
        "No.9876543210",
        "tel:+250788123123",
        "whatsapp:250788123123",
        "+447700900123",
        "+254712345678",
        "ring ९८७६५ ४३२१० after six",
        "98765–43210",
        "９８７６５４３２１０",
        "98765\u200b43210",
        "फोन9876543210पर",
        "on 2026-03-10 ring 9876543210",
    ],
)
def test_a_phone_number_is_recognised(text):
    assert personal(text) == "a phone number"


@pytest.mark.parametrize(
    "text",
    [
        "ask sunita@example.org",
        "a.b+c@mail.example.co.in",
        "(x@y.zz)",
        "sunita@abdm",
        "9876543210@upi",
        "x＠y.org",
    ],
)
def test_an_e_mail_address_is_recognised(text):
    assert personal(text) == "an e-mail address"


@pytest.mark.parametrize(
    "text", ["2341 2341 2346", "234123412346", "aadhaar 2341-2341-2346.", "m-234123412346", "२३४१ २३४१ २३४६"]
)
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
        "1800-180-1104",
        "dial 14416 or 104",
        "form.case.@case_id",
    ],
)
def test_what_is_none_of_them_passes(text):
    assert personal(text) is None


@pytest.mark.parametrize(
    "name",
    [
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",  # a contact of RapidPro, a case of CommCare
        "patient_3f2504e0-4f89-41d3-9a0c-030598765432",
        "3f2504e04f8911d39a0c0305e82c3301",  # the same without hyphens
        "507f1f77bcf86cd799439011",  # an ObjectId of MongoDB
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",  # a ULID
        "DiszpKrYNg8",  # an organisation unit of DHIS2
        "1-3f2504e04f8911d39a0c0305e82c3301",  # a revision of CouchDB, which the CHT sends
        "cjld2cjxh0000qzrmn831i7rn",  # a cuid
        "V1StGXR8_Z5jdHi6B-myT",  # a nanoid
        "1107161234567890123",  # a template of India's SMS registry: 19 digits
        "1000000123",  # numbers of records
        "4200017",
        "0000123456",
        "100000000001",
        "36012345678901",
        "1773130000",  # seconds and milliseconds since 1970
        "1773130000123",
        "20260310063000",
        "202603100630",
        "2026-03-10T06:30:00.123456+05:30",
        "meeting-2026-03-10-0630",
        "g12/2026-03-10/7/attendance",
        "612-004-0012",  # codes of a site, a group and a member
        "70001-00012",
        "0012-0000123",
        "g1-m7/attendance#4",
        "sms-10000001",
    ],
)
def test_ids_of_real_systems_pass(name):
    assert personal(name) is None


def test_a_number_that_follows_from_no_check_digit_passes_and_one_in_ten_does_not():
    found = [personal(f"23412341234{digit}") for digit in range(10)]
    assert found.count("an Aadhaar number") == 1


def test_the_check_digit_is_that_of_a_worked_example():
    # of 236 it is 3: the example of the article on Verhoeff's scheme in Wikipedia
    assert [digit for digit in "0123456789" if checks(f"236{digit}")] == ["3"]


@given(st.uuids(), st.sampled_from(["", "member ", "member_", "m:", "g1/"]))
def test_no_uuid_is_taken_for_a_person(drawn, before):
    assert personal(f"{before}{drawn}") is None
    assert personal(str(drawn).upper()) is None
    if set(drawn.hex) & set("abcdef"):  # of sixteen in a thousand million there is none: digits alone
        assert personal(drawn.hex) is None


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1))
def test_no_ulid_is_taken_for_a_person(moment, chance):
    assert personal(ulid(moment << 80 | chance)) is None


def ulid(number: int) -> str:
    """26 letters and digits of Crockford's alphabet, the highest first."""
    return "".join(
        "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> 5 * place & 31] for place in range(25, -1, -1)
    )


@given(st.integers(0, 2**64 - 1))
def test_no_uid_of_dhis2_is_taken_for_a_person(seed):
    # drawn evenly, as DHIS2 draws them: of a thousand million four are a letter and ten digits of a number
    draw = random.Random(seed)
    rest = "".join(draw.choices(string.ascii_letters + string.digits, k=10))
    assert personal(draw.choice(string.ascii_letters) + rest) is None


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from(
        [
            "%Y-%m-%d",
            "%d/%m/%Y",
            "%d-%m-%Y",
            "%Y%m%d",
            "%Y%m%dT%H%M%SZ",
            "%Y%m%d%H%M",
            "%Y-%m-%dT%H:%M:%S+05:30",
        ]
    ),
    st.sampled_from(["", "visit-", "g1:", "week/"]),
)
def test_no_day_and_no_moment_is_taken_for_a_person(moment, written, before):
    assert personal(before + moment.strftime(written)) is None
    assert personal(before + moment.isoformat()) is None


@given(
    st.from_regex(r"[6-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "+91", "+91 ", "91", "0", "0091"])
)
def test_every_indian_mobile_number_is_recognised_with_and_without_its_code(number, code):
    assert personal(f"{code}{number}") in ("a phone number", "an Aadhaar number")
    assert personal(f"{code}{number[:5]} {number[5:]}") in ("a phone number", "an Aadhaar number")


@given(st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True))
def test_every_number_of_e_164_is_recognised_by_its_plus(number):
    assert personal(f"+{number}") == "a phone number"


def test_a_thing_is_refused_by_the_first_of_its_texts_and_the_text_is_not_repeated():
    wording = Content(language="en", text="Ring 98765 43210.")
    found = refusal_of(Nudge(id="a", title="A", content=(Content(language="hi", text="x"), wording)))
    assert found is not None
    assert (found.field, found.what) == ("content[1].text", "a phone number")
    assert "pseudonyms" in str(found)
    assert "98765" not in str(found)
    assert refusal_of(Nudge(id="a", title="A", cost_minor=9876543210, payer="program")) is None


@given(st.integers(0, 10**11 - 1), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number, place, shift):
    digits = f"{number:011d}"
    whole = next(digits + last for last in "0123456789" if checks(digits + last))
    changed = str((int(whole[place]) + shift) % 10)
    assert not checks(whole[:place] + changed + whole[place + 1 :])
