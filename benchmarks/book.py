"""What the book of quota costs: size, start, stages, charges, plans; side by side with the books in JSON files.

    python -m benchmarks.book [--runs 7] [--before CHECKOUT] [--folder PATH]

CHECKOUT: a folder with cloudplow as it was at commit 5281f6f; without it, only what is now is shown. Every part runs in
a process of its own, and the two sides alternate. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.common import (
    BenchmarkError,
    clean_environment,
    median_ratio,
    print_table,
    ratio_of_medians,
    scratch_folder,
)

NOW: Final = Path(__file__).with_name("book_now.py")
BEFORE: Final = Path(__file__).with_name("book_before.py")
COUNTER: Final = Path(__file__).with_name("count_fsync.c")
#: Our own checkout: the current folder decides which cloudplow a process imports.
CHECKOUT: Final = Path(__file__).parents[1]

#: How long uploads went on before the book is read.
DAYS: Final[Sequence[float]] = (30.0, 730.0)
#: How many stages of how many files are opened one after the other.
STAGES: Final[Mapping[int, int]] = {100_000: 200, 350_000: 20}
SHORT_STAGES: Final[Mapping[int, int]] = {2_000: 12}

#: The book of a month, in bytes.
SIZE_TARGET: Final = 20_000_000
#: How much larger the file may be after all stages than after the first ones.
GROWTH_TARGET: Final = 1.2
#: How often the disk may be waited for while a stage runs, in calls per second.
SYNCED_TARGET: Final = 8.0
#: After how many stages the file has its size.
FIRST_STAGES: Final = 5

Seconds = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Work:
    """What the processes get, as JSON.

    days: how long uploads of bytes_per_day went through the accounts; charges: of each account where all are used;
    queue_files: of the plan; charged_files: of a stage whose files are charged, within `seconds` where calls are
    counted; stage_files: of each of the `stages` that are only opened; repeats: in one process; part: what is done.
    """

    keys: str
    scratch: str
    accounts: int = 2_850
    window_seconds: float = 86_400.0
    quota_bytes: int = 750 << 30
    bytes_per_day: int = 10_000_000_000_000
    days: float = 30.0
    charges: int = 20
    queue_files: int = 350_000
    charged_files: int = 10_000
    seconds: float = 10.0
    stage_files: int = 0
    stages: int = 0
    repeats: int = 3
    part: str = "side"


def short(work: Work) -> Work:
    """The same, with little of everything."""
    return replace(work, accounts=60, queue_files=2_000, charged_files=500, seconds=4.0, repeats=1)


def write_keys(folder: Path, count: int) -> None:
    """Key files as Google makes them, without the key itself."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.json").write_text(json.dumps({"client_email": f"cloudplow-{number}@pool.invalid"}))


