"""Late, repeated, shuffled delivery ends in the same state as one delivery in order."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import Mistake
from engagement.signals.catalogue import BY_KIND
from engagement.store import decisions, setup
from engagement.store.database import Database
from engagement.workflows.ingest import Receipt, Signal, ingest
from engagement.workflows.rebuild import compare, derived
from engagement.workflows.safety import OpenReferral, open_referrals
from support.peer_groups import FOLDED, Here, a_program, decided, moment, said, seat

MEMBERS = ("m0", "m1", "m2")
GROUPS = ("g0", "g1")
HEARD = 60.0
"""The day of the last delivery, long after windows have closed."""


class Delivery(NamedTuple):
    """What is delivered before the decisions mature, in batches, and what only comes afterwards."""

    in_time: list[list[Signal]]
    late: list[list[Signal]]


@st.composite
def reports(draw: st.DrawFn) -> list[Signal]:
    """First reports and corrections of them, of corrections, and of what never arrives."""
    out: list[Signal] = []
    for number in range(draw(st.integers(1, 8))):
        unit = draw(st.sampled_from([*({"member": name} for name in MEMBERS), {"group": GROUPS[0]}]))
        kinds = [kind for kind, signal in BY_KIND.items() if signal.level == next(iter(unit))]
        kind = draw(st.sampled_from(sorted(kinds)))
        about = draw(chain_of(kind))
        out.append(said(kind, draw(DAYS), draw(value_of(kind)), id=str(number), chain=about, **unit))
    for number in range(draw(st.integers(0, 6))):
        before = draw(st.sampled_from(out))
        value = draw(st.none() | value_of(before.kind))
        named = draw(st.sampled_from([before.id, f"absent-{before.kind}-{before.member}-{before.group}"]))
        unit = {"group": before.group} if before.member is None else {"member": before.member}
        identity = draw(st.sampled_from("az")) + str(number)
        about = draw(chain_of(before.kind))
        out.append(said(before.kind, draw(DAYS), value, id=identity, corrects=named, chain=about, **unit))
    return out


DAYS = st.integers(0, 80).map(lambda half: half / 2)


def value_of(kind: str) -> st.SearchStrategy[int]:
    return st.integers(BY_KIND[kind].low, BY_KIND[kind].high)


def chain_of(kind: str) -> st.SearchStrategy[str | None]:
    """What a report of a kind may be about."""
    named = st.sampled_from(["one", "other"])
    return {"never": st.none(), "may": st.none() | named, "must": named}[BY_KIND[kind].chain]


@st.composite
def deliveries(draw: st.DrawFn, signals: list[Signal]) -> Delivery:
    """The same reports three times each, shuffled, cut into batches, some of them late."""
    order = draw(st.permutations(signals * 3))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=4)))
    batches = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    in_time = draw(st.integers(0, len(batches)))
    return Delivery(batches[:in_time], batches[in_time:])


class State(NamedTuple):
    """All that follows from signals: tallies, rewards, where members sit, who is messaged, open referrals."""

    tallies: dict[tuple[str, str], bytes]
    rewards: list[float | None]
    seats: list[str | None]
    consents: list[bool]
    referrals: list[tuple[OpenReferral, ...] | Mistake]


def state_after(db: Database, delivery: Delivery) -> State:
    """A new program in which m0 moves from g0 to g1 on day 10, after this delivery."""
    here = a_program(db)
    seat(here, "g0,m0,1", "g0,m1,2", "g1,m2,1")
    seat(here, "g1,m0,2,2026-03-20", columns="group,member,seat,joined_on")
    made = decided(here, *MEMBERS)
    for batch in delivery.in_time:
        deliver(here, batch)
    here.fold()
    for batch in delivery.late:
        deliver(here, batch)
    assert compare(db, here.kept, here.id) == []
    earned = here.read(decisions.outcomes, made)
    sits = here.read(setup.memberships_on, MEMBERS, moment(HEARD).date())
    people = here.read(setup.newest, "member", MEMBERS)
    return State(
        here.read(derived).tallies,
        [earned[decision][-1].reward for decision in made],
        [sits[name].group for name in MEMBERS],
        [people[name].thing.consent.messages for name in MEMBERS],
        here.run(open_referrals, ["staff"], day=HEARD),
    )


def deliver(here: Here, batch: list[Signal]) -> None:
    """By the day on which the windows close, everything generated has happened."""
    assert all(isinstance(answer, Receipt) for answer in here.run(ingest, batch, day=HEARD))


@settings(max_examples=15)
@given(st.data())
def test_any_order_repetition_and_delay_ends_in_the_same_state(db: Database, data: st.DataObject) -> None:
    signals = data.draw(reports())
    delivery = data.draw(deliveries(signals))
    assert max(signal.occurred_at for signal in signals) <= moment(FOLDED)
    assert state_after(db, delivery) == state_after(db, Delivery([signals], []))
