"""Counts for DHIS2: what a month's groups did, by site, against counts made by hand."""

import json
from collections import Counter
from datetime import date

import msgspec
import pytest
from jsonschema import Draft202012Validator

from engagement.errors import Invalid
from engagement.signals.states import STATES
from engagement.strategy.setup import Group, Site
from engagement.workflows.dhis2 import (
    COUNTS,
    Dhis2Map,
    count_groups,
    data_values,
    month_before,
    month_of,
    read_map,
    unmapped,
)
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from support.peer_groups import came, held, met_goal, ms, said, seat

MARCH = date(2026, 3, 1)
UID = "f7n9E0hX8qk"
SHAPE = {
    "type": "object",
    "required": ["dataValues"],
    "additionalProperties": False,
    "properties": {
        "dataSet": {"$ref": "#/$defs/uid"},
        "dataValues": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["dataElement", "period", "orgUnit", "value"],
                "additionalProperties": False,
                "properties": {
                    "dataElement": {"type": "string"},
                    "period": {"type": "string", "pattern": "^[0-9]{6}$"},
                    "orgUnit": {"type": "string"},
                    "value": {"type": "string", "pattern": "^[0-9]+$"},
                },
            },
        },
    },
    "$defs": {"uid": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9]{10}$"}},
}
"""As DHIS2's documentation of `dataValueSets` has it, for values of several organisation units."""


def counted(here, first=MARCH, day=60.0):
    counts, after = Counter(), ""
    while after is not None:
        with here.db.read() as conn:
            some, after = count_groups(conn, here.kept, here.id, first, after, ms(day))
        counts.update(some)
    return counts


def of(counts, site):
    return {name: counts[site, name] for name in COUNTS if counts[site, name]}


def test_a_month_is_counted_as_one_would_by_hand(here):
    seat(here, "g0,m0,1", "g0,m1,2", "g0,m2,3", "g1,n0,1", "g1,n1,2")
    told = [
        *(came(name, 4, yes) for name, yes in (("m0", 1), ("m1", 1), ("m2", 0))),
        held("g0", 4),
        said("goal_set", 4, 2, member="m0"),
        said("goal_set", 4, 4, member="m1"),
        met_goal("m1", 5),
        met_goal("m0", 5, 0),
        held("g1", 6, 0),
        came("m0", 35),  # in April, as is all that follows
        met_goal("m0", 35),
    ]
    assert all(not isinstance(one, Exception) for one in here.run(ingest, told, day=50))
    assert of(counted(here), "here") == {
        "groups_wavering": 2,  # g0: two of three came, which makes fewer than three present
        "members": 5,
        "meetings_expected": 2,
        "meetings_held": 1,
        "meetings_not_held": 1,
        "attendances": 2,
        "attendances_known": 3,
        "goals_set": 2,
        "goals_met": 1,
        "goals_missed": 1,
    }


def test_silence_is_unreported_and_a_postponed_meeting_is_not_expected(here):
    seat(here, "g0,m0,1", "g1,n0,1")
    here.run(ingest, [said("meeting_postponed", 4, group="g1")], day=5)
    counts = of(counted(here), "here")
    assert (counts["meetings_expected"], counts["meetings_unreported"]) == (1, 1)
    before = of(counted(here, day=30), "here")  # nine days after the last day of March: not yet silence
    assert (before["meetings_expected"], "meetings_unreported" in before) == (1, False)


def test_days_are_those_of_the_program_s_own_calendar(here):
    seat(here, "g0,m0,1")
    here.run(ingest, [came("m0", 21.5 - 1 / 24)], day=50)  # 23:00 of 31 March in Kolkata
    here.run(ingest, [came("m0", 21.5 + 1 / 24)], day=50)  # one in the morning of 1 April
    assert of(counted(here), "here")["attendances"] == 1
    assert of(counted(here, date(2026, 4, 1)), "here")["attendances"] == 1


def test_sites_are_counted_apart_and_more_groups_than_one_call_looks_at(here):
    here.run(revise, [Site(id="there", title="There")])
    seat(
        here,
        *(f"g{n:02},m{n},1,{'there' if n % 3 else 'here'}" for n in range(25)),
        columns="group,member,seat,site",
    )
    counts = counted(here)
    assert (counts["here", "members"], counts["there", "members"]) == (9, 16)
    assert sum(counts["there", f"groups_{state}"] for state in STATES) == 16


