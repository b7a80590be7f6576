"""The list outside of the database: only ever added to, read line by line, and exact about what is wrong."""

from pathlib import Path

import pytest

from engagement.errors import Invalid
from engagement.randomness import erasure_mark
from engagement.store.erasure_list import BESIDE, ErasureList, erasure_list

ONE, OTHER = "1" * 64, "a" * 64


@pytest.fixture
def listed(tmp_path: Path) -> ErasureList:
    return ErasureList(tmp_path / "erasures")


def content(listed: ErasureList) -> str:
    assert listed.file is not None
    return listed.file.read_text()


def test_a_line_is_a_moment_and_a_mark_and_the_last_moment_counts(listed: ErasureList) -> None:
    listed.add([ONE, OTHER], 5)
    listed.add([ONE], 7)
    assert content(listed) == f"5 {ONE}\n5 {OTHER}\n7 {ONE}\n"
    assert listed.read(expected=True) == {ONE: 7, OTHER: 5}


def test_without_a_list_nobody_was_erased_unless_somebody_was(listed: ErasureList) -> None:
    for nowhere in (listed, ErasureList(None)):
        assert nowhere.read(expected=False) == {}
        with pytest.raises(Invalid, match="ENGAGEMENT_ERASURES"):
            nowhere.read(expected=True)


def test_an_empty_list_will_do(listed: ErasureList) -> None:
    assert listed.file is not None
    listed.file.touch()
    assert listed.read(expected=True) == {}


@pytest.mark.parametrize("cut", range(1, 67))
def test_whoever_is_cut_off_in_a_line_spoils_nothing(listed: ErasureList, cut: int) -> None:
    listed.add([ONE], 5)
    assert listed.file is not None
    with listed.file.open("a") as file:
        file.write(f"6 {OTHER}\n"[:cut])
    assert listed.read(expected=True) == {ONE: 5}
    listed.add([ONE], 7)
    assert listed.read(expected=True) == {ONE: 7}


@pytest.mark.parametrize("line", ["hello", f"x {ONE}", f"5 {ONE[1:]}", f"5 {ONE} ", f"5  {ONE}", f"-5 {ONE}"])
def test_a_line_that_makes_no_sense_is_named(listed: ErasureList, line: str) -> None:
    assert listed.file is not None
    listed.file.write_text(f"5 {ONE}\n{line}\n6 {OTHER}\n")
    with pytest.raises(Invalid, match=f"line 2 of the erasure list {listed.file}"):
        listed.read(expected=False)


def test_a_list_that_cannot_be_read_or_written_says_why(tmp_path: Path) -> None:
    folder = ErasureList(tmp_path)
    with pytest.raises(Invalid, match=f"cannot read the erasure list {tmp_path}: Is a directory"):
        folder.read(expected=False)
    with pytest.raises(Invalid, match=f"cannot write the erasure list {tmp_path}: Is a directory"):
        folder.add([ONE], 1)


def test_it_lies_beside_an_sqlite_file_or_where_it_is_named() -> None:
    assert erasure_list(BESIDE, "sqlite:///here/e.db").file == Path("here/e.db.erasures")
    assert erasure_list(BESIDE, "postgresql://u:p@h/d").file is None
    assert erasure_list("there", "postgresql://u:p@h/d").file == Path("there")


def test_a_mark_tells_the_same_person_of_the_same_program_and_nobody_else() -> None:
    marks = {
        erasure_mark(secret, program, name)
        for secret in (b"s" * 32, b"t" * 32)
        for program in ("p", "q")
        for name in ("m", "n")
    }
    assert len(marks) == 8
    assert {len(mark) for mark in marks} == {64}
    assert erasure_mark(b"s" * 32, "p", "m") == erasure_mark(b"s" * 32, "p", "m")
