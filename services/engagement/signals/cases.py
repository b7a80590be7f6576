"""Safety cases: which of them wait for an answer, and whether the family may still be turned to."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, cast, get_args

from engagement.signals.chains import Link
from engagement.signals.safety import NOT_SAFE_AT_HOME, REFERRAL_ANSWERED, REPORTS, SafetyKind
from engagement.signals.tally import Tally, kind_of

KINDS: frozenset[str] = frozenset(get_args(SafetyKind))


class Case(NamedTuple):
    """A case that nobody has answered since it was last reported.

    kind : that of its latest report      chain : None where the report named none
    occurred_at_ms, recorded_at_ms : when that report says it was so, and when it arrived
    """

    kind: SafetyKind
    chain: str | None
    occurred_at_ms: int
    recorded_at_ms: int


def ever_reported(tally: Tally) -> bool:
    """Whether a safety case was ever reported of a member. Without one there is none to look for."""
    return any(_happened(tally, signal.code) for signal in REPORTS)


def family_unsafe(tally: Tally) -> bool:
    """Whether a member was ever reported not to be safe at home. No answer takes that back."""
    return _happened(tally, NOT_SAFE_AT_HOME.code)


def open_cases(links: Iterable[Link]) -> tuple[Case, ...]:
    """One member's open cases, by (recorded_at_ms, kind, chain): who has waited longest comes first.

    links : the member's reports that count, in any order, of any kinds

    Reports of one chain are one case, and a report without a chain is a case of its own. An answer with
    a chain closes that case, if it is not older than the case's latest report; an answer without one
    closes every case whose latest report is older than the answer. No answer closes what arrived after it:
    a report that comes late opens its case all the same.
    """
    cases, answers = _told(links)
    unanswered = (
        [report for report in reports if not any(_closes(answer, report) for answer in answers)]
        for reports in cases
    )
    waiting = (max(reports, key=_order) for reports in unanswered if reports)
    return tuple(
        sorted(map(_case, waiting), key=lambda case: (case.recorded_at_ms, case.kind, case.chain or ""))
    )


class Answered(NamedTuple):
    """A case of which every report is answered. answered_at_ms : when the answer to the latest arrived"""

    case: Case
    answered_at_ms: int


def answered_cases(links: Iterable[Link]) -> tuple[Answered, ...]:
    """One member's answered cases, the latest answer first. links : as `open_cases` takes them"""
    cases, answers = _told(links)
    found: list[Answered] = []
    for reports in cases:
        if all(any(_closes(answer, report) for answer in answers) for report in reports):
            latest = max(reports, key=_order)
            first = min(answer.recorded_at_ms for answer in answers if _closes(answer, latest))
            found.append(Answered(_case(latest), first))
    return tuple(sorted(found, key=lambda row: (-row.answered_at_ms, row.case.kind, row.case.chain or "")))


def _told(links: Iterable[Link]) -> tuple[list[list[Link]], list[Link]]:
    """The reports of each case, and the answers."""
    cases: dict[tuple[str, str, str], list[Link]] = defaultdict(list)
    answers: list[Link] = []
    for link in links:
        if link.kind == REFERRAL_ANSWERED.kind:
            answers.append(link)
        elif link.kind in KINDS:
            cases[("", "", link.chain) if link.chain is not None else (link.source, link.id, "")].append(link)
    return list(cases.values()), answers


def _case(row: Link) -> Case:
    return Case(cast("SafetyKind", row.kind), row.chain, row.occurred_at_ms, row.recorded_at_ms)


def _happened(tally: Tally, code: int) -> bool:
    kind = kind_of(tally, code)
    return kind is not None and kind.quiet_ms is not None


def _order(link: Link) -> tuple[int, str, str]:
    return link.occurred_at_ms, link.source, link.id


def _closes(answer: Link, report: Link) -> bool:
    """An answer that was told before the report was is an answer to something else."""
    if answer.recorded_at_ms < report.recorded_at_ms:
        return False
    if answer.chain is None:
        return answer.occurred_at_ms > report.occurred_at_ms
    return answer.chain == report.chain and answer.occurred_at_ms >= report.occurred_at_ms
