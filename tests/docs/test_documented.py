"""Whatever has a name that users meet is explained: on which page, below which heading, in a row of a table.

A name that is missing fails with the place where it belongs; so does one that no longer exists, and a
row without words.
"""

import argparse
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple, get_args

import msgspec
import pytest
from litestar.exceptions import HTTPException

from docs.pages import ROOT, headings, named_below, tables
from engagement import cli
from engagement.actions.action import PHASES, Action, Barrier, Carrier
from engagement.actions.availability import Reason
from engagement.actions.catalogue import AnyAction
from engagement.actions.contacts import Contacts
from engagement.actions.content import VARIABLES, Channel, Content, Reader, Reviewer
from engagement.actions.incentive import Incentive
from engagement.actions.taper import Step
from engagement.api import description, problems
from engagement.api.app import build
from engagement.api.service import Service
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.posteriors import AnyPosterior
from engagement.clock import SimulatedClock
from engagement.settings import PREFIX, Settings
from engagement.signals.catalogue import CATALOGUE
from engagement.signals.features import FEATURES
from engagement.signals.rhythm import EveryMonth, EveryWeeks
from engagement.signals.safety import SafetyKind
from engagement.signals.signal import REPORTERS, Audience
from engagement.signals.states import STATES
from engagement.store.database import Database
from engagement.store.keys import Scope
from engagement.store.tables import DERIVED, LEDGER, metadata
from engagement.strategy.advisers import Advisers
from engagement.strategy.arms import Arm, Control, Shadow
from engagement.strategy.baseline import AnyBaseline
from engagement.strategy.life import ReasonCode, Status
from engagement.strategy.prices import Prices
from engagement.strategy.promotion import ConditionName, GainWanted, Rule
from engagement.strategy.quiet import QuietHours
from engagement.strategy.ranking import Ranking
from engagement.strategy.screening import Screening, ScreeningWeights
from engagement.strategy.setup import (
    REFERRALS,
    Barriers,
    Budget,
    Consent,
    Group,
    HealthWorker,
    Leave,
    Link,
    Member,
    Membership,
    Program,
    Referral,
    Role,
    Site,
    Switched,
)
from engagement.strategy.strategy import Fallback, Outcome, Strategy
from engagement.strategy.stratum import Stratum, StratumFloor
from engagement.telemetry import JsonLines, Metrics
from engagement.workflows.program import DEFAULT_TEMPLATE, template
from engagement.workflows.program_metrics import metric_names as metrics_of_programs
from engagement.workflows.register import COLUMNS as REGISTER
from engagement.workflows.regroup import Merge, Mover, Split
from engagement.workflows.roster import COLUMNS
from engagement.workflows.tell import REFUSED_FROM, WITHHELD, WITHHELD_FROM, Withheld

DICTIONARY = "docs/data-dictionary.md"
OPERATIONS = "docs/operations.md"
METRICS = "docs/metrics.md"
API = "docs/api.md"
PROBLEMS = "docs/problems.md"


class Place(NamedTuple):
    """Names, and where their readers look for them."""

    what: str
    names: tuple[str, ...]
    page: str
    heading: str


def fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(struct))


def tags(union: Any) -> tuple[str, ...]:
    return tuple(str(choice.__struct_config__.tag) for choice in get_args(union))


def metric_names() -> Iterator[str]:
    process = Metrics()
    process.watch_disk(lambda: 0, lambda: 0)
    for family in process.registry.collect():
        yield family.name + ("_total" if family.type == "counter" else "")


PLAN = template(DEFAULT_TEMPLATE)
COMMUNITY = template("virtual-community")
SETUP = (
    Program,
    Advisers,
    Screening,
    ScreeningWeights,
    Referral,
    Site,
    Group,
    Leave,
    Link,
    Merge,
    Split,
    Mover,
    Member,
    Barriers,
    Consent,
    Membership,
    Budget,
    Action,
    Content,
    Strategy,
    Outcome,
    Fallback,
    Contacts,
    QuietHours,
    Step,
    Prices,
    Stratum,
    StratumFloor,
    Switched,
    Control,
    Shadow,
    Rule,
    GainWanted,
    Ranking,
)

