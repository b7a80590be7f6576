"""A program file is written from a few answers: what is asked stands in it, the template says the rest."""

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from engagement.actions.action import PROGRAM, Id, Text
from engagement.strategy.setup import Program
from engagement.strategy.stratum import Language
from engagement.workflows.program import Template, template

MINOR = 100
"""Minor units in one of the currency; where a currency has other ones, the file is to be corrected."""


class SiteAnswer(msgspec.Struct, frozen=True):
    """A site, and the program's last day there; None where it is not known."""

    id: Id
    title: Text
    ends_on: dt.date | None = None


class PayerAnswer(msgspec.Struct, frozen=True):
    """What a payer gives in a month, in whole units of the currency, and until when."""

    id: Id
    amount: Annotated[int, msgspec.Meta(ge=0, le=10**10)]
    until: dt.date | None = None


class WorkerAnswer(msgspec.Struct, frozen=True):
    """A health worker by pseudonym: where, and in which languages."""

    id: Id
    catchment: Id
    languages: tuple[Language, ...]


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What `engagement init` asks.

    languages : further ones, beside the program's own      leave_out : actions of the template to retire
    strategy : the one that decides for members, None for the template's own
    control : the share of the groups that are kept to compare with, 0 for none
    today : from which day on health workers work where they do
    """

    template: str
    id: Id
    title: Text
    time_zone: str
    language: Language
    languages: tuple[Language, ...]
    currency: str
    sites: Annotated[tuple[SiteAnswer, ...], msgspec.Meta(min_length=1)]
    payers: tuple[PayerAnswer, ...]
    workers: tuple[WorkerAnswer, ...]
    leave_out: tuple[Id, ...]
    strategy: Id | None
    control: Annotated[float, msgspec.Meta(ge=0, le=0.9)]
    today: dt.date


def slug(title: str) -> str:
    """An id made of a title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64] or "program"


