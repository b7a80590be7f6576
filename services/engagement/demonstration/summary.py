"""What happened, in plain tables of at most 100 columns."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from engagement.client import VersionMade
from engagement.demonstration.audit import Audit
from engagement.demonstration.beliefs import Learned
from engagement.demonstration.course import ACTIONS, Course, Lived, Proposal
from engagement.demonstration.options import SEATS, Options
from engagement.records import Bools, Floats
from engagement.simulation.calendar import last_day, month_name
from engagement.workflows.program import Template

NO_EVIDENCE = "Everything here is simulated; no number is evidence."
STATUSES = ("done", "not_done", "declined", "expired")
PHASES = ("running", "handover", "sustaining")


def summary(
    options: Options, plan: Template, course: Course, beliefs: Learned, audit: Audit, seconds: float
) -> str:
    """The whole summary as text."""
    proposals = [proposal for lived in course.months for proposal in lived.proposals]
    parts = [
        _opening(options),
        _groups(options, course),
        _choices(proposals),
        _fates(proposals),
        _money(options, plan, course),
        _minutes(course),
        _beliefs(options, course, beliefs),
        _ledger(course, audit, seconds),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def spent(plan: Template, lived: Lived) -> dict[str, int]:
    """What a month's proposals cost each payer, in minor units: of those carried out."""
    payers = {action.id: action.payer for action in plan.actions}
    out: dict[str, int] = defaultdict(int)
    for proposal in lived.proposals:
        if proposal.status == "done" and proposal.recommendation.action.cost_minor:
            out[payers[proposal.action]] += proposal.recommendation.action.cost_minor
    return out


def table(head: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Lines of a table: the first column flush left, the others flush right."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        (indent + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])).rstrip()
        for row in cells
    ]


def _opening(options: Options) -> list[str]:
    return [
        "A simulated program of synthetic people",
        (
            f"  {options.groups} groups of {SEATS}; world `{options.world}`, strategy `{options.strategy}`, "
            f"seed {options.seed}"
        ),
        (
            f"  {options.months_running} months running, until {last_day(options.months_running)}; "
            f"{options.months_after} months after"
        ),
    ]


def _groups(options: Options, course: Course) -> list[str]:
    """How many groups are alive, and how many come."""
    head = ["Groups and attendance", "running", "after the end"]
    parts = [course.months[: options.months_running], course.months[options.months_running :]]
    alive = [_alive(part, options.groups) for part in parts]
    rows = [
        ["groups alive at its end", *alive],
        ["meetings held, of one a month each", *(_share(_all(part, "held")) for part in parts)],
        ["attendance, of everyone who joined", *(_share(_all(part, "attended")) for part in parts)],
        ["attendance of the lowest quarter of them", *(_share(_lowest_quarter(part)) for part in parts)],
        ["members who left, or whose group ended", *(_gone(part, options) for part in parts)],
    ]
    return table(head, rows, indent="")


def _all(months: Sequence[Lived], what: str) -> Bools:
    happened: Bools = np.array([getattr(lived.happened, what) for lived in months])
    return happened


def _alive(months: Sequence[Lived], groups: int) -> str:
    return f"{int(months[-1].happened.alive.sum())} of {groups}" if months else "–"


def _gone(months: Sequence[Lived], options: Options) -> str:
    if not months:
        return "–"
    gone = sum(int(lived.happened.left.sum()) for lived in months)
    return f"{gone} of {options.groups * SEATS}"


