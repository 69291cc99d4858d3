"""The second part of `benchmarks.viewers`: a real `cloudplow upload` with its dashboard, with and without viewers.

Whole processes to a crypt remote in memory, by turns; once limited as by a line (`--bwlimit`), once not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

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
    write_rclone_config,
    write_tree,
)
from benchmarks.viewers_crowd import Child, Crowd

UPLOADER: Final = "bench"
#: Nothing here takes longer.
DEADLINE_SECONDS: Final = 300.0
_ADDRESS: Final = re.compile(rb"Dashboard: http://127\.0\.0\.1:(\d+)/")


@dataclass(frozen=True, slots=True)
class Variant:
    """An upload. bwlimit: as rclone writes it; "" for none."""

    name: str
    shape: TreeShape
    bwlimit: str = ""


LIMITED: Final = "limited by its line"
UNLIMITED: Final = "not limited"


def variants(*, short: bool) -> Sequence[Variant]:
    """In the long form about 15 and about 8 seconds."""
    small = (1_000, 16_000)
    if short:
        return (
            Variant(LIMITED, TreeShape(20, small, 10, 1 << 20), "4M"),
            Variant(UNLIMITED, TreeShape(400, small, 8, 20 << 20)),
        )
    return (
        Variant(LIMITED, TreeShape(200, small, 20, 15 << 20), "20M"),
        Variant(UNLIMITED, TreeShape(3_000, small, 80, 20 << 20)),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One upload, times in seconds.

    session: from `session_started` to `session_finished`; process: from start to exit; cpu: of cloudplow and rclone.
    seen: what the viewers say, empty without any.
    """

    session: float
    process: float
    cpu: float
    seen: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two uploads of the same files, one after the other."""

    alone: Run
    watched: Run


class Bench:
    """The files of one variant, and one timed upload of them."""

    def __init__(self, scratch: Path, rclone: str, variant: Variant) -> None:
        self._variant = variant
        self._master = scratch / "master"
        self._source = scratch / "source"
        self._cloud = scratch / "cloud"
        self._state = scratch / "state"
        self._output = scratch / "output.log"
        self._rclone_config = scratch / "rclone.conf"
        self._rclone = rclone
        self._environment = clean_environment(XDG_CACHE_HOME=str(scratch / "cache"))
        write_tree(self._master, variant.shape)
        write_rclone_config(self._rclone_config, rclone, self._cloud)

    def run(self, crowd: Crowd | None) -> Run:
        """Fresh files, an empty cloud, no state; then the upload. Raises BenchmarkError when anything was lost."""
        link_tree(self._master, self._source)
        for folder in (self._cloud, self._state):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self._write_config()
        if crowd is None:
            run = self._upload(None)
        else:
            # It starts before the clock does.
            viewers = Child.of_viewers(crowd)
            try:
                run = self._upload(viewers)
            finally:
                viewers.close()
            self._check_viewers(crowd, run.seen)
        self._check_files()
        return run

    def _upload(self, viewers: Child | None) -> Run:
        command = [sys.executable, "-m", "cloudplow", "--config", str(self._state / "config.json"), "upload"]
        with self._output.open("wb") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                command, env=dict(self._environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            if viewers is not None:
                viewers.tell(f"connect {self._port(process)}")
            # Unlike Popen.wait it also says what the process and its rclone used.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.terminate()
                process.wait()
        if process.returncode != 0:
            raise BenchmarkError(f"cloudplow ended with status {process.returncode}:\n{self._said()}")
        seen: Mapping[str, float] = {}
        if viewers is not None:
            connected = viewers.answer()
            seen = {**viewers.ask("finish"), "watching": connected["watching"], "connecting": connected["seconds"]}
        session = self._session()["total_duration_seconds"]
        return Run(session, seconds, usage.ru_utime + usage.ru_stime, seen)

    def _port(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (found := _ADDRESS.search(self._output.read_bytes())):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"The dashboard did not start:\n{self._said()}")
            time.sleep(0.005)
        return int(found[1])

    def _said(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")[-2000:]

    def _session(self) -> Mapping[str, Any]:
        session: Mapping[str, Any] = json.loads((self._state / "dashboard_session_state.json").read_bytes())
        return session

    def _check_files(self) -> None:
        wanted = self._variant.shape.files
        left, arrived, told = count_files(self._source), count_files(self._cloud), self._session()["transferred_files"]
        if left or arrived != wanted or told != wanted:
            raise BenchmarkError(
                f"cloudplow left {left} files, moved {arrived} of {wanted}, told of {told}:\n{self._said()}"
            )

    @staticmethod
    def _check_viewers(crowd: Crowd, seen: Mapping[str, float]) -> None:
        all_of_it = seen["watching"] == seen["finished"] == crowd.viewers
        if not all_of_it or seen["gaps"] or seen["last_ids"] != 1:
            raise BenchmarkError(
                f"Of {crowd.viewers} viewers {seen['watching']} got a snapshot and {seen['finished']} saw the end of "
                f"the upload; {seen['gaps']} gaps in the ids; their last ids are {seen['last_ids']} different ones"
            )

    def _write_config(self) -> None:
        extras: dict[str, Any] = {"--transfers": 8}
        if self._variant.bwlimit:
            extras["--bwlimit"] = self._variant.bwlimit
        config = {
            "core": {"rclone_binary_path": self._rclone, "rclone_config_path": str(self._rclone_config)},
            "dashboard": {"enabled": True, "port": 0, "refresh_interval": 1},
            "remotes": {
                UPLOADER: {
                    "upload_folder": str(self._source),
                    "upload_remote": f"{REMOTE}:",
                    "rclone_extras": extras,
                }
            },
            "uploader": {UPLOADER: {}},
        }
        (self._state / "config.json").write_text(json.dumps(config), encoding="utf-8")


def measure(bench: Bench, crowd: Crowd, pairs: int, *, warm_up: bool) -> list[Pair]:
    """Pairs of uploads, with the viewers second and first by turns."""
    if warm_up:
        bench.run(None)
    made: list[Pair] = []
    for number in range(1, pairs + 1):
        if number % 2:
            alone = bench.run(None)
            watched = bench.run(crowd)
        else:
            watched = bench.run(crowd)
            alone = bench.run(None)
        made.append(Pair(alone, watched))
        print(
            f"pair {number} of {pairs}: {alone.session:.2f} s without, {watched.session:.2f} s with viewers", flush=True
        )
    return made


def session_ratio(pairs: Sequence[Pair]) -> float:
    """With viewers / without: the median of the pairs' ratios, because the speed of a machine drifts."""
    return median_ratio([pair.watched.session for pair in pairs], [pair.alone.session for pair in pairs])


