"""A strategy in shadow is promoted by the rule written down beforehand, and by nothing else."""

from datetime import date

import msgspec
import pytest

from engagement.cli import main
from engagement.errors import Conflict, NotFound
from engagement.store import decisions, promotions, setup
from engagement.strategy.arms import Shadow
from engagement.strategy.baseline import EvenChance
from engagement.strategy.promotion import GainWanted, Rule
from engagement.workflows.ingest import ingest
from engagement.workflows.promotion import PromotionTold, Wish, promote, tell_promotions
from engagement.workflows.revise import revise
from support.peer_groups import LEARNED, a_program, ask, came, decided, ms, seat, seat_members, with_strategy

SHADOW = Shadow(date(2026, 4, 20), EvenChance(), Rule(outcomes=4, groups=2))
"""Its last day lies 41 days after the start, its decisions of the first day close on the 35th."""
LAST, JUDGED = 41.0, 42.0


def in_shadow(db, shadow=SHADOW):
    """A program in shadow that has lived through its time: four members of two groups, two of them came."""
    here = a_program(db, with_strategy(shadow=shadow))
    members = seat(here, "g1,m1,1", "g1,m2,2", "g2,m3,1", "g2,m4,2") and ("m1", "m2", "m3", "m4")
    decided(here, *members)
    here.run(ingest, [came(name, 5, n % 2) for n, name in enumerate(members)], day=6)
    here.fold()
    return here


def told(here, day=JUDGED, name="learned"):
    with here.db.read() as conn:
        (found,) = tell_promotions(conn, here.kept, here.id, [name], ms(day))
    return found


def promoted(here, revision=1, day=JUDGED, name="learned"):
    (found,) = here.run(promote, [Wish(name, revision)], day=day)
    return found


def test_a_rule_that_is_met_ends_the_shadow(db):
    here = in_shadow(db)
    made = promoted(here)
    assert (made.shadow, made.revision, made.promoted.revision) == (False, 2, 2)
    assert ask(here, "m1", day=JUDGED)[0].arm == "learning"


def test_what_it_was_judged_by_is_kept(db):
    here = in_shadow(db)
    before = told(here)
    promoted(here)
    stored = here.read(promotions.newest_promotion, "learned")
    assert stored.judged == before.judged
    assert (stored.revision, stored.recorded_at) == (2, ms(JUDGED))
    assert (before.judged.decisions, before.judged.outcomes, before.judged.groups) == (4, 4, 2)


def test_asking_for_it_again_changes_nothing(db):
    here = in_shadow(db)
    assert promoted(here) == promoted(here, day=JUDGED + 1)
    assert here.read(setup.newest, "strategy", ["learned"])["learned"].revision == 2


def test_two_who_ask_at_once_get_the_same(db):
    here = in_shadow(db)
    first, second = here.run(promote, [Wish("learned", 1), Wish("learned", 1)], day=JUDGED)
    assert first == second
    assert first.promoted.revision == 2


@pytest.mark.parametrize(
    ("rule", "day", "words"),
    [
        (Rule(outcomes=4, groups=2), LAST, "judged after 2026-04-20; today is 2026-04-20"),
        (Rule(outcomes=5, groups=2), JUDGED, "4 outcomes; at least 5 wanted"),
        (Rule(outcomes=4, groups=3), JUDGED, "from 2 groups; at least 3 wanted"),
        (Rule(outcomes=4, groups=2, gain=GainWanted(1.0)), JUDGED, "a gain of"),
    ],
)
def test_a_rule_that_is_not_met_refuses_in_its_own_words(db, rule, day, words):
    here = in_shadow(db, msgspec.structs.replace(SHADOW, rule=rule))
    refused = promoted(here, day=day)
    assert isinstance(refused, Conflict)
    assert words in str(refused)
    assert told(here).shadow


def test_after_its_last_day_nothing_changes_by_itself(db):
    here = in_shadow(db)
    assert ask(here, "m1", day=90.0)[0].arm == "shadow"


def test_what_closes_after_the_last_day_is_not_looked_at(db):
    here = in_shadow(db)
    before = told(here).judged
    decided(here, "m1", day=40.0)
    here.run(ingest, [came("m1", 45)], day=46)
    here.fold(80.0)
    assert told(here, day=80.0).judged == before


def test_a_rule_changed_while_it_runs_starts_the_count_again(db):
    here = in_shadow(db)
    softer = msgspec.structs.replace(SHADOW, rule=Rule(outcomes=1, groups=2))
    here.run(revise, [msgspec.structs.replace(LEARNED, shadow=softer)], day=JUDGED)
    standing = told(here)
    assert standing.judged.decisions == 0
    assert isinstance(promoted(here, revision=2), Conflict)


def test_another_way_of_deciding_starts_the_count_again(db):
    here = in_shadow(db)
    here.run(revise, [msgspec.structs.replace(LEARNED, shadow=SHADOW, floor=0.1)], day=JUDGED)
    assert told(here).judged.decisions == 0


def test_another_title_does_not(db):
    here = in_shadow(db)
    here.run(revise, [msgspec.structs.replace(LEARNED, shadow=SHADOW, title="Again")], day=JUDGED)
    assert told(here).judged.decisions == 4
    assert promoted(here, revision=2).promoted.revision == 3


def test_a_rule_that_was_there_before_another_does_not_get_its_decisions_back(db):
    here = in_shadow(db)
    for floor in (0.1, LEARNED.floor):
        here.run(revise, [msgspec.structs.replace(LEARNED, shadow=SHADOW, floor=floor)], day=JUDGED)
    assert told(here).judged.decisions == 0


def test_a_standing_that_was_read_before_a_change_promotes_nothing(db):
    here = in_shadow(db)
    here.run(revise, [msgspec.structs.replace(LEARNED, shadow=SHADOW, title="Again")], day=JUDGED)
    assert "read how it stands first" in str(promoted(here, revision=1))


def test_whoever_declines_chance_is_not_counted(db):
    here = a_program(db, with_strategy(shadow=SHADOW))
    decided(here, *seat_members(here, 2, chance="no"))
    assert told(here).judged.decisions == 0


def test_a_strategy_that_decides_already_is_not_promoted(db):
    here = a_program(db)
    assert "decides already" in str(promoted(here))
    assert told(here) == PromotionTold(
        "learned", 1, shadow=False, since=None, until=None, judged=None, promoted=None
    )


def test_a_strategy_that_does_not_exist_is_not_found(db):
    here = a_program(db)
    assert isinstance(told(here, name="other"), NotFound)
    assert isinstance(promoted(here, name="other"), NotFound)


def test_a_promoted_strategy_keeps_what_it_learned_in_the_shadow(db):
    here = in_shadow(db)
    promoted(here)
    (made,) = decided(here, "m1", day=JUDGED)
    assert here.read(decisions.by_id, [made])[made].version == 1


def test_the_command_tells_each_condition_and_applies_only_a_rule_that_is_met(db, capsys):
    here = a_program(db, with_strategy(shadow=SHADOW))
    url = db.url.render_as_string(hide_password=False)
    given = ["promotion", "learned", "--program", here.id, "--database", url]
    assert main(given) == 0
    assert "NOT MET outcomes  0 outcomes; at least 4 wanted" in capsys.readouterr().out
    assert main([*given, "--apply"]) == 2
    assert "the rule is not met" in capsys.readouterr().err
