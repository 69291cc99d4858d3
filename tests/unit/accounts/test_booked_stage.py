"""The list of a stage: every name and number comes back exactly, and what is known of each file is never mixed up."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.booked_stage import (
    FileState,
    Stage,
    StageFile,
    pack_files,
    pack_states,
    read_stage,
    unpack_files,
    waiting_document,
)
from cloudplow.accounts.entry import Charge
from tests.unit.helpers import NOON, stage_file

NUMBERS = st.integers(0, (1 << 63) - 1)
#: Any bytes that a name on a disk can have, as Python shows them.
NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name).map(os.fsdecode)
FILES = st.lists(st.builds(StageFile, NAMES, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=20)
ODD = [
    "",
    " ",
    "a\nb",
    "a\u240ab",
    "é",
    "\U0001f600",
    "a/b/c",
    "'\"\\",
    "\udcff\udc80",
    "-x",
    "x" * 4000,
    "\x01\x1f\x7f",
]


def make_stage(files: Sequence[StageFile] = (), **more: object) -> Stage:
    fields: dict[str, object] = {
        "number": 7,
        "uploader": "google",
        "account": "anna",
        "account_name": "1.json",
        "destination": "gdrive:Media",
        "folder": "/source",
        "moving": True,
        "files": list(files),
        "opened_at": NOON,
        "seen_at": NOON,
    }
    return Stage(**(fields | more))  # type: ignore[arg-type]


def rows(stage: Stage) -> tuple[bytes, bytes, bytes]:
    return json.dumps(stage.document()).encode(), pack_files(stage.files), pack_states(stage.states)


# The list


@given(FILES)
def test_list_comes_back_exactly(files: list[StageFile]) -> None:
    assert unpack_files(pack_files(files)) == files


def test_odd_names_come_back_exactly() -> None:
    files = [StageFile(name, place, place + 1, 1 << 62, 5) for place, name in enumerate(ODD)]
    assert unpack_files(pack_files(files)) == files


def test_a_hundred_thousand_files_fit() -> None:
    files = [
        StageFile(
            f"Shows/Show {n // 500}/Season {n // 20 % 25:02}/episode {n}.mkv", 10**9 + n * 977, n, NOON_NS + n * 7919, n
        )
        for n in range(100_000)
    ]
    packed = pack_files(files)
    assert len(packed) < 2 << 20
    assert unpack_files(packed) == files


@pytest.mark.parametrize(
    "packed",
    [b"", b"x", zlib.compress(b""), zlib.compress(b"\x01"), zlib.compress((5).to_bytes(8, "little") + b"\0" * 40)],
)
def test_list_that_is_none_is_an_error_never_a_shorter_list(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_files(packed)


@given(FILES, st.data())
def test_list_that_was_cut_is_an_error(files: list[StageFile], data: st.DataObject) -> None:
    packed = pack_files(files)
    with pytest.raises(ValueError, match=r"."):
        unpack_files(packed[: data.draw(st.integers(0, len(packed) - 1))])


# What is known of each file


def test_stage_waits_for_all_its_files_at_first() -> None:
    stage = make_stage([stage_file("a", 5), stage_file("b", 7, cost=0)])
    assert stage.waiting_bytes == 5
    assert [file.name for file in stage.in_state(FileState.WAITING)] == ["a", "b"]
    assert not stage.is_settled()
    assert make_stage().is_settled()


def test_states_follow_what_is_known_and_the_reservation_follows_them() -> None:
    stage = make_stage([stage_file(name, size) for name, size in (("a", 1), ("b", 2), ("c", 4))])
    assert stage.set_state("a", FileState.SENT) is FileState.WAITING
    assert stage.waiting_bytes == 6
    assert stage.set_state("a", FileState.SENT) is FileState.SENT
    assert stage.set_state("a", FileState.DONE) is FileState.SENT
    assert stage.waiting_bytes == 6
    assert stage.set_state("of nobody", FileState.DONE) is None
    stage.free_all_but({"c"})
    assert stage.waiting_bytes == 4
    assert [FileState(state) for state in stage.states] == [FileState.DONE, FileState.FREE, FileState.WAITING]
    assert not stage.is_settled()
    stage.free_all_but(())
    assert stage.waiting_bytes == 0
    assert stage.is_settled()


def test_file_that_was_sent_but_not_told_is_not_settled() -> None:
    stage = make_stage([stage_file("a", 1)])
    stage.set_state("a", FileState.SENT)
    assert not stage.is_settled()


@given(FILES, st.data())
def test_stage_is_read_as_it_was_written(files: list[StageFile], data: st.DataObject) -> None:
    states = bytearray(data.draw(st.lists(st.integers(0, 3), min_size=len(files), max_size=len(files))))
    stage = make_stage(
        files,
        states=states,
        ended_at=data.draw(st.none() | st.just(NOON + 5)),
        landing_seconds=60.0,
        charges=[Charge(NOON, NOON + 1, 5), Charge(NOON + 9, NOON + 9, 7, NOON + 8)],
        moving=data.draw(st.booleans()),
    )
    assert read_stage(7, *rows(stage)) == stage


def test_without_states_or_with_damaged_ones_every_file_is_waiting() -> None:
    stage = make_stage([stage_file("a", 5), stage_file("b", 7)])
    stage.set_state("a", FileState.DONE)
    document, files, states = rows(stage)
    assert read_stage(7, document, files, states).waiting_bytes == 7
    for damaged in (None, b"x", zlib.compress(b"\x03"), zlib.compress(b"\x03\x09")):
        assert read_stage(7, document, files, damaged).waiting_bytes == 12


@pytest.mark.parametrize("files", [None, b"", b"x"])
def test_stage_without_its_list_cannot_be_read(files: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_stage(7, b"{}", files, None)


def test_document_of_a_stage_says_what_it_reserved() -> None:
    stage = make_stage([stage_file("a", 5), stage_file("b", 7)])
    stage.set_state("a", FileState.SENT)
    assert stage.document()["waiting_bytes"] == 7


def test_people_are_told_of_files_in_doubt() -> None:
    stage = make_stage([stage_file("a", 5), stage_file("b", 7)], ended_at=NOON + 10.6)
    stage.set_state("a", FileState.DONE)
    assert waiting_document(stage) == {
        "opened_at": NOON,
        "ended_at": NOON + 11,
        "account": "1.json",
        "files": 1,
        "bytes": 7,
    }


NOON_NS = int(NOON) * 1_000_000_000
