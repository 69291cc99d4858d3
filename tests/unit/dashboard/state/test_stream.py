"""Merge patches, frames, the ring."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow_dashboard.state.patches import JOIN_BYTES, Ring, difference, encode_json, frame, merge, position_of

KEYS = st.sampled_from(["a", "b", "c", ""])
VALUES = st.recursive(
    st.one_of(st.text("xy", max_size=2), st.integers(0, 3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_a_patch_leads_from_any_object_to_any_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = difference(old, new)

    assert merge(old, patch) == new
    assert (patch == {}) == (old == new)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "b"}, ["c"], ["c"]),
        ("text", {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_merging_as_the_standard_says(target: object, patch: object, result: object) -> None:
    assert merge(target, patch) == result


def test_a_frame_is_one_event() -> None:
    assert frame("patch", "boot", 7, encode_json({"a": "é\n"})) == (
        'id: boot:7\nevent: patch\ndata: {"a":"é\\n"}\n\n'.encode()
    )


@pytest.mark.parametrize(
    ("event_id", "version"),
    [
        ("boot:7", 7),
        (" boot:7 ", 7),
        ("other:7", None),
        ("boot:", None),
        ("boot:-1", None),
        ("boot:1e3", None),
        ("boot:٣", None),
        ("boot:" + "9" * 5000, None),
        ("7", None),
        ("", None),
    ],
)
def test_ids_of_this_process_only_are_positions(event_id: str, version: int | None) -> None:
    assert position_of(event_id, "boot") == version


def filled(count: int, **limits: int) -> Ring:
    ring = Ring(**limits)
    for version in range(2, count + 2):
        ring.append(version, b"%d;" % version)
    return ring


def test_a_ring_gives_what_was_missed() -> None:
    ring = filled(4)

    assert ring.since(3, 5) == (b"4;5;", 5)
    assert ring.since(3, 5) == (b"4;5;", 5)
    assert ring.since(1, 3) == (b"2;3;", 3)
    assert ring.since(5, 5) == (b"", 5)


def test_a_ring_is_bounded_by_frames_and_by_bytes() -> None:
    by_frames, by_bytes = filled(50, max_frames=10), filled(50, max_bytes=9)

    assert by_frames.since(40, 51) is None
    assert by_frames.since(41, 51) is not None
    assert by_bytes.since(47, 51) is None
    assert by_bytes.since(48, 51) == (b"49;50;51;", 51)


def test_one_frame_may_be_larger_than_the_ring() -> None:
    ring = Ring(max_bytes=3)
    ring.append(2, b"longer")

    assert ring.since(1, 2) == (b"longer", 2)


def test_a_gap_in_the_versions_empties_the_ring() -> None:
    ring = filled(3)
    ring.append(9, b"9;")

    assert ring.since(4, 9) is None
    assert ring.since(8, 9) == (b"9;", 9)


def test_a_viewer_that_lags_gets_a_part_at_once() -> None:
    ring = Ring()
    for version in range(2, 12):
        ring.append(version, b"x" * (JOIN_BYTES // 4))

    part = ring.since(1, 11)

    assert part is not None
    assert (len(part[0]), part[1]) == (JOIN_BYTES, 5)


@pytest.mark.parametrize(
    ("version", "latest", "reaches"),
    [(1, 5, True), (5, 5, True), (6, 5, False), (0, 5, False), (3, 5, True), (3, 9, False)],
)
def test_how_far_back_a_viewer_can_resume(version: int, latest: int, reaches: bool) -> None:
    assert filled(4).reaches(version, latest) is reaches


def test_an_empty_ring_reaches_the_present_only() -> None:
    assert Ring().reaches(1, 1) is True
    assert Ring().reaches(0, 1) is False
