"""What benchmarks share: a place in memory, a tree of files, a crypt remote, timed processes, small tables."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

SHARED_MEMORY: Final = Path("/dev/shm")
REMOTE: Final = "vault"
SEED: Final = 1


class BenchmarkError(Exception):
    """A run that did not do what was to be timed, so that its time means nothing."""


@dataclass(frozen=True, slots=True)
class TreeShape:
    """How many files of which sizes (in bytes)."""

    small_files: int
    small_bytes: tuple[int, int]
    large_files: int
    large_bytes: int

    @property
    def files(self) -> int:
        return self.small_files + self.large_files


@contextmanager
def scratch_folder(base: Path | None = None) -> Iterator[Path]:
    """A folder in memory where there is one, so that no disk is measured; removed afterwards. base: where instead."""
    if base is None and os.access(SHARED_MEMORY, os.W_OK):
        base = SHARED_MEMORY
    if base is None:
        print("Note: no /dev/shm here; the times include the disk.")
    folder = Path(tempfile.mkdtemp(prefix="cloudplow-benchmark-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_tree(root: Path, shape: TreeShape) -> None:
    """Files of random bytes, 100 small ones to a folder."""
    numbers = random.Random(SEED)
    for index in range(shape.small_files):
        path = root / f"small {index // 100:03}" / f"{index:05}.srt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.randbytes(numbers.randint(*shape.small_bytes)))
    for index in range(shape.large_files):
        path = root / "large" / f"{index:03}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.randbytes(shape.large_bytes))


def link_tree(master: Path, target: Path) -> None:
    """A copy of the tree made of hard links: quick, and a move of it leaves the master whole."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(master, target, copy_function=os.link)


def count_files(root: Path) -> int:
    return sum(path.is_file() for path in root.rglob("*"))


def write_rclone_config(path: Path, rclone: str, cloud: Path) -> None:
    """A crypt remote over a local folder: real work per byte, and a move is no mere rename."""
    password = subprocess.run([rclone, "obscure", "benchmark"], capture_output=True, text=True, check=True).stdout
    path.write_text(f"[{REMOTE}]\ntype = crypt\nremote = {cloud}\npassword = {password.strip()}\n", encoding="utf-8")


def clean_environment(**extra: str) -> Mapping[str, str]:
    """Our environment without the user's settings for rclone and cloudplow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RCLONE_", "CLOUDPLOW_"))}
    return kept | extra


def timed(command: Sequence[str], environment: Mapping[str, str], output: Path) -> float:
    """Run a process with all its output in a file; returns its wall time in seconds.

    Raises BenchmarkError when it fails.
    """
    with output.open("wb") as file:
        started = time.perf_counter()
        code = subprocess.run(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
        ).returncode
        seconds = time.perf_counter() - started
    if code != 0:
        tail = output.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise BenchmarkError(f"{command[0]} ended with status {code}:\n{tail}")
    return seconds


def ratio_of_medians(times: Sequence[float], base: Sequence[float]) -> float:
    return median(times) / median(base)


def median_ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """The median of the ratios of runs that were made one after the other."""
    return median(one / other for one, other in zip(times, base, strict=True))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be; the first left, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