def report(pairs: Sequence[Pair], crowd: Crowd) -> None:
    """Print the times, and what the viewers saw."""
    rows = [["", "without viewers", "fastest", "slowest", "with viewers", "fastest", "slowest"]]
    ratios = [["with viewers / without", "ratio of medians", "median of ratios"]]
    for name, field in (("upload", "session"), ("whole process", "process"), ("CPU of cloudplow and rclone", "cpu")):
        alone = [getattr(pair.alone, field) for pair in pairs]
        watched = [getattr(pair.watched, field) for pair in pairs]
        row = [name]
        for times in (alone, watched):
            row += [f"{seconds:.2f} s" for seconds in (median(times), min(times), max(times))]
        rows.append(row)
        ratios.append([name, f"{ratio_of_medians(watched, alone):.3f}", f"{median_ratio(watched, alone):.3f}"])
    for table in (rows, ratios):
        print()
        print_table(table)
    seen = [pair.watched.seen for pair in pairs]
    print(
        f"\nAll of {crowd.viewers:,} viewers saw every version to the last, "
        f"{median(one['patches'] for one in seen):.0f} patches; "
        f"{sum(one['snapshots'] for one in seen):.0f} times a snapshot in place of patches; "
        f"the server ended {min(one['ended_well'] for one in seen):,.0f} or more streams in good order\n"
        f"Connecting took {median(one['connecting'] for one in seen):.2f} s; "
        f"reading cost the viewers {median(one['cpu_seconds'] for one in seen):.2f} s of CPU"
    )
