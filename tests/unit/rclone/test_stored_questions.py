"""What rclone is asked after an upload, and what its answers come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudplow.rclone.command import Rclone
from cloudplow.rclone.process import Completed
from cloudplow.rclone.remotes import stored_size_bytes
from cloudplow.rclone.stored_questions import (
    NAMES_PER_QUESTION,
    StoredInquiry,
    ask_for,
    question_command,
    read_output,
)
from cloudplow.rclone.stored_sizes import find_layers
from tests.unit.rclone.test_stored_sizes import DUMP

MORE = {
    **DUMP,
    "zipsecret": {"type": "compress", "remote": "secret:z"},
    "chunkzip": {
        "type": "chunker",
        "remote": "zip:y",
        "chunk_size": "100000B",
        "name_format": "*.p##",
        "start_from": "0",
    },
    "zipchunks": {"type": "compress", "remote": "chunks:y"},
    "twin": {"type": "union", "upstreams": "short:a secret:x/a gdrive:b"},
    "hidden": {"type": "crypt", "remote": "mixed:x"},
    "ziptxn": {"type": "chunker", "remote": "zip:y", "chunk_size": "100000B", "transactions": "norename"},
}


def ask(path: str, *files: tuple[str, int]) -> StoredInquiry:
    return ask_for(find_layers(path, MORE), files)


def places(inquiry: StoredInquiry) -> list[tuple[str, tuple[str, ...]]]:
    return [(question.path, question.names) for question in inquiry.questions]


def test_compress_is_asked_for_data_and_metadata_by_their_exact_names() -> None:
    inquiry = ask("zip:x", ("a/b.txt", 3_000))

    assert places(inquiry) == [("gdrive:z/x", ("a/b.txt.bin", "a/b.txt.json", "a/b.txt.uAsAAAAAAAA.gz"))]
    assert inquiry.read([b"89\ta/b.txt.uAsAAAAAAAA.gz\n178\ta/b.txt.json\n"]) == {"a/b.txt": 267}


def test_crypt_below_is_computed_on_top_of_the_answer() -> None:
    inquiry = ask("zipsecret:", ("a", 3_000))
    stored = stored_size_bytes(89, 1) + stored_size_bytes(178, 1)

    assert [question.path for question in inquiry.questions] == ["secret:z"]
    assert inquiry.read([b"89\ta.uAsAAAAAAAA.gz\n178\ta.json\n"]) == {"a": stored}


@pytest.mark.parametrize("output", [b"", b"89\ta.uAsAAAAAAAA.gz\n", b"178\ta.json\n", b"?\n\nx\ty\n", None])
def test_a_file_that_is_not_all_there_has_no_answer(output: bytes | None) -> None:
    assert ask("zip:", ("a", 3_000)).read([output]) == {}


def test_names_that_were_not_asked_for_do_not_count() -> None:
    assert ask("zip:", ("a", 0)).read([b"0\ta.bin\n148\ta.json\n7\tb.bin\n9\tb.json\n"]) == {"a": 148}


def test_union_is_asked_in_each_of_its_remotes() -> None:
    inquiry = ask("mixed:d", ("a", 1_000), ("b", 1_000))

    assert places(inquiry) == [("gdrive:a/d", ("a", "b")), ("secret:b/d", ("a", "b"))]
    assert inquiry.read([b"1000\ta\n", b"1000\tb\n"]) == {"a": 1_000, "b": 1_048}
    assert inquiry.read([b"1000\ta\n", b"1000\ta\n1000\tb\n"]) == {"a": 2_048, "b": 1_048}
    assert inquiry.read([b"1000\ta\n", None]) == {}


def test_a_place_below_two_ways_counts_once() -> None:
    inquiry = ask("twin:", ("a", 1_000))
    assert [question.path for question in inquiry.questions] == ["gdrive:b", "secret:x/a"]
    assert inquiry.read([b"", b"1000\ta\n"]) == {"a": 1_048}


def test_what_goes_to_a_disk_costs_nothing() -> None:
    inquiry = ask("half:d", ("a", 1_000))
    assert [question.path for question in inquiry.questions] == ["/mnt/disk/d", "secret:b/d"]
    assert inquiry.read([b"1000\ta\n", b""]) == {"a": 0}


def test_combine_is_asked_in_the_folder_of_the_name() -> None:
    inquiry = ask("folders:", ("a/x", 1), ("my b/y", 1), ("lost/z", 1))
    assert places(inquiry) == [("gdrive:a", ("x",)), ("secret:b", ("y",))]
    assert inquiry.read([b"1\tx\n", b"1\ty\n"]) == {"a/x": 1, "my b/y": 49}


def test_chunks_are_asked_for_one_by_one_below() -> None:
    (question,) = ask("chunkzip:", ("f/a", 150_000)).questions
    names = {name for name in question.names if name.endswith((".bin", ".json"))}

    assert question.path == "gdrive:z/y"
    assert names == {f"f/a{part}.{end}" for part in ("", ".p00", ".p01") for end in ("bin", "json")}
    assert {"f/a.p00.oIYBAAAAAAA.gz", "f/a.p01.UMMAAAAAAAA.gz"} < set(question.names)


def test_a_file_of_one_chunk_needs_no_chunk() -> None:
    inquiry = ask("chunkzip:", ("a", 10))
    assert inquiry.read([b"10\ta.bin\n150\ta.json\n"]) == {"a": 160}
    assert inquiry.read([b"72\ta.bin\n150\ta.json\n10\ta.p00.bin\n150\ta.p00.json\n"]) == {"a": 382}


def test_chunks_of_compressed_data_are_computed_from_their_sum() -> None:
    inquiry = ask("zipchunks:", ("a", 3_000_000))
    assert [question.path for question in inquiry.questions] == ["chunks:y"]
    assert inquiry.read([b"300000\ta.wMYtAAAAAAA.gz\n200\ta.json\n"]) == {"a": 300_000 + 76 + 200}


@pytest.mark.parametrize("path", ["hidden:", "ziptxn:", "secret:", "chunks:", "gdrive:", "/mnt"])
def test_there_are_no_questions_about_what_can_be_computed_or_cannot_be_told(path: str) -> None:
    inquiry = ask(path, ("a", 300_000))
    assert inquiry.questions == ()
    assert inquiry.read([]) == {}


def test_a_question_holds_a_bounded_number_of_names_and_keeps_folders_together() -> None:
    files = [(f"{number % 40:02}/{number}", 10) for number in range(4_000)]
    inquiry = ask("zip:", *files)
    named = [len(question.names) for question in inquiry.questions]
    shared = {name.partition("/")[0] for name in inquiry.questions[0].names} & {
        name.partition("/")[0] for name in inquiry.questions[1].names
    }

    assert sum(named) == 12_000 and max(named) <= NAMES_PER_QUESTION and len(named) == 3
    assert len(shared) <= 1
    outputs = [b"".join(b"5\t%s\n" % name.encode() for name in one.names) for one in inquiry.questions]
    assert len(inquiry.read(outputs)) == 4_000


def test_a_file_of_too_many_parts_is_not_asked_for() -> None:
    assert ask("chunkzip:", ("a", 100_000 * NAMES_PER_QUESTION)).questions == ()


def test_names_are_written_byte_for_byte() -> None:
    (question,) = ask("zip:", ("ä\udcff ", 0)).questions
    assert b"\xc3\xa4\xff .bin\n" in question.file_list
    inquiry = ask("zip:", ("ä\udcff ", 0))
    assert inquiry.read([b"0\t\xc3\xa4\xff .bin\n9\t\xc3\xa4\xff .json\n"]) == {"ä\udcff ": 9}


def test_command_lists_the_names_and_takes_no_filters() -> None:
    (question,) = ask("zip:x", ("a", 0)).questions
    flags = {"--drive-pacer-min-sleep": "10ms", "--exclude": "*.tmp", "--min-age": "5m", "--progress": None}
    command = question_command(Rclone("rclone", "/r.conf"), question, Path("/names"), flags)

    assert command[:3] == ["rclone", "lsf", "gdrive:z/x"]
    assert {"--files-from-raw=/names", "--config=/r.conf", "--drive-pacer-min-sleep=10ms"} < set(command)
    assert not any("exclude" in word or "min-age" in word or "progress" in word for word in command)


@pytest.mark.parametrize(
    ("code", "stdout", "output"), [(0, b"1\ta\n", b"1\ta\n"), (3, b"", b""), (3, b"1\ta\n", None), (1, b"", None)]
)
def test_a_missing_folder_is_an_answer_and_a_failure_is_none(code: int, stdout: bytes, output: bytes | None) -> None:
    assert read_output(Completed(code, stdout, b"")) == output
