"""The history of transferred sizes over sessions and restarts, in one document of bounded size. Pure.

Counts, sums, mean, deviation and buckets stay exact. Percentiles of earlier sessions are known only as percentiles, so
those of all sessions together are computed as if sizes were spread evenly between them. What an older program wrote
beside (`tracker_state`, `comparison` ...) stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Any, Final

from cloudplow.distribution import PERCENTILES, confidence_of
from cloudplow.state.loose import mapping, number, text, whole
from cloudplow.units import format_bytes

#: By how many sizes a part between two known percentiles is represented.
_POINTS: Final = 10


def with_earlier(earlier: object, session: dict[str, Any], sizes: Sequence[int]) -> dict[str, Any]:
    """The history document of earlier sessions and of one more.

    earlier: the stored one, any JSON; one of another upload folder does not count. session: the document of the
    session alone; sizes: what its percentiles come from, in bytes.
    """
    old = mapping(earlier)
    before, now = mapping(old.get("statistics")), session["statistics"]
    if not whole(before.get("total_files")) or _other_folder(old, session):
        return session
    files = whole(before.get("total_files")) + now["total_files"]
    total = whole(before.get("total_bytes")) + now["total_bytes"]
    known = whole(mapping(old.get("metadata")).get("sample_count")) or whole(before.get("total_files"))
    count = known + session["metadata"]["sample_count"]
    weighted = _points(old, whole(before.get("total_files")))
    weighted += [(size, now["total_files"] / len(sizes)) for size in sizes]
    percentiles = _percentiles(sorted(weighted))
    largest = max(whole(old.get("max_file_size")), session["max_file_size"])
    buckets = _added_buckets(mapping(old.get("size_buckets")), session["size_buckets"])
    large = next(reversed(buckets.values()), {"percentage": 0.0})["percentage"]
    return {
        **old,
        **session,
        "max_file_size": largest,
        "max_file_size_human": format_bytes(largest),
        "percentiles": percentiles,
        "percentiles_human": {name: format_bytes(size) for name, size in percentiles.items()},
        "size_buckets": buckets,
        "size_histogram": _added_histogram(mapping(old.get("size_histogram")), session["size_histogram"]),
        "large_file_percentage": large,
        "statistics": {**before, **_statistics(before, now, files, total, percentiles["p50"])},
        "metadata": {
            **mapping(old.get("metadata")),
            **session["metadata"],
            "sample_count": count,
            "confidence": confidence_of(count),
        },
    }


def _other_folder(old: Mapping[str, Any], session: Mapping[str, Any]) -> bool:
    before = text(mapping(old.get("metadata")).get("upload_folder"))
    return bool(before) and PurePath(before) != PurePath(session["metadata"]["upload_folder"])


def _points(old: Mapping[str, Any], files: int) -> list[tuple[int, float]]:
    """Sizes that stand for those of earlier sessions, with how many files each of them is."""
    known = [(0.0, 0), *((p / 100, whole(mapping(old.get("percentiles")).get(f"p{p}"))) for p in PERCENTILES)]
    known.append((1.0, whole(old.get("max_file_size"))))
    points: list[tuple[int, float]] = []
    for (from_share, from_size), (to_share, to_size) in pairwise(known):
        width = max(0, to_size - from_size) / _POINTS
        weight = files * (to_share - from_share) / _POINTS
        points += ((int(from_size + width * (place + 1)), weight) for place in range(_POINTS))
    return points


def _percentiles(weighted: Sequence[tuple[int, float]]) -> dict[str, int]:
    """Nearest-rank percentiles of sizes in ascending order, each with its weight."""
    total = math.fsum(weight for _, weight in weighted)
    found: dict[str, int] = {}
    passed, place = 0.0, 0
    for percent in PERCENTILES:
        # A hair less, so that sums of fractions do not miss a rank.
        while place < len(weighted) - 1 and passed + weighted[place][1] < total * percent / 100 - 1e-6:
            passed += weighted[place][1]
            place += 1
        found[f"p{percent}"] = weighted[place][0]
    return found


def _added_buckets(old: Mapping[str, Any], session: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    added = {
        name: {key: whole(mapping(old.get(name)).get(key)) + bucket[key] for key in ("count", "total_bytes")}
        for name, bucket in session.items()
    }
    files = sum(bucket["count"] for bucket in added.values()) or 1
    return {name: {**bucket, "percentage": round(100 * bucket["count"] / files, 1)} for name, bucket in added.items()}


def _added_histogram(old: Mapping[str, Any], session: Mapping[str, Any]) -> dict[str, Any]:
    """Older programs have none: then it begins with this session."""
    before, now = old.get("counts"), session["counts"]
    if old.get("from_bytes") != session["from_bytes"] or not isinstance(before, list) or len(before) != len(now):
        return dict(session)
    return {**session, "counts": [whole(one) + other for one, other in zip(before, now, strict=True)]}


def _statistics(
    before: Mapping[str, Any], now: Mapping[str, Any], files: int, total_bytes: int, median: int
) -> dict[str, Any]:
    mean = total_bytes / files
    squares = 0.0
    for one in (before, now):
        count = whole(one.get("total_files"))
        squares += count * (number(one.get("std_dev")) ** 2 + (whole(one.get("total_bytes")) / max(1, count)) ** 2)
    deviation = math.sqrt(max(0.0, squares / files - mean**2))
    return {
        "total_files": files,
        "total_bytes": total_bytes,
        "total_bytes_human": format_bytes(total_bytes),
        "mean": round(mean, 1),
        "mean_human": format_bytes(mean),
        "median": median,
        "median_human": format_bytes(median),
        "std_dev": round(deviation, 1),
        "std_dev_human": format_bytes(deviation),
    }
