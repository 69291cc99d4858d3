"""How the dashboard bears many viewers, and whether they slow an upload down.

    python -m benchmarks.viewers [--short] [--part load|upload] [--pairs 5] [--rclone PATH]

1,000 viewers, 20 that never read and 200 idle connections: first beside a made-up upload, for the times and the costs
of the server; then beside a real one, by turns with none. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import viewers_load, viewers_upload
from benchmarks.common import BenchmarkError, print_table, scratch_folder
from benchmarks.viewers_crowd import Crowd, raise_file_limit
from benchmarks.viewers_load import Load

LONG: Final = Load(Crowd(1000, 20, 200), idle_seconds=20.0, busy_seconds=30.0)
SHORT: Final = Load(Crowd(100, 5, 20), idle_seconds=1.0, busy_seconds=3.0)
PARTS: Final = ("load", "upload")


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table. target: the highest value that is good, None where nothing was promised.

    counted: it does not depend on what else the machine does, so that a missed target is a fault.
    """

    label: str
    unit: str
    target: float | None = None
    digits: int = 1
    counted: bool = False

    def text(self, value: float) -> str:
        return f"{value:,.{self.digits}f}{self.unit}"


RATIO: Final = "upload_ratio"
#: Not slower; the rest is left to chance and to 1,220 connections at the start.
RATIO_TARGET: Final = 1.02

FIGURES: Final[Mapping[str, Figure]] = {
    "event_p50_ms": Figure("event to client, median", " ms"),
    "event_p99_ms": Figure("event to client, p99", " ms", 100),
    "event_worst_ms": Figure("event to client, longest", " ms"),
    "get_p50_ms": Figure("plain GET, median", " ms"),
    "get_p99_ms": Figure("plain GET, p99", " ms", 50),
    "events": Figure("timed events for each viewer", "", digits=0),
    "gaps": Figure("gaps in the ids", "", 0, digits=0, counted=True),
    "snapshots": Figure("snapshots in place of patches", "", digits=0),
    "viewers_lost": Figure("viewers cut off", "", 0, digits=0, counted=True),
    "deaf_served": Figure("that never read, not cut off", "", digits=0),
    "memory_mb": Figure("extra memory", " MB", 60, counted=True),
    "cpu_busy_percent": Figure("CPU at one event a second, of a core", " %", 10),
    "cpu_idle_percent": Figure("CPU while nothing happens, of a core", " %"),
    "busy_bytes_per_second": Figure("to each viewer", " bytes/s", 2048, digits=0, counted=True),
    "idle_bytes_per_second": Figure("to each viewer while nothing happens", " bytes/s", 200, digits=0, counted=True),
    # 20,000 events a second.
    "reducer_microseconds": Figure("an event, for the state and the history", " µs", 50),
    RATIO: Figure("upload limited by its line, with / without viewers", "", RATIO_TARGET, digits=3),
}


def run_load(load: Load) -> dict[str, float]:
    print(f"{load.crowd}; a made-up upload", flush=True)
    return viewers_load.measure(load)


def run_upload(crowd: Crowd, rclone: Path, pairs: int, *, short: bool) -> dict[str, float]:
    """Print a table for each variant; returns the ratio that was promised. Raises BenchmarkError."""
    figures: dict[str, float] = {}
    for variant in viewers_upload.variants(short=short):
        limit = f" to {variant.bwlimit}iB/s" if variant.bwlimit else ""
        print(f"\nA real upload, {variant.name}{limit}: {variant.shape.files:,} files, {rclone}; {crowd}", flush=True)
        with scratch_folder() as scratch:
            bench = viewers_upload.Bench(scratch, str(rclone), variant)
            made = viewers_upload.measure(bench, crowd, pairs, warm_up=not short)
        viewers_upload.report(made, crowd)
        if variant.name == viewers_upload.LIMITED:
            figures[RATIO] = viewers_upload.session_ratio(made)
    return figures


def report(figures: Mapping[str, float]) -> list[str]:
    """Print the figures; returns the names of those that missed their target."""
    rows = [("", "measured", "target", "")]
    missed = []
    for name, figure in FIGURES.items():
        if name not in figures:
            continue
        good = figure.target is None or figures[name] <= figure.target
        if not good:
            missed.append(name)
        target = "" if figure.target is None else f"at most {figure.text(figure.target)}"
        rows.append((figure.label, figure.text(figures[name]), target, "" if good else "missed"))
    print()
    print_table(rows)
    return missed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.viewers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="100 viewers and one pair of small uploads, for CI")
    parser.add_argument("--part", choices=PARTS, help="only the made-up upload, or only the real ones")
    parser.add_argument("--pairs", type=int, default=5, help="uploads with and without viewers (default 5)")
    parser.add_argument("--rclone", default="rclone", help="the binary to use (default: rclone on PATH)")
    options = parser.parse_args(arguments)
    rclone = shutil.which(options.rclone)
    if rclone is None:
        parser.error(f"{options.rclone} is no program that can be run")
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    raise_file_limit()
    load, pairs = (SHORT, 1) if options.short else (LONG, options.pairs)
    figures: dict[str, float] = {}
    try:
        if options.part != "upload":
            figures |= run_load(load)
        if options.part != "load":
            figures |= run_upload(load.crowd, Path(rclone).resolve(), pairs, short=options.short)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    # Times are for people; counts are not to be missed on any machine.
    return 1 if any(FIGURES[name].counted for name in report(figures)) else 0


if __name__ == "__main__":
    sys.exit(main())
