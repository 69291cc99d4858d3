"""What was sent more often than once, as far as the statistics tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.upload.repeats import CHUNK_UNIT_BYTES, FailedFile, repeated_bytes

MB = 1_000_000


def test_what_no_failed_file_can_explain_was_sent_again() -> None:
    assert repeated_bytes(700, []) == 700
    assert repeated_bytes(0, []) == 0
    assert repeated_bytes(-5, [FailedFile(10, 0)]) == 0


@pytest.mark.parametrize("sent", [10 * MB, 8 * CHUNK_UNIT_BYTES, 0], ids=["whole", "up to a chunk's end", "nothing"])
def test_a_file_that_was_refused_explains_what_was_sent_of_it(sent: int) -> None:
    assert repeated_bytes(sent, [FailedFile(10 * MB, 0)]) == 0


def test_a_large_file_that_was_refused_hides_nothing_that_was_sent_again() -> None:
    assert repeated_bytes(630_001, [FailedFile(10 * MB, 0)]) == 630_001


def test_what_was_seen_to_be_sent_of_a_failed_file_was_not_sent_again() -> None:
    assert repeated_bytes(3_000_001, [FailedFile(10 * MB, 2_900_000)]) == 100_001


def test_a_file_that_was_cut_off_somewhere_explains_any_part_of_it() -> None:
    failed = [FailedFile(10 * MB, 0), FailedFile(5 * MB, 0, refused=False)]
    assert repeated_bytes(630_001, failed) == 0
    assert repeated_bytes(15 * MB + 7, failed) >= 7


def test_several_failed_files_explain_the_sum_of_their_parts() -> None:
    failed = [FailedFile(2_000_003, 0), FailedFile(3_000_007, 0), FailedFile(40 * MB, 0)]
    assert repeated_bytes(5_000_010 + 4 * CHUNK_UNIT_BYTES, failed) == 0


@given(
    repeated=st.integers(0, 10 * MB),
    failed=st.lists(st.tuples(st.integers(1, 50 * MB), st.integers(0, 50 * MB)), max_size=12),
)
def test_more_than_all_failed_files_is_never_forgotten(repeated: int, failed: list[tuple[int, int]]) -> None:
    files = [FailedFile(stored, min(stored, seen)) for stored, seen in failed]
    everything = sum(one.stored_bytes for one in files)
    assert repeated_bytes(everything + repeated, files) >= repeated
