"""How much of an account's daily quota each way of uploading uses: cloudplow's plan, and rclone's `--max-transfer`.

    python -m benchmarks.quota [--runs 5] [--short] [--modes at_limit would_exceed] [--rclone PATH]

The real rclone uploads to a fake Google Drive; nothing leaves the machine. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.common import BenchmarkError, scratch_folder
from tests.fake_drive import FakeDrive, Mode
from tests.harness.drive_upload import make_site, pareto_sizes, write_files

MB: Final = 1_000_000
SMALLEST: Final = 1_000
#: The largest file's share of a quota.
LARGEST_SHARE: Final = 0.2
TRANSFERS: Final = 8
#: rclone's exit statuses for what is expected here: done, upload limit, --max-transfer.
EXPECTED: Final = frozenset({0, 7, 8})
#: 1.75 may end with status 3 instead of 8: it cannot set the times of folders that it never came to make.
LIMIT_REACHED: Final = "max transfer limit reached"
#: cloudplow's: done, files are left.
PLAN_EXPECTED: Final = frozenset({0, 3})

MODES: Final = (Mode.AT_LIMIT, Mode.WOULD_EXCEED)
MODE_MEANS: Final[Mapping[Mode, str]] = {
    Mode.AT_LIMIT: "The Drive lets running uploads finish and denies new ones",
    Mode.WOULD_EXCEED: "The Drive denies an upload that would exceed the quota",
    Mode.MID_FILE: "The Drive denies in the middle of the upload that exceeds the quota",
}

PLAN: Final = "cloudplow's plan"
CUTOFF_MODES: Final = ("hard", "soft", "cautious")


@dataclass(frozen=True, slots=True)
class Case:
    """A pool, and a queue that is larger than it. quota, queue and bandwidth in bytes (per second)."""

    name: str
    accounts: int
    quota: int
    files: int
    queue: int
    bandwidth: int


CASES: Final = (
    Case("one account", accounts=1, quota=50 * MB, files=300, queue=75 * MB, bandwidth=60 * MB),
    Case("pool of 5", accounts=5, quota=50 * MB, files=1_500, queue=300 * MB, bandwidth=60 * MB),
)
SHORT_CASES: Final = (
    Case("one account", accounts=1, quota=20 * MB, files=100, queue=30 * MB, bandwidth=60 * MB),
    Case("pool of 2", accounts=2, quota=20 * MB, files=200, queue=50 * MB, bandwidth=60 * MB),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the Drive saw of one run. share: of all quota, committed; wasted: bytes that came and were not kept."""

    share: float
    denials: int
    wasted: int


def run_plan(drive: FakeDrive, rclone: Path, source: Path, case: Case, scratch: Path) -> None:
    """Upload with cloudplow. Raises BenchmarkError."""
    site = make_site(scratch / "site", drive, rclone, quota_bytes=case.quota, extras={"--transfers": TRANSFERS})
    site.config["remotes"]["google"]["upload_folder"] = str(source)
    done = site.run("upload")
    if done.returncode not in PLAN_EXPECTED:
        raise BenchmarkError(f"cloudplow ended with status {done.returncode}:\n{done.stdout}{done.stderr}")


def run_max_transfer(cutoff_mode: str) -> Callable[[FakeDrive, Path, Path, Case, Path], None]:
    """Upload with rclone alone: one run for each account in turn, stopped by --max-transfer or by the denial."""

    def upload(drive: FakeDrive, rclone: Path, source: Path, case: Case, _scratch: Path) -> None:
        for account in range(1, case.accounts + 1):
            command = [str(rclone), "move", str(source), "gdrive:Media", f"--transfers={TRANSFERS}"]
            command += [f"--max-transfer={case.quota}B", f"--cutoff-mode={cutoff_mode}", "--retries=1"]
            command.append("--drive-stop-on-upload-limit")
            environment = drive.process_env({"RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE": str(drive.key_file(account))})
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode not in EXPECTED and LIMIT_REACHED not in done.stderr:
                raise BenchmarkError(f"rclone ended with status {done.returncode}:\n{done.stderr[-2000:]}")

    return upload


