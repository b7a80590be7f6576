"""Everything that apps ask of the service, each operation written once.

To add one, write its method here: `@operation`, `Steps[…]` around what it returns, and `self._get`,
`self._post` or `self._send`; what needs several requests says `yield from` before each. `@paged` is for
long lists. Both clients have it from then on.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from engagement.client.outbox import Flushed, Outbox, flushing
from engagement.client.patience import in_time, patiently
from engagement.client.problems import Problem, named, refusal
from engagement.client.steps import Page, Request, Steps, operation, paged
from engagement.errors import EngagementError, Fault
from engagement.store.setup import AnyNoun, noun_of
from engagement.workflows.adviser_candidates import AdviserCandidates
from engagement.workflows.answer import Reply, Standing
from engagement.workflows.brief import Brief
from engagement.workflows.brief_sms import BriefSms
from engagement.workflows.brief_voice import BriefVoice
from engagement.workflows.engagement import Engagement
from engagement.workflows.everybody import AskAll
from engagement.workflows.import_register import RegisterReport
from engagement.workflows.ingest import Receipt, Signal
from engagement.workflows.month import MonthKept
from engagement.workflows.month_told import Month
from engagement.workflows.outcome import Earned, Posted
from engagement.workflows.page_link import LinkAsk, LinkMade, LinkSeen
from engagement.workflows.plan import PlanAsk
from engagement.workflows.plan_life import Swap
from engagement.workflows.plan_told import PlanSeen
from engagement.workflows.recommend import Ask
from engagement.workflows.roster import RosterReport
from engagement.workflows.safety import OpenReferral
from engagement.workflows.story import Story
from engagement.workflows.tell import Recommendation, safe_default
from engagement.workflows.week_sums import WeekList
from engagement.workflows.worklist import WorkItem, WorkList

T = TypeVar("T")
MOST = 1_000
"""Items that the service takes in one request."""
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


class VersionMade(msgspec.Struct, frozen=True):
    """One version that a fold published."""

    strategy: str
    version: int
    rows_in: int
    rows_out: int
    rows_missing: int


# The envelopes of the wire. They ignore what they do not know, so that a newer service may add to them.


class _Asked(msgspec.Struct, frozen=True):
    requests: Sequence[Ask]


class _Answer(msgspec.Struct, frozen=True):
    recommendation: Recommendation | None = None
    problem: Problem | None = None


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
    problem: Problem | None = None


class _StoodMany(msgspec.Struct, frozen=True):
    items: list[_Stood]


class _PoolPlanned(msgspec.Struct, frozen=True):
    plan: PlanSeen | None = None
    problem: Problem | None = None


class _Planned(msgspec.Struct, frozen=True):
    items: list[_PoolPlanned]


class _Reported(msgspec.Struct, frozen=True):
    signals: Sequence[Signal]


class _Result(msgspec.Struct, frozen=True):
    receipt: Receipt | None = None
    problem: Problem | None = None


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


class _Referrals(msgspec.Struct, frozen=True):
    items: tuple[OpenReferral, ...]


class _Time(msgspec.Struct, frozen=True):
    now: datetime


class _Thing(msgspec.Struct, frozen=True):
    revision: int


class Operations:
    """Everything that one asks of a service, written once for both clients.

    Each operation's steps are a generator, see `steps`: `Steps[Story]` is what a blocking client returns
    as a `Story`, and what another one awaits.
    """

    def __init__(self, *, tries: int, timeout_s: float) -> None:
        self._tries = tries
        self._timeout_s = timeout_s

    @operation
    def recommend(self, ask: Ask, *, deadline_s: float | None = None) -> Steps[Recommendation]:
        """What to try next for one member.

        deadline_s : where it is given, there is an answer by then and an outage raises nothing: without the
            service it is the safe default, `none` with `fallback: "deadline"` and no `decision_id`
        """
        if deadline_s is None:
            return (yield from self._recommend(ask))
        default = safe_default(ask.member, ask.group, simulated=False)
        return (yield from in_time(deadline_s, partial(self._recommend, ask), default))

    def _recommend(self, ask: Ask, until_s: float = math.inf) -> Steps[Recommendation]:
        return self._post("/v1/recommendations", ask, Recommendation, until_s)

    @operation
    def recommend_many(
        self, asks: Sequence[Ask], *, deadline_s: float | None = None
    ) -> Steps[list[Recommendation | EngagementError]]:
        """What to try next for many members: for each, in order, an answer or what is wrong with it.

        deadline_s : as for `recommend`; when it passes, everybody has the safe default
        """
        if deadline_s is None:
            return (yield from self._recommend_many(asks))
        default: list[Recommendation | EngagementError] = [
            safe_default(ask.member, ask.group, simulated=False) for ask in asks
        ]
        return (yield from in_time(deadline_s, partial(self._recommend_many, asks), default))

    def _recommend_many(
        self, asks: Sequence[Ask], until_s: float = math.inf
    ) -> Steps[list[Recommendation | EngagementError]]:
        answers: list[_Answer] = []
        for part in _parts(asks):
            page = yield from self._post("/v1/recommendations/batch", _Asked(part), _Answers, until_s)
            answers += page.answers
        return [answer.recommendation or named(answer.problem) for answer in answers]

    @paged
    def recommend_all(self, after: str, wanted: AskAll) -> Steps[Page[Recommendation | EngagementError]]:
        """What to try next for everybody of a group or of the program, page by page, in order of id."""
        wanted = msgspec.structs.replace(wanted, after=after or wanted.after)
        page = yield from self._post("/v1/recommendations/all", wanted, _Everybody)
        answers = [answer.recommendation or named(answer.problem) for answer in page.answers]
        return Page(answers, page.next)

    @paged
    def work(self, after: str, /, **wanted: str) -> Steps[Page[WorkItem]]:
        """What waits to be done, the oldest first. wanted : `status`, `carrier`, `group`, `due_before`"""
        page = yield from self._get("/v1/decisions?" + urlencode(wanted | {"after": after}), WorkList)
        return Page(page.items, page.next)

    @operation
    def work_list(self, carrier: str, /, **wanted: str) -> Steps[WeekList]:
        """What a carrier does now, up to 1,000 things. wanted : `language`, or `after` to go on

        carrier : a kind, a health worker's id, or the id of a group's adviser or deputy
        """
        return self._get(f"/v1/worklists/{_part(carrier)}?" + urlencode({"limit": MOST} | wanted), WeekList)

    @operation
    def make_link(self, wanted: LinkAsk) -> Steps[LinkMade]:
        """A link that opens one page for a while, for somebody who types no key. Sent twice it makes two."""
        return self._post("/v1/links", wanted, LinkMade)

    @operation
    def end_link(self, link_id: str) -> Steps[LinkSeen]:
        """Ends a link at once."""
        return self._send("POST", f"/v1/links/{_part(link_id)}/revoke", LinkSeen)

    @operation
    def answer(self, decision_id: str, reply: Reply) -> Steps[Standing]:
        """Says what became of a decision."""
        return self._post(f"/v1/decisions/{_part(decision_id)}/answers", reply, Standing)

    @operation
    def answer_many(self, replies: Sequence[tuple[str, Reply]]) -> Steps[list[Standing | EngagementError]]:
        """Says what became of many decisions: for each, in order, its standing or what is wrong with it."""
        said = [
            _Said(reply.status, reply.reason, reply.occurred_at, decision_id=key) for key, reply in replies
        ]
        items: list[_Stood] = []
        for part in _parts(said):
            page = yield from self._post("/v1/answers", _SaidMany(part), _StoodMany)
            items += page.items
        return [row.standing or named(row.problem) for row in items]

    @operation
    def post_outcome(self, decision_id: str, reward: float | None) -> Steps[Earned]:
        """Says what a decision earned, from 0 to 1; None when nothing can be known."""
        return self._post(f"/v1/decisions/{_part(decision_id)}/outcome", Posted(reward), Earned)

    @operation
    def signals(self, reports: Sequence[Signal]) -> Steps[list[Receipt | EngagementError]]:
        """Reports what was observed: for each, in order, a receipt or what is wrong with it."""
        return self._signals(reports)

    def _signals(self, reports: Sequence[Signal]) -> Steps[list[Receipt | EngagementError]]:
        results: list[_Result] = []
        for part in _parts(reports):
            page = yield from self._post("/v1/signals", _Reported(part), _Results)
            results += page.results
        return [result.receipt or named(result.problem) for result in results]

    @operation
    def flush(self, outbox: Outbox) -> Steps[Flushed]:
        """Sends what waits in an outbox, the oldest first, until it is empty or there is no service.

        Whatever ends it, nothing is lost, and what is sent twice counts once. A key that may not report
        raises `Unauthenticated` or `Forbidden`; an outage raises nothing and says so in `stopped_by`.
        """
        return flushing(outbox, self._signals)

    @operation
    def plan(self, ask: PlanAsk) -> Steps[list[PlanSeen | EngagementError]]:
        """Plans a week of the health workers' visits: for each pool, in order, its plan or its problem."""
        planned = yield from self._post("/v1/plans", ask, _Planned)
        return [item.plan or named(item.problem) for item in planned.items]

    @operation
    def plan_of(self, plan_id: str) -> Steps[PlanSeen]:
        """A plan, and what became of it."""
        return self._get(f"/v1/plans/{_part(plan_id)}", PlanSeen)

    @operation
    def swap(self, plan_id: str, visits: Swap) -> Steps[PlanSeen]:
        """Lets two health workers exchange their visits; twice would be as before, so it is sent once."""
        path = f"/v1/plans/{_part(plan_id)}/swap"
        return self._send("POST", path, PlanSeen, _json(visits), repeatable=False)

    @operation
    def share_out(self, plan_id: str) -> Steps[PlanSeen]:
        """Shares the visits of a plan out anew, after a change of hours, leave or links."""
        return self._send("POST", f"/v1/plans/{_part(plan_id)}/share", PlanSeen)

    @operation
    def story(self, decision_id: str) -> Steps[Story]:
        """Everything stored about a decision."""
        return self._get(f"/v1/decisions/{_part(decision_id)}", Story)

    @operation
    def engagement_of_member(self, member: str) -> Steps[Engagement]:
        """How a member is doing, as far as the key may see."""
        return self._get(f"/v1/members/{_part(member)}/engagement", Engagement)

    @operation
    def engagement_of_group(self, group: str) -> Steps[Engagement]:
        """How a group is doing, as far as the key may see."""
        return self._get(f"/v1/groups/{_part(group)}/engagement", Engagement)

    @operation
    def adviser_candidates(self, group: str) -> Steps[AdviserCandidates]:
        """Who leads a group, and for staff who could, in the order in which to ask."""
        return self._get(f"/v1/groups/{_part(group)}/adviser-candidates", AdviserCandidates)

    @operation
    def brief(self, group: str) -> Steps[Brief]:
        """What the group's adviser takes to the next meeting, in the group's language."""
        return self._get(f"/v1/groups/{_part(group)}/brief", Brief)

    @operation
    def brief_by_sms(self, group: str) -> Steps[BriefSms]:
        """The same as an SMS of at most three parts."""
        return self._get(f"/v1/groups/{_part(group)}/brief?format=sms", BriefSms)

    @operation
    def brief_by_voice(self, group: str) -> Steps[BriefVoice]:
        """The same to be heard, with a keypad's menu."""
        return self._get(f"/v1/groups/{_part(group)}/brief?format=voice", BriefVoice)

    @operation
    def tell_month(self, group: str, month: Month) -> Steps[MonthKept]:
        """Tells of a group's meeting, as typed on a phone or in full; told again it is the same meeting."""
        return self._post(f"/v1/groups/{_part(group)}/month", month, MonthKept)

    @operation
    def referrals(self) -> Steps[tuple[OpenReferral, ...]]:
        """The safety cases that wait for an answer, the oldest first, as far as the key may see."""
        return (yield from self._get("/v1/referrals", _Referrals)).items

    @operation
    def put(self, thing: AnyNoun) -> Steps[int]:
        """Creates or changes something of the set-up; the number of its newest revision."""
        path = PATHS[noun_of(thing)].format(_part(thing.id))
        return (yield from self._send("PUT", path, _Thing, _json(thing))).revision

    @operation
    def import_roster(self, text: str) -> Steps[RosterReport]:
        """Imports groups, members and seats from CSV text of up to 1,000 lines."""
        return self._send("POST", "/v1/imports/roster", RosterReport, text.encode(), media="text/csv")

    @operation
    def import_register(self, text: str) -> Steps[RegisterReport]:
        """Imports what a meeting register says, from CSV text of up to 1,000 lines."""
        return self._send("POST", "/v1/register", RegisterReport, text.encode(), media="text/csv")

    @operation
    def move_clock(self, now: datetime) -> Steps[datetime]:
        """Moves the time of a simulated service forward; what time it is there."""
        return (yield from self._post("/v1/clock", _Time(now), _Time)).now

    @operation
    def fold(self) -> Steps[list[VersionMade]]:
        """Closes what is due and folds every strategy now; the versions published."""
        return self._send("POST", "/v1/folds", list[VersionMade])

    def _get(self, path: str, kind: type[T]) -> Steps[T]:
        return self._send("GET", path, kind)

    def _post(self, path: str, body: msgspec.Struct, kind: type[T], until_s: float = math.inf) -> Steps[T]:
        return self._send("POST", path, kind, _json(body), until_s=until_s)

    def _send(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: bytes | None = None,
        *,
        media: str = "application/json",
        repeatable: bool = True,
        until_s: float = math.inf,
    ) -> Steps[T]:
        request = Request(method, path, body, media, self._timeout_s, repeatable)
        response = yield from patiently(request, self._tries, until_s)
        if not response.is_success:
            raise refusal(response)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as flaw:
            raise Fault(f"the service answered something else than expected: {flaw}") from flaw


def _json(body: object) -> bytes:
    return msgspec.json.encode(body)


def _part(name: str) -> str:
    """A name as one part of an address."""
    return quote(name, safe="")


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Items in parts that the service takes at once."""
    return (items[start : start + MOST] for start in range(0, len(items), MOST))
