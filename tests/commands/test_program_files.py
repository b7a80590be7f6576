"""From questions to a program: what a person at a terminal types and reads."""

import builtins
import tomllib
from pathlib import Path

import pytest

from engagement import cli
from engagement.workflows.program import template_names


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENGAGEMENT_DATABASE", f"sqlite:///{tmp_path}/own.db")
    return tmp_path


@pytest.fixture
def run(at, capsys):  # noqa: ARG001  it is run there
    def command(*words):
        capsys.readouterr()
        try:
            code = cli.main(words)
        except SystemExit as end:
            code = int(end.code or 0)
        return (code, *capsys.readouterr())

    return command


@pytest.fixture
def typed(monkeypatch):
    """Types answers, one a question; then the rest are taken as they stand in brackets."""

    def answers(said):
        asked = []

        def answer(question):
            asked.append(question)
            return next((said.pop(part) for part in list(said) if question.startswith(part)), "")

        monkeypatch.setattr(builtins, "input", answer)
        return asked

    return answers


@pytest.mark.parametrize("name", template_names())
def test_a_template_becomes_a_file_without_errors_that_loads_and_loads_again(run, name):
    assert run("migrate")[0] == 0
    assert run("init", "ours.toml", "--yes", "--template", name)[0] == 0
    code, out, _ = run("check", "ours.toml")
    assert (code, out.splitlines()[-1].split(",")[0]) == (0, "0 errors")
    code, out, _ = run("program", "load", "ours.toml")
    assert (code, "Key with every scope, shown this once: eng_" in out) == (0, True)
    code, out, _ = run("program", "load", "ours.toml")
    assert out.splitlines()[-1].startswith("0 new, 0 changed, ")


@pytest.mark.parametrize("name", template_names())
def test_the_trial_that_a_file_suggests_loads_once_its_marks_are_taken_away(run, name):
    run("init", "ours.toml", "--yes", "--template", name)
    head, _, trial = Path("ours.toml").read_text().partition("# --- strategies compared by lot")
    meant = [line.removeprefix("# ").removeprefix("#") for line in trial.splitlines()[2:]]
    Path("ours.toml").write_text(head + "\n".join(meant))
    assert run("migrate")[0] == 0
    assert run("program", "load", "ours.toml")[0] == 0
    assert "which" in {row["id"] for row in tomllib.loads(Path("ours.toml").read_text())["trials"]}


def test_answers_that_are_typed_stand_in_the_file_and_a_wrong_one_is_asked_for_again(run, typed, at):
    asked = typed(
        {
            "Title of the program": "Groups of the north",
            "Time zone": "Mars/Base",
            "Sites": "north, south",
            "The program's last day at north": "2030-03-31",
            "What does state pay": "12,000",
            "The last day on which state": "2029-12-31",
            "Health workers": "hw-1",
            "Languages that hw-1": "hi, te",
            "Actions of the template": "small_prize",
            "Share of the groups": "0.25",
        }
    )
    code, out, _ = run("init", "ours.toml")
    assert code == 0
    assert "`Mars/Base` is not a time zone" in out
    assert len([question for question in asked if question.startswith("Time zone")]) == 2
    file = tomllib.loads((at / "ours.toml").read_text())
    assert (file["program"]["id"], file["program"]["time_zone"]) == ("groups-of-the-north", "Asia/Kolkata")
    assert [(site["id"], str(site.get("ends_on"))) for site in file["sites"]] == [
        ("north", "2030-03-31"), ("south", "None"),
    ]  # fmt: skip
    assert {row["id"]: row["limit_minor"] for row in file["budgets"]}["state"] == 1_200_000
    actions = {row["id"]: row for row in file["actions"]}
    assert actions["small_prize"]["retired"] is True
    assert str(actions["chw_visit"]["payer_until"]) == "2029-12-31"
    assert file["strategies"][0]["control"]["share"] == 0.25
    assert file["health_workers"][0]["languages"] == ["hi", "te"]
    assert run("check", "ours.toml")[0] == 0