def defaults(name: str, today: dt.date, title: str | None = None) -> Answers:
    """What a template would answer."""
    plan = template(name)
    program = plan.program
    written = sorted({row.language for action in plan.actions for row in action.content} - {program.language})
    return Answers(
        template=name,
        id=slug(title or program.title),
        title=title or program.title,
        time_zone=program.time_zone,
        language=program.language,
        languages=tuple(written),
        currency=program.currency,
        sites=tuple(SiteAnswer(site.id, site.title) for site in plan.sites),
        payers=tuple(PayerAnswer(budget.id, budget.limit_minor // MINOR) for budget in plan.budgets),
        workers=(),
        leave_out=(),
        strategy=program.default_strategy,
        control=0.0,
        today=today,
    )


def written(answers: Answers) -> str:
    """The program file, with what each part is for."""
    plan = template(answers.template)
    parts = (_head, _program, _sites, _budgets, _actions, _strategies, _workers, _trials)
    return "\n".join(line for part in parts for line in (*part(answers, plan), ""))


def _head(answers: Answers, _plan: Template) -> Iterator[str]:
    yield "# A program. Check it with `engagement check` and load it with `engagement program load`, again"
    yield "# after every change: only what differs is changed, and nothing is ever deleted."
    yield ""
    yield "# Whatever this file does not say is as in the template. A table with an id of the template's"
    yield "# changes what it names; any other id is something new."
    yield f"template = {_text(answers.template)}"
    yield "# Languages that people in the program speak, beside its own."
    yield f"languages = {_texts(answers.languages)}"


def _program(answers: Answers, plan: Template) -> Iterator[str]:
    yield "[program]"
    yield f"id = {_text(answers.id)} # never change it: by it the program is found again"
    yield f"title = {_text(answers.title)}"
    yield f"time_zone = {_text(answers.time_zone)}"
    yield f"language = {_text(answers.language)}"
    yield f"currency = {_text(answers.currency)}"
    if answers.strategy is not None:
        yield "# Who decides for members; see the strategies below."
        yield f"default_strategy = {_text(answers.strategy)}"
    yield "# Minutes that may be asked of an adviser in a month for one group, beyond the meeting."
    yield f"adviser_minutes = {plan.program.adviser_minutes}"


def _sites(answers: Answers, plan: Template) -> Iterator[str]:
    yield "# --- where ---"
    yield "# `ends_on` is the program's last day at a site; groups are prepared `handover_days` before it."
    for site in answers.sites:
        yield ""
        yield "[[sites]]"
        yield f"id = {_text(site.id)}"
        yield f"title = {_text(site.title)}"
        yield f"ends_on = {site.ends_on}" if site.ends_on else "# ends_on = 2027-03-31"
        yield "handover_days = 92"
    for group in plan.groups:
        yield ""
        yield "[[groups]]"
        yield f"id = {_text(group.id)}"
        yield f"site = {_text(answers.sites[0].id)}"


def _budgets(answers: Answers, plan: Template) -> Iterator[str]:
    yield "# --- who pays ---"
    if not plan.budgets:
        yield "# Nothing in this template costs money. For what does, add a payer:"
        yield "# [[budgets]]"
        yield '# id = "program"'
        yield '# period = "month" # month, quarter, year or program'
        yield "# limit_minor = 2000000 # in the currency's smallest unit"
        return
    yield f"# Limits are in the currency's smallest unit: {MINOR} of them make one {answers.currency}."
    for payer in answers.payers:
        yield ""
        yield "[[budgets]]"
        yield f"id = {_text(payer.id)}"
        yield 'period = "month"'
        yield f"limit_minor = {payer.amount * MINOR}"


def _actions(answers: Answers, plan: Template) -> Iterator[str]:
    yield "# --- what is tried: changes to the template's actions, and your own ---"
    ends = {payer.id: payer.until for payer in answers.payers if payer.until is not None}
    for action in plan.actions:
        # the program's own money ends at each site with the program there; it needs no other day
        until = ends.get(action.payer) if action.cost_minor and action.payer != PROGRAM else None
        if action.id in answers.leave_out:
            yield from ("", "[[actions]]", f"id = {_text(action.id)}", "retired = true # not offered")
        elif until is not None:
            yield from ("", "[[actions]]", f"id = {_text(action.id)}")
            yield f"payer_until = {until} # the last day on which `{action.payer}` pays"
    yield ""
    yield "# An action of your own looks like this; name it in the `actions` of a strategy under a new id."
    yield "# [[actions]]"
    yield '# kind = "nudge" # nudge, incentive or chw_linkage'
    yield '# id = "walk_together"'
    yield '# title = "Two members walk to the meeting together"'
    yield '# barrier = "motivation" # money, motivation, awareness, time or sabotage'
    yield '# carrier = "adviser" # app, adviser, health_worker, staff or group_fund'
    yield "# minutes = 5"
    yield "# cool_down_days = 25"
    yield '# content = [{ language = "en", text = "Ask who lives on their way and could walk with them." }]'


def _strategies(answers: Answers, plan: Template) -> Iterator[str]:
    yield "# --- how it is chosen ---"
    yield "# The template's strategies. Which actions one weighs can never change under its id."
    for strategy in plan.strategies:
        yield f"#   {strategy.id}: {strategy.title} ({strategy.level})"
    chosen = next((row for row in plan.strategies if row.id == answers.strategy), None)
    if chosen is None or not answers.control:
        return
    yield ""
    yield "# In this share of the groups a fixed order decides, so that the others can be compared with them."
    yield "# It holds for ever: it cannot be changed under this id."
    yield "[[strategies]]"
    yield f"id = {_text(chosen.id)}"
    order = _texts(chosen.fallback.actions)
    baseline = f'{{ kind = "fixed_order", actions = {order} }}'
    yield f"control = {{ share = {answers.control:g}, baseline = {baseline} }}"


def _workers(answers: Answers, _plan: Template) -> Iterator[str]:
    yield "# --- health workers: pseudonyms, never names ---"
    for worker in answers.workers:
        yield ""
        yield "[[health_workers]]"
        yield f"id = {_text(worker.id)}"
        yield f"languages = {_texts(worker.languages)}"
        yield "hours_a_week = 2.0 # for groups"
        yield "minutes_a_visit = 45 # with the way there"
        yield ""
        yield "[[links]]"
        yield f"health_worker = {_text(worker.id)}"
        yield f"catchment = {_text(worker.catchment)} # as in the roster's column `catchment`"
        yield f"starts_on = {answers.today}"


def _trials(answers: Answers, plan: Template) -> Iterator[str]:
    yield "# --- strategies compared by lot, if you want to know which keeps groups alive: docs/trials.md ---"
    learned = next((row for row in plan.strategies if row.level == "member" and row.plan is None), None)
    if learned is None:
        return
    yield "# A trial's strategies are its own: none of them may be a default, or have decided before."
    yield "# [[strategies]]"
    yield '# id = "compared"'
    yield '# title = "Learns in the trial"'
    yield f"# actions = {_texts(learned.actions)}"
    yield "#"
    yield "# [[trials]]"
    yield '# id = "which"'
    yield '# title = "Which keeps groups going?"'
    yield '# unit = "group" # what is drawn: group, catchment or health_worker'
    yield f"# starts_on = {answers.today}"
    yield '# conditions = [{ id = "alone", title = "The adviser alone" },'
    yield '#   { id = "learned", title = "Learned", strategies = ["compared"] }]'


def _text(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _texts(words: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, words))}]"


def program_field(name: str) -> object:
    """The type of a field of a program, to check an answer with."""
    return next(field.type for field in msgspec.structs.fields(Program) if field.name == name)