WAYS: Final[Mapping[str, Callable[[FakeDrive, Path, Path, Case, Path], None]]] = {
    PLAN: run_plan,
    **{f"`--max-transfer`, {cutoff_mode}": run_max_transfer(cutoff_mode) for cutoff_mode in CUTOFF_MODES},
}


def measure(way: str, case: Case, seed: int, mode: Mode, rclone: Path) -> Outcome:
    """One run of one way, on a Drive of its own."""
    with scratch_folder() as scratch:
        sizes = pareto_sizes(
            case.files, case.queue, smallest=SMALLEST, largest=int(case.quota * LARGEST_SHARE), seed=seed
        )
        write_files(scratch / "source", sizes, seed=seed)
        (scratch / "drive").mkdir()
        with FakeDrive(scratch / "drive", accounts=case.accounts, quota_bytes=case.quota, mode=mode) as drive:
            drive.set_settings(bandwidth=case.bandwidth)
            WAYS[way](drive, rclone, scratch / "source", case, scratch)
            usages = drive.usages().values()
        committed = sum(usage.committed for usage in usages)
        received = sum(usage.received for usage in usages)
        share = committed / (case.accounts * case.quota)
        return Outcome(share, sum(usage.denials for usage in usages), max(0, received - committed))


def measure_all(
    cases: Sequence[Case], runs: int, mode: Mode, rclone: Path
) -> Mapping[tuple[str, str], Sequence[Outcome]]:
    """Every way and case; the sizes are other ones in each run, and the same ones for every way."""
    outcomes: dict[tuple[str, str], list[Outcome]] = {(way, case.name): [] for way in WAYS for case in cases}
    for seed in range(1, runs + 1):
        for way, case in ((way, case) for case in cases for way in WAYS):
            outcomes[way, case.name].append(measure(way, case, seed, mode, rclone))
    return outcomes


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the head; all but the first column right."""
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))


def report(cases: Sequence[Case], outcomes: Mapping[tuple[str, str], Sequence[Outcome]]) -> None:
    """Print the table of medians, with the lowest and highest share of the quota."""
    head = [""]
    for case in cases:
        head += [f"{case.name}: quota used", "denials", "sent for nothing"]
    rows = [head]
    for way in WAYS:
        row = [way]
        for case in cases:
            runs = outcomes[way, case.name]
            shares = [run.share * 100 for run in runs]
            row += [
                f"{median(shares):.2f} % ({min(shares):.2f} to {max(shares):.2f})",
                f"{median(run.denials for run in runs):g}",
                f"{median(run.wasted for run in runs) / MB:.1f} MB",
            ]
        rows.append(row)
    print(markdown_table(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quota", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each way, each with other sizes (default 5)")
    parser.add_argument("--short", action="store_true", help="small pools and one run")
    parser.add_argument(
        "--modes",
        type=Mode,
        choices=list(Mode),
        nargs="+",
        default=MODES,
        help="how the Drive denies, a table for each",
    )
    parser.add_argument("--rclone", default="rclone", help="the binary to use (default: rclone on PATH)")
    options = parser.parse_args(arguments)
    rclone = shutil.which(options.rclone)
    if rclone is None:
        parser.error(f"{options.rclone} is no program that can be run")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    cases, runs = (SHORT_CASES, 1) if options.short else (CASES, options.runs)
    for case in cases:
        print(
            f"{case.name}: {case.quota // MB} MB each, {case.files} files of {case.queue // MB} MB in all, "
            f"{case.bandwidth // MB} MB/s, {TRANSFERS} transfers"
        )
    print(f"{rclone}, medians of {runs} runs")
    for mode in options.modes:
        try:
            outcomes = measure_all(cases, runs, mode, Path(rclone))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"\n{MODE_MEANS[mode]} ({mode}):\n")
        report(cases, outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
