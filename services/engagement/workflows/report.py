"""The report of a program: what a trial found, what actions did, why groups fade, how far to trust the data.

One text for a director and for a reviewer: the answer first, then what it rests on.
"""

from collections import Counter
from datetime import date, datetime
from importlib.metadata import version
from platform import python_version

import msgspec
from sqlalchemy import Connection

from engagement.errors import NotFound
from engagement.signals.states import STATES, State
from engagement.store import assignments, beliefs, decisions, facts, setup, signals
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue
from engagement.workflows.crew import all_names
from engagement.workflows.effects import ActionsFound, effects, material
from engagement.workflows.fading import Fading, fading
from engagement.workflows.gained import Gained, gained
from engagement.workflows.harms import Harms, harms
from engagement.workflows.impact import impact
from engagement.workflows.impact_found import Impact
from engagement.workflows.logged import MOST_BY_COMMAND
from engagement.workflows.personalised import Personalised
from engagement.workflows.report_told import of_program, of_trial
from engagement.workflows.states import states_of
from engagement.workflows.survey import Surveys
from engagement.workflows.tell import moment
from engagement.workflows.trial_analysis import analyse
from engagement.workflows.trial_found import Analysis
from engagement.workflows.trial_rows import rows_of
from engagement.workflows.trial_told import Shared, shared
from engagement.workflows.trust import Trust, trust

SEED = 0
"""Of every generator that redraws for an interval."""


class Provenance(msgspec.Struct, frozen=True):
    """Whence the figures are: enough to make the same ones again.

    decisions : stored until then, from the first to the last      strategies : id → newest revision
    signals : likewise, by the moment they were recorded      beliefs : strategy → newest version
    libraries : versions of what computed      seed : that of every redraw, keyed by what is redrawn
    """

    program: str
    engagement: str
    catalogue: int
    strategies: dict[str, int]
    decisions: int
    first_decision: datetime | None
    last_decision: datetime | None
    signals: int = 0
    first_signal: datetime | None = None
    last_signal: datetime | None = None
    beliefs: dict[str, int] = {}
    libraries: dict[str, str] = {}
    seed: int = SEED


class Report(msgspec.Struct, frozen=True):
    """Everything that stands in a report.

    states : how many groups are in each on that day      shared : who and what serves several arms
    impact : what two surveys show, where they were given
    sentences : the whole in three, for a director      gained : what the trial's arms cost, and for what
    actions : what those of each strategy did that has decided, plans aside
    simulated : time is made up, and so are the people
    harms : reports of harm by arm and by action
    personalised : of each strategy that learns, where somebody asked: it is computed after all is read
    """

    title: str
    on: date
    simulated: bool
    groups: int
    states: dict[State, int]
    trial: Analysis | None
    shared: tuple[Shared, ...]
    actions: tuple[ActionsFound, ...]
    fading: Fading
    trust: Trust
    provenance: Provenance
    impact: Impact | None = None
    sentences: tuple[str, ...] = ()
    gained: Gained | None = None
    currency: str = "INR"
    harms: Harms | None = None
    personalised: tuple[Personalised, ...] = ()


class ReportWanted(msgspec.Struct, frozen=True):
    """trial : the only one when None, or none      surveys : before and after, to assess the impact by

    most : decisions of one strategy that may be read
    """

    trial: str | None = None
    surveys: Surveys | None = None
    most: int = MOST_BY_COMMAND


def report(conn: Connection, kept: Kept, program_id: str, wanted: ReportWanted, now_ms: int) -> Report:
    """The report of a program.

    raises : NotFound for an unknown trial, and where there are several and none is named
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    zone = catalogue.program.time_zone
    on = local_date(now_ms, zone)
    name = wanted.trial
    if name is None and len(catalogue.trials) > 1:
        raise NotFound(f"there are several trials; name one of {', '.join(sorted(catalogue.trials))}")
    name = name or next(iter(catalogue.trials), None)
    if wanted.trial is None and name is not None and not assignments.any_of(conn, program_id, name):
        name = None  # nobody was assigned yet, so nothing was compared
    names = all_names(conn, program_id, "group")
    standing = Counter(row.state for row in states_of(conn, kept, program_id, names, now_ms).values())
    states = {state: standing[state] for state in STATES}
    assigned = [] if name is None else assignments.of_trial(conn, program_id, name)
    found = None if name is None else analyse(conn, kept, program_id, name, now_ms)
    bought = None if name is None else _gained(conn, kept, program_id, catalogue, name, on)
    actions = _actions(conn, kept, program_id, catalogue, now_ms, wanted.most)
    why, currency = fading(conn, program_id, catalogue, names, on), catalogue.program.currency
    return Report(
        catalogue.program.title,
        on,
        facts.is_simulated(conn),
        len(names),
        states,
        found,
        shared(conn, program_id, {row.group_id: row.arm for row in assigned}, on),
        actions,
        why,
        trust(conn, program_id, names, zone, on),
        _provenance(conn, program_id, catalogue, now_ms),
        None
        if wanted.surveys is None
        else impact(conn, program_id, catalogue.trials.get(name or ""), wanted.surveys),
        of_program(states, actions, why) if found is None else of_trial(found, bought, currency),
        bought,
        currency,
        harms(conn, kept, program_id, name, now_ms),
    )


def _gained(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, name: str, on: date
) -> Gained:
    trial = catalogue.trials[name]
    return gained(trial, rows_of(conn, kept, program_id, catalogue, trial, on))


def _provenance(conn: Connection, program_id: str, catalogue: Catalogue, now_ms: int) -> Provenance:
    decided, first, last = decisions.range_of(conn, program_id, now_ms)
    heard, first_heard, last_heard = signals.range_of(conn, program_id, now_ms)
    return Provenance(
        program=program_id,
        engagement=version("engagement"),
        catalogue=catalogue.revision,
        strategies=dict(catalogue.strategy_revisions),
        decisions=decided,
        first_decision=_moment(first),
        last_decision=_moment(last),
        signals=heard,
        first_signal=_moment(first_heard),
        last_signal=_moment(last_heard),
        beliefs=beliefs.pointers(conn, program_id, sorted(catalogue.strategies)),
        libraries={"Python": python_version(), **{name: version(name) for name in ("numpy", "scipy")}},
    )


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)


def _actions(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, now_ms: int, most: int
) -> tuple[ActionsFound, ...]:
    names = sorted(name for name, strategy in catalogue.strategies.items() if strategy.plan is None)
    read = (material(conn, kept, program_id, name, now_ms, most) for name in names)
    return tuple(effects(one) for one in read if one.decided)
