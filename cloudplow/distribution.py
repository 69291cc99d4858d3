"""How the sizes of many files are distributed, as the document that the cache files and the API carry. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cloudplow.units import GIB, format_bytes

PERCENTILES: Final = (50, 75, 90, 95, 99)
_MIB: Final = 1 << 20
#: Upper bounds of the buckets, in bytes (exclusive); the last bucket has none.
_BUCKET_BOUNDS: Final = (100 * _MIB, GIB, 10 * GIB, 50 * GIB)
_BUCKET_NAMES: Final = ("0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+")

#: How many of the latest sizes a `SizeSample` keeps for its percentiles.
SAMPLE_LIMIT: Final = 10_000


def confidence_of(sample_count: int) -> str:
    """How far a sample may be trusted: "low", "medium", "high" or "very_high" (the old program's bounds)."""
    if sample_count <= 10:
        return "low"
    if sample_count <= 100:
        return "medium"
    if sample_count <= 1000:
        return "high"
    return "very_high"


def percentile(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile of sizes in ascending order; 0 for none.

    Source: https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
    """
    if not ordered:
        return 0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _buckets(ordered: Sequence[int]) -> dict[str, dict[str, Any]]:
    counts = [0] * len(_BUCKET_NAMES)
    totals = [0] * len(_BUCKET_NAMES)
    for size in ordered:
        index = bisect_right(_BUCKET_BOUNDS, size)
        counts[index] += 1
        totals[index] += size
    files = len(ordered) or 1
    return {
        name: {"count": counts[i], "total_bytes": totals[i], "percentage": round(100 * counts[i] / files, 1)}
        for i, name in enumerate(_BUCKET_NAMES)
    }


def _statistics(ordered: Sequence[int], total_files: int, total_bytes: int) -> dict[str, Any]:
    count = len(ordered)
    mean = sum(ordered) / count if count else 0.0
    std_dev = math.sqrt(sum((size - mean) ** 2 for size in ordered) / count) if count else 0.0
    median = percentile(ordered, 50)
    return {
        "total_files": total_files,
        "total_bytes": total_bytes,
        "total_bytes_human": format_bytes(total_bytes),
        "mean": round(mean, 1),
        "mean_human": format_bytes(mean),
        "median": median,
        "median_human": format_bytes(median),
        "std_dev": round(std_dev, 1),
        "std_dev_human": format_bytes(std_dev),
    }


def distribution_document(
    sizes: Sequence[int],
    *,
    source: str,
    upload_folder: str,
    duration_seconds: float,
    now: float,
    confidence: str | None = None,
    total_files: int | None = None,
    total_bytes: int | None = None,
    learning_phase: str = "listing",
) -> dict[str, Any]:
    """Describe the distribution of file sizes (bytes, any order).

    source: how they were learned; confidence: "exact" for a whole listing, None derives it from the number of sizes.
    total_files, total_bytes: of everything that the sizes stand for, when they are only a sample of it.
    now: epoch seconds. Returns a JSON-ready document without null and without infinities.
    """
    ordered = sorted(sizes)
    count = len(ordered)
    percentiles = {f"p{p}": percentile(ordered, p) for p in PERCENTILES}
    largest = ordered[-1] if ordered else 0
    large = count - bisect_right(ordered, 50 * GIB - 1)
    return {
        "max_file_size": largest,
        "max_file_size_human": format_bytes(largest),
        "percentiles": percentiles,
        "percentiles_human": {name: format_bytes(size) for name, size in percentiles.items()},
        "size_buckets": _buckets(ordered),
        "large_file_percentage": round(100 * large / count, 1) if count else 0.0,
        "statistics": _statistics(
            ordered,
            count if total_files is None else total_files,
            sum(ordered) if total_bytes is None else total_bytes,
        ),
        "metadata": {
            "source": source,
            "learning_phase": learning_phase,
            "last_updated": now,
            "last_updated_human": datetime.fromtimestamp(now).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            "upload_folder": upload_folder,
            "sample_count": count,
            "confidence": confidence or confidence_of(count),
            "checking_duration_seconds": round(duration_seconds, 3),
        },
    }


class SizeSample:
    """The sizes of files as they are transferred: exact totals, percentiles from the latest ones; bounded memory."""

    def __init__(self) -> None:
        self._latest: deque[int] = deque(maxlen=SAMPLE_LIMIT)
        self._files = 0
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count one transferred file of that size, in bytes."""
        self._latest.append(size)
        self._files += 1
        self._bytes += size

    def document(self, *, upload_folder: str, now: float) -> dict[str, Any]:
        """The distribution document of everything added so far; now: epoch seconds."""
        return distribution_document(
            list(self._latest),
            source="transfers",
            upload_folder=upload_folder,
            duration_seconds=0.0,
            now=now,
            total_files=self._files,
            total_bytes=self._bytes,
            learning_phase="transferring",
        )
