"""How a session ends when nothing can run now, and what its last sentence says."""

from __future__ import annotations

import pytest

from cloudplow.events import SessionOutcome
from cloudplow.models import QueueFile
from cloudplow.planning.planner import Plan
from cloudplow.upload.bad_entries import BadEntry, Trouble
from cloudplow.upload.ending import end_of, keeping_flag, too_many_rounds, what_stays
from cloudplow.upload.listing import Listing
from cloudplow.upload.queue_state import TRIES_PER_FILE, QueueState
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.removal import STUCK

DONE = Reaction(React.END, outcome=SessionOutcome.DONE)
BAD = BadEntry("lost+found", Trouble.FOLDER, "permission denied")


def queue(*names: str) -> QueueState:
    made = QueueState()
    made.listed([QueueFile(name, 1) for name in names], files_stay=False)
    return made


def test_whole_listing_without_anything_left_is_done() -> None:
    assert end_of(Plan(), None, queue(), Listing([], "lsf"), dry_run=False) == DONE


def test_bad_entry_or_half_a_listing_is_never_done() -> None:
    end = end_of(Plan(), None, queue(), Listing([], "lsf", bad=(BAD,)), dry_run=False)
    assert (end.outcome, "lost+found" in end.why) == (SessionOutcome.FAILED, True)
    end = end_of(Plan(), None, queue(), Listing([], "lsf", is_whole=False), dry_run=False)
    assert (end.outcome, "there may be more files" in end.why) == (SessionOutcome.FAILED, True)


def test_files_that_were_given_up_are_told_before_bad_entries() -> None:
    waiting = queue("a")
    for _ in range(TRIES_PER_FILE):
        waiting.note_failure("a", "no")
    end = end_of(Plan(), None, waiting, Listing([], "lsf", bad=(BAD,)), dry_run=False)
    assert end.why == "1 file could not be uploaded, for example 'a': no"


def test_files_that_arrived_but_cannot_be_removed_are_not_said_to_have_failed_to_upload() -> None:
    waiting = queue("a")
    waiting.note_failures([("a", f"{STUCK}: permission denied; do something")], {"a"})
    end = end_of(Plan(), None, waiting, Listing([], "lsf"), dry_run=False)
    assert end.why == f"1 file could not be moved, for example 'a': {STUCK}: permission denied; do something"
    assert end.outcome is SessionOutcome.FAILED


def test_file_that_rclone_keeps_is_not_tried_again_until_it_changes() -> None:
    waiting = queue("a", "b")
    waiting.note_kept(QueueFile("a", 1))
    assert [file.name for file in waiting.candidates()] == ["b"]
    assert waiting.kept() == 1
    waiting.listed([QueueFile("a", 2)], files_stay=False)
    assert [file.name for file in waiting.candidates()] == ["a"]
    assert waiting.kept() == 0


def test_files_that_keep_coming_are_no_fault() -> None:
    end = too_many_rounds(queue("a", "b"))
    assert (end.outcome, end.why.count("2 files")) == (SessionOutcome.SUSPENDED, 1)


@pytest.mark.parametrize(
    ("extras", "environ", "flag"),
    [
        ({}, {}, ""),
        ({"--ignore-existing": None}, {}, "--ignore-existing"),
        ({"--ignore-existing": True}, {}, "--ignore-existing"),
        ({"--ignore-existing": False}, {}, ""),
        ({"--update": None}, {}, "--update"),
        ({}, {"RCLONE_IGNORE_EXISTING": "true"}, "--ignore-existing"),
        ({"--ignore-existing": False}, {"RCLONE_IGNORE_EXISTING": "true"}, ""),
        ({"--transfers": 4}, {}, ""),
    ],
)
def test_flags_that_keep_files_are_known(extras: dict[str, object], environ: dict[str, str], flag: str) -> None:
    assert keeping_flag(extras, environ) == flag


def test_last_sentence_says_what_stays() -> None:
    listing = Listing([], "lsf", open_files=2, own_files=1)
    words = what_stays(DONE, listing, came=3, kept=1, flag="--ignore-existing", too_young=1, age="15m")
    assert words == (
        "1 file stays: the destination has a file of this name (--ignore-existing); "
        "3 files came since the last stage began; 2 open files wait; 1 file younger than 15m waits; "
        "1 file in the upload folder is cloudplow's own (configuration, cache, keys, logs) and will stay there"
    )
    assert what_stays(DONE, Listing([], "lsf"), came=0, kept=0, flag="", too_young=0, age="") == ""
