"""The command that asks what a program is like, and writes its file."""

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engagement.clock import SystemClock
from engagement.commands.terminal import Arguments, Command, say
from engagement.errors import Invalid
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Program
from engagement.workflows.check_program import check
from engagement.workflows.mistakes import flaws
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, template, template_names
from engagement.workflows.program_file import read_program
from engagement.workflows.write_program import (
    Answers,
    PayerAnswer,
    SiteAnswer,
    WorkerAnswer,
    defaults,
    program_field,
    slug,
    written,
)

T = TypeVar("T")
FIELDS = {field.name: field.type for field in msgspec.structs.fields(Answers)}


def add(command: Command) -> None:
    """Names the command."""
    parser = command("init", _init, "ask what a program is like, and write its file")
    parser.add_argument("file", type=Path, nargs="?", default=Path("program.toml"))
    parser.add_argument("--yes", action="store_true", help="ask nothing: what no option says is the default")
    parser.add_argument("--template", help=f"one of: {', '.join(template_names())}")
    parser.add_argument("--title", help="the program's title")
    parser.add_argument("--id", help="a short id of the program; made of the title when absent")
    parser.add_argument("--time-zone", help="such as Asia/Kolkata")
    parser.add_argument("--language", help="the program's own, two or three letters")
    parser.add_argument("--languages", help="further ones that people speak, comma-separated")
    parser.add_argument("--currency", help="three letters, such as INR")
    parser.add_argument(
        "--site", action="append", metavar="ID[:ENDS_ON[:TITLE]]", help="a site; may be given again"
    )
    parser.add_argument(
        "--payer", action="append", metavar="ID:AMOUNT[:UNTIL]", help="what a payer gives a month; again"
    )
    parser.add_argument(
        "--health-worker", action="append", metavar="ID:CATCHMENT:LANGUAGES", help="languages with +; again"
    )
    parser.add_argument("--leave-out", help="actions of the template not to be offered, comma-separated")
    parser.add_argument("--strategy", help="which of the template's strategies decides for members")
    parser.add_argument("--control", help="share of the groups to compare with, 0 to 0.9")


def _init(arguments: Arguments) -> int:
    file: Path = arguments.file
    if file.exists():
        raise Invalid(f"{file} is there already; nothing was written")
    asking = Asking(arguments)
    text = written(asking.answers())
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as flaw:
        raise Invalid(f"cannot write {file}: {flaw.strerror}") from flaw
    findings = check(read_program(text), asking.today)
    errors = sum(finding.severity == "error" for finding in findings)
    say(
        f"Written: {file}. Open it, change what you like, then:",
        f"  engagement check {file}          # {len(findings)} things to look at, {errors} of them errors",
        "  engagement migrate          # once, and safe to repeat: the tables of the database",
        f"  engagement program load {file}",
    )
    return int(errors > 0)


class Asking:
    """The questions, one after the other; what was given as an option is not asked."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._given = arguments
        self.today = local_date(SystemClock().now_ms(), "UTC")

    def answers(self) -> Answers:
        """Everything that the file is made of."""
        name = self._ask(
            "template", f"Which template ({', '.join(template_names())})", DEFAULT_TEMPLATE, _template_name
        )
        plan, usual = template(name), defaults(name, self.today)
        title = self._ask("title", "Title of the program", usual.title, _field("title"))
        usual = defaults(name, self.today, title)
        language = self._ask("language", "Its own language", usual.language, _field("language"))
        return Answers(
            template=name,
            title=title,
            id=self._ask("id", "A short id for it", slug(title), _field("id")),
            time_zone=self._ask("time_zone", "Time zone", usual.time_zone, _time_zone),
            language=language,
            languages=self._ask(
                "languages",
                "Further languages that people speak, with commas",
                ",".join(row for row in (*usual.languages, usual.language) if row != language),
                _listed(_field_of(FIELDS["language"])),
            ),
            currency=self._ask("currency", "Currency", usual.currency, _program("currency")),
            sites=self._sites(usual),
            payers=self._payers(usual),
            workers=self._workers(language),
            leave_out=self._ask(
                "leave_out",
                "Actions of the template that you do not want, with commas",
                "",
                _listed(_one_of("action", [action.id for action in plan.actions])),
            ),
            strategy=self._strategy(plan, usual),
            control=self._ask(
                "control", "Share of the groups to compare with, 0 to 0.9", "0", _number_of(FIELDS["control"])
            ),
            today=self.today,
        )

    def _ask(self, option: str, question: str, default: str, read: Callable[[str], T]) -> T:
        """An answer: the option's, the default with --yes, or what is typed, until it can be understood."""
        given = getattr(self._given, option, None)
        if given is not None:
            try:
                return read(given)
            except ValueError as flaw:
                raise Invalid(f"--{option.replace('_', '-')}: {flaw}") from flaw
        if self._given.yes:
            return read(default)
        return _typed(question, default, read)

    def _sites(self, usual: Answers) -> tuple[SiteAnswer, ...]:
        if self._given.site or self._given.yes:
            return _several("--site", self._given.site, _site) or usual.sites
        ids = ",".join(site.id for site in usual.sites)
        titles = {site.id: site.title for site in usual.sites}
        names = _typed("Sites, as short ids with commas", ids, _at_least_one(_listed(_field("id"))))
        return tuple(
            SiteAnswer(
                name,
                _typed(f"Title of {name}", titles.get(name, name), _field("title")),
                _typed(f"The program's last day at {name}, such as 2027-03-31, or nothing", "", _day),
            )
            for name in names
        )

    def _payers(self, usual: Answers) -> tuple[PayerAnswer, ...]:
        if self._given.payer or self._given.yes:
            own = {payer.id: payer for payer in _several("--payer", self._given.payer, _payer)}
            return tuple((({payer.id: payer for payer in usual.payers}) | own).values())
        return tuple(
            PayerAnswer(
                payer.id,
                _typed(
                    f"What does {payer.id} pay in a month, in {usual.currency}", str(payer.amount), _amount
                ),
                _typed(f"The last day on which {payer.id} pays, or nothing", "", _day)
                if payer.id != "program"
                else None,
            )
            for payer in usual.payers
        )

    def _workers(self, language: str) -> tuple[WorkerAnswer, ...]:
        if self._given.health_worker or self._given.yes:
            return _several("--health-worker", self._given.health_worker, _worker)
        names = _typed("Health workers, as short ids (no names) with commas", "", _listed(_field("id")))
        return tuple(
            WorkerAnswer(
                name,
                _typed(f"The catchment in which {name} works", "east", _field("id")),
                _typed(f"Languages that {name} speaks, with commas", language, _listed(_field("language"))),
            )
            for name in names
        )

    def _strategy(self, plan: Template, usual: Answers) -> str | None:
        names = [row.id for row in plan.strategies if row.level == "member" and row.plan is None]
        if not names or usual.strategy is None:
            return None
        return self._ask(
            "strategy",
            f"Who decides for members ({', '.join(names)})",
            usual.strategy,
            _one_of("strategy", names),
        )


