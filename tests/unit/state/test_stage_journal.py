"""What a killed process leaves of its stage in the journal."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from cloudplow.state.stage_journal import Fact, Kind, StageJournal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stages").mkdir()
    return tmp_path


def test_a_file_that_was_told_is_known_after_a_kill(folder: Path) -> None:
    journal = StageJournal(folder)
    journal.begin("1-a")
    journal.note("1-a", Kind.SENT, 0, 10, 5.0)
    journal.note("1-a", Kind.DONE, 0, 0, 0.0)
    assert list(StageJournal(folder).read("1-a")) == [Fact(Kind.SENT, 0, 10, 5.0), Fact(Kind.DONE, 0, 0, 0.0)]


def test_files_that_are_not_done_wait_for_the_next_fact_but_not_many(folder: Path) -> None:
    journal = StageJournal(folder)
    for place in range(40):
        journal.note("1-a", Kind.SENT, place, 10, 5.0)
    assert 24 <= len(list(StageJournal(folder).read("1-a"))) < 40
    journal.note("1-a", Kind.ENDED, 60, 0, 5.0)
    assert len(list(StageJournal(folder).read("1-a"))) == 41


@pytest.mark.parametrize("cut", [1, 27, 28])
def test_reading_ends_at_half_a_record(folder: Path, cut: int) -> None:
    journal = StageJournal(folder)
    for place in range(3):
        journal.note("1-a", Kind.DONE, place, 0, 0.0)
    path = folder / "stages" / "1-a.facts"
    path.write_bytes(path.read_bytes()[:-cut])
    assert [fact.place for fact in StageJournal(folder).read("1-a")] == [0, 1]


def test_reading_ends_at_a_record_of_a_newer_version(folder: Path) -> None:
    journal = StageJournal(folder)
    journal.note("1-a", Kind.DONE, 0, 0, 0.0)
    journal._write("1-a", journal_record(99))
    journal.note("1-a", Kind.DONE, 1, 0, 0.0)
    assert [fact.place for fact in StageJournal(folder).read("1-a")] == [0]


def journal_record(kind: int) -> bytes:
    record = struct.pack("<IIqd", kind, 0, 0, 0.0)
    return record + struct.pack("<I", zlib.crc32(record))


def test_journals_of_settled_stages_are_removed(folder: Path) -> None:
    journal = StageJournal(folder)
    for stage in ("1-a", "2-b"):
        journal.note(stage, Kind.DONE, 0, 0, 0.0)
    journal.keep_only({"2-b"})
    assert [path.name for path in (folder / "stages").iterdir()] == ["2-b.facts"]
