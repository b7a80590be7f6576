"""The commands of learning, planning, and asking why."""

import argparse
import re
import secrets
from typing import Any, get_args

import msgspec

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
)
from engagement.errors import Invalid, Mistake
from engagement.store import decisions, events, setup
from engagement.store.database import Database
from engagement.store.wall import LISTING
from engagement.workflows.answer import DecisionId
from engagement.workflows.fold import fold_program
from engagement.workflows.learn_events import EventVerdict, replay_events
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.plan_told import in_words as plan_in_words
from engagement.workflows.plan_told import plan_seen
from engagement.workflows.prior import WORTH_AT_MOST
from engagement.workflows.prior import in_words as prior_in_words
from engagement.workflows.prior import prior as learned_prior
from engagement.workflows.promotion import Wish, promote, tell_promotions
from engagement.workflows.promotion import in_words as promotion_in_words
from engagement.workflows.rebuild import compare, rebuild
from engagement.workflows.replay import Verdict, replay_decisions
from engagement.workflows.seal import seal_if_due

DECISION = re.compile(get_args(DecisionId)[1].pattern)
"""What names a decision; anything else may name an event of a rank."""


def add(command: Command) -> None:
    """Names the commands of this file."""
    for name, run, words in (
        ("fold", _fold, "close what is due, fold every strategy's belief once, seal the ledger once a day"),
        ("rebuild", _rebuild, "make everything derived again from the ledger"),
    ):
        made = command(name, run, words)
        made.add_argument("--program", help="only this program")
        if name == "rebuild":
            made.add_argument("--check", action="store_true", help="only compare; change nothing")

    _describe_plan(command("plan", _plan, "plan a week of the health workers' visits, and print it"))

    replay = command("replay", _replay, "make stored decisions again and compare")
    replay.add_argument("decision", nargs="*", help="decision ids; all of the program's when none is given")
    replay.add_argument("--program", help=ONE_PROGRAM)
    replay.add_argument("--deep", action="store_true", help="fold the belief again as well")

    _say_which(command("promotion", _promotion, "say how a strategy in shadow stands by its rule"))

    _ask_for_prior(command("prior", _prior, "print what a strategy has learned, as a prior for another one"))


def _programs(db: Database, arguments: Arguments) -> list[str]:
    if arguments.program is not None:
        return [only_program(db, arguments)]
    with db.read(LISTING) as conn:
        return setup.program_ids(conn)


def _fold(arguments: Arguments) -> None:
    owner = f"command-{secrets.token_hex(8)}"  # process ids repeat from container to container
    with opened(arguments) as (db, kept):
        now_ms = now_of(db)
        for program_id in _programs(db, arguments):
            made = fold_program(db, kept, program_id, owner, now_ms)
            for strategy, header in made:
                say(
                    f"{strategy}: version {header.version}; {header.rows_in} outcomes in, "
                    f"{header.rows_out} out, {header.rows_missing} without a report"
                )
            if not made:
                say(f"{program_id}: nothing new to learn")
            sealed = seal_if_due(db, program_id, owner, now_ms)
            if sealed is not None:
                say(f"{program_id}: seal {sealed.number} of the ledger, {sealed.digest.hex()}")


def _rebuild(arguments: Arguments) -> int:
    with opened(arguments) as (db, kept):
        found = []
        for program_id in _programs(db, arguments):
            work: Any = compare if arguments.check else rebuild
            found += work(db, kept, program_id)
    for difference in found:
        say(f"differs from the ledger: {difference.table} {difference.key}")
    if arguments.check:
        say("Nothing was changed." if found else "Everything derived agrees with the ledger.")
        return 1 if found else 0
    say(f"Made again; {len(found)} had differed from the ledger.")
    return 0


def _describe_plan(plan: argparse.ArgumentParser) -> None:
    plan.add_argument("--program", help=ONE_PROGRAM)
    plan.add_argument("--strategy", help="the strategy; not needed when only one plans")
    plan.add_argument("--pool", help="only this catchment")
    plan.add_argument("--period", metavar="WEEK", help="such as 2026-W17; this week when absent")