PLACES = [
    Place("setting", tuple(PREFIX + name.upper() for name in fields(Settings)), OPERATIONS, "Settings"),
    Place("metric of a process", tuple(metric_names()), METRICS, "Processes"),
    Place("metric of programs", tuple(metrics_of_programs()), METRICS, "Programs"),
    Place(
        "field of a log line",
        ("time", "level", "logger", "message", *JsonLines.FIELDS, "error", "where"),
        OPERATIONS,
        "Logs",
    ),
    Place("scope", get_args(Scope), OPERATIONS, "Scopes"),
    Place("signal", tuple(signal.kind for signal in CATALOGUE), DICTIONARY, "Signals"),
    Place("feature", tuple(feature.name for feature in FEATURES), DICTIONARY, "Features"),
    Place("audience", get_args(Audience), DICTIONARY, "Audiences"),
    Place("kind of action", ("none", *tags(AnyAction)), DICTIONARY, "Kinds of action"),
    Place(
        "action of the template",
        tuple(action.id for action in PLAN.actions),
        DICTIONARY,
        "Actions of the template",
    ),
    Place(
        "strategy of the template",
        tuple(row.id for row in PLAN.strategies),
        DICTIONARY,
        "Strategies of the template",
    ),
    Place(
        "action of the virtual community",
        tuple(action.id for action in COMMUNITY.actions),
        DICTIONARY,
        "Actions of the virtual community",
    ),
    Place(
        "strategy of the virtual community",
        tuple(row.id for row in COMMUNITY.strategies),
        DICTIONARY,
        "Strategies of the virtual community",
    ),
    Place(
        "field of Incentive",
        tuple(set(fields(Incentive)) - set(fields(Action))),
        DICTIONARY,
        "Set-up: Incentive",
    ),
    Place("variable", tuple(f"{{{name}}}" for name in VARIABLES), DICTIONARY, "Variables of a wording"),
    Place("reader", get_args(Reader), DICTIONARY, "Readers"),
    Place("channel", get_args(Channel), DICTIONARY, "Channels"),
    Place("reviewer", get_args(Reviewer), DICTIONARY, "Reviewers"),
    Place("reason", tuple(reason.name.lower() for reason in Reason), DICTIONARY, "Reasons of unavailability"),
    Place("reason to withhold", tuple(WITHHELD), DICTIONARY, "When nothing is decided"),
    Place("referral", tuple(REFERRALS), DICTIONARY, "Referrals"),
    Place("status", get_args(Status), DICTIONARY, "Life of a decision"),
    Place("reason code", get_args(ReasonCode), DICTIONARY, "Reasons of an answer"),
    Place("belief", tags(AnyPosterior), DICTIONARY, "Beliefs"),
    Place("exploration rule", tags(AnyAllocation), DICTIONARY, "Exploration rules"),
    Place("outcome", get_args(Outcome.__annotations__["kind"]), DICTIONARY, "Outcomes"),
    Place("baseline", tags(AnyBaseline), DICTIONARY, "Baselines"),
    Place("arm", get_args(Arm), DICTIONARY, "Arms"),
    Place("condition", get_args(ConditionName), DICTIONARY, "Conditions of a rule"),
    Place("phase", PHASES, DICTIONARY, "Phases"),
    Place("field of HealthWorker", fields(HealthWorker), DICTIONARY, "Set-up: Health worker"),
    Place("state", STATES, DICTIONARY, "States of a group"),
    Place("field of EveryWeeks", fields(EveryWeeks), DICTIONARY, "Rhythm: every so many weeks"),
    Place("field of EveryMonth", fields(EveryMonth), DICTIONARY, "Rhythm: every month"),
    Place("barrier", get_args(Barrier), DICTIONARY, "Barriers"),
    Place("carrier", get_args(Carrier), DICTIONARY, "Carriers"),
    Place("role", get_args(Role), DICTIONARY, "Roles"),
    Place("column of a roster", tuple(COLUMNS), DICTIONARY, "Roster"),
    *(
        Place(f"column of a {layout}'s line", tuple(columns), DICTIONARY, f"Register: one line a {layout}")
        for layout, columns in REGISTER.items()
    ),
    *(
        Place(f"field of {kind.__name__}", fields(kind), DICTIONARY, f"Set-up: {kind.__name__}")
        for kind in SETUP
    ),
    *(
        Place(f"column of {table.name}", tuple(table.c.keys()), DICTIONARY, f"`{table.name}`")
        for table in metadata.sorted_tables
    ),
]

