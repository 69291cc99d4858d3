"""Each benchmark runs in a short form and prints its table; the figures are for people, not for tests."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import book, overhead, queue, quota, small_files, viewers
from benchmarks.common import TreeShape
from benchmarks.viewers_client import Viewer, Viewers
from benchmarks.viewers_crowd import Crowd
from cloudplow_dashboard.server.direct import chunk_of
from cloudplow_dashboard.state.patches import frame
from tests.fake_drive import Mode

pytestmark = pytest.mark.rclone


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """They start processes with `python -m benchmarks...`."""
    monkeypatch.chdir(Path(__file__).parents[2])
    for name in [name for name in os.environ if name.startswith(("RCLONE_", "CLOUDPLOW_"))]:
        monkeypatch.delenv(name)


def rows(output: str, start: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(start)]


@pytest.mark.alone
def test_the_benchmark_of_quota_use_prints_its_table(any_rclone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quota.main(["--short", "--modes", Mode.WOULD_EXCEED, "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert len(rows(output, "|")) == 2 + len(quota.WAYS)
    (plan,) = rows(output, f"| {quota.PLAN}")
    shares = [float(share) for share in re.findall(r"([\d.]+) % \(", plan)]
    assert len(shares) == 2
    assert min(shares) >= 99.5
    assert re.findall(r"\| (\d+) \|", plan) == ["0", "0"]


@pytest.mark.alone
def test_the_benchmark_of_small_files_prints_its_table(any_rclone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # More calls than rclone lets through without a pause.
    assert small_files.main(["--files", "80", "--runs", "1", "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert [len(rows(output, f"{way}  ")) for way in small_files.WAYS] == [1, 1]
    assert re.search(r"is [\d.]+ times as fast", output)


@pytest.mark.alone
def test_its_sweep_prints_a_row_for_each_burst(
    any_rclone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_files, "SWEEP_TRANSFERS", (4,))
    assert small_files.main(["--files", "10", "--runs", "1", "--sweep", "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert [len(rows(output, f"{burst} ")) for burst in small_files.SWEEP_BURSTS] == [1, 1, 1]


@pytest.mark.alone
@pytest.mark.parametrize("generated", [False, True])
def test_the_benchmark_of_queues_prints_its_table(
    any_rclone: Path, capsys: pytest.CaptureFixture[str], generated: bool
) -> None:
    words = ["--sizes", "500,1000", "--runs", "1", "--rclone", str(any_rclone)]
    assert queue.main([*words, *(["--generated"] if generated else [])]) == 0
    output = capsys.readouterr().out
    assert len(rows(output, "500 ")) == len(rows(output, "1,000 ")) == 2
    assert len(rows(output, "files")) == 1


@pytest.mark.alone
def test_the_benchmark_of_the_overhead_prints_its_table(
    any_rclone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overhead, "SHAPE", TreeShape(50, (1_000, 2_000), 1, 100_000))
    assert overhead.main(["--pairs", "1", "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert len(rows(output, overhead.CLOUDPLOW)) == 2
    assert len(rows(output, "rclone move")) == 4


@pytest.mark.alone
def test_the_benchmark_of_the_book_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    # Status 0: a small book, a file that does not grow, and a disk that is not waited for with every file.
    assert book.main(["--short"]) == 0
    output = capsys.readouterr().out
    timed = ("read the book", "take it over", "capacities, ", "quotas, ", "plan, ", "charge a file")
    assert [len(rows(output, start)) for start in timed] == [1, 1, 2, 2, 2, 1]
    assert [len(rows(output, f"{first:,g} ")) for first in (book.DAYS[0], *book.SHORT_STAGES)] == [1, 1]
    assert re.search(r"calls of fsync and fdatasync|no C compiler", output)


def test_the_benchmark_of_the_book_compares_only_with_a_checkout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        book.main(["--before", str(tmp_path)])
    assert "is no checkout of cloudplow" in capsys.readouterr().err


@pytest.mark.alone
def test_the_benchmark_of_viewers_prints_its_tables(any_rclone: Path) -> None:
    # In a process of its own, because it measures itself and raises its limits.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.viewers", "--short", "--rclone", str(any_rclone)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    # Status 0: no gap, no viewer cut off, no file lost, and memory and bytes within their targets.
    assert (done.returncode, done.stderr) == (0, "")
    output = done.stdout
    assert len(rows(output, "A real upload, ")) == len(rows(output, "All of 100 viewers saw every version")) == 2
    assert len(rows(output, "upload  ")) == len(rows(output, "CPU of cloudplow and rclone")) == 4
    for name, figure in viewers.FIGURES.items():
        (row,) = rows(output, f"{figure.label}  ")
        assert ("at most" in row) == (figure.target is not None), name


def stream(*frames: tuple[int, str]) -> bytes:
    return b"".join(chunk_of(frame(kind, "boot", number, b'{"x":1}')) for number, kind in frames)


@pytest.mark.parametrize(
    ("frames", "gaps", "snapshots"),
    [
        ([(7, "snapshot"), (8, "patch"), (9, "patch")], 0, 0),
        ([(7, "snapshot"), (9, "patch"), (10, "patch")], 1, 0),
        ([(7, "snapshot"), (8, "patch"), (8, "patch")], 1, 0),
        ([(7, "snapshot"), (8, "patch"), (20, "snapshot"), (21, "patch")], 0, 1),
    ],
)
@pytest.mark.parametrize("size", [1, 50, 1000])
def test_a_viewer_of_the_benchmark_notices_a_gap(
    frames: list[tuple[int, str]], gaps: int, snapshots: int, size: int
) -> None:
    crowd = Viewers(Crowd(0, 0, 0))
    data = b"HTTP/1.1 200 OK\r\n\r\n" + chunk_of(b"retry: 2000\n\n") + stream(*frames) + b"0\r\n\r\n"
    with socket.socket() as connection:
        viewer = Viewer(connection)
        crowd.viewers.append(viewer)
        for at in range(0, len(data), size):
            crowd.take(viewer, data[at : at + size], 0.0)
        crowd.take(viewer, b"", 0.0)
    seen = crowd.finish()
    assert (seen["gaps"], seen["snapshots"], seen["ended_well"]) == (gaps, snapshots, 1)
    assert viewer.last_id == frames[-1][0]


def test_a_target_that_is_missed_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert viewers.report({"gaps": 1, "event_p99_ms": 100.0, "get_p99_ms": 50.1, "events": 3}) == ["get_p99_ms", "gaps"]
    output = capsys.readouterr().out
    assert [line.split("  ")[0] for line in output.splitlines() if line.endswith("missed")] == [
        "plain GET, p99",
        "gaps in the ids",
    ]


@pytest.mark.parametrize("benchmark", [overhead, queue, quota, small_files, viewers])
def test_a_program_that_is_not_there_is_named(benchmark: object, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["--rclone", "no-such-rclone"])  # type: ignore[attr-defined]
    assert "no-such-rclone is no program that can be run" in capsys.readouterr().err
