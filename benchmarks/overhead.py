"""How much longer `cloudplow upload` takes than rclone alone: whole processes, wall time, alternating runs.

    python -m benchmarks.overhead [--pairs 7] [--rclone PATH]

2,000 small and 20 large files go to a crypt remote in memory, 8 at a time, without accounts. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.common import (
    REMOTE,
    BenchmarkError,
    TreeShape,
    clean_environment,
    count_files,
    link_tree,
    median_ratio,
    print_table,
    ratio_of_medians,
    scratch_folder,
    timed,
    write_rclone_config,
    write_tree,
)

SHAPE: Final = TreeShape(small_files=2_000, small_bytes=(1_000, 16_000), large_files=20, large_bytes=20 << 20)
TRANSFERS: Final = "--transfers=8"
#: What cloudplow adds so that it can read what rclone does.
LOGGING: Final = ("--use-json-log", "-v", "--stats=1s")

CLOUDPLOW: Final = "cloudplow upload"
RCLONE_LOGGING: Final = f"rclone move {' '.join(LOGGING)}"
RCLONE_PLAIN: Final = "rclone move"


class Bench:
    """The files of the benchmark, and one timed run of each contestant."""

    def __init__(self, scratch: Path, rclone: str) -> None:
        self._master = scratch / "master"
        self._source = scratch / "source"
        self._cloud = scratch / "cloud"
        self._state = scratch / "state"
        self._output = scratch / "output.log"
        self._rclone_config = scratch / "rclone.conf"
        self._rclone = rclone
        self._environment = clean_environment(XDG_CACHE_HOME=str(scratch / "cache"))
        write_tree(self._master, SHAPE)
        write_rclone_config(self._rclone_config, rclone, self._cloud)

    def commands(self) -> Mapping[str, Sequence[str]]:
        bare = (self._rclone, "move", str(self._source), f"{REMOTE}:", f"--config={self._rclone_config}", TRANSFERS)
        cloudplow = (sys.executable, "-m", "cloudplow", "--config", str(self._state / "config.json"), "upload")
        return {CLOUDPLOW: cloudplow, RCLONE_LOGGING: (*bare, *LOGGING), RCLONE_PLAIN: bare}

    def run(self, command: Sequence[str]) -> float:
        """Fresh files, an empty cloud, no state; then the process, timed.

        Raises BenchmarkError when it did not move everything.
        """
        link_tree(self._master, self._source)
        shutil.rmtree(self._cloud, ignore_errors=True)
        self._cloud.mkdir()
        self._write_state()
        seconds = timed(command, self._environment, self._output)
        left, arrived = count_files(self._source), count_files(self._cloud)
        if left or arrived != SHAPE.files:
            raise BenchmarkError(f"{command[0]} left {left} files and moved {arrived} of {SHAPE.files}")
        return seconds

    def _write_state(self) -> None:
        shutil.rmtree(self._state, ignore_errors=True)
        self._state.mkdir()
        config = {
            "core": {"rclone_binary_path": self._rclone, "rclone_config_path": str(self._rclone_config)},
            "remotes": {
                "bench": {
                    "upload_folder": str(self._source),
                    "upload_remote": f"{REMOTE}:",
                    "rclone_extras": {"--transfers": 8},
                }
            },
            "uploader": {"bench": {}},
        }
        (self._state / "config.json").write_text(json.dumps(config), encoding="utf-8")


def measure(bench: Bench, pairs: int) -> Mapping[str, list[float]]:
    """One run of each contestant per round, every round in another order, after a round that does not count."""
    commands = bench.commands()
    names = list(commands)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(pairs + 1):
        for name in (*names[number % len(names) :], *names[: number % len(names)]):
            seconds = bench.run(commands[name])
            if number > 0:
                times[name].append(seconds)
        if number > 0:
            print(f"round {number} of {pairs}: " + ", ".join(f"{times[name][-1]:.2f} s" for name in names), flush=True)
    return times


def report(times: Mapping[str, Sequence[float]]) -> None:
    rows = [["", "median", "fastest", "slowest"]]
    rows += [
        [name, f"{median(runs):.3f} s", f"{min(runs):.3f} s", f"{max(runs):.3f} s"] for name, runs in times.items()
    ]
    print()
    print_table(rows)
    print()
    ratios = [["cloudplow upload, against", "ratio of medians", "median of ratios"]]
    for name in (RCLONE_LOGGING, RCLONE_PLAIN):
        over, paired = ratio_of_medians(times[CLOUDPLOW], times[name]), median_ratio(times[CLOUDPLOW], times[name])
        ratios.append([name, f"{over:.3f}", f"{paired:.3f}"])
    print_table(ratios)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7, help="rounds that count (default 7)")
    parser.add_argument("--rclone", default="rclone", help="the binary to use (default: rclone on PATH)")
    options = parser.parse_args(arguments)
    rclone = shutil.which(options.rclone)
    if rclone is None:
        parser.error(f"{options.rclone} is no program that can be run")
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    print(f"{SHAPE.files} files, {rclone}, 8 transfers; cloudplow upload, then rclone with and without logging")
    with scratch_folder() as scratch:
        try:
            report(measure(Bench(scratch, str(Path(rclone).resolve())), options.pairs))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
