"""The months, one by one, through the client.

A month: ask for every active member; answer what waits for a yes; a week later say what was carried
out; let the world live through its month with exactly that; report it; fold. What is reported late
goes with the next occasion after its day.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import numpy as np

from engagement.client import Client, VersionMade
from engagement.demonstration.options import SEATS, WORLDS, Options
from engagement.demonstration.people import People, drawn, rosters
from engagement.demonstration.replies import Replies, replies
from engagement.demonstration.reports import Report, reports
from engagement.errors import EngagementError, Unavailable
from engagement.randomness import generator
from engagement.records import Bools, Floats, Integers
from engagement.simulation.calendar import ASKED, CARRIED_OUT, CLOSING_DAYS, REPORTED, moment
from engagement.simulation.effects import ACTION_EFFECTS, tabulate
from engagement.simulation.peer_group import Month, State, chance_of_coming, month, start
from engagement.strategy.setup import Group
from engagement.workflows.answer import Reply
from engagement.workflows.recommend import Ask
from engagement.workflows.tell import Recommendation

T = TypeVar("T")
Progress = Callable[[Sequence[int]], Iterable[int]]
ACTIONS = tuple(effect.action for effect in ACTION_EFFECTS)
EFFECTS = tabulate(ACTION_EFFECTS)
SENT_AGAIN = 0.03
"""Share of the signals that are sent a second time; a guess."""
TRIES = 20
AT_ONCE = 8
"""People who answer at the same time: the service lets them share its commits."""


class Proposal(NamedTuple):
    """A recommendation and what became of it; `group` and `seat` are places in the world."""

    group: int
    seat: int
    recommendation: Recommendation
    replies: Replies

    @property
    def action(self) -> str:
        """The action proposed."""
        return self.recommendation.action.id

    @property
    def status(self) -> str:
        """How it ended, in one word; `nothing` where there was nothing to do."""
        if self.action == "none":
            return "nothing"
        last = self.replies.later or self.replies.at_once
        return "expired" if last is None else last.status


class Sent(NamedTuple):
    """Signals the service stored, and those it knew already."""

    stored: int
    repeated: int


class Lived(NamedTuple):
    """One month: who was active when it began, what was proposed, what happened, what was learned.

    late, unreported : groups whose report came late, or never though they had met
    """

    month: int
    active: Bools
    proposals: tuple[Proposal, ...]
    happened: Month
    sent: Sent
    late: int
    unreported: int
    versions: tuple[VersionMade, ...]


class Course(NamedTuple):
    """A whole demonstration.

    truth : (K,) what each action adds to the chance of coming, if the meeting is held, for the members
        active in the program's last month, on average; in the order of `ACTIONS`
    closing : what was sent and learned after the last month
    """

    urban: Bools
    months: tuple[Lived, ...]
    truth: Floats
    closing: Sent
    last_versions: tuple[VersionMade, ...]


class _Bag(NamedTuple):
    """What has still to be sent."""

    waiting: tuple[Report, ...] = ()

    def due(self, now: datetime) -> "tuple[_Bag, list[Report]]":
        """The bag without what is due, and that."""
        late = tuple(report for report in self.waiting if report.due > now)
        return _Bag(late), [report for report in self.waiting if report.due <= now]


def begun(options: Options) -> tuple[People, State]:
    """The people and the world on the first day."""
    people = drawn(options.groups, SEATS, options.seed)
    return people, start(WORLDS[options.world], options.groups, SEATS, generator(options.seed, "world"))


def live(client: Client, options: Options, site: str, progress: Progress) -> Course:
    """Lives through every month; what the service refuses is raised, for nothing here may be refused."""
    people, state = begun(options)
    for text in rosters(people, state.urban, options.seed, moment(0, ASKED).date()):
        report = client.import_roster(text)
        if report.refused:
            raise EngagementError(f"line {report.refused[0].line} of the roster: {report.refused[0].problem}")
    urban, truth, bag = state.urban, np.zeros(len(ACTIONS)), _Bag()
    lived: list[Lived] = []
    for index in progress(range(options.months)):
        active = state.active
        bag, early = _arrive(client, bag, moment(index, ASKED))
        proposals = _propose(client, options, people, index, active)
        _reply(client, proposals, lambda said: said.at_once)
        bag, later = _arrive(client, bag, moment(index, CARRIED_OUT))
        _reply(client, proposals, lambda said: said.later)
        if index == options.months_running - 1:
            truth = _truth(options, state)
        before = state
        state, happened = _month(options, state, _carried_out(proposals, active), index)
        draws = generator(options.seed, "reports", str(index)).random((options.groups, 3))
        told = reports(people, index, before, happened, draws)
        bag, last = _arrive(client, _Bag(bag.waiting + told.reports), moment(index, REPORTED))
        bag = _Bag(bag.waiting + _again(options, index, told.reports))
        _end_groups(client, people, site, state, happened)
        sent = Sent(*map(sum, zip(early, later, last, strict=True)))
        made = tuple(client.fold())
        lived.append(Lived(index, active, proposals, happened, sent, told.late, told.unreported, made))
    bag, closing = _arrive(client, bag, moment(options.months, ASKED) + timedelta(days=CLOSING_DAYS))
    return Course(urban, tuple(lived), truth, closing, tuple(client.fold()))


def _month(options: Options, state: State, act: Integers, index: int) -> tuple[State, Month]:
    """The world's month, with chances that depend on nothing but the seed."""
    return month(
        WORLDS[options.world],
        state,
        act,
        EFFECTS,
        index < options.months_running,
        index - options.months_running + 1,
        generator(options.seed, "month", str(index)),
    )


