"""The distribution of file sizes, as the document in cache files and the API. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from cloudplow.units import GIB, format_bytes

PERCENTILES: Final = (50, 75, 90, 95, 99)
_MIB: Final = 1 << 20
#: Upper bounds of the buckets, in bytes (exclusive); the last bucket has none.
_BUCKET_BOUNDS: Final = (100 * _MIB, GIB, 10 * GIB, 50 * GIB)
_BUCKET_NAMES: Final = ("0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+")
#: The boundaries between the bins of the histogram, in bytes: 1 KiB, 2 KiB, 4 KiB, ... 1 TiB.
_BIN_BOUNDS: Final = tuple(1 << power for power in range(10, 41))

#: How many recent sizes a `SizeSample` keeps for its percentiles.
SAMPLE_LIMIT: Final = 10_000


def confidence_of(sample_count: int) -> str:
    """How far to trust a sample: "low", "medium", "high" or "very_high" (the old program's bounds)."""
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


def _parts(ordered: Sequence[int], bounds: Sequence[int]) -> list[tuple[int, int]]:
    """(start, end) of the sizes below the first bound, of those between successive bounds, and of the rest."""
    return list(pairwise((0, *(bisect_left(ordered, bound) for bound in bounds), len(ordered))))


def _time_for_people(at: float) -> str:
    """ "" for a time that no calendar has: old files hold anything."""
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return ""


def _buckets(ordered: Sequence[int]) -> dict[str, dict[str, Any]]:
    files = len(ordered) or 1
    return {
        name: {
            "count": end - start,
            "total_bytes": sum(ordered[start:end]),
            "percentage": round(100 * (end - start) / files, 1),
        }
        for name, (start, end) in zip(_BUCKET_NAMES, _parts(ordered, _BUCKET_BOUNDS), strict=True)
    }


def _histogram(ordered: Sequence[int]) -> dict[str, Any]:
    return {
        "from_bytes": _BIN_BOUNDS[0],
        "counts": [end - start for start, end in _parts(ordered, _BIN_BOUNDS)],
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
    oldest_modified_at: float = 0,
    oldest_file: str = "",
) -> dict[str, Any]:
    """Describe the distribution of file sizes (bytes, any order).

    source: how they were learned; confidence: "exact" for a complete listing, None to derive it from the sample size.
    total_files, total_bytes: of everything that the sizes represent, when they are only a sample.
    oldest_modified_at, oldest_file: the oldest modification time (epoch seconds, 0 when unknown), and the printable
    name of that file.
    now: epoch seconds. Returns a JSON-ready document without null or infinities.

    `size_histogram` is {"from_bytes": 1024, "counts": [32 numbers of files]}: first the files below `from_bytes`,
    then those from there to twice that (exclusive), each further bin twice as wide, and last all from 1 TiB up.
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
        "size_histogram": _histogram(ordered),
        "oldest_modified_at": oldest_modified_at,
        "oldest_file": oldest_file,
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
            "last_updated_human": _time_for_people(now),
            "upload_folder": upload_folder,
            "sample_count": count,
            "confidence": confidence or confidence_of(count),
            "checking_duration_seconds": round(duration_seconds, 3),
        },
    }


class SizeSample:
    """The sizes of transferred files: exact totals, percentiles from the most recent ones; bounded memory."""

    def __init__(self) -> None:
        self._latest: deque[int] = deque(maxlen=SAMPLE_LIMIT)
        self._files = 0
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count one transferred file. size: bytes."""
        self._latest.append(size)
        self._files += 1
        self._bytes += size

    @property
    def latest(self) -> Sequence[int]:
        """The most recent sizes, in bytes."""
        return list(self._latest)

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
