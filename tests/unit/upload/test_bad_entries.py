"""What rclone says about entries that it cannot list, in every form in which it says it."""

from __future__ import annotations

import fnmatch
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.upload.bad_entries import BadEntry, Trouble, all_cures, bad_entries, cure, folders_of


def said(text: str, name: str, level: str = "error") -> bytes:
    return json.dumps({"level": level, "msg": text, "object": name, "objectType": "string"}).encode() + b"\n"


DENIED = 'failed to open directory "lost+found": open /mnt/lost+found: permission denied'
BROKEN = "error listing: failed to read directory entry: readdirent /mnt/b: input/output error"
LAST_WORD = b"2026/11/26 22:02:55 Failed to lsf with 2 errors: last error was: " + DENIED.encode() + b"\n"


@pytest.mark.parametrize(
    "output",
    [
        said(DENIED, "lost+found") + LAST_WORD,
        b"2026/11/26 22:02:55 ERROR : lost+found: " + DENIED.encode() + b"\n" + LAST_WORD,
        said(DENIED, "lost+found") + said("Failed to lsf: " + DENIED, "", "notice"),
    ],
    ids=["1.60", "plain text", "1.75"],
)
def test_unreadable_folder_is_known_with_its_reason(output: bytes) -> None:
    entries, links = bad_entries(output)
    assert entries == [BadEntry("lost+found", Trouble.FOLDER, "permission denied")]
    assert links == []


@pytest.mark.parametrize(
    ("text", "vanished"),
    [
        ("error listing: directory not found", True),
        ("error listing: failed to read directory entry: readdirent /x/d: no such file or directory", True),
        (BROKEN, False),
    ],
)
def test_folder_that_ends_the_listing_may_have_vanished(text: str, *, vanished: bool) -> None:
    (entry,), _ = bad_entries(said(text, "d") + LAST_WORD)
    assert (entry.name, entry.trouble, entry.vanished) == ("d", Trouble.ENDED, vanished)
    assert folders_of([entry]) == ([] if vanished else [entry])


def test_folder_whose_names_alone_can_be_read_is_told_with_its_first_reason() -> None:
    """1.60 ends the listing at such a folder, and what it says last is no reason at all."""
    ended = 'error listing: failed to read directory entry: failed to read directory "/x/d/f": %!w(<nil>)'
    (entry,), _ = bad_entries(said("lstat /x/d/f: permission denied", "d") + said(ended, "d"))
    assert entry == BadEntry("d", Trouble.ENDED, "permission denied")


def test_entries_that_are_no_files_are_known() -> None:
    output = said("Can't transfer non file/directory", "fifo", "warning")
    output += said("Can't transfer non file/directory", "sock", "notice")
    output += said("Can't follow symlink without -L/--copy-links", "link", "notice")
    output += said("Listing error: symlink: stat /x/dangling: no such file or directory", "dangling")
    entries, links = bad_entries(output)
    assert [(entry.name, entry.trouble) for entry in entries] == [
        ("fifo", Trouble.SPECIAL),
        ("sock", Trouble.SPECIAL),
        ("dangling", Trouble.LINK),
    ]
    assert links == ["link"]


def test_name_with_colons_is_read_whole_also_from_plain_text() -> None:
    line = b'2026/11/26 22:02:55 ERROR : a: b: failed to open directory "a: b": open /x/a: b: permission denied\n'
    assert bad_entries(line)[0] == [BadEntry("a: b", Trouble.FOLDER, "permission denied")]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"object": 5, "level": "error", "msg": "x"}',
        b'{"level": "error", "msg": "Failed to lsf: x"}',
        said("Local file system at /x: bandwidth limiter started", "x", "info"),
        said("Config file not found - using defaults", "config", "notice"),
        LAST_WORD,
        b"\xff\xfe",
    ],
)
def test_other_lines_are_about_no_entry(line: bytes) -> None:
    assert bad_entries(line) == ([], [])


@given(st.binary(max_size=200))
def test_no_output_breaks_it(output: bytes) -> None:
    bad_entries(output)


def test_cure_can_be_pasted_into_the_configuration_and_means_this_entry_only() -> None:
    entry = BadEntry("b/deny [1]*{x}\\", Trouble.FOLDER, "permission denied")
    assert entry.pattern == r"/b/deny \[1\]\*\{x\}\\/**"
    assert f"add {json.dumps(entry.pattern)} to rclone_excludes" in cure(entry)
    assert BadEntry("odd", Trouble.SPECIAL, "").pattern == "/odd"
    assert '--exclude "/lost+found/**"' in cure(BadEntry("lost+found", Trouble.FOLDER, "permission denied"))


def test_byte_that_is_not_utf8_is_matched_by_any_character() -> None:
    assert fnmatch.fnmatch("/a\udcff", BadEntry("a\ufffd", Trouble.LINK, "").pattern)


def test_first_of_many_is_named_and_the_others_are_counted() -> None:
    entries = [BadEntry(str(number), Trouble.FOLDER, "permission denied") for number in range(3)]
    assert all_cures(entries).endswith("; 2 more entries could not be listed")
    assert all_cures(entries[:2]).endswith("; 1 more entry could not be listed")
    assert all_cures(entries[:1]) == cure(entries[0])
