"""The types of a distribution of file sizes: the document of `cloudplow.distribution`."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudplow_dashboard.state.measures import Bytes, EpochSeconds, Seconds


class SizeBucket(TypedDict, total=False):
    """The files of a range of sizes. percentage: of all files."""

    count: int
    total_bytes: Bytes
    percentage: float


class SizeHistogram(TypedDict):
    """Files by size, in 32 bins: those below from_bytes, then those below twice that, and so on; last the largest."""

    from_bytes: Bytes
    counts: list[int]


class SizeStatistics(TypedDict, total=False):
    """Totals and averages; `_human` says the same for people."""

    total_files: int
    total_bytes: Bytes
    total_bytes_human: str
    mean: float
    mean_human: str
    median: float
    median_human: str
    std_dev: float
    std_dev_human: str


class SizeMetadata(TypedDict, total=False):
    """Where a distribution comes from. sample_count: how many sizes it rests on."""

    source: str
    learning_phase: str
    last_updated: EpochSeconds
    last_updated_human: str
    upload_folder: str
    sample_count: int
    confidence: str
    checking_duration_seconds: Seconds


class Distribution(TypedDict, total=False):
    """How the sizes of many files are spread. Any key may be missing in one that an older version left.

    percentiles: "p50" and so on to bytes. size_buckets: by name. oldest_modified_at, oldest_file: the file that was
    changed longest ago.
    """

    max_file_size: Bytes
    max_file_size_human: str
    percentiles: dict[str, float]
    percentiles_human: dict[str, str]
    size_buckets: dict[str, SizeBucket]
    size_histogram: SizeHistogram
    oldest_modified_at: EpochSeconds
    oldest_file: str
    large_file_percentage: float
    statistics: SizeStatistics
    metadata: SizeMetadata
