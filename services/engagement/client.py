"""The small Python client that apps install: typed, and patient with a service that is busy.

Everything it sends may be sent again: signals carry ids, a decision point is decided once, an answer
or a revision repeated changes nothing. So a request whose answer was lost, or that was refused
because too much was waiting, is simply repeated, after a pause that grows and is partly chance.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from random import SystemRandom
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from engagement.errors import (
    Conflict,
    EngagementError,
    Fault,
    Forbidden,
    Invalid,
    NoLongerKept,
    NotFound,
    Overloaded,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unusable,
)
from engagement.store.setup import AnyNoun, noun_of
from engagement.workflows.answer import Reply, Standing
from engagement.workflows.engagement import Engagement
from engagement.workflows.everybody import AskAll
from engagement.workflows.import_register import RegisterReport
from engagement.workflows.ingest import Receipt, Signal
from engagement.workflows.outcome import Earned, Posted
from engagement.workflows.page_link import LinkAsk, LinkMade, LinkSeen
from engagement.workflows.plan import PlanAsk
from engagement.workflows.plan_life import Swap
from engagement.workflows.plan_told import PlanSeen
from engagement.workflows.recommend import Ask
from engagement.workflows.roster import RosterReport
from engagement.workflows.safety import OpenReferral
from engagement.workflows.story import Story
from engagement.workflows.tell import Recommendation
from engagement.workflows.week_sums import WeekList
from engagement.workflows.worklist import WorkItem, WorkList

T = TypeVar("T")
MOST = 1_000
"""Items that the service takes in one request."""
PASSING = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed: the service's own 503, and what proxies say."""
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 60.0
"""A service that asks for a longer pause than this is reported as unavailable."""
PATHS = {
    "program": "/v1/program",
    "site": "/v1/sites/{}",
    "budget": "/v1/budgets/{}",
    "strategy": "/v1/strategies/{}",
    "action": "/v1/actions/{}",
    "group": "/v1/groups/{}",
    "member": "/v1/members/{}",
    "health_worker": "/v1/health_workers/{}",
}
PROBLEMS: dict[str, type[EngagementError]] = {
    "invalid": Invalid,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not-found": NotFound,
    "conflict": Conflict,
    "too-large": TooLarge,
    "no-longer-kept": NoLongerKept,
    "overloaded": Overloaded,
    "unavailable": Unavailable,
    "unusable": Unusable,
    "fault": Fault,
}
"""The named error behind the last part of a problem's `type`."""
_by_chance = SystemRandom()  # not keyed: two clients that were refused together must not return together


class VersionMade(msgspec.Struct, frozen=True):
    """One version that a fold published."""

    strategy: str
    version: int
    rows_in: int
    rows_out: int
    rows_missing: int


# The envelopes of the wire. They ignore what they do not know, so that a newer service may add to them.


class _Problem(msgspec.Struct, frozen=True):
    type: str = ""
    title: str = ""
    detail: str | None = None


class _Asked(msgspec.Struct, frozen=True):
    requests: Sequence[Ask]


class _Answer(msgspec.Struct, frozen=True):
    recommendation: Recommendation | None = None
    problem: _Problem | None = None


class _Answers(msgspec.Struct, frozen=True):
    answers: list[_Answer]


class _Everybody(msgspec.Struct, frozen=True):
    answers: list[_Answer]
    next: str | None


class _Said(Reply, frozen=True, kw_only=True):
    decision_id: str


class _SaidMany(msgspec.Struct, frozen=True):
    answers: Sequence[_Said]


class _Stood(msgspec.Struct, frozen=True):
    standing: Standing | None = None
    problem: _Problem | None = None


class _StoodMany(msgspec.Struct, frozen=True):
    items: list[_Stood]


class _PoolPlanned(msgspec.Struct, frozen=True):
    plan: PlanSeen | None = None
    problem: _Problem | None = None


class _Planned(msgspec.Struct, frozen=True):
    items: list[_PoolPlanned]


class _Reported(msgspec.Struct, frozen=True):
    signals: Sequence[Signal]


class _Result(msgspec.Struct, frozen=True):
    receipt: Receipt | None = None
    problem: _Problem | None = None


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


class _Referrals(msgspec.Struct, frozen=True):
    items: tuple[OpenReferral, ...]


class _Time(msgspec.Struct, frozen=True):
    now: datetime


class _Thing(msgspec.Struct, Generic[T], frozen=True):
    revision: int