def test_a_group_that_was_not_there_yet_is_not_counted(here):
    seat(here, "g0,m0,1", day=40)
    assert counted(here, MARCH) == Counter()
    assert counted(here, date(2026, 4, 1))["here", "members"] == 1


def test_who_left_is_counted_until_the_month_s_end_and_no_longer(here):
    seat(here, "g0,m0,1", "g0,m1,2")
    here.run(ingest, [said("left", 10, member="m1")], day=11)
    assert counted(here)["here", "members"] == 1


def test_an_ended_group_is_counted_as_ended(here):
    seat(here, "g0,m0,1")
    here.run(revise, [Group(id="g0", site="here", ended=True)], day=5)
    assert of(counted(here), "here")["groups_ended"] == 1


def test_a_month_to_come_is_refused(here):
    with pytest.raises(Invalid, match="202607 is yet to come"):
        counted(here, date(2026, 7, 1))


def test_the_month_before_is_that_of_the_program_s_calendar(here):
    with here.db.read() as conn:
        found = [month_before(conn, here.kept, here.id, ms(day)) for day in (0, 21.5 - 1 / 24, 21.5 + 1 / 24)]
    assert found == [date(2026, 2, 1), date(2026, 2, 1), date(2026, 3, 1)]


# --- as DHIS2 takes it --------------------------------------------------------------------------------

SOME = Counter({("here", "members"): 12, ("here", "goals_met"): 3, ("there", "members"): 5})
UNIT, OTHER_UID, DATA_SET = "DiszpKrYNg8", "Ix2HsbDMLea", "pBOMPrpg1QX"
MAP = Dhis2Map(org_units={"here": UNIT}, data_elements={"members": UID, "goals_missed": OTHER_UID})


def written(made):
    return json.loads(msgspec.json.encode(made))


def test_values_have_the_shape_that_dhis2_documents():
    for mapping in (None, MAP, msgspec.structs.replace(MAP, data_set=DATA_SET)):
        Draft202012Validator(SHAPE).validate(written(data_values(SOME, "202603", mapping)))


def test_with_a_map_what_is_mapped_goes_by_its_uids_and_the_rest_is_left_out():
    assert written(data_values(SOME, "202603", MAP)) == {
        "dataValues": [
            {"dataElement": UID, "period": "202603", "orgUnit": UNIT, "value": "12"},
            {"dataElement": OTHER_UID, "period": "202603", "orgUnit": UNIT, "value": "0"},
        ]
    }
    assert unmapped(SOME, MAP) == ("there",)


def test_without_a_map_sites_and_counts_go_by_codes():
    made = written(data_values(SOME, "202603", None))["dataValues"]
    assert len(made) == 2 * len(COUNTS)
    assert {"dataElement": "ENGAGEMENT_MEMBERS", "period": "202603", "orgUnit": "there", "value": "5"} in made
    assert max(len(value["dataElement"]) for value in made) <= 50  # as long as a code may be


def test_small_numbers_are_left_out_on_request_and_zeros_stay():
    values = {value.org_unit: [] for value in data_values(SOME, "202603", None).data_values}
    for value in data_values(SOME, "202603", None, least=5).data_values:
        values[value.org_unit].append(value.value)
    assert sorted(set(values["here"])) == ["0", "12"]
    assert sorted(set(values["there"])) == ["0", "5"]


def test_a_map_file_is_read():
    text = f'data_set = "{DATA_SET}"\n[org_units]\nhere = "{UNIT}"\n[data_elements]\nmembers = "{UID}"\n'
    assert read_map(text.encode()) == Dhis2Map(
        org_units={"here": UNIT}, data_elements={"members": UID}, data_set=DATA_SET
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "org_units"),
        (f'[org_units]\nhere = "x"\n[data_elements]\nmembers = "{UID}"\n', "org_units"),
        (f'[org_units]\nhere = "{UID}"\n[data_elements]\nsmiles = "{UID}"\n', "no count `smiles`"),
        (f'[org_units]\nhere = "{UID}"\n[data_elements]\n', "data_elements"),
        (f'[org_units]\nhere = "{UID}"\n[data_elements]\nmembers = "{UID}"\n[more]\n', "more"),
        ("[org_units", "map file"),
    ],
)
def test_a_map_file_that_cannot_be_is_refused_with_where(text, words):
    with pytest.raises(Invalid, match=words):
        read_map(text.encode())


@pytest.mark.parametrize("written", ["202613", "March", "", "2026"])
def test_a_month_that_is_none_is_refused(written):
    with pytest.raises(Invalid, match="202603"):
        month_of(written)
