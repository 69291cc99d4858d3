"""What a stop may hide: never less than what can have gone, never more than a line carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.rclone.command import ExtraValue
from cloudplow.upload.unseen import DEFAULT_TRANSFERS, UNSEEN_BYTES, transfers, unseen_bytes


def test_as_many_files_as_go_at_a_time_may_have_arrived_the_largest_ones() -> None:
    assert unseen_bytes([1, 50, 3, 20], 2) == 70
    assert unseen_bytes([5], 8) == 5
    assert unseen_bytes([], 8) == 0


def test_no_more_may_have_gone_than_the_line_carries() -> None:
    assert unseen_bytes([10**12, 10**12], 8) == UNSEEN_BYTES


@given(st.lists(st.integers(0, 10**9), max_size=20), st.integers(1, 8), st.data())
def test_whatever_arrived_unseen_is_covered(sizes: list[int], at_once: int, data: st.DataObject) -> None:
    arrived = data.draw(st.lists(st.sampled_from(range(len(sizes))), unique=True, max_size=at_once)) if sizes else []
    arrived_bytes = sum(sizes[index] for index in arrived)
    assert unseen_bytes(sizes, at_once) >= min(UNSEEN_BYTES, arrived_bytes)


@pytest.mark.parametrize(
    ("extras", "environ", "expected"),
    [
        ({}, {}, DEFAULT_TRANSFERS),
        ({"--transfers": 8}, {"RCLONE_TRANSFERS": "2"}, 8),
        ({"--transfers": "16"}, {}, 16),
        ({}, {"RCLONE_TRANSFERS": "2"}, 2),
        ({"--transfers": None}, {}, DEFAULT_TRANSFERS),
        ({"--transfers": "many"}, {}, DEFAULT_TRANSFERS),
        ({"--transfers": 0}, {}, DEFAULT_TRANSFERS),
    ],
)
def test_number_of_transfers_is_the_users(
    extras: dict[str, ExtraValue], environ: dict[str, str], expected: int
) -> None:
    assert transfers(extras, environ) == expected
