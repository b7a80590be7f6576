"""A new program from a template: its set-up, its draw secret, and nothing about people."""

import secrets
from importlib.resources import files

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Text
from engagement.actions.catalogue import AnyAction
from engagement.errors import EngagementError, Invalid
from engagement.store import setup
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun
from engagement.strategy.setup import Budget, Group, HealthWorker, Program, Site
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Trial
from engagement.workflows.mistakes import UNREAD, unread
from engagement.workflows.revise import DEFAULTS, revise

DEFAULT_TEMPLATE = "ncd-peer-groups"
TEMPLATES = files("engagement.workflows") / "templates"


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program's set-up as one file; groups only where every such program has them."""

    program: Program
    sites: tuple[Site, ...] = ()
    budgets: tuple[Budget, ...] = ()
    actions: tuple[AnyAction, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    groups: tuple[Group, ...] = ()
    health_workers: tuple[HealthWorker, ...] = ()
    trials: tuple[Trial, ...] = ()

    def things(self) -> list[AnyNoun]:
        """Everything in an order in which each finds what it names."""
        return [
            *self.sites, *self.groups, *self.health_workers, *self.budgets, *self.actions, *self.strategies,
            self.program, *self.trials,
        ]  # fmt: skip


def template_names() -> list[str]:
    """The templates that come with the service."""
    return sorted(
        entry.name.removesuffix(".toml") for entry in TEMPLATES.iterdir() if entry.name.endswith(".toml")
    )


def template(name: str) -> Template:
    """A template that comes with the service, by name."""
    return read_template(template_text(name).encode())


def template_text(name: str) -> str:
    """A template as it is written."""
    if name not in template_names():
        raise Invalid(f"there is no template `{name}`; there are {', '.join(template_names())}")
    return (TEMPLATES / f"{name}.toml").read_text(encoding="utf-8")


def read_template(content: bytes) -> Template:
    """A template from TOML."""
    try:
        return msgspec.toml.decode(content, type=Template)
    except UNREAD as flaw:
        raise Invalid(f"the set-up file: {unread(flaw)}") from flaw


def create_program(
    conn: Connection, kept: Kept, plan: Template, now_ms: int, *, title: Text | None = None
) -> str:
    """Creates a program with everything in the template, or nothing; returns its id."""
    program_id = uuid7(now_ms)
    program = plan.program if title is None else msgspec.structs.replace(plan.program, title=title)
    bare = msgspec.structs.replace(program, **dict.fromkeys(DEFAULTS))
    setup.create_program(conn, program_id, secrets.token_bytes(32), now_ms)
    setup.revise(conn, program_id, [bare], now_ms)
    things = msgspec.structs.replace(plan, program=program).things()
    for result in revise(conn, kept, program_id, things, now_ms):
        if isinstance(result, EngagementError):
            raise result
    return program_id
