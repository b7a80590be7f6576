"""The command that says what another strategy would have earned, by the ledger or by another system's log."""

from importlib import import_module
from pathlib import Path

import msgspec

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
    text_of,
)
from engagement.errors import Invalid
from engagement.estimators.reward_models import AnyRewardModel, LinearRewards, LogisticRewards, Regressor
from engagement.estimators.value import Value
from engagement.strategy.target import Always, Another, AnyTarget, AsLogged, Even, Watched
from engagement.workflows.evaluate import Question, evaluate
from engagement.workflows.evaluate_log import AnyPolicy, evaluate_log, read_meaning, read_table
from engagement.workflows.evaluation_told import as_csv, in_words, slices_in_words, target_in_words
from engagement.workflows.log_columns import read_columns
from engagement.workflows.logged import MOST_BY_COMMAND

TARGETS = "always:ACTION, even, logged, watched, strategy:ID or strategy:ID@VERSION, table:FILE"
OWN_MODELS: dict[str, AnyRewardModel] = {"linear": LinearRewards(), "logistic": LogisticRewards()}


def add(command: Command) -> None:
    """Names the commands of this file."""
    parser = command(
        "evaluate", _evaluate, "say what another strategy would have earned, by logged decisions"
    )
    parser.add_argument("--target", required=True, help=f"whose value: {TARGETS}")
    parser.add_argument("--program", help=ONE_PROGRAM)
    parser.add_argument("--strategy", help="whose decisions: the strategy in the ledger that made them")
    parser.add_argument("--log", type=Path, help="instead another system's log: CSV, .csv.gz or Parquet")
    parser.add_argument("--mapping", type=Path, help="what the log's columns mean (TOML)")
    parser.add_argument(
        "--model",
        default="linear",
        help="of rewards: linear, logistic, or sklearn.MODULE.CLASS where installed",
    )
    parser.add_argument("--look", type=int, help="how many weekly looks; the weeks in the log when absent")
    parser.add_argument(
        "--slices",
        action="store_true",
        help="besides by setting, role, sex, language, age, barrier, and for the lower quarter of members",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything as JSON")
    form.add_argument("--csv", action="store_true", help="print the estimates as CSV")


def _evaluate(arguments: Arguments) -> None:
    if (arguments.log is None) == (arguments.strategy is None):
        raise Invalid("give --strategy for the ledger, or --log and --mapping for another system's log")
    if arguments.look is not None and arguments.look < 1:
        raise Invalid("--look is counted from 1")
    (_foreign if arguments.strategy is None else _own)(arguments)


def _own(arguments: Arguments) -> None:
    target, model = _target(arguments.target), _model(arguments.model)
    ours = model if isinstance(model, LinearRewards | LogisticRewards) else LinearRewards()
    question = Question(
        strategy=arguments.strategy, target=target, model=ours, look=arguments.look, slices=arguments.slices
    )
    theirs = None if isinstance(model, LinearRewards | LogisticRewards) else model
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        found = evaluate(db, kept, program_id, question, now_ms, most=MOST_BY_COMMAND, model=theirs)
    asked = target_in_words(target) + ("" if found.version is None else f" at version {found.version}")
    words = in_words(asked, found.decisions, found.left_out, found.reports, found.value)
    if found.slices is not None:
        words += ["", *slices_in_words(found.slices)]
    _told(arguments, found, found.value, words)


def _foreign(arguments: Arguments) -> None:
    if arguments.slices:
        raise Invalid("--slices asks the ledger, which knows the members; another system's log does not")
    if arguments.mapping is None:
        raise Invalid("say with --mapping what the log's columns mean")
    meaning = read_meaning(text_of(arguments.mapping).encode())
    policy, asked = _policy(arguments.target)
    columns = read_columns(arguments.log, meaning.delimiter, meaning.missing)
    found = evaluate_log(columns, meaning, policy, model=_model(arguments.model), look=arguments.look)
    words = in_words(asked, found.decisions, found.left_out, found.reports, found.value, found.clusters)
    _told(arguments, found, found.value, words)


def _told(arguments: Arguments, found: object, value: Value | None, words: list[str]) -> None:
    if arguments.json:
        say(msgspec.json.format(msgspec.json.encode(found)).decode())
    elif arguments.csv:
        say(as_csv(value).rstrip("\n"))
    else:
        say(*words)


def _target(text: str) -> AnyTarget:
    """A target as it is written on the command line."""
    kind, _, of = text.partition(":")
    plain: dict[str, AnyTarget] = {"even": Even(), "logged": AsLogged(), "watched": Watched()}
    if kind in plain and not of:
        return plain[kind]
    if kind == "always" and of:
        return Always(of)
    name, _, version = of.partition("@")
    given = {"kind": kind, "strategy": name, "version": version or None}
    try:
        another: Another = msgspec.convert(given, Another, strict=False)
    except msgspec.ValidationError:
        raise Invalid(f"--target is one of {TARGETS}") from None
    return another


def _policy(text: str) -> tuple[AnyPolicy, str]:
    """A target that a foreign log can be asked for, and the same in words."""
    kind, _, file = text.partition(":")
    if kind == "table" and file:
        return read_table(read_columns(Path(file))), f"the policy of {file}"
    target = _target(text)
    if not isinstance(target, Always | Even | AsLogged):
        raise Invalid("another system's log is asked for always:ACTION, even, logged or table:FILE")
    return target, target_in_words(target)


def _model(name: str) -> AnyRewardModel | Regressor:
    """One of ours, or a regressor of scikit-learn by its name."""
    if name in OWN_MODELS:
        return OWN_MODELS[name]
    module, _, kind = name.rpartition(".")
    if not module.startswith("sklearn."):
        raise Invalid(
            "--model is linear, logistic, or a regressor such as sklearn.linear_model.BayesianRidge"
        )
    try:
        made: Regressor = getattr(import_module(module), kind)()
    except (ImportError, AttributeError) as flaw:
        raise Invalid(f"there is no `{name}` here: {flaw}; scikit-learn is installed separately") from flaw
    return made
