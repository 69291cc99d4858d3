"""The history of sizes over sessions: exact sums, percentiles within reason, and what others wrote stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.distribution import PERCENTILES, SizeSample, percentile
from cloudplow.state.size_history import with_earlier

FOLDER = "/mnt/media"
SIZES = st.lists(st.integers(0, 200 << 30), min_size=1, max_size=60)


def session(sizes: list[int], folder: str = FOLDER) -> dict[str, Any]:
    sample = SizeSample()
    for size in sizes:
        sample.add(size)
    return sample.document(upload_folder=folder, now=1000.0)


def history(*sessions: list[int]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for sizes in sessions:
        document = with_earlier(document, session(sizes), sizes)
    return document


@given(st.lists(SIZES, min_size=1, max_size=4))
def test_what_can_be_exact_is_that_of_one_session_with_all_files(sessions: list[list[int]]) -> None:
    together = [size for sizes in sessions for size in sizes]
    found, exact = history(*sessions), session(together)
    for key in ("total_files", "total_bytes", "mean"):
        assert found["statistics"][key] == pytest.approx(exact["statistics"][key])
    assert found["statistics"]["std_dev"] == pytest.approx(exact["statistics"]["std_dev"], rel=1e-3, abs=2)
    for key in ("max_file_size", "size_buckets", "size_histogram", "large_file_percentage"):
        assert found[key] == exact[key]
    assert found["metadata"]["sample_count"] == len(together)
    ordered = list(found["percentiles"].values())
    assert ordered == sorted(ordered)
    assert max(ordered) <= max(together)


def test_percentiles_stay_near_the_truth() -> None:
    parts = [[size * 1_000_000 for size in range(start, 1000, 7)] for start in range(7)]
    found = history(*parts)["percentiles"]
    together = sorted(size for part in parts for size in part)
    for percent in PERCENTILES:
        assert found[f"p{percent}"] == pytest.approx(percentile(together, percent), rel=0.05)


def test_what_an_older_program_wrote_stays() -> None:
    old = {
        "max_file_size": 60 << 30,
        "percentiles": {"p50": 5 << 30, "p75": 9 << 30},
        "size_buckets": {"1GB-10GB": {"count": 90, "total_bytes": 500 << 30}, "50GB+": {"count": 10}},
        "statistics": {"total_files": 100, "total_bytes": 770_000_000_000, "std_dev": None},
        "tracker_state": {"seen": [1, 2]},
        "comparison": {"better": True},
        "metadata": {"upload_folder": f"{FOLDER}/", "sample_count": 100, "comparison": "c"},
    }
    found = with_earlier(old, session([5, 5, 5, 5]), [5, 5, 5, 5])
    assert (found["statistics"]["total_files"], found["statistics"]["total_bytes"]) == (104, 770_000_000_020)
    assert (found["tracker_state"], found["comparison"]) == (old["tracker_state"], old["comparison"])
    assert found["metadata"]["comparison"] == "c"
    assert (found["metadata"]["sample_count"], found["metadata"]["confidence"]) == (104, "high")
    assert found["size_buckets"]["1GB-10GB"]["count"] == 90
    assert found["large_file_percentage"] == pytest.approx(9.6)
    assert found["max_file_size"] == 60 << 30


def test_history_of_another_folder_does_not_count() -> None:
    alone = session([1, 2], "/other")
    assert with_earlier(session([5] * 50), alone, [1, 2]) == alone


def test_history_stays_as_small_as_it_is() -> None:
    assert len(json.dumps(history(*[[1, 2, 3]] * 50))) < 6000


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(["percentiles", "size_buckets", "metadata", "size_histogram", "max_file_size"])


@given(st.dictionaries(PARTS, JSON))
def test_whatever_is_stored_the_session_counts(stored: dict[str, Any]) -> None:
    found = with_earlier({**stored, "statistics": {"total_files": 3}}, session([7]), [7])
    assert found["statistics"]["total_bytes"] == 7
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("stored", [None, 5, [], {}, {"statistics": 5}, {"statistics": {"total_files": "x"}}])
def test_what_is_no_history_does_not_count(stored: object) -> None:
    assert with_earlier(stored, session([7]), [7]) == session([7])