def _plan(arguments: Arguments) -> int:
    given = {name: getattr(arguments, name) for name in PlanAsk.__struct_fields__}
    try:
        ask = msgspec.convert(given, PlanAsk)
    except msgspec.ValidationError as flaw:
        raise Invalid(str(flaw)) from None
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        made = plan_week(db, kept, program_id, ask, now_ms)
        for row in made.pools:
            if row.plan_id is None:
                say(f"{row.pool}: {row.mistake}")
                continue
            with db.read(program_id) as conn:
                say(*plan_in_words(plan_seen(conn, kept, program_id, row.plan_id, "staff", now_ms)))
    if made.nowhere:
        say(f"In no plan: {made.nowhere} whose group is linked to no catchment")
    return 1 if any(row.plan_id is None for row in made.pools) else 0


def _replay(arguments: Arguments) -> int:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        with db.read(program_id) as conn:
            wanted = arguments.decision or decisions.all_ids(conn, program_id) + events.all_ids(
                conn, program_id
            )
            differing = done = imported = shallow = 0
            ids = [name for name in wanted if DECISION.match(name)]
            for verdict in replay_decisions(conn, kept, program_id, ids, deep=arguments.deep):
                done += 1
                imported += verdict.agrees is None
                differing += verdict.agrees is False
                shallow += verdict.not_deep is not None
                if arguments.decision or verdict.agrees is False:
                    say(_verdict_in_words(verdict))
            for event in replay_events(conn, kept, program_id, wanted):
                done += event.event.place == 0
                differing += not event.agrees
                if arguments.decision or not event.agrees:
                    say(_event_in_words(event))
    missing = len(wanted) - done
    words = [f"{done - imported} replayed, {differing} differ"]
    words += [f"{imported} imported, of which nothing can be compared"] if imported else []
    words += [f"{shallow} of beliefs that are gone, since somebody was erased"] if shallow else []
    words += [f"{missing} unknown"] if missing else []
    say(", ".join(words))
    return 1 if differing or missing or (shallow and arguments.decision) else 0


def _verdict_in_words(verdict: Verdict) -> str:
    decision, replayed, keyed, not_deep = verdict
    if keyed is None:
        return f"{decision.decision_id}: imported; there is nothing to compare"
    score = "" if replayed.score_gap is None else f"; scores within {replayed.score_gap:.1e}"
    score = f"; not deeply: {not_deep}" if not_deep else score
    pick = replayed.action
    if replayed.pick_agrees is None:
        pick = "not drawn again, since somebody in its plan was erased"
    return (
        f"{decision.decision_id}: {'agrees' if verdict.agrees else 'DIFFERS'}; "
        f"pick {pick}, stored {decision.action_id}; "
        f"probabilities within {replayed.probability_gap} · 2⁻³²{score}"
    )


def _event_in_words(verdict: EventVerdict) -> str:
    event = verdict.event
    name = f"{event.event_id} {event.slot}".strip()
    return (
        f"{name}: {'agrees' if verdict.agrees else 'DIFFERS'}; pick {verdict.action}, "
        f"stored {event.action_id}; probabilities within {verdict.probability_gap} · 2⁻³²"
    )


def _say_which(promotion: argparse.ArgumentParser) -> None:
    promotion.add_argument("strategy", help="the strategy's id")
    promotion.add_argument("--program", help=ONE_PROGRAM)
    promotion.add_argument("--apply", action="store_true", help="end the shadow, if the rule is met")


def _promotion(arguments: Arguments) -> int:
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        with db.read(program_id) as conn:
            (told,) = tell_promotions(conn, kept, program_id, [arguments.strategy], now_ms)
        if isinstance(told, Mistake):
            raise told
        say(*promotion_in_words(told))
        if not arguments.apply:
            return 0
        wish = Wish(arguments.strategy, told.revision)
        with db.write(program_id) as conn:
            (told,) = promote(conn, kept, program_id, [wish], now_ms)
    if isinstance(told, Mistake):
        raise told
    say(f"Promoted: from revision {told.revision} on its belief decides.")
    return 0


def _ask_for_prior(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("strategy", help="the strategy that learned")
    parser.add_argument("--program", help=ONE_PROGRAM)
    parser.add_argument(
        "--worth-at-most",
        type=float,
        default=WORTH_AT_MOST,
        metavar="RESULTS",
        help=f"how many results each action's mean may count for; {WORTH_AT_MOST:.0f} by default",
    )


def _prior(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        with db.read(program_id) as conn:
            found = learned_prior(conn, kept, program_id, arguments.strategy, arguments.worth_at_most)
    say(prior_in_words(found))
