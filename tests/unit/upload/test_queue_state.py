"""What a session still has to upload."""

from __future__ import annotations

import os

from cloudplow.models import QueueFile
from cloudplow.upload.queue_state import CHANGES_PER_FILE, TRIES_PER_FILE, QueueState
from tests.unit.helpers import queue_of

A, B, C = queue_of([10, 20, 30])


def listed(*files: QueueFile, files_stay: bool = False) -> QueueState:
    state = QueueState()
    state.listed(files, files_stay=files_stay)
    return state


def test_transferred_file_leaves_the_queue_with_its_bytes() -> None:
    state = listed(A, B)
    state.forget(A)
    assert (state.candidates(), state.bytes) == ([B], 20)


def test_file_that_grew_while_it_was_uploaded_takes_only_what_was_listed() -> None:
    state = listed(A, B)
    state.forget(QueueFile(A.name, 999))
    assert state.bytes == 20


def test_file_that_is_transferred_twice_is_counted_once() -> None:
    state = listed(A, B)
    state.forget(A)
    state.forget(A)
    assert state.bytes == 20


def test_moved_file_that_is_listed_again_is_a_new_one() -> None:
    state = listed(A)
    state.forget(A)
    state.listed([A], files_stay=False)
    assert state.candidates() == [A]


def test_copied_file_stays_at_the_source_and_is_not_taken_again_unless_it_changed() -> None:
    state = listed(A, B, files_stay=True)
    state.forget(A)
    state.listed([A, B], files_stay=True)
    assert state.candidates() == [B]
    changed = QueueFile(A.name, 11)
    state.listed([changed, B], files_stay=True)
    assert state.candidates() == [changed, B]
    assert state.bytes == 31


def test_file_that_keeps_failing_is_given_up_but_still_counts_as_left() -> None:
    state = listed(A, B)
    for number in range(TRIES_PER_FILE):
        assert A in state.candidates()
        state.note_failures([(A.name, f"error {number}")])
    assert state.candidates() == [B]
    assert state.given_up() == {A.name: f"error {TRIES_PER_FILE - 1}"}
    assert (len(state.files), state.bytes) == (2, 30)


def test_failures_are_counted_until_all_have_failed_alike() -> None:
    state = listed(A, B)
    assert (state.failed_before(), state.tried_unevenly()) == ({}, False)
    state.note_failures([(A.name, "error")])
    assert (state.failed_before(), state.tried_unevenly()) == ({A.name: 1}, True)
    state.note_failures([(B.name, "error")])
    assert not state.tried_unevenly()
    assert not listed().tried_unevenly()


def test_given_up_file_that_vanished_is_no_failure() -> None:
    state = listed(A, B)
    for _ in range(TRIES_PER_FILE):
        state.note_failures([(A.name, "error")])
    state.listed([B], files_stay=False)
    assert state.given_up() == {}


def test_failure_of_an_unknown_name_is_nobodys() -> None:
    state = listed(A)
    for _ in range(TRIES_PER_FILE):
        state.note_failures([("Google drive root 'x'", "error")])
    assert state.candidates() == [A]
    assert state.given_up() == {}


def test_failure_reaches_a_name_that_is_no_utf8() -> None:
    odd = QueueFile(os.fsdecode(b"a\xffb"), 1)
    state = listed(odd, A)
    for _ in range(TRIES_PER_FILE):
        state.note_failures([("a\ufffdb", "error")])
    assert state.candidates() == [A]
    assert list(state.given_up()) == [odd.name]


def test_file_that_looks_changed_twice_is_let_through() -> None:
    state = listed(A, B)
    assert state.still_doubtful([A]) == set()
    assert state.still_doubtful(iter([A, B])) == {A.name}
    assert state.still_doubtful([B]) == {B.name}


def test_file_that_changes_while_it_is_uploaded_goes_again_a_few_times() -> None:
    state = listed(A, B)
    for _ in range(CHANGES_PER_FILE - 1):
        state.note_changed(A.name)
    assert (state.candidates(), state.failed_before(), state.given_up()) == ([A, B], {}, {})
    state.note_changed(A.name)
    assert state.candidates() == [B]
    assert "keeps changing" in state.given_up()[A.name]


def test_file_that_cannot_be_removed_is_given_up_at_once() -> None:
    state = listed(A, B)
    state.note_failures([(A.name, "stuck"), (B.name, "busy")], {A.name})
    assert (state.candidates(), state.given_up()) == ([B], {A.name: "stuck"})
