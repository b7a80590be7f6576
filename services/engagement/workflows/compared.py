"""Strategies compared: what a trial found so far, and what the actions of a strategy did.

Both are the figures of the report; here they are read whenever somebody looks.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake, NotFound, TooLarge
from engagement.store import assignments, beliefs, decisions, setup
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue
from engagement.workflows.effects import ActionsFound, effects, material
from engagement.workflows.trial_analysis import analyse
from engagement.workflows.trial_found import Analysis
from engagement.workflows.trial_told import Shared, shared

MOST = 20_000
"""Decisions read for one look: some seconds' work. Beyond, the report's command reads them all."""


class ComparedWanted(NamedTuple):
    """Which trial and which strategy's actions; "" for the first that has something to tell."""

    trial: str
    strategy: str


class Compared(msgspec.Struct, frozen=True):
    """What was compared. trials, strategies : of which there is something to tell

    trial : null where nobody was drawn into any      shared : who and what serves several of its arms
    actions : of one strategy, null where none has decided      too_many : more decisions than are read here
    titles : of actions, and of the trial's conditions by arm
    """

    trials: tuple[str, ...]
    trial: Analysis | None
    shared: tuple[Shared, ...]
    strategies: tuple[str, ...]
    strategy: str
    actions: ActionsFound | None
    too_many: bool
    titles: dict[str, str]
    currency: str


def compared(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[ComparedWanted], now_ms: int
) -> list[Compared | Mistake]:
    """What is known by now."""
    out: list[Compared | Mistake] = []
    for one in wanted:
        try:
            out.append(_compared(conn, kept, program_id, one, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _compared(conn: Connection, kept: Kept, program_id: str, wanted: ComparedWanted, now_ms: int) -> Compared:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    trials = [name for name in sorted(catalogue.trials) if assignments.any_of(conn, program_id, name)]
    trial = _chosen("trial", wanted.trial, trials, catalogue.trials)
    deciding = _deciding(conn, program_id, catalogue)
    strategy = _chosen("strategy", wanted.strategy, deciding, catalogue.strategies)
    found, too_many = None, False
    if strategy in deciding:
        try:
            found = effects(material(conn, kept, program_id, strategy, now_ms, MOST))
        except TooLarge:
            too_many = True
    rows = assignments.of_trial(conn, program_id, trial) if trial in trials else []
    day = local_date(now_ms, catalogue.program.time_zone)
    titles = {name: action.title for name, action in catalogue.actions.items()}
    if trial:
        titles |= {one.id: one.title for one in catalogue.trials[trial].conditions}
    return Compared(
        tuple(trials),
        analyse(conn, kept, program_id, trial, now_ms) if trial in trials else None,
        shared(conn, program_id, {row.group_id: row.arm for row in rows}, day) if rows else (),
        tuple(deciding),
        strategy,
        found,
        too_many,
        titles,
        catalogue.program.currency,
    )


def _chosen(noun: str, wanted: str, told: Sequence[str], known: Container[str]) -> str:
    """The one that is wanted, else the first of which there is something to tell; "" for none.

    raises : NotFound for one that there is not
    """
    if wanted and wanted not in known:
        raise NotFound(f"there is no {noun} `{wanted}` in this program")
    return wanted or next(iter(told), "")


def _deciding(conn: Connection, program_id: str, catalogue: Catalogue) -> list[str]:
    """Strategies that choose one by one and have decided, those that learned most often first."""
    single = sorted(name for name, row in catalogue.strategies.items() if row.plan is None)
    ever = decisions.deciding(conn, program_id, single)
    versions = beliefs.pointers(conn, program_id, single)
    return sorted(ever, key=lambda name: (-versions.get(name, 0), name))