class Client:
    """A connection to one service with one key. It may be shared by threads.

    address : such as http://127.0.0.1:8000
    tries : how often a request is sent before `Unavailable` is raised
    timeout_s : how long one try may be silent

    What the service refuses is raised under the service's own name for it: `Invalid`, `NotFound`, …
    """

    def __init__(self, address: str, key: str, *, tries: int = 6, timeout_s: float = 30.0) -> None:
        self._tries = tries
        self._http = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_s
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def recommend(self, ask: Ask) -> Recommendation:
        """What to try next for one member."""
        return self._post("/v1/recommendations", ask, Recommendation)

    def recommend_many(self, asks: Sequence[Ask]) -> list[Recommendation | EngagementError]:
        """What to try next for many members: for each, in order, an answer or what is wrong with it."""
        answers = [
            answer
            for part in _parts(asks)
            for answer in self._post("/v1/recommendations/batch", _Asked(part), _Answers).answers
        ]
        return [answer.recommendation or _named(answer.problem) for answer in answers]

    def recommend_all(self, wanted: AskAll) -> Iterator[Recommendation | EngagementError]:
        """What to try next for everybody of a group or of the program, page by page, in order of id."""
        while True:
            page = self._post("/v1/recommendations/all", wanted, _Everybody)
            yield from (answer.recommendation or _named(answer.problem) for answer in page.answers)
            if page.next is None:
                return
            wanted = msgspec.structs.replace(wanted, after=page.next)

    def work(self, **wanted: str) -> Iterator[WorkItem]:
        """What waits to be done, the oldest first. wanted : `status`, `carrier`, `group`, `due_before`"""
        after: str | None = ""
        while after is not None:
            page = self._get("/v1/decisions?" + urlencode(wanted | {"after": after}), WorkList)
            yield from page.items
            after = page.next

    def work_list(self, carrier: str, **wanted: str) -> WeekList:
        """What a carrier does now, up to 1,000 things. wanted : `language`, or `after` to go on

        carrier : a kind, a health worker's id, or the id of a group's adviser or deputy
        """
        return self._get(f"/v1/worklists/{_part(carrier)}?" + urlencode({"limit": MOST} | wanted), WeekList)

    def make_link(self, wanted: LinkAsk) -> LinkMade:
        """A link that opens one page for a while, for somebody who types no key. Sent twice it makes two."""
        return self._post("/v1/links", wanted, LinkMade)

    def end_link(self, link_id: str) -> LinkSeen:
        """Ends a link at once."""
        return self._send("POST", f"/v1/links/{_part(link_id)}/revoke", LinkSeen)

    def answer(self, decision_id: str, reply: Reply) -> Standing:
        """Says what became of a decision."""
        return self._post(f"/v1/decisions/{_part(decision_id)}/answers", reply, Standing)

    def answer_many(self, replies: Sequence[tuple[str, Reply]]) -> list[Standing | EngagementError]:
        """Says what became of many decisions: for each, in order, its standing or what is wrong with it."""
        said = [
            _Said(reply.status, reply.reason, reply.occurred_at, decision_id=key) for key, reply in replies
        ]
        items = [
            row
            for part in _parts(said)
            for row in self._post("/v1/answers", _SaidMany(part), _StoodMany).items
        ]
        return [row.standing or _named(row.problem) for row in items]

    def post_outcome(self, decision_id: str, reward: float | None) -> Earned:
        """Says what a decision earned, from 0 to 1; None when nothing can be known."""
        return self._post(f"/v1/decisions/{_part(decision_id)}/outcome", Posted(reward), Earned)

    def signals(self, reports: Sequence[Signal]) -> list[Receipt | EngagementError]:
        """Reports what was observed: for each, in order, a receipt or what is wrong with it."""
        results = [
            result
            for part in _parts(reports)
            for result in self._post("/v1/signals", _Reported(part), _Results).results
        ]
        return [result.receipt or _named(result.problem) for result in results]

    def plan(self, ask: PlanAsk) -> list[PlanSeen | EngagementError]:
        """Plans a week of the health workers' visits: for each pool, in order, its plan or its problem."""
        items = self._post("/v1/plans", ask, _Planned).items
        return [item.plan or _named(item.problem) for item in items]

    def plan_of(self, plan_id: str) -> PlanSeen:
        """A plan, and what became of it."""
        return self._get(f"/v1/plans/{_part(plan_id)}", PlanSeen)

    def swap(self, plan_id: str, visits: Swap) -> PlanSeen:
        """Lets two health workers exchange their visits."""
        return self._post(f"/v1/plans/{_part(plan_id)}/swap", visits, PlanSeen)

    def share_out(self, plan_id: str) -> PlanSeen:
        """Shares the visits of a plan out anew, after a change of hours, leave or links."""
        return self._send("POST", f"/v1/plans/{_part(plan_id)}/share", PlanSeen)

    def story(self, decision_id: str) -> Story:
        """Everything stored about a decision."""
        return self._get(f"/v1/decisions/{_part(decision_id)}", Story)

    def engagement_of_member(self, member: str) -> Engagement:
        """How a member is doing, as far as the key may see."""
        return self._get(f"/v1/members/{_part(member)}/engagement", Engagement)

    def engagement_of_group(self, group: str) -> Engagement:
        """How a group is doing, as far as the key may see."""
        return self._get(f"/v1/groups/{_part(group)}/engagement", Engagement)

    def referrals(self) -> tuple[OpenReferral, ...]:
        """The safety cases that wait for an answer, the oldest first, as far as the key may see."""
        return self._get("/v1/referrals", _Referrals).items

    def put(self, thing: AnyNoun) -> int:
        """Creates or changes something of the set-up; the number of its newest revision."""
        path = PATHS[noun_of(thing)].format(_part(thing.id))
        stored: _Thing[Any] = self._send("PUT", path, _Thing, _json(thing))
        return stored.revision

    def import_roster(self, text: str) -> RosterReport:
        """Imports groups, members and seats from CSV text of up to 1,000 lines."""
        return self._send("POST", "/v1/imports/roster", RosterReport, text.encode(), media="text/csv")

    def import_register(self, text: str) -> RegisterReport:
        """Imports what a meeting register says, from CSV text of up to 1,000 lines."""
        return self._send("POST", "/v1/register", RegisterReport, text.encode(), media="text/csv")

    def move_clock(self, now: datetime) -> datetime:
        """Moves the time of a simulated service forward; what time it is there."""
        return self._post("/v1/clock", _Time(now), _Time).now

    def fold(self) -> list[VersionMade]:
        """Closes what is due and folds every strategy now; the versions published."""
        return self._send("POST", "/v1/folds", list[VersionMade])

    def _get(self, path: str, kind: type[T]) -> T:
        return self._send("GET", path, kind)

    def _post(self, path: str, body: msgspec.Struct, kind: type[T]) -> T:
        return self._send("POST", path, kind, _json(body))

    def _send(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: bytes | None = None,
        *,
        media: str = "application/json",
    ) -> T:
        headers = {} if body is None else {"Content-Type": media}
        response = self._patiently(self._http.build_request(method, path, content=body, headers=headers))
        if not response.is_success:
            raise _refusal(response)
        return msgspec.json.decode(response.content, type=kind)

    def _patiently(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is not a passing refusal, or the last refusal when tries run out."""
        for attempt in count(1):
            last = attempt >= self._tries
            try:
                response = self._http.send(request)
            except (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError) as broken:
                if last:
                    raise Unavailable(f"{request.url.host} does not answer: {broken}") from broken
                asked_for = 0.0
            else:
                asked_for = _seconds(response.headers.get("retry-after"))
                if response.status_code not in PASSING or last or asked_for > PATIENCE_S:
                    return response
            time.sleep(pause(attempt, asked_for, _by_chance.random()))
        raise AssertionError("counting has no end")


def pause(attempt: int, asked_for_s: float, chance: float) -> float:
    """Seconds to wait after a try that failed, never less than the service asked for.

    attempt : from 1    chance : in [0, 1), spreads the pause over the upper half of its length
    """
    grown = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))
    return asked_for_s + grown * (0.5 + 0.5 * chance)


def _seconds(retry_after: str | None) -> float:
    """The pause that a header asks for; 0 where it names a date, which this service never does."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0


def _refusal(response: httpx.Response) -> EngagementError:
    """An answer that is no success as the error it names; a proxy's page says nothing but its status."""
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem()
    if problem.type:
        return _named(problem)
    words = f"the service answered {response.status_code} {response.reason_phrase}".rstrip()
    return (Unavailable if response.status_code in PASSING else Fault)(words)


def _named(problem: _Problem | None) -> EngagementError:
    """The error that a problem names; one that this client does not know yet is a mistake."""
    if problem is None:
        return Fault("the service answered neither a result nor a problem")
    return PROBLEMS.get(problem.type.rpartition(":")[2], Invalid)(problem.detail or problem.title)


def _json(body: object) -> bytes:
    return msgspec.json.encode(body)


def _part(name: str) -> str:
    """A name as one part of an address."""
    return quote(name, safe="")


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Items in parts that the service takes at once."""
    return (items[start : start + MOST] for start in range(0, len(items), MOST))
