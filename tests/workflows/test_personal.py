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
        "98765_43210",
        "98765/43210",
        "98765  43210",
        "98765 - 43210",
        "98765 / 43210",
        "98765 . 43210",
        "98765 03210",
        "98765 - 03210",
        "(98765) 43210",
        "(98765)43210",
        "(98765)03210",
        "(987) 654-3210",
        "987_654_3210",
        "91_98765_43210",
        "m_98765_43210",
        "9876543 210",
        "98 76543210",
        "987 6543210",
        "987-6543210",
        "(987) 6543210",
        "9876 543210",
        "9876-543210",
        "987654 3210",
        "98765432 10",
        "98 7654 3210",
        "987 6543 210",
        "9876 54 3210",
        "9876 5432 10",
        "98765 43 210",
        "98765 432 10",
        "919876543 210",
        "seat 4 9876543 210",
        "91-9876-543210",
        "91 9876 5432 10",
        "(98765) - 43210",
        "+91 (98765) - 43210",
        "+91/98765/43210",
        "+44_20_7946_0958",
        "९८७६५ / ४३२१०",
    ],
)
def test_a_phone_number_is_recognised(text):
    assert personal(text) == "a phone number"


@pytest.mark.parametrize(
    "text",
    [
        "02223456789",
        "022 23456789",
        "022 2345 6789",
        "022-2345-6789",
        "022/2345/6789",
        "022_23456789",
        "0222345 6789",
        "022 - 2345 6789",
        "022 23 45 67 89",
        "(022) 23456789",
        "(022)23456789",
        "(022) 2345-6789",
        "(022) - 23456789",
        "m-02223456789",
        "08912551234",
        "(0891) 2551234",
        "0891 255 1234",
        "0891-255-1234",
        "0891 2551 234",
        "0891 25 51 234",
        "0130-2212-345",
        "01262 255123",
        "01262255123",
        "01262 25 51 23",
        "08912 255123",
        "(08912) 255-123",
        "08912 25 51 23",
        "91-22-23456789",
        "91 (22) 2345 6789",
        "0091 891 255 1234",
        "+91 22 2345 6789",
        "call 022 2345 6789/90 after six",
        "०२२ २३४५ ६७८९",
    ],
)
def test_a_landline_of_india_is_recognised_by_its_area_code(text):
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
    "text",
    [
        "2341 2341 2346",
        "234123412346",
        "aadhaar 2341-2341-2346.",
        "m-234123412346",
        "२३४१ २३४१ २३४६",
        "2341.2341.2346",
        "2341_2341_2346",
        "2341/2341/2346",
        "2341 - 2341 - 2346",
        "2341  2341  2346",
        "(2341) (2341) 2346",
        "m_2341_2341_2346",
        "23412341 2346",
        "1.2341 2341 2346",
    ],
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
        "09/12/2026 - 10/12/2026",
        "07/03/2026 - 08/03/2026",
        "2026/03/31 - 2026/04/30",
        "20260310/20260410",
        "2026_03_10 2026_04_10",
        "9/10/2026 - 9/11/2026",
        "06:30 - 07:15 and 09:30 - 10:45",
        "2023 2024 2025",
        "2024/2025/2026",
        "60000-80000 rupees",
        "income 65000 - 70000",
        "income 60000/80000",
        "98,76,54,321 rupees",
        "paid 9876.54 of 10000.00",
        "9876543.210",
        "876.5432101",
        "9876.543210",
        "98.76543210",
        "0.9876543210",
        "0.2223456789",
        "0.234123412346",
        "2341.23412346",
        "23412341.2346",
        "17.3850/78.4867",
        "28.6139 77.2090",
        "77.209012 28.613939",
        "weights 70 72 68 65 61",
        "60 90 120 180 365",
        "steps 5000 6000 7000 8000",
        "steps 7500 8200 12 14",
        "steps 500 7000 8000 12",
        "6500/100000 steps",
        "85/100 90/100 75/100",
        "BP 140/90 - 130/85 - 128/80",
        "10.0.19045.3803",
        "192.168.100.200",
        "v9.8.7-6.5.4",
        "12 of 34 (35%), 56 of 78 (72%)",
    ],
)
def test_what_is_none_of_them_passes(text):
    assert personal(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2345 6789",
        "250788123123",
        "98 76 54 32 10",
        "98765:43210",
        "9876543-210",
        "98765-03210",
        "98000-43000",
        "080-20260310",
        "abc9876543210a1",
        "nine eight seven six five four three two one zero",
    ],
)
def test_what_the_threat_model_says_is_not_recognised_is_not(text):
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
        "m-2024-0001",
        "m_2024_0001",
        "0000000123",  # counters filled up with zeros
        "00012345678",
        "00223456789",
        "00987654321",
        "1767225600000",
        "1767225600000_1",
        "1541815603606036480",  # a snowflake
        "7001-202603",  # a group and a month
        "7001-2026-10",
        "7001_2026_10",
        "701-2026-123",  # a site, a year and a number
        "012-2026-1234",
        "011-2026-0001",
        "612345/2026",
        "612_004_0012",
        "70001_00012",
        "7001_123456",
        "7001-000123",
        "12-701-1234567",
        "91-1234567890",
        "701-1234567-7654321",  # an order of a shop
        "3f2504e0_4f89_41d3_9a0c_030598765432",
        "3f2504e0_4189_4101_9123_030598765432",
        "2026_0318_0630",  # its last digit fits, as of one in ten
        "20260310_063000",
        "visit/2026/03/10/7/attendance",
        "kobo/9876543/210",
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


SEPARATORS = ["-", "_", "/", ".", " - ", " / ", " . ", " (", ") ", "  ", "   ", ") (", "._", "-.-"]


@given(
    st.from_regex(r"[6-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["", "+91 ", "91-", "0", "m_"]),
    st.sampled_from(SEPARATORS),
    st.sampled_from([(5, 10), (3, 6), (4, 7)]),
)
def test_a_mobile_number_is_recognised_in_parts_unless_they_are_codes_or_amounts(number, code, sign, ends):
    parts = [part for part in (number[: ends[0]], number[ends[0] : ends[1]], number[ends[1] :]) if part]
    joined = any(part[0] == "0" for part in parts[1:]) and sign[-1] not in " ("
    amounts = all(part.endswith("000") for part in parts)
    found = personal(code + sign.join(parts))
    assert found in ("a phone number", "an Aadhaar number") or joined or amounts


@given(
    st.sampled_from([("022", 4), ("079", 4), ("0130", 3), ("0891", 4), ("01262", 3)]),
    st.from_regex(r"[2-7][0-9]{9}", fullmatch=True),
    st.sampled_from(
        ["{0}{1}{2}", "{0} {1}{2}", "{0}-{1}{2}", "({0}) {1}{2}", "{0} {1} {2}", "({0})  {1} {2}"]
    ),
)
def test_a_landline_is_recognised_whole_and_in_its_parts(area, drawn, written):
    code, half = area
    local = drawn[: 11 - len(code)]
    assert personal(written.format(code, local[:half], local[half:])) == "a phone number"


@given(st.integers(0, 10**9 - 1))
def test_no_counter_that_is_filled_up_with_two_zeros_is_taken_for_a_person(count):
    assert personal(f"{count:011d}") is None
    assert personal(f"m-{count:012d}") is None


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
