"""Reading a listing: names and sizes, and which file was changed longest ago."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.models import QueueFile
from cloudplow.upload.listing import Seen, modified_at, oldest_name, parse_listing, unchanged, write_list

LISTING: Final = (
    b"2025-03-02 10:00:00\t5\tShow/S01E02.mkv\n"
    b"2024-12-31 23:59:59\t7\tFilm\xff.mkv\n"
    b"2025-03-02 09:59:59\t0\t tab\xe2\x90\x89and blank \n"
)
TIMES: Final = st.integers(0, 4_000_000_000)


def line(at: str, name: str) -> bytes:
    return f"{at}\t1\t{name}\n".encode()


def test_listing_gives_names_as_they_are_and_exact_sizes() -> None:
    assert parse_listing(LISTING) == [
        QueueFile("Show/S01E02.mkv", 5),
        QueueFile("Film\udcff.mkv", 7),
        QueueFile(" tab\u2409and blank ", 0),
    ]


def test_lines_without_a_time_are_read_as_an_earlier_version_kept_them() -> None:
    assert parse_listing(b"5\tShow/S01E02.mkv\n-1\tno size") == [
        QueueFile("Show/S01E02.mkv", 5),
        QueueFile("no size", 0),
    ]


@pytest.mark.parametrize(
    "bad", [b"", b"\n", b"words", b"2025-03-02 10:00:00\t5\t", b"x\t5x\tname", b"5\t", b"\t\tname"]
)
def test_line_that_is_none_is_passed_over(bad: bytes) -> None:
    assert parse_listing(bad + b"\n" + LISTING) == parse_listing(LISTING)


@given(st.lists(TIMES, min_size=1, max_size=20))
def test_oldest_file_is_the_one_with_the_smallest_time(times: list[int]) -> None:
    texts = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(200_000 + at)) for at in times]
    listing = b"".join(line(text, str(number)) for number, text in enumerate(texts))
    assert times[int(oldest_name(listing))] == min(times)


def test_oldest_file_is_one_that_is_still_to_go() -> None:
    assert oldest_name(LISTING) == "Film\udcff.mkv"
    assert oldest_name(LISTING, {"Film\udcff.mkv"}) == " tab\u2409and blank "
    assert oldest_name(LISTING, {file.name for file in parse_listing(LISTING)}) == ""


@pytest.mark.parametrize(
    "at",
    [
        "1970-01-01 14:00:00",
        "1969-12-31 12:00:00",
        "1901-12-13 20:45:52",
        "-001-11-30 00:00:00",
        "10000-01-01 00:00:00",
        "292277026596-12-04 15:30:07",
        "2024-01-02T15:04:05Z",
        "1704207845",
        "",
    ],
)
def test_file_without_a_real_time_is_not_the_oldest(at: str) -> None:
    assert oldest_name(line(at, "none") + LISTING) == "Film\udcff.mkv"
    assert oldest_name(line(at, "none")) == ""


def test_listing_without_times_or_files_has_no_oldest_file() -> None:
    assert oldest_name(b"") == ""
    assert oldest_name(b"5\tShow/S01E02.mkv\n") == ""


def test_time_is_that_of_the_file_itself(tmp_path: Path) -> None:
    for name, shown in (("plain", "plain"), ("a\nb", "a\u240ab")):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, 1_500_000_000.75))
        assert modified_at(tmp_path, shown) == 1_500_000_000
    assert modified_at(tmp_path, "gone") == modified_at(tmp_path, "a\0b") == 0


# What is looked at before a stage


def test_only_files_that_are_as_they_were_listed_go_with_their_time_and_number(tmp_path: Path) -> None:
    for name, content in (("same", b"12345"), ("grown", b"123456"), ("\u00e9", b"1")):
        (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / "same", ns=(0, 1_500_000_000_123_456_789))
    listed = [QueueFile("same", 5), QueueFile("grown", 5), QueueFile("gone", 5), QueueFile("\u00e9", 1)]
    found = unchanged(listed, tmp_path)
    assert [one.file.name for one in found] == ["same", "\u00e9"]
    assert found[0].modified_ns == 1_500_000_000_123_456_789
    assert found[0].inode == (tmp_path / "same").stat().st_ino


def test_file_whose_path_is_only_a_guess_goes_all_the_same(tmp_path: Path) -> None:
    file = QueueFile("a\u240ab", 5)
    assert unchanged([file], tmp_path) == [Seen(file)]


def test_list_for_rclone_is_byte_for_byte_as_listed(tmp_path: Path) -> None:
    write_list(tmp_path / "stages" / "x.list", [QueueFile("a\udcff", 1), QueueFile(" \u00e9 ", 2)])
    assert (tmp_path / "stages" / "x.list").read_bytes() == b"a\xff\n \xc3\xa9 \n"