each_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.what.replace(" ", "-"))


def explained(place: Place) -> dict[str, tuple[str, ...]]:
    return named_below((ROOT / place.page).read_text(), place.heading)


def missing(names: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted(set(names) - set(known))


@each_place
def test_every_name_is_explained(place: Place) -> None:
    lacking = missing(place.names, explained(place))
    assert not lacking, f"{place.what} {', '.join(lacking)}: write a row in {place.page}, “{place.heading}”"


@each_place
def test_no_name_is_explained_that_is_gone(place: Place) -> None:
    gone = missing(explained(place), place.names)
    assert not gone, (
        f"{place.page}, “{place.heading}” explains {', '.join(gone)}, which the code does not have"
    )


@each_place
def test_no_explanation_is_empty(place: Place) -> None:
    empty = sorted(key for key, cells in explained(place).items() if not all(cells) or not cells)
    assert not empty, f"{place.page}, “{place.heading}”: {', '.join(empty)} has an empty cell"


def test_a_missing_name_would_be_seen() -> None:
    assert missing(("a", "b"), {"b": (), "c": ()}) == ["a"]


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_a_table_stands_in_the_part_it_belongs_to(table: Any) -> None:
    found = headings((ROOT / DICTIONARY).read_text())
    parts = ("Ledger", "Derived", "Neither")
    belongs = "Ledger" if table in LEDGER else "Derived" if table in DERIVED else "Neither"
    above = found[: found.index(f"`{table.name}`")]
    assert next(part for part in reversed(above) if part in parts) == belongs


@pytest.mark.parametrize("signal", CATALOGUE, ids=lambda signal: signal.kind)
def test_a_signal_is_described_as_the_catalogue_has_it(signal: Any) -> None:
    level, value, half_life, audience, reporters, chain, _words = named_below(
        (ROOT / DICTIONARY).read_text(), "Signals"
    )[signal.kind]
    assert (level, half_life, audience) == (signal.level, f"{signal.half_life_days:g} days", signal.audience)
    assert reporters == ("anybody" if signal.reported_by == REPORTERS else ", ".join(signal.reported_by))
    assert chain == signal.chain
    assert all(choice in value for choice in signal.choices)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name.lower())
def test_a_reason_of_unavailability_is_described_with_who_sees_it(reason: Reason) -> None:
    told = named_below((ROOT / DICTIONARY).read_text(), "Reasons of unavailability")
    assert told[reason.name.lower()][0] == REFUSED_FROM[reason]


@pytest.mark.parametrize("why", WITHHELD)
def test_a_reason_to_withhold_is_described_with_who_sees_it(why: Withheld) -> None:
    told = named_below((ROOT / DICTIONARY).read_text(), "When nothing is decided")
    assert told[why][0] == WITHHELD_FROM[why]


@pytest.mark.parametrize("kind", REFERRALS)
def test_a_referral_is_described_with_its_role_and_hours(kind: SafetyKind) -> None:
    told = named_below((ROOT / DICTIONARY).read_text(), "Referrals")
    assert told[kind] == (REFERRALS[kind].role, str(REFERRALS[kind].answer_hours))


def cells_of(action: AnyAction) -> tuple[str, ...]:
    """Kind, level, barrier, cost, payer, carrier, minutes, burden: as the dictionary writes them."""
    return (
        str(action.__struct_config__.tag),
        action.level,
        str(action.barrier),
        f"{action.cost_minor:,}",
        action.payer,
        action.carrier.replace("_", " "),
        str(action.minutes),
        str(action.burden),
    )


