"""What one process keeps of a belief is what any other reads, version after version."""

from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Evidence
from engagement.store import decisions
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.ingest import ingest
from engagement.workflows.recommend import Ask, recommend
from support.peer_groups import FOLDED, Here, a_program, came, decided, ms, seat_members, with_strategy


def evidence(here: Here, kept: Kept, members: list[str], day: float) -> list[Evidence]:
    """What decisions would be made of; none is made."""
    with here.db.write() as conn, conn.begin_nested() as tried:
        asks = [Ask(member=name, strategy="learned", decision_point=f"at {day}") for name in members]
        told = [one.decision_id for one in recommend(conn, kept, here.id, asks, ms(day))]
        made = decisions.by_id(conn, here.id, told)
        tried.rollback()
    return [made[one].evidence for one in told]


def learn(here: Here, members: list[str], day: float) -> None:
    """Everybody is decided for and a third comes to the next meeting, which is folded."""
    decided(here, *members, day=day, strategy="learned", decision_point=f"d{day}")
    told = [came(name, day + 20, int(n % 3 == 0)) for n, name in enumerate(members)]
    here.run(ingest, told, day=day + 20)
    here.fold(day + FOLDED)


def test_a_warm_memory_notices_every_new_version(db: Database) -> None:
    here = a_program(db, with_strategy(posterior=PooledLinear()))
    members = seat_members(here, 24)
    seen = []
    for turn in range(3):
        day = 100.0 * turn
        seen.append(evidence(here, here.kept, members, day))
        assert evidence(here, here.kept, members, day) == seen[-1] == evidence(here, Kept(), members, day)
        learn(here, members, day + 1)
    assert seen[0][0].mean != seen[1][0].mean != seen[2][0].mean