def run_part(script: Path, checkout: Path, work: Work, preload: Path | None = None) -> dict[str, Any]:
    """Run one part in a process of its own with the code of a checkout. Raises BenchmarkError."""
    environment = clean_environment(PYTHONPATH=str(checkout), **({"LD_PRELOAD": str(preload)} if preload else {}))
    with script.open("rb") as source:
        done = subprocess.run(
            [sys.executable, "-", json.dumps(asdict(work))],
            cwd=checkout,
            env=dict(environment),
            stdin=source,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise BenchmarkError(f"{script.name} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def build_counter(folder: Path) -> Path | None:
    """Compile what counts calls; None when there is no compiler."""
    compiler, library = shutil.which("cc"), folder / "count_fsync.so"
    if compiler is None:
        return None
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(COUNTER), "-ldl"]
    return library if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


def measure_sides(work: Work, runs: int, before: Path | None) -> tuple[list[Seconds], list[Seconds]]:
    """Both sides in turn, the first of each turn changing: what is now, and what was before."""
    now: list[Seconds] = []
    then: list[Seconds] = []
    for number in range(runs):
        sides = [(now, NOW, CHECKOUT), *([(then, BEFORE, before)] if before is not None else [])]
        for measured, script, checkout in sides if number % 2 else sides[::-1]:
            shutil.rmtree(work.scratch, ignore_errors=True)
            Path(work.scratch).mkdir()
            measured.append(run_part(script, checkout, work))
        print(f"run {number + 1} of {runs}", flush=True)
    return now, then


def report_sides(now: Sequence[Seconds], then: Sequence[Seconds]) -> None:
    """A row for each thing that was timed: CPU time, and the ratios of CPU time and wall time."""
    head = ["", "now: wall", "CPU"]
    rows = [[*head, "before: CPU", "ratio of medians", "median of ratios", "the same, wall"] if then else head]
    for name in now[0]:
        wall, cpu = [run[name][0] for run in now], [run[name][1] for run in now]
        row = [name, show(median(wall)), show(median(cpu))]
        if then and name not in then[0]:
            row += [""] * 4
        elif then:
            wall_then, cpu_then = [run[name][0] for run in then], [run[name][1] for run in then]
            row += [
                show(median(cpu_then)),
                f"{ratio_of_medians(cpu, cpu_then):.2f}",
                f"{median_ratio(cpu, cpu_then):.2f}",
                f"{median_ratio(wall, wall_then):.2f}",
            ]
        rows.append(row)
    print()
    print_table(rows)


def show(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def report_days(measured: Mapping[float, Mapping[str, Any]]) -> int:
    """The books of many days; returns the size of the first."""
    rows = [["days of uploads", "charges", "cloudplow.db", "read: wall", "CPU", "taken over: wall", "CPU"]]
    for days, one in measured.items():
        times = [show(seconds) for name in ("read the book", "take it over") for seconds in one[name]]
        rows.append([f"{days:g}", f"{one['charges']:,}", f"{one['bytes'] / 1e6:.2f} MB", *times])
    print()
    print_table(rows)
    return int(next(iter(measured.values()))["bytes"])


def report_stages(measured: Mapping[int, Mapping[str, Any]]) -> float:
    """Stages that are opened; returns how much the file grew, at most."""
    rows = [["files of a stage", "opened: wall", "CPU", "stages", "cloudplow.db after the first", "after all"]]
    growth: list[float] = []
    for files, one in measured.items():
        sizes: list[int] = one["sizes"]
        first = max(sizes[:FIRST_STAGES])
        growth.append(max(sizes) / first)
        ends = [f"{size / 1e6:.2f} MB" for size in (first, sizes[-1])]
        rows.append([f"{files:,}", *map(show, one["open"]), str(len(sizes)), *ends])
    print()
    print_table(rows)
    return max(growth)


def report_synced(counted: Mapping[str, Any]) -> float:
    """How often the disk was waited for; returns it in calls per second."""
    rate = float(counted["calls"] / counted["seconds"])
    print(
        f"\n{counted['files']:,} files in {counted['seconds']:.1f} s: {counted['calls']} calls of fsync and fdatasync, "
        f"{rate:.1f} per second"
    )
    return rate


def measure(work: Work, runs: int, before: Path | None, days: Sequence[float], stages: Mapping[int, int]) -> list[str]:
    """All parts; returns which targets are missed. stages: how many of how many files. Raises BenchmarkError."""

    def now(preload: Path | None = None, **other: Any) -> dict[str, Any]:
        return run_part(NOW, CHECKOUT, replace(work, **other), preload)

    report_sides(*measure_sides(work, runs, before))
    size = report_days({one: now(part="many_days", days=one, repeats=runs) for one in days})
    growth = report_stages(
        {files: now(part="stages", stage_files=files, stages=count) for files, count in stages.items()}
    )
    missed = {
        f"the book of {days[0]:g} days is larger than {SIZE_TARGET / 1e6:g} MB": size > SIZE_TARGET,
        f"the file grew to {growth:.2f} times its size": growth > GROWTH_TARGET,
    }
    counter = build_counter(Path(work.keys).parent)
    if counter is None:
        print("\nThere is no C compiler: calls of fsync are not counted.")
    else:
        rate = report_synced(now(counter, part="synced"))
        missed[f"more than {SYNCED_TARGET:g} calls of fsync per second"] = rate > SYNCED_TARGET
    return [sentence for sentence, is_missed in missed.items() if is_missed]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.book", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="runs of each side (default 7)")
    parser.add_argument("--before", type=Path, help="a checkout of cloudplow with its books in JSON files")
    parser.add_argument("--folder", type=Path, help="where the books are kept (default: in memory)")
    parser.add_argument("--short", action="store_true", help="small books and one run")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if options.before is not None and not (options.before / "cloudplow").is_dir():
        parser.error(f"{options.before} is no checkout of cloudplow")
    before = None if options.before is None else options.before.resolve()
    with scratch_folder(options.folder) as scratch:
        work = Work(str(scratch / "keys"), str(scratch / "state"))
        runs, days, stages = options.runs, DAYS, STAGES
        if options.short:
            work, runs, days, stages = short(work), 1, DAYS[:1], SHORT_STAGES
        write_keys(scratch / "keys", work.accounts)
        print(f"{work.accounts:,} accounts, {work.bytes_per_day / 1e12:g} TB a day, {work.queue_files:,} files waiting")
        try:
            missed = measure(work, runs, before, days, stages)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    for sentence in missed:
        print(f"Missed: {sentence}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
