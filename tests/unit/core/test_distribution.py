"""The distribution document: the keys that old installations read, and that its numbers are true."""

from __future__ import annotations

import json
import math
import statistics
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import distribution
from cloudplow.distribution import SizeSample, confidence_of, distribution_document, percentile
from cloudplow.units import GIB
from tests.unit.helpers import NOON

BUCKETS: Final = ["0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+"]
PERCENTILES: Final = {"p50", "p75", "p90", "p95", "p99"}
SIZES: Final = st.lists(st.integers(0, 1 << 45), max_size=50)


def document(sizes: list[int], **more: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "source": "lsf",
        "upload_folder": "Media",
        "duration_seconds": 1.5,
        "now": NOON,
        **more,
    }
    return distribution_document(sizes, **settings)


def test_every_key_of_the_old_form_is_there() -> None:
    made = document([1, 2, 3])
    assert set(made) >= {
        "max_file_size",
        "max_file_size_human",
        "percentiles",
        "percentiles_human",
        "size_buckets",
        "large_file_percentage",
        "statistics",
        "metadata",
    }
    assert set(made["percentiles"]) == set(made["percentiles_human"]) == PERCENTILES
    assert list(made["size_buckets"]) == BUCKETS
    assert all(set(bucket) == {"count", "total_bytes", "percentage"} for bucket in made["size_buckets"].values())
    assert set(made["statistics"]) >= {
        "total_files",
        *(f"{name}{form}" for name in ("total_bytes", "mean", "median", "std_dev") for form in ("", "_human")),
    }
    assert set(made["metadata"]) >= {
        "source",
        "learning_phase",
        "last_updated",
        "last_updated_human",
        "upload_folder",
        "sample_count",
        "confidence",
        "checking_duration_seconds",
    }


@given(SIZES)
def test_document_holds_no_null_and_no_infinity(sizes: list[int]) -> None:
    text = json.dumps(document(sizes), allow_nan=False)
    assert "null" not in text


@given(SIZES)
def test_buckets_hold_every_file_once(sizes: list[int]) -> None:
    buckets = document(sizes)["size_buckets"].values()
    assert sum(bucket["count"] for bucket in buckets) == len(sizes)
    assert sum(bucket["total_bytes"] for bucket in buckets) == sum(sizes)
    assert math.isclose(sum(bucket["percentage"] for bucket in buckets), 100 if sizes else 0, abs_tol=0.3)


@given(SIZES)
def test_histogram_holds_every_file_in_its_bin(sizes: list[int]) -> None:
    histogram = document(sizes)["size_histogram"]
    counts, first = histogram["counts"], histogram["from_bytes"]
    assert (first, len(counts), sum(counts)) == (1 << 10, 32, len(sizes))
    upper = [first << place for place in range(len(counts) - 1)]
    for place, (low, high) in enumerate(zip([0, *upper], [*upper, math.inf], strict=True)):
        assert counts[place] == sum(low <= size < high for size in sizes)


@pytest.mark.parametrize(
    ("size", "place"),
    [(0, 0), (1023, 0), (1024, 1), (2047, 1), (2048, 2), ((1 << 40) - 1, 30), (1 << 40, 31), (1 << 60, 31)],
)
def test_lower_bounds_belong_to_their_bin(size: int, place: int) -> None:
    assert document([size])["size_histogram"]["counts"][place] == 1


def test_oldest_file_is_told_when_it_is_known() -> None:
    known = document([1], oldest_modified_at=NOON, oldest_file="Show/S01E01.mkv")
    assert (known["oldest_modified_at"], known["oldest_file"]) == (NOON, "Show/S01E01.mkv")
    unknown = document([1])
    assert (unknown["oldest_modified_at"], unknown["oldest_file"]) == (0, "")


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        (0, "0-100MB"),
        ((100 << 20) - 1, "0-100MB"),
        (100 << 20, "100MB-1GB"),
        (GIB - 1, "100MB-1GB"),
        (GIB, "1GB-10GB"),
        (10 * GIB, "10GB-50GB"),
        (50 * GIB - 1, "10GB-50GB"),
        (50 * GIB, "50GB+"),
    ],
)
def test_lower_bounds_belong_to_their_bucket(size: int, bucket: str) -> None:
    made = document([size])
    assert made["size_buckets"][bucket]["count"] == 1
    assert made["large_file_percentage"] == (100.0 if bucket == "50GB+" else 0.0)


@given(SIZES.filter(bool))
def test_statistics_are_those_of_the_sizes(sizes: list[int]) -> None:
    made = document(sizes)
    assert made["max_file_size"] == max(sizes)
    assert made["statistics"]["total_files"] == len(sizes)
    assert made["statistics"]["total_bytes"] == sum(sizes)
    assert math.isclose(made["statistics"]["mean"], statistics.fmean(sizes), abs_tol=1)
    assert math.isclose(made["statistics"]["std_dev"], statistics.pstdev(sizes), rel_tol=1e-6, abs_tol=1)
    assert made["statistics"]["median"] == statistics.median_low(sizes)


@given(SIZES.filter(bool), st.sampled_from([50, 75, 90, 95, 99]))
def test_percentile_is_the_least_size_with_that_share_at_or_below(sizes: list[int], percent: int) -> None:
    found = percentile(sorted(sizes), percent)
    assert found in sizes
    assert sum(size <= found for size in sizes) >= len(sizes) * percent / 100
    assert sum(size < found for size in sizes) < len(sizes) * percent / 100


@pytest.mark.parametrize(
    ("count", "confidence"),
    [(0, "low"), (10, "low"), (11, "medium"), (100, "medium"), (101, "high"), (1000, "high"), (1001, "very_high")],
)
def test_confidence_has_the_bounds_of_the_old_program(count: int, confidence: str) -> None:
    assert confidence_of(count) == confidence
    assert document([1] * count)["metadata"]["confidence"] == confidence


def test_confidence_that_is_stated_wins() -> None:
    assert document([1], confidence="exact")["metadata"]["confidence"] == "exact"


def test_sample_counts_everything_but_remembers_only_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "SAMPLE_LIMIT", 10)
    sample = SizeSample()
    for size in range(1, 101):
        sample.add(size)
    made = sample.document(upload_folder="Media", now=NOON)
    assert made["statistics"]["total_files"] == 100
    assert made["statistics"]["total_bytes"] == 5050
    assert made["metadata"]["sample_count"] == 10
    assert made["percentiles"]["p50"] == 95


def test_a_time_that_no_calendar_has_is_no_fault() -> None:
    for now in (253402300800.0, 1e300, float("inf")):
        assert document([1], now=now)["metadata"]["last_updated_human"] == ""
