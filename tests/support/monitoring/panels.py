"""What a dashboard is made of: each panel a question, and the queries that answer it."""

from typing import Literal, NamedTuple

Kind = Literal["lines", "numbers"]
RATE = "$__rate_interval"
PROGRAM = 'program=~"$program"'
STRATEGY = "{{program}} {{strategy}}"
HTTP = "engagement_http_request_seconds"
ASKED = '{route="/v1/recommendations"}'


class Query(NamedTuple):
    """An expression, and how its series are called."""

    expr: str
    legend: str = ""


class Panel(NamedTuple):
    """One panel. title : the question      words : what is good, and what to do when it is not"""

    title: str
    words: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"


class Section(NamedTuple):
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    """A dashboard. by_program : it has a choice of programs"""

    uid: str
    title: str
    words: str
    sections: tuple[Section, ...]
    by_program: bool = True


def rate(counter: str, by: str = "", where: str = "") -> str:
    """A counter's growth a second, summed by labels. where : a selector"""
    summed = f"sum by ({by})" if by else "sum"
    return f"{summed} (rate({counter}{where}[{RATE}]))"


def quantile(share: float, histogram: str, by: str, where: str = "") -> str:
    """A share of a histogram's observations is below this."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({histogram}_bucket{where}[{RATE}])))"


def grown(counter: str, by: str) -> str:
    """How much a counter grew, summed by labels."""
    return f"sum by ({by}) (increase({counter}[{RATE}]))"


def each(metric: str) -> str:
    """A metric of programs, of those that are chosen."""
    return f"engagement_program_{metric}{{{PROGRAM}}}"


def program(metric: str, by: str = "program", where: str = "") -> str:
    """The same, summed by labels. where : further matchers"""
    return f"sum by ({by}) (engagement_program_{metric}{{{PROGRAM}{where}}})"