def test_an_option_is_not_asked(run, typed):
    asked = typed({})
    assert run("init", "ours.toml", "--title", "Ours", "--control", "0")[0] == 0
    assert not [question for question in asked if question.startswith(("Title of the", "Share"))]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--control", "2"), "--control"),
        (("--site", "a b"), "--site: `a b` is not an id"),
        (("--site", "north:soon"), "`soon` is not a day"),
        (("--payer", "state:many"), "`many` is not an amount"),
        (("--health-worker", "hw-1:east"), "--health-worker"),
        (("--leave-out", "nothing"), "there is no action `nothing`"),
        (("--strategy", "group_learned"), "there is no strategy `group_learned`"),
        (("--template", "perfect"), "there is no template `perfect`"),
        (("--currency", "rupees"), "--currency"),
    ],
)
def test_an_option_that_cannot_be_is_one_line_and_writes_nothing(run, at, words, said):
    code, _, err = run("init", "ours.toml", "--yes", *words)
    assert (code, said in err, err.count("\n")) == (2, True, 1), err
    assert not (at / "ours.toml").exists()


def test_a_file_that_is_there_is_never_written_over(run, at):
    (at / "ours.toml").write_text("mine")
    assert run("init", "ours.toml", "--yes")[0] == 2
    assert (at / "ours.toml").read_text() == "mine"


def test_nobody_at_the_terminal_is_told_what_to_do(run, monkeypatch):
    def nobody(_):
        raise EOFError

    monkeypatch.setattr(builtins, "input", nobody)
    assert "--yes" in run("init", "ours.toml")[2]


def test_check_ends_with_what_it_found(run, at):
    text = '[program]\nid = "p"\ntitle = 3\n'
    (at / "wrong.toml").write_text(text)
    code, out, _ = run("check", "wrong.toml")
    assert (code, out.splitlines()) == (
        1,
        [
            "wrong.toml:3:1: error: this is a whole number; it should be a text in quotes",
            "1 error, 0 warnings, 0 notes",
        ],
    )
    run("init", "ours.toml", "--yes")
    assert (run("check", "ours.toml")[0], run("check", "ours.toml", "--strict")[0]) == (0, 1)


def test_a_dry_run_says_what_would_change_and_changes_nothing(run, at):
    run("migrate")
    run("init", "ours.toml", "--yes")
    assert "Nothing was changed" in run("program", "load", "ours.toml", "--dry-run")[1]
    assert run("program", "list")[1] == ""
    run("program", "load", "ours.toml")
    file = at / "ours.toml"
    file.write_text(file.read_text().replace("adviser_minutes = 60", "adviser_minutes = 90"))
    dry, real = run("program", "load", "ours.toml", "--dry-run")[1], run("program", "load", "ours.toml")[1]
    assert "adviser_minutes 60 → 90" in dry
    assert dry.removesuffix("Nothing was changed: this was a dry run.\n") == real


def test_a_file_with_mistakes_is_told_line_by_line_and_not_loaded(run, at):
    run("migrate")
    (at / "wrong.toml").write_text('[program]\nid = "p"\ntitle = 3\n')
    code, out, err = run("program", "load", "wrong.toml")
    assert (code, out.count("error:"), "nothing was changed" in err) == (2, 1, True)
    assert run("program", "load")[0] == 2


def test_the_sheet_goes_to_the_screen_or_to_a_file_that_spreadsheets_read(run, at):
    code, out, _ = run("content", "export", "--template", "ncd-peer-groups")
    assert (code, out.splitlines()[0].split(",")[:3]) == (0, ["header", "template_id", "category"])
    assert run("content", "export", "--template", "ncd-peer-groups", "--out", "sms.csv")[0] == 0
    written = Path(at / "sms.csv").read_bytes()
    assert written.startswith("\ufeff".encode())
    assert written.decode("utf-8-sig") == out


def test_words_can_be_taken_from_the_database(run):
    run("migrate")
    run("program", "create")
    assert run("content", "parts")[1] == run("content", "parts", "--template", "ncd-peer-groups")[1]