def _lowest_quarter(months: Sequence[Lived]) -> Floats:
    """Attendance of those members who came least, a quarter of all."""
    if not months:
        return np.zeros(0)
    each = np.sort(_all(months, "attended").mean(axis=0), axis=None)
    return each[: max(1, len(each) // 4)]


def _share(values: Bools | Floats) -> str:
    return f"{100 * float(np.mean(values)):.0f} %" if values.size else "–"


def _choices(proposals: Sequence[Proposal]) -> list[str]:
    """What was chosen in each phase, and with what chance where it could be."""
    if not proposals:
        return []
    by_phase = {
        phase: [proposal for proposal in proposals if proposal.recommendation.phase == phase]
        for phase in PHASES
    }
    head = ["Chosen, by phase", *chain(*((phase, "chance") for phase in PHASES))]
    rows = [
        [action, *chain(*((_chosen(found, action), _chance(found, action)) for found in by_phase.values()))]
        for action in ACTIONS
    ]
    rows.append(["decisions", *chain(*((str(len(found)), "") for found in by_phase.values()))])
    rows.append(["the likeliest action", *chain(*(("", _best(found)) for found in by_phase.values()))])
    return [
        *table(head, rows, indent=""),
        "chance: with which it was drawn where it was available, on average",
    ]


def _chosen(found: Sequence[Proposal], action: str) -> str:
    return f"{100 * sum(one.action == action for one in found) / len(found):.0f} %" if found else "–"


def _chance(found: Sequence[Proposal], action: str) -> str:
    chances = [
        chance.probability
        for one in found
        for chance in one.recommendation.chances
        if chance.action == action
    ]
    return f"{np.mean(chances):.2f}" if chances else "–"


def _best(found: Sequence[Proposal]) -> str:
    best = [max(chance.probability for chance in one.recommendation.chances) for one in found]
    return f"{np.mean(best):.2f}" if best else "–"


def _fates(proposals: Sequence[Proposal]) -> list[str]:
    """What became of the proposals."""
    if not proposals:
        return []
    real = [one for one in proposals if one.status != "nothing"]
    counted = Counter((one.action, one.status) for one in real)
    head = ["What became of proposals", "proposed", *(status.replace("_", " ") for status in STATUSES)]
    rows = [
        [
            action,
            str(sum(counted[action, status] for status in STATUSES)),
            *(str(counted[action, status]) for status in STATUSES),
        ]
        for action in ACTIONS[1:]
    ]
    totals = Counter(one.status for one in real)
    rows.append(["all", str(len(real)), *(str(totals[status]) for status in STATUSES)])
    return [
        *table(head, rows, indent=""),
        "expired: nobody answered. How people answer is a guess, the same for every month",
    ]


def _money(options: Options, plan: Template, course: Course) -> list[str]:
    """What was spent, by payer and month, against the budget."""
    if options.strategy == "none":
        return []
    currency = plan.program.currency
    rows = []
    for budget in plan.budgets:
        for lived in course.months[: options.months_running]:
            paid = spent(plan, lived).get(budget.id, 0)
            limit = budget.limit_minor
            rows.append(
                [f"{budget.id} {month_name(lived.month)}", _amount(paid), _amount(limit), _of(paid, limit)]
            )
        after = sum(spent(plan, lived).get(budget.id, 0) for lived in course.months[options.months_running :])
        rows.append([f"{budget.id}, after the end", _amount(after), "payer ended", ""])
        whole = sum(spent(plan, lived).get(budget.id, 0) for lived in course.months)
        rows.append([f"{budget.id}, all months", _amount(whole), "", ""])
    return table([f"Spent, in {currency}", "spent", "budget", "of it"], rows, indent="")


def _amount(minor: int) -> str:
    return f"{minor / 100:,.2f}"


def _of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _minutes(course: Course) -> list[str]:
    """How long the carriers were busy, in groups and months in which something was carried out."""
    busy: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for lived in course.months:
        for proposal in lived.proposals:
            offer = proposal.recommendation.action
            if proposal.status == "done" and offer.carrier is not None:
                busy[offer.carrier][lived.month, proposal.group] += offer.minutes
    rows = [
        [
            carrier.replace("_", " "),
            str(len(found)),
            f"{np.mean(list(found.values())):.0f}",
            str(max(found.values())),
            f"{sum(found.values()) / 60:,.0f}",
        ]
        for carrier, found in sorted(busy.items())
    ]
    head = ["Carriers' time", "group-months with work", "minutes in each", "most", "hours in all"]
    return table(head, rows, indent="") if rows else []


def _beliefs(options: Options, course: Course, beliefs: Learned) -> list[str]:
    """What the strategy believed when the program's last month was decided, beside the truth."""
    if not beliefs.decisions:
        return []
    what = "effect on the reward" if beliefs.effects else "reward"
    head = [f"Believed in {month_name(options.months_running - 1)}", what, "sd", "truth: adds to coming"]
    rows = [
        [action, f"{beliefs.mean[place]:.3f}", f"{beliefs.sd[place]:.3f}", f"{course.truth[place]:+.3f}"]
        for place, action in enumerate(ACTIONS)
    ]
    return [
        *table(head, rows, indent=""),
        f"believed: mean of {beliefs.decisions} members of the reward, from 0 to 1, that proposing it "
        + ("adds to doing nothing" if beliefs.effects else "leads to"),
        "truth: of the world, for that month's members, if it is carried out and the meeting is held",
    ]


def _ledger(course: Course, audit: Audit, seconds: float) -> list[str]:
    """What is stored, and whether it agrees with itself."""
    versions = [*chain(*(lived.versions for lived in course.months)), *course.last_versions]
    decided = sum(len(lived.proposals) for lived in course.months)
    stored = course.closing.stored + sum(lived.sent.stored for lived in course.months)
    again = course.closing.repeated + sum(lived.sent.repeated for lived in course.months)
    return [
        "The ledger",
        *(f"  {line}" for line in _versions_in_words(versions)),
        (
            f"  {decided} decisions; {audit.replayed} replayed down to the folded belief, "
            f"{audit.differing} differ"
        ),
        f"  {stored} signals stored, {again} came twice and changed nothing",
        (
            f"  {sum(lived.late for lived in course.months)} reports of a meeting came late, "
            f"{sum(lived.unreported for lived in course.months)} never"
        ),
        "  everything derived agrees with the ledger"
        if not audit.derived_differing
        else f"  {audit.derived_differing} derived rows differ from the ledger",
        f"  {seconds:.0f} seconds in all",
        "",
        NO_EVIDENCE,
    ]


def _versions_in_words(versions: Sequence[VersionMade]) -> Iterator[str]:
    for strategy in sorted({made.strategy for made in versions}):
        own = [made for made in versions if made.strategy == strategy]
        rows_in, rows_out, missing = (
            sum(getattr(made, name) for made in own) for name in ("rows_in", "rows_out", "rows_missing")
        )
        yield f"{len(own)} versions of `{strategy}` published"
        yield (f"{rows_in} outcomes in, {rows_out} out again; {missing} closed before anything was heard")
