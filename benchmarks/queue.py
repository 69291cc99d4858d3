"""What learning and planning a queue costs: seconds and memory of our process, by the number of files.

    python -m benchmarks.queue [--sizes 10000,100000,350000,1000000] [--runs 3] [--generated] [--rclone PATH]

Each run is a fresh process that does what an upload does before its first stage. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.common import SEED, BenchmarkError, clean_environment, print_table, scratch_folder
from cloudplow.distribution import distribution_document
from cloudplow.models import Capacity, QueueFile
from cloudplow.planning.planner import plan, plan_document
from cloudplow.rclone.command import Job, Rclone, listing_command
from cloudplow.rclone.process import run
from cloudplow.upload.listing import parse_listing
from cloudplow.upload.queue_state import QueueState

SIZES: Final = (10_000, 100_000, 350_000, 1_000_000)
ACCOUNTS: Final = (30, 2_850)
SMALLEST: Final = 1_000
LARGEST: Final = 50_000_000_000
#: The queue is this many times as large as the pool, so that every account is filled and something waits.
EXCESS: Final = 1.1

#: The columns: what is timed, in the order in which it happens.
LISTING: Final = "listing"
PARSING: Final = "parsing"
KEEPING: Final = "keeping"
DISTRIBUTION: Final = "distribution"
PLANNING: Final = {accounts: f"plan, {accounts:,} accounts" for accounts in ACCOUNTS}
IN_ALL: Final = "in all"
#: What this process computed; of the other columns, the listing is rclone's work.
COMPUTED: Final = "our CPU"
MEMORY: Final = "memory"


def named_sizes(count: int) -> Iterator[tuple[str, int]]:
    """Names as a media library has them, and sizes with a long tail, in bytes."""
    numbers = random.Random(SEED)
    for index in range(count):
        size = min(LARGEST, int(SMALLEST * numbers.paretovariate(0.35)))
        season = index // 20
        yield f"Series/A Longer Title {season // 5:05}/Season {season % 5 + 1:02}/S01E{index:07}.mkv", size


def write_queue(root: Path, count: int) -> None:
    """Empty files that claim their size (sparse: they take no room)."""
    folder = ""
    for name, size in named_sizes(count):
        if name[: name.rindex("/")] != folder:
            folder = name[: name.rindex("/")]
            (root / folder).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / name, os.O_CREAT | os.O_WRONLY)
        os.truncate(descriptor, size)
        os.close(descriptor)


def write_listing(path: Path, count: int) -> None:
    """What rclone would print."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{size}\t{name}\n" for name, size in named_sizes(count))


def list_queue(rclone: str, source: Path) -> bytes:
    """The listing of a folder by rclone; a file is a listing made before."""
    if source.is_file():
        return source.read_bytes()
    done = run(listing_command(Rclone(rclone, ""), Job("move", str(source), "")))
    if done.code != 0:
        raise BenchmarkError(done.last_error_line())
    return done.stdout


def make_capacities(accounts: int, queue_bytes: int) -> list[Capacity]:
    """Fresh accounts that can take all of the queue but what `EXCESS` adds."""
    quota = int(queue_bytes / EXCESS / accounts)
    return [Capacity(f"/accounts/{number}.json", quota, quota) for number in range(accounts)]


def measure(rclone: str, source: Path) -> dict[str, float]:
    """Learn and plan once, in this process. Seconds of each part, `MEMORY` in bytes."""
    # Not used here, but an upload has it in its memory.
    importlib.import_module("cloudplow.commands.upload")
    seconds: dict[str, float] = {}
    computed = time.process_time()
    started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = time.perf_counter() - started
        started = time.perf_counter()

    output = list_queue(rclone, source)
    lap(LISTING)
    files = parse_listing(output)
    del output
    lap(PARSING)
    queue = QueueState()
    queue.listed(files, files_stay=False)
    del files
    lap(KEEPING)
    distribution_document(
        [file.size for file in queue.files.values()],
        source="lsf",
        upload_folder="Media",
        duration_seconds=0.0,
        now=0.0,
        confidence="exact",
    )
    lap(DISTRIBUTION)
    for accounts in ACCOUNTS:
        _plan(queue.candidates(), make_capacities(accounts, queue.bytes))
        lap(PLANNING[accounts])
    seconds[IN_ALL] = sum(seconds.values()) - seconds[PLANNING[min(ACCOUNTS)]]
    seconds[COMPUTED] = time.process_time() - computed
    seconds[MEMORY] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds


def _plan(queue: Sequence[QueueFile], capacities: Sequence[Capacity]) -> None:
    made = plan(queue, capacities, now=0.0)
    document = plan_document(made, {capacity.account: capacity.account for capacity in capacities})
    if document["files"] + document["waiting_files"] != len(queue):
        raise BenchmarkError("the plan has lost files")


def measure_in_fresh_process(rclone: str, source: Path) -> dict[str, float]:
    """`measure` in a process of its own, whose memory is its own."""
    command = [sys.executable, "-m", "benchmarks.queue", "--rclone", rclone, "--measure", str(source)]
    done = subprocess.run(command, env=dict(clean_environment()), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"the measuring process ended with status {done.returncode}:\n{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def run_size(scratch: Path, rclone: str, count: int, runs: int, *, generated: bool) -> Mapping[str, float]:
    """The median of each column over the runs."""
    source = scratch / f"queue-{count}"
    if generated:
        write_listing(source, count)
    else:
        write_queue(source, count)
    try:
        measured = [measure_in_fresh_process(rclone, source) for _ in range(runs)]
    finally:
        if source.is_file():
            source.unlink()
        else:
            shutil.rmtree(source, ignore_errors=True)
    return {name: median(one[name] for one in measured) for name in measured[0]}


def report(rows: Mapping[int, Mapping[str, float]]) -> None:
    """Print the table: seconds, and what one file costs."""
    columns = [LISTING, PARSING, KEEPING, DISTRIBUTION, *PLANNING.values(), IN_ALL, COMPUTED]
    table = [["files", *columns, "per file", MEMORY]]
    for count, row in rows.items():
        cells = [f"{row[name]:.2f} s" for name in columns]
        table.append([f"{count:,}", *cells, f"{row[IN_ALL] / count * 1e6:.1f} µs", f"{row[MEMORY] / 1e6:.0f} MB"])
    print_table(table)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of files, with commas")
    parser.add_argument("--runs", type=int, default=3, help="runs of each size (default 3)")
    parser.add_argument("--generated", action="store_true", help="read a generated listing, without files and rclone")
    parser.add_argument("--rclone", default="rclone", help="the binary to use (default: rclone on PATH)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure is not None:
        print(json.dumps(measure(options.rclone, options.measure)))
        return 0
    rclone = shutil.which(options.rclone) or ("" if options.generated else None)
    if rclone is None:
        parser.error(f"{options.rclone} is no program that can be run")
    sizes = [int(size) for size in options.sizes.split(",")]
    if options.runs < 1 or min(sizes) < 1:
        parser.error("--runs and --sizes must be at least 1")
    print(f"The listing is {'generated' if options.generated else f'made by {rclone}'}; medians of {options.runs} runs")
    rows = {}
    with scratch_folder() as scratch:
        try:
            for count in sizes:
                rows[count] = run_size(scratch, rclone, count, options.runs, generated=options.generated)
                print(f"{count:,} files: {rows[count][IN_ALL]:.2f} s", flush=True)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    print()
    report(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
