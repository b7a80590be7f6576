"""The command that examines a deployment."""

import msgspec

from engagement.clock import SystemClock
from engagement.commands.terminal import Arguments, Command, say, settings_of
from engagement.errors import Invalid
from engagement.workflows.doctor import Finding, State, examine, worst

MARKS: dict[State, str] = {"well": "ok", "doubtful": "?", "wrong": "!"}
CODES: dict[State, int] = {"well": 0, "doubtful": 0, "wrong": 1}


def add(command: Command) -> None:
    """Names the commands of this file."""
    doctor = command("doctor", _doctor, "say what is wrong with this deployment, and how to mend it")
    doctor.add_argument("--json", action="store_true", help="print every finding as JSON")
    doctor.add_argument("--strict", action="store_true", help="exit code 1 for what is doubtful, too")


def _doctor(arguments: Arguments) -> int:
    try:
        clock = SystemClock()
        findings = examine(settings_of(arguments), clock.now_ms(), clock)
    except Invalid as flaw:
        findings = [Finding("settings", "wrong", str(flaw), "see docs/operations.md, Settings")]
    state = worst(findings)
    if arguments.json:
        say(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        for finding in findings:
            say(f"{MARKS[finding.state]:>2}  {finding.check}: {finding.found}")
            if finding.remedy:
                say(f"      → {finding.remedy}")
        say(_in_short(findings))
    return 1 if arguments.strict and state != "well" else CODES[state]


def _in_short(findings: list[Finding]) -> str:
    wrong = sum(finding.state == "wrong" for finding in findings)
    doubtful = sum(finding.state == "doubtful" for finding in findings)
    if not wrong and not doubtful:
        return f"{len(findings)} things looked at, all well."
    return f"{len(findings)} things looked at: {wrong} wrong, {doubtful} doubtful."
