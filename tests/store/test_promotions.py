"""Promotions come back as they were judged, the newest first."""

from engagement.store.promotions import Promoted, insert_promotion, newest_promotion
from engagement.strategy.promotion import Condition, GainFound, Judged

JUDGED = Judged(
    decisions=9,
    outcomes=7,
    groups=3,
    unusable=1 / 9,
    agreement=2 / 3,
    gain=GainFound(0.1, 1 / 3, 0.2, 0.3, 3, 5.5),
    conditions=(Condition("day", met=True, words="it has passed"),),
    met=True,
)


def test_the_newest_promotion_of_the_strategy_comes_back_exactly(database, program):
    first, second = Promoted("s", 2, JUDGED, 10), Promoted("s", 4, JUDGED, 20)
    with database.write() as conn:
        for row in (second, first, Promoted("t", 9, JUDGED, 30)):
            insert_promotion(conn, program, row)
        assert newest_promotion(conn, program, "s") == second


def test_before_the_first_there_is_none(database, program):
    with database.read() as conn:
        assert newest_promotion(conn, program, "s") is None