def _truth(options: Options, state: State) -> Floats:
    """What each action would add to the chance of coming this month, over the active members."""
    chances = [
        chance_of_coming(WORLDS[options.world], state, np.full(state.active.shape, action), EFFECTS, True, 0)[
            state.active
        ]
        for action in range(len(ACTIONS))
    ]
    added: Floats = np.array([(chance - chances[0]).mean() for chance in chances])
    return added


def _arrive(client: Client, bag: _Bag, now: datetime) -> tuple[_Bag, Sent]:
    """Moves the clock and sends what is due by then."""
    client.move_clock(now)
    left, due = bag.due(now)
    receipts = client.signals([signal for report in due for signal in report.signals])
    status = [_got(receipt).status for receipt in receipts]
    return left, Sent(status.count("stored"), status.count("repeated"))


def _again(options: Options, index: int, sent: Sequence[Report]) -> tuple[Report, ...]:
    """A few of the month's signals once more, a day after they were due."""
    draws = generator(options.seed, "repeated", str(index))
    return tuple(
        Report(
            report.due + timedelta(days=1),
            tuple(signal for signal in report.signals if draws.random() < SENT_AGAIN),
        )
        for report in sent
    )


def _propose(
    client: Client, options: Options, people: People, index: int, active: Bools
) -> tuple[Proposal, ...]:
    """Asks for every active member, and draws what will become of each answer."""
    if options.strategy == "none":
        return ()
    draws = generator(options.seed, "replies", str(index)).random((*active.shape, 3))
    places = [(int(group), int(seat)) for group, seat in np.argwhere(active)]
    answers = _recommended(client, [people.members[group][seat] for group, seat in places], options.strategy)
    return tuple(
        Proposal(
            group,
            seat,
            answer,
            Replies(None, None)
            if answer.action.id == "none"
            else replies(answer.action.needs_accept, draws[group, seat]),
        )
        for (group, seat), answer in zip(places, answers, strict=True)
    )


def _recommended(client: Client, members: Sequence[str], strategy: str) -> list[Recommendation]:
    """A decision for each member. Where only the safe default came in time, it is asked for again."""
    found: dict[str, Recommendation] = {}
    for _ in range(TRIES):
        missing = [member for member in members if member not in found]
        if not missing:
            return [found[member] for member in members]
        asks = [Ask(member=member, strategy=strategy) for member in missing]
        for answer in map(_got, client.recommend_many(asks)):
            if answer.fallback != "deadline":
                found[answer.member or ""] = answer
    raise Unavailable(f"only the safe default was answered, {TRIES} times")


def _reply(client: Client, proposals: Sequence[Proposal], which: Callable[[Replies], Reply | None]) -> None:
    """Says what became of each proposal, a few at a time, as many people would."""

    def say(proposal: Proposal) -> None:
        said, decision_id = which(proposal.replies), proposal.recommendation.decision_id
        if said is not None and decision_id is not None:
            client.answer(decision_id, said)

    with ThreadPoolExecutor(AT_ONCE) as people:
        for _ in people.map(say, proposals):
            pass  # results are taken so that an error is raised here


def _carried_out(proposals: Sequence[Proposal], active: Bools) -> Integers:
    """The action that each seat was really given, (G, M)."""
    act = np.zeros(active.shape, np.int64)
    for proposal in proposals:
        if proposal.replies.done:
            act[proposal.group, proposal.seat] = ACTIONS.index(proposal.action)
    return act


def _end_groups(client: Client, people: People, site: str, state: State, happened: Month) -> None:
    """Says of each group that was dissolved this month that it has ended."""
    for group in np.flatnonzero(happened.dissolved):
        client.put(
            Group(
                id=people.groups[group],
                site=site,
                setting="urban" if state.urban[group] else "rural",
                ended=True,
            )
        )


def _got(answer: T | EngagementError) -> T:
    """The result, or the error in its place."""
    if isinstance(answer, EngagementError):
        raise answer
    return answer
