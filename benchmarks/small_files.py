"""How fast small files go to Google Drive: cloudplow's pacer settings against rclone's default ones.

    python -m benchmarks.small_files [--files 2000] [--runs 3] [--sweep] [--rclone PATH]

The real rclone uploads to a fake Google Drive that answers each request 5 ms late. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.common import BenchmarkError, print_table, scratch_folder
from cloudplow.rclone.command import ExtraValue
from tests.fake_drive import FakeDrive
from tests.harness.drive_upload import make_site, write_files

FILE_BYTES: Final = 2_000
LATENCY_SECONDS: Final = 0.005
TRANSFERS: Final = 8
#: One run of rclone's default takes about 7 minutes at 2,000 files.
RUN_TIMEOUT_SECONDS: Final = 3_600.0

OURS: Final = "cloudplow's default"
RCLONES: Final = "rclone's default (100 ms)"
WAYS: Final[Mapping[str, Mapping[str, ExtraValue]]] = {
    OURS: {},
    # What rclone takes when nobody says anything; said here, cloudplow leaves it at that.
    RCLONES: {"--drive-pacer-min-sleep": "100ms"},
}
SWEEP_BURSTS: Final = (1, 100, 200)
SWEEP_TRANSFERS: Final = (4, 8, 16)


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: how long the whole process took, in seconds, and how many requests the Drive answered."""

    seconds: float
    requests: int


def upload(rclone: Path, files: int, extras: Mapping[str, ExtraValue]) -> Upload:
    """Upload small files with cloudplow to a Drive of its own. Raises BenchmarkError."""
    with scratch_folder() as scratch:
        (scratch / "drive").mkdir()
        # No pacer in rclone's configuration: cloudplow would leave it at that.
        with FakeDrive(scratch / "drive", accounts=1, pacer_min_sleep="") as drive:
            drive.set_settings(latency_seconds=LATENCY_SECONDS)
            site = make_site(
                scratch / "site",
                drive,
                rclone,
                quota_bytes=10 * files * FILE_BYTES,
                extras={"--transfers": TRANSFERS, **extras},
            )
            write_files(site.source, [FILE_BYTES] * files)
            started = time.perf_counter()
            done = site.run("upload", timeout=RUN_TIMEOUT_SECONDS)
            seconds = time.perf_counter() - started
            arrived = len(drive.files())
            requests = sum(drive.requests().values())
    if done.returncode != 0 or arrived != files:
        raise BenchmarkError(f"status {done.returncode}, {arrived} of {files} files arrived:\n{done.stdout}")
    return Upload(seconds, requests)


def compare(rclone: Path, files: int, runs: int) -> None:
    """Print both ways, run by turns, and the ratio."""
    uploads: dict[str, list[Upload]] = {way: [] for way in WAYS}
    for number in range(1, runs + 1):
        for way, extras in WAYS.items():
            uploads[way].append(upload(rclone, files, extras))
        print(
            f"run {number} of {runs}: {', '.join(f'{one[-1].seconds:.1f} s' for one in uploads.values())}", flush=True
        )
    rows = [["", "median", "fastest", "slowest", "files/s", "requests"]]
    for way, made in uploads.items():
        seconds = [one.seconds for one in made]
        middle = median(seconds)
        requests = f"{median(one.requests for one in made):.0f}"
        row = [way, f"{middle:.2f} s", f"{min(seconds):.2f} s", f"{max(seconds):.2f} s", f"{files / middle:.1f}"]
        rows.append([*row, requests])
    ratios = [theirs.seconds / ours.seconds for theirs, ours in zip(uploads[RCLONES], uploads[OURS], strict=True)]
    print()
    print_table(rows)
    print(f"\ncloudplow's default is {median(ratios):.1f} times as fast (median of {runs} ratios)")


def sweep(rclone: Path, files: int, runs: int) -> None:
    """Print files per second for bursts and numbers of transfers, at cloudplow's pause between calls."""
    rows = [["--drive-pacer-burst", *(f"{transfers} transfers" for transfers in SWEEP_TRANSFERS)]]
    for burst in SWEEP_BURSTS:
        row = [str(burst)]
        for transfers in SWEEP_TRANSFERS:
            extras: dict[str, ExtraValue] = {"--drive-pacer-burst": burst, "--transfers": transfers}
            row.append(f"{files / median(upload(rclone, files, extras).seconds for _ in range(runs)):.1f} files/s")
        rows.append(row)
    print()
    print_table(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.small_files", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--files", type=int, default=2_000, help="how many (default 2000; 300 is a short form)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each way (default 3)")
    parser.add_argument("--sweep", action="store_true", help="measure bursts and transfers instead")
    parser.add_argument("--rclone", default="rclone", help="the binary to use (default: rclone on PATH)")
    options = parser.parse_args(arguments)
    rclone = shutil.which(options.rclone)
    if rclone is None:
        parser.error(f"{options.rclone} is no program that can be run")
    if options.runs < 1 or options.files < 1:
        parser.error("--runs and --files must be at least 1")
    print(
        f"{options.files} files of {FILE_BYTES} bytes, {rclone}, {LATENCY_SECONDS * 1000:g} ms for each request"
        f"{'' if options.sweep else f', {TRANSFERS} transfers'}"
    )
    try:
        (sweep if options.sweep else compare)(Path(rclone), options.files, options.runs)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