def _typed(question: str, default: str, read: Callable[[str], T]) -> T:
    while True:
        try:
            answer = input(f"{question}? [{default}] ").strip()
        except EOFError:
            raise Invalid("there is nobody to answer; give --yes, or an option for each question") from None
        try:
            return read(answer or default)
        except ValueError as flaw:
            say(f"  {flaw}")


def _several(option: str, given: Sequence[str] | None, read: Callable[[str], T]) -> tuple[T, ...]:
    try:
        return tuple(read(one) for one in given or ())
    except ValueError as flaw:
        raise Invalid(f"{option}: {flaw}") from flaw


def _checked(value: object, kind: Any) -> Any:
    """A value of a kind; raises ValueError in plain words."""
    found = next(flaws(value, kind), None)
    if found is not None:
        raise ValueError(found.words)
    return value


def _field_of(kind: Any) -> Callable[[str], str]:
    return lambda answer: str(_checked(answer, kind))


def _field(name: str) -> Callable[[str], str]:
    return _field_of(FIELDS[name])


def _program(name: str) -> Callable[[str], str]:
    return _field_of(program_field(name))


def _number_of(kind: Any) -> Callable[[str], float]:
    def read(answer: str) -> float:
        try:
            return float(_checked(float(answer), kind))
        except ValueError as flaw:
            raise ValueError(f"`{answer}` is not a number from 0 to 0.9") from flaw

    return read


def _listed(read: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    return lambda answer: tuple(read(part.strip()) for part in answer.split(",") if part.strip())


def _at_least_one(read: Callable[[str], tuple[T, ...]]) -> Callable[[str], tuple[T, ...]]:
    def some(answer: str) -> tuple[T, ...]:
        found = read(answer)
        if not found:
            raise ValueError("there has to be one at least")
        return found

    return some


def _one_of(what: str, names: Sequence[str]) -> Callable[[str], str]:
    def read(answer: str) -> str:
        if answer not in names:
            raise ValueError(f"there is no {what} `{answer}`; there are {', '.join(names)}")
        return answer

    return read


def _template_name(answer: str) -> str:
    return _one_of("template", template_names())(answer)


def _time_zone(answer: str) -> str:
    found = next(flaws({"id": "x", "title": "x", "time_zone": answer}, Program), None)
    if found is not None:
        raise ValueError(found.words)
    return answer


def _day(answer: str) -> date | None:
    if not answer:
        return None
    try:
        return date.fromisoformat(answer)
    except ValueError:
        raise ValueError(f"`{answer}` is not a day; write it like 2027-03-31") from None


def _amount(answer: str) -> int:
    plain = answer.replace(",", "").replace(" ", "")
    if not plain.isdecimal():
        raise ValueError(f"`{answer}` is not an amount in whole units")
    return int(plain)


def _site(answer: str) -> SiteAnswer:
    name, _, rest = answer.partition(":")
    ends_on, _, title = rest.partition(":")
    return SiteAnswer(_field("id")(name), title or name, _day(ends_on))


def _payer(answer: str) -> PayerAnswer:
    name, amount, until = (*answer.split(":"), "", "")[:3]
    return PayerAnswer(_field("id")(name), _amount(amount), _day(until))


def _worker(answer: str) -> WorkerAnswer:
    name, catchment, languages = (*answer.split(":"), "", "")[:3]
    spoken = tuple(_field("language")(one) for one in languages.split("+"))
    return WorkerAnswer(_field("id")(name), _field("id")(catchment), spoken)
