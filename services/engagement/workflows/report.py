"""The report of a program: what a trial found, what actions did, why groups fade, how far to trust the data.

One text for a director and for a reviewer: the answer first, then what it rests on.
"""

from collections import Counter
from datetime import date, datetime
from importlib.metadata import version

import msgspec
from sqlalchemy import Connection

from engagement.errors import NotFound
from engagement.signals.states import STATES, State
from engagement.store import assignments, decisions, facts, setup
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue
from engagement.workflows.crew import all_names
from engagement.workflows.effects import ActionsFound, effects, material
from engagement.workflows.fading import Fading, fading
from engagement.workflows.harms import Harms, harms
from engagement.workflows.impact import impact
from engagement.workflows.impact_found import Impact
from engagement.workflows.logged import MOST_BY_COMMAND
from engagement.workflows.personalised import Personalised
from engagement.workflows.states import states_of
from engagement.workflows.survey import Surveys
from engagement.workflows.tell import moment
from engagement.workflows.trial_analysis import analyse
from engagement.workflows.trial_found import Analysis
from engagement.workflows.trial_told import Shared, shared
from engagement.workflows.trust import Trust, trust


class Provenance(msgspec.Struct, frozen=True):
    """Whence the figures are: enough to make the same ones again.

    decisions : stored until then, from the first to the last      strategies : id → newest revision
    """

    program: str
    engagement: str
    catalogue: int
    strategies: dict[str, int]
    decisions: int
    first_decision: datetime | None
    last_decision: datetime | None


class Report(msgspec.Struct, frozen=True):
    """Everything that stands in a report.

    states : how many groups are in each on that day      shared : who and what serves several arms
    impact : what two surveys show, where they were given
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
    harms: Harms | None = None
    personalised: tuple[Personalised, ...] = ()


class ReportWanted(msgspec.Struct, frozen=True):
    """trial : the only one when None, or none      surveys : before and after, to assess the impact by"""

    trial: str | None = None
    surveys: Surveys | None = None


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
    count, first, last = decisions.range_of(conn, program_id, now_ms)
    rows = [] if name is None else assignments.of_trial(conn, program_id, name)
    return Report(
        catalogue.program.title,
        on,
        facts.is_simulated(conn),
        len(names),
        {state: standing[state] for state in STATES},
        None if name is None else analyse(conn, kept, program_id, name, now_ms),
        shared(conn, program_id, {row.group_id: row.arm for row in rows}, on),
        _actions(conn, kept, program_id, catalogue, now_ms),
        fading(conn, program_id, catalogue, names, on),
        trust(conn, program_id, names, zone, on),
        Provenance(
            program_id,
            version("engagement"),
            catalogue.revision,
            dict(catalogue.strategy_revisions),
            count,
            None if first is None else moment(first),
            None if last is None else moment(last),
        ),
        None
        if wanted.surveys is None
        else impact(conn, program_id, catalogue.trials.get(name or ""), wanted.surveys),
        harms(conn, kept, program_id, name, now_ms),
    )


def _actions(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, now_ms: int
) -> tuple[ActionsFound, ...]:
    names = sorted(name for name, strategy in catalogue.strategies.items() if strategy.plan is None)
    read = (material(conn, kept, program_id, name, now_ms, MOST_BY_COMMAND) for name in names)
    return tuple(effects(one) for one in read if one.decided)