@pytest.mark.parametrize(
    ("heading", "action"),
    [
        *(("Actions of the template", action) for action in PLAN.actions),
        *(("Actions of the virtual community", action) for action in COMMUNITY.actions),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_an_action_is_described_as_the_template_has_it(heading: str, action: AnyAction) -> None:
    cells = named_below((ROOT / DICTIONARY).read_text(), heading)[action.id]
    *told, again, phases, _words = cells
    assert tuple(told) == cells_of(action)
    assert again.split(",")[0] == f"{action.cool_down_days} days"
    assert phases == ("all" if action.phases == PHASES else ", ".join(action.phases))


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_is_described_as_the_catalogue_has_it(feature: Any) -> None:
    _words, unit, _range, audience = named_below((ROOT / DICTIONARY).read_text(), "Features")[feature.name]
    assert (unit, audience) == (feature.unit, feature.audience)


@pytest.mark.parametrize("name", fields(Settings))
def test_a_setting_is_given_with_its_default(name: str) -> None:
    default = named_below((ROOT / OPERATIONS).read_text(), "Settings")[PREFIX + name.upper()][0]
    assert default.strip("`") == (str(getattr(Settings(), name)).replace("True", "true") or "none")


# --- the command line -----------------------------------------------------------------------------


def commands() -> dict[str, argparse.ArgumentParser]:
    (choices,) = (
        action.choices for action in cli._parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(choices)


def arguments(parser: argparse.ArgumentParser) -> set[str]:
    return {
        action.option_strings[-1] if action.option_strings else action.dest
        for action in parser._actions
        if action.dest != "help"
    }


@pytest.mark.parametrize("command", commands())
def test_every_command_and_argument_is_explained(command: str) -> None:
    heading = f"`engagement {command}`"
    known = named_below((ROOT / OPERATIONS).read_text(), heading)
    everywhere = named_below((ROOT / OPERATIONS).read_text(), "Commands")
    lacking = missing(arguments(commands()[command]), {**known, **everywhere})
    assert heading in headings((ROOT / OPERATIONS).read_text()), f"{OPERATIONS} needs a section {heading}"
    assert not lacking, f"{', '.join(lacking)}: write a row in {OPERATIONS}, {heading}"


def test_no_command_is_explained_that_is_gone() -> None:
    found = {line for line in headings((ROOT / OPERATIONS).read_text()) if line.startswith("`engagement ")}
    assert found == {f"`engagement {command}`" for command in commands()}


@pytest.mark.parametrize("command", commands())
def test_no_argument_is_explained_that_is_gone(command: str) -> None:
    known = named_below((ROOT / OPERATIONS).read_text(), f"`engagement {command}`")
    assert not missing(known, arguments(commands()[command]))


# --- the interface --------------------------------------------------------------------------------


@pytest.fixture
def routes(tmp_path: Any) -> Iterator[dict[str, set[str]]]:
    """Path → methods of every route, those of a simulated service among them."""
    service = Service(
        Database(f"sqlite:///{tmp_path}/routes.db"), SimulatedClock(0), Settings(fold_every_s=0)
    )
    try:
        described = msgspec.json.decode(description.described(build(service).app.app))
        yield {path: {verb.upper() for verb in item} for path, item in described["paths"].items()}
    finally:
        service.close()


def test_every_route_is_explained_and_no_other(routes: dict[str, set[str]]) -> None:
    served = {f"{verb} {path}" for path, verbs in routes.items() for verb in verbs}
    written = named_below((ROOT / API).read_text(), "Every route")
    assert missing(served, written) == [], f"write a row in {API}, “Every route”"
    assert missing(written, served) == [], f"{API}, “Every route” explains what is gone"


def problem_types() -> dict[str, int]:
    """Type → status of every problem: our own errors, and what the framework refuses."""
    ours = [problems.problem_of(error()) for error in problems.STATUS]
    refused = [
        problems.on_http(None, HTTPException(status_code=status)).content
        for status in HTTPStatus
        if status >= 400
    ]
    # one of the framework's refusals may carry a type of ours; ours says which status it has
    return {problem.type: problem.status for problem in [*refused, *ours]}


@pytest.mark.parametrize("kind", sorted(problem_types()))
def test_every_problem_has_a_section_with_cause_and_remedy(kind: str) -> None:
    found = [table for table in tables((ROOT / PROBLEMS).read_text()) if table.heading == f"`{kind}`"]
    assert found, f"write a section `{kind}` in {PROBLEMS}"
    rows = dict(found[0].rows)
    assert rows.keys() == {"status", "cause", "remedy"}
    assert rows["status"] == str(problem_types()[kind])
    assert all(rows.values())


def test_no_problem_is_explained_that_is_gone() -> None:
    found = {line.strip("`") for line in headings((ROOT / PROBLEMS).read_text()) if "urn:" in line}
    assert found == set(problem_types())
