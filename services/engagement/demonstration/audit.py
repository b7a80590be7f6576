"""Does the ledger agree with itself? Every decision made again, everything derived made again."""

from contextlib import closing
from typing import NamedTuple

from engagement.store import decisions
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.rebuild import compare
from engagement.workflows.replay import replay_decisions


class Audit(NamedTuple):
    """Decisions replayed down to the folded belief, those that differ, and derived rows that differ."""

    replayed: int
    differing: int
    derived_differing: int

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differing and not self.derived_differing


def audit(database: str, program_id: str) -> Audit:
    """What `engagement replay --deep` and `engagement rebuild --check` would find."""
    with closing(Database(database)) as db:
        kept = Kept()
        with db.read(program_id) as conn:
            ids = decisions.all_ids(conn, program_id)
            verdicts = [
                verdict.agrees for verdict in replay_decisions(conn, kept, program_id, ids, deep=True)
            ]
        return Audit(len(verdicts), verdicts.count(False), len(compare(db, kept, program_id)))
