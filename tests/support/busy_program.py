"""A program in which every page of the console has something to show. Everybody in it is synthetic.

Time stands at noon of Tuesday 10 March 2026 in Kolkata.
"""

from datetime import date
from typing import Any

import msgspec

from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.strategy.setup import Budget, Consent, Leave, Member, Membership, Site, Switched
from engagement.strategy.strategy import Fallback
from engagement.workflows.answer import Reply, answer
from engagement.workflows.import_register import import_register
from engagement.workflows.ingest import ingest
from engagement.workflows.plan import PlanAsk, plan_week
from engagement.workflows.program import create_program
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from engagement.workflows.seat import seat as sit
from engagement.workflows.switch import Throw, throw
from engagement.workflows.tell import Recommendation
from support.peer_groups import CALL, LEARNED, PLAN, Here, came, held, ms, said
from support.visits import LINKED_ON, OTHER, PLANNED, VISIT, add_groups, add_worker, planned

CALLING = msgspec.structs.replace(
    CALL, minutes=25, cost_minor=150, payer="program", title="Call before the meeting"
)
PROGRAM = msgspec.structs.replace(
    PLAN,
    program=msgspec.structs.replace(PLAN.program, title="Sonipat and Vizag", staff_minutes=600),
    sites=(
        Site(id="sonipat", title="Sonipat", ends_on=date(2026, 12, 31)),
        Site(id="here", title="Vizag", ends_on=date(2026, 3, 31)),
    ),
    budgets=(Budget(id="program", limit_minor=50_000), Budget(id="fund", limit_minor=2_000)),
    actions=(CALLING, *PLAN.actions[1:], VISIT, OTHER),
    strategies=(
        msgspec.structs.replace(LEARNED, fallback=Fallback("calls", ("call",))),
        *PLAN.strategies[1:],
        msgspec.structs.replace(PLANNED),
    ),
)
APP: dict[str, Any] = {"source": "app"}
REGISTER = "group,date,seat,came\n" + "".join(
    f"{group},2026-02-{day:02},{seat},{'yes' if seat + day < 30 else 'no'}\n"
    for group, day in (("g01", 24), ("g02", 25), ("g03", 26))
    for seat in range(1, 7)
)


def a_busy_program(db: Database) -> Here:
    """The program, newly made."""
    kept = Kept()
    with db.write() as conn:
        here = Here(db, kept, create_program(conn, kept, PROGRAM, ms(-30)))
    _people(here)
    _meetings(here)
    _work(here)
    for stopped, day, why in ((True, -3.0, "event: the river is over its banks"), (False, -2.0, "event")):
        here.run(throw, [Throw(stopped, Switched(by="program-lead", why=why))], day=day)
    return here


def _people(here: Here) -> None:
    names = [f"g{n:02}" for n in range(1, 9)]
    add_groups(here, "hill", *names[:5])
    add_groups(here, "coast", *names[5:])
    for place, name, hours in (("hill", "asha", 2.0), ("hill", "devi", 1.0), ("coast", "meera", 2.0)):
        add_worker(here, place, name, hours=hours)
    add_worker(here, "coast", "rani", leave=(Leave(starts_on=date(2026, 3, 9), ends_on=date(2026, 3, 15)),))
    members = [(group, f"{group}-m{seat}", seat) for group in names for seat in range(1, 7)]
    consent = Consent(health_worker=True, chance=False)
    here.run(revise, [Member(id=name, consent=consent) for _, name, _ in members], day=-29)
    here.run(
        sit,
        [
            Membership(
                member=name,
                group=group,
                seat=seat,
                starts_on=LINKED_ON,
                role="adviser" if seat == 1 else "member",
            )
            for group, name, seat in members
        ],
        day=-29,
    )


def _meetings(here: Here) -> None:
    told = [held("g04", day, 0, source="app", id=f"not/{day}") for day in (-41.9, -13.9)]
    told += [held("g05", -13.9, 0, source="app", id="not/5")]
    for day in (-98.0, -70.0, -42.0, -14.0):
        told += [
            came(f"g06-m{seat}", day, int(seat < 5), reported_by="adviser", **APP) for seat in range(1, 7)
        ]
        told += [came(f"g07-m{seat}", day, 1, reported_by="health_worker", **APP) for seat in range(1, 7)]
    told += [came("g07-m2", -14.0, 0, source="register", id="otherwise", reported_by="self")]
    told += [
        held("g07", -4.0, **APP),
        *(came(f"g07-m{seat}", -4.0, id=f"late/{seat}", **APP) for seat in (1, 3, 4)),
    ]
    here.run(ingest, told, day=-3)
    import_register(here.db, here.kept, here.id, REGISTER, ms(-5))


def _work(here: Here) -> None:
    asks = [Ask(member=f"{group}-m{seat}") for group in ("g01", "g02", "g03") for seat in (2, 3)]
    made = here.run(recommend, asks, day=-1)
    done = [str(row.decision_id) for row in made if isinstance(row, Recommendation)]
    here.run(answer, [(done[0], Reply("done")), (done[1], Reply("declined", "no_time"))], day=-0.5)
    plan_week(here.db, here.kept, here.id, PlanAsk(), ms(0))
    (first, *_) = planned(here)
    going = next(row.decision_id for row in first.units if row.going is not None and row.going.worker)
    here.run(answer, [(going, Reply("accepted"))], day=0)
    here.run(
        ingest,
        [said("harm", -4, member="g01-m4", **APP), said("complaint", -4, member="g02-m5", **APP)],
        day=-4,
    )
    here.run(ingest, [said("distress", -0.2, member="g05-m2", **APP)], day=-0.2)
    here.run(ingest, [said("referral_answered", -1, member="g02-m5", **APP, reported_by="staff")], day=-1)
