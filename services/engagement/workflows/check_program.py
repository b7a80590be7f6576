"""What a sound program file still leaves open: what would never be offered, never end, never be learned.

Nothing here keeps a program from being loaded but what is called an error: that cannot be meant.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from engagement.actions.action import READER_OF
from engagement.actions.catalogue import AnyAction
from engagement.actions.chw_linkage import ChwLinkage
from engagement.actions.content import Content, is_gsm_7
from engagement.strategy.strategy import Strategy
from engagement.workflows.program import Template
from engagement.workflows.program_file import Finding, ProgramFile, Severity
from engagement.workflows.toml_places import Place

MEETING = {
    "came_to_next_meeting": "member",
    "next_meeting_held": "adviser",
    "next_meeting_with_three": "group",
}
"""Outcomes read from meetings → the level they say something of."""
DECIDED_FOR = {
    "default_strategy": "members",
    "default_adviser_strategy": "advisers",
    "default_group_strategy": "groups as a whole",
}
LONGEST_MONTH_DAYS = 31
CARRIERS_WITH_TIME = ("adviser", "staff", "health_worker")
LISTED = 6


def check(file: ProgramFile, today: date) -> list[Finding]:
    """Everything to be said about a file, errors first. today : for what lies in the past"""
    if file.plan is None:
        return list(file.mistakes)
    found = [finding for part in PARTS for finding in part(file, file.plan, today)]
    order: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda one: (order[one.severity], one.place or (0, 0)))


def _words(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """Long texts, drafts, languages that are missing."""
    untouched: list[str] = []
    for action in plan.actions:
        if action.retired:
            continue
        for row in action.content:
            yield from _long(action, row, file.place_of_word("action", action.id, row.text))
        drafts = sorted({row.language for row in action.content if row.status == "draft"})
        place = file.place("action", action.id, "content")
        if drafts and place is not None and place != file.place("action", action.id):
            words = f"the words of `{action.id}` are drafts in {', '.join(drafts)}: nobody has reviewed them"
            yield Finding("warning", place, words)
        elif drafts:
            untouched.append(action.id)
    if untouched:
        words = f"the template's words are drafts, for {_listed(untouched)}: let nobody hear them unreviewed"
        yield Finding("warning", file.where.get(("template",)), words)


def _long(action: AnyAction, row: Content, place: Place | None) -> Iterator[Finding]:
    """An SMS in several parts, and a letter that makes it more than it need be."""
    if row.channel != "sms":
        return
    what = f"the SMS of `{action.id}` in `{row.language}`"
    strange = sorted({mark for mark in row.text if not is_gsm_7(mark)})
    if strange and 2 * sum(map(is_gsm_7, row.text)) > len(row.text):
        words = f"{what} is UCS-2, 70 places instead of 160, only for {' '.join(strange)}: write it without"
        yield Finding("warning", place, words)
    if row.parts > 1:
        words = f"{what} takes {row.parts} parts ({row.encoding}) with its variables at full length"
        yield Finding("note", place, f"{words}, and is paid for as often")


def _languages(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """Words that are missing in a language of the program, or for whoever carries the action out."""
    unwritten: dict[tuple[Place | None, str], list[str]] = defaultdict(list)
    for action in plan.actions:
        if action.retired:
            continue
        reader, place = READER_OF[action.carrier], file.place("action", action.id, "content")
        if not action.content:
            words = f"`{action.id}` has no words; whoever is to do it sees its title alone"
            yield Finding("note", place, words)
            continue
        missing = [one for one in file.languages if all(row.language != one for row in action.content)]
        for language in missing:
            unwritten[place, language].append(action.id)
        to_reader = {row.language for row in action.content if row.audience == reader}
        strange = [one for one in file.languages if one not in {*missing, *to_reader}]
        if strange:
            words = f"`{action.id}` has no words in {', '.join(strange)} for the {reader}, who carries it out"
            yield Finding("note", place, f"{words}: they see those for others")
    for (place, language), names in unwritten.items():
        words = f"no words in {language} for {_listed(names)}: not offered to who speaks nothing else"
        yield Finding("warning", place, words)


def _money(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """Payers without a budget or a last day, budgets nobody draws on."""
    paid: dict[str, list[AnyAction]] = defaultdict(list)
    for action in plan.actions:
        if action.cost_minor and not action.retired:
            paid[action.payer].append(action)
    budgets = {budget.id for budget in plan.budgets}
    ends = all(site.ends_on is not None for site in plan.sites)
    for payer, actions in paid.items():
        names = _listed([action.id for action in actions])
        place = file.place("budget", payer) or file.place_of_word("action", actions[0].id, payer)
        if payer not in budgets:
            yield Finding("warning", place, f"`{payer}` pays for {names} and has no budget: without limit")
        endless = [row for row in actions if row.payer_until is None and "sustaining" in row.phases]
        if payer == "program":
            if not ends:
                yield Finding(
                    "warning",
                    place,
                    "`program` pays until the program ends at a site, and a site has no `ends_on`",
                )
        elif endless:
            yield Finding(
                "warning",
                place,
                f"nobody has said until when `{payer}` pays for {_listed([row.id for row in endless])}: "
                "write `payer_until` into them",
            )
    for budget in plan.budgets:
        if budget.id not in paid:
            yield Finding(
                "note", file.place("budget", budget.id), f"no action draws on the budget `{budget.id}`"
            )


def _reach(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """Actions that no strategy offers, levels nobody decides for."""
    offered = {name for row in plan.strategies if not row.paused for name in row.actions}
    for action in plan.actions:
        place = file.place("action", action.id)
        if not action.retired and action.id not in offered:
            yield Finding(
                "warning", place, f"no strategy offers `{action.id}`: add it to the `actions` of one"
            )
    for strategy in plan.strategies:
        if strategy.actions and all(
            action.retired for action in plan.actions if action.id in strategy.actions
        ):
            yield Finding(
                "warning", file.place("strategy", strategy.id), f"every action of `{strategy.id}` is retired"
            )
    for field, level in DECIDED_FOR.items():
        if getattr(plan.program, field) is None:
            yield Finding(
                "note", file.place("program", "", field), f"`{field}` is not set: nobody decides for {level}"
            )


def _dates(file: ProgramFile, plan: Template, today: date) -> Iterator[Finding]:
    """Days that have passed, and ends that are not set."""
    if not plan.sites:
        yield Finding("error", file.where.get(("sites",)), "there is no site: groups have to be somewhere")
    for site in plan.sites:
        place = file.place("site", site.id, "ends_on")
        if site.ends_on is None:
            yield Finding(
                "note", place, f"site `{site.id}` has no `ends_on`: nothing prepares for the end there"
            )
        elif site.ends_on < today:
            yield Finding(
                "warning", place, f"`{site.id}` ended on {site.ends_on}: its groups are in `sustaining`"
            )
    for action in plan.actions:
        if action.payer_until is not None and action.payer_until < today and not action.retired:
            place = file.place("action", action.id, "payer_until")
            yield Finding(
                "warning", place, f"`{action.id}`: its payer's last day, {action.payer_until}, has passed"
            )
    for strategy in plan.strategies:
        if strategy.shadow is not None and strategy.shadow.until < today:
            place = file.place("strategy", strategy.id, "shadow")
            yield Finding(
                "warning", place, f"the shadow of `{strategy.id}` was to be until {strategy.shadow.until}"
            )
    for worker in plan.health_workers:
        if worker.leave and all(leave.ends_on < today for leave in worker.leave):
            place = file.place("health_worker", worker.id, "leave")
            yield Finding("note", place, f"every leave of `{worker.id}` has passed")


def _time(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """What takes nobody any time, or more than there is."""
    most = {"adviser": plan.program.adviser_minutes, "staff": plan.program.staff_minutes}
    for action in plan.actions:
        if action.retired or action.carrier not in CARRIERS_WITH_TIME:
            continue
        place = file.place("action", action.id, "minutes")
        limit = most.get(action.carrier)
        if action.minutes == 0:
            yield Finding(
                "warning",
                place,
                f"`{action.id}` takes the {action.carrier.replace('_', ' ')} no `minutes`: guess them",
            )
        elif limit is not None and action.minutes > limit:
            yield Finding(
                "error",
                place,
                f"`{action.id}` takes {action.minutes} minutes, and `{action.carrier}_minutes` are {limit} a "
                "month: it can never be offered",
            )
        elif action.carrier == "adviser" and action.minutes > plan.program.advisers.minutes(
            plan.program.adviser_minutes, tired=True
        ):
            yield Finding("note", place, f"`{action.id}` takes too long for an adviser who is tired")


def _chances(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """Floors that leave the belief nothing, outcomes that nobody can report."""
    kinds = {group.type for group in plan.groups}
    for strategy in plan.strategies:
        yield from _floors(file, strategy)
        yield from _outcome(file, plan, strategy, only_virtual=kinds == {"virtual"})


def _floors(file: ProgramFile, strategy: Strategy) -> Iterator[Finding]:
    if strategy.bounds is not None or strategy.plan is not None:
        return
    count = 1 + len(strategy.actions)
    for field, floor in [("floor", strategy.least[0]), *(("floors", row.floor) for row in strategy.floors)]:
        if count * floor > 1:
            yield Finding(
                "error",
                file.place("strategy", strategy.id, field),
                f"`{strategy.id}`: {count} choices with `none`, each at least {floor:g}, make more than 1: "
                f"all would be equally likely whatever is learned; at most {1 / count:.3g} fits",
            )


def _outcome(
    file: ProgramFile, plan: Template, strategy: Strategy, *, only_virtual: bool
) -> Iterator[Finding]:
    outcome, place = strategy.outcome, file.place("strategy", strategy.id, "outcome")
    level = MEETING.get(outcome.kind)
    if level is None:
        if strategy.id in {getattr(plan.program, field) for field in DECIDED_FOR}:
            yield Finding("note", place, f"`{strategy.id}` learns only from outcomes that your app posts")
        return
    if level != strategy.level:
        yield Finding(
            "error",
            place,
            f"`{strategy.id}` decides for a {strategy.level}, and `{outcome.kind}` says something of a "
            f"{level}: it could never be reported",
        )
    if only_virtual:
        yield Finding(
            "error",
            place,
            f"`{strategy.id}` waits for a meeting, and every group here is virtual: let it be `posted`",
        )
    if outcome.window_days < LONGEST_MONTH_DAYS and not only_virtual:
        yield Finding(
            "warning",
            place,
            f"`{strategy.id}` looks {outcome.window_days} days ahead, and groups that meet once a month may "
            "not meet within them",
        )


def _workers(file: ProgramFile, plan: Template, _today: date) -> Iterator[Finding]:
    """Links to health workers where there are none, or none who works in a catchment."""
    visits = [row.id for row in plan.actions if isinstance(row, ChwLinkage) and not row.retired]
    if visits and not plan.health_workers:
        yield Finding(
            "note",
            None,
            f"a health worker is needed for {_listed(visits)}, and this file names none: add "
            "[[health_workers]], or retire the actions",
        )
    placed = {link.health_worker for link in file.links}
    for worker in plan.health_workers:
        place = file.place("health_worker", worker.id)
        if worker.id not in placed and any(row.plan for row in plan.strategies if not row.paused):
            yield Finding(
                "warning",
                place,
                f"`{worker.id}` works in no catchment, so no week is planned for them: add [[links]]",
            )
        if not worker.languages:
            yield Finding(
                "warning", place, f"`{worker.id}` speaks no language here, so no group can be given to them"
            )


PARTS = (_words, _languages, _money, _reach, _dates, _time, _chances, _workers)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
