"""What an idle `cloudplow run` costs: CPU besides the checks, CPU of a check for each file, memory, growth.

    python -m benchmarks.idle [--minutes 20] [--files 100000] [--rclone PATH]

One folder of sparse files below the threshold, the dashboard on; a check every five minutes. CPU is what the kernel
counts for the process, so other work on the machine changes it little. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from benchmarks.common import clean_environment, scratch_folder, write_rclone_config
from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError

#: How often the process is looked at, in seconds.
STEP_SECONDS: Final = 0.5
#: How long the imports and the first check may take, in seconds.
START_SECONDS: Final = 120.0


class Sample(NamedTuple):
    """One look. own: CPU seconds of the process; children: of its rclones that have ended; rss: bytes."""

    at: float
    checking: bool
    own: float
    children: float
    rss: int


def write_files(folder: Path, count: int) -> None:
    """Sparse files of 10 MB, a thousand to a folder."""
    for number in range(count):
        path = folder / f"{number // 1000:04}" / f"{number:06}.mkv"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.truncate(10_000_000)


def configuration(scratch: Path, rclone: str) -> dict[str, Any]:
    """An uploader whose threshold is never reached."""
    return {
        "core": {"rclone_binary_path": rclone, "rclone_config_path": str(scratch / "rclone.conf")},
        "dashboard": {"enabled": True, "port": 0},
        "remotes": {"google": {"upload_folder": str(scratch / "source"), "upload_remote": "vault:x"}},
        "uploader": {"google": {"check_interval": 5, "max_size_gb": 1_000_000}},
    }


def state(folder: Path) -> str:
    """What the uploader does; "" while nobody answers."""
    try:
        return str(ask(folder, {"do": "status"})["uploaders"]["google"]["state"])
    except CloudplowError:
        return ""


def look(process: psutil.Process, folder: Path) -> Sample:
    """One look at the process."""
    times = process.cpu_times()
    checking = state(folder) == "scanning"
    own, children = times.user + times.system, times.children_user + times.children_system
    return Sample(time.monotonic(), checking, own, children, process.memory_info().rss)


def measure(process: psutil.Process, folder: Path, minutes: float) -> list[Sample]:
    """Looks, sparse while nothing happens so that asking costs little itself."""
    started = time.monotonic()
    while state(folder) != "waiting":
        if time.monotonic() - started > START_SECONDS:
            raise SystemExit("the service has not begun to wait")
        time.sleep(STEP_SECONDS)
    samples = [look(process, folder)]
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        time.sleep(STEP_SECONDS if samples[-1].checking else 10.0)
        samples.append(look(process, folder))
    return samples


def report(samples: list[Sample], files: int) -> None:
    """Print the figures."""
    idle_seconds = idle_cpu = check_own = check_children = 0.0
    checks = 0
    for before, after in itertools.pairwise(samples):
        # A check that lies between two looks shows in the CPU of rclone.
        if before.checking or after.checking or after.children > before.children:
            check_own += after.own - before.own
            check_children += after.children - before.children
            checks += after.children > before.children
        else:
            idle_seconds += after.at - before.at
            idle_cpu += after.own - before.own
    print(f"idle: {idle_seconds:.0f} s, {100 * idle_cpu / max(1e-9, idle_seconds):.3f} % of a core")
    if checks:
        per_file = 1e6 / checks / files
        print(
            f"checks: {checks}, each {1000 * check_own / checks:.0f} ms of CPU in cloudplow and "
            f"{1000 * check_children / checks:.0f} ms in rclone; "
            f"{check_own * per_file:.1f} + {check_children * per_file:.1f} µs a file"
        )
    mb = 1 << 20
    print(f"memory: {samples[0].rss / mb:.1f} MB at first, {samples[-1].rss / mb:.1f} MB at last, ", end="")
    print(f"{max(one.rss for one in samples) / mb:.1f} MB at most")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rclone", default="/usr/bin/rclone")
    options = parser.parse_args()
    with scratch_folder() as scratch:
        write_files(scratch / "source", options.files)
        (scratch / "cloud").mkdir()
        write_rclone_config(scratch / "rclone.conf", options.rclone, scratch / "cloud")
        (scratch / "config.json").write_text(json.dumps(configuration(scratch, options.rclone)))
        with (scratch / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "cloudplow", "--config", str(scratch / "config.json"), "run"],
                env=clean_environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            report(measure(psutil.Process(process.pid), scratch, options.minutes), options.files)
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
