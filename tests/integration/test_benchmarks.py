"""Each benchmark runs in a short form and prints its table; the figures are for people, not for tests."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from benchmarks import overhead, queue, quota, small_files
from benchmarks.common import TreeShape
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


def test_the_benchmark_of_quota_use_prints_its_table(any_rclone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quota.main(["--short", "--modes", Mode.WOULD_EXCEED, "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert len(rows(output, "|")) == 2 + len(quota.WAYS)
    (plan,) = rows(output, f"| {quota.PLAN}")
    shares = [float(share) for share in re.findall(r"([\d.]+) % \(", plan)]
    assert len(shares) == 2
    assert min(shares) >= 99.5
    assert re.findall(r"\| (\d+) \|", plan) == ["0", "0"]


def test_the_benchmark_of_small_files_prints_its_table(any_rclone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # More calls than rclone lets through without a pause.
    assert small_files.main(["--files", "80", "--runs", "1", "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert [len(rows(output, f"{way}  ")) for way in small_files.WAYS] == [1, 1]
    assert re.search(r"is [\d.]+ times as fast", output)


def test_its_sweep_prints_a_row_for_each_burst(
    any_rclone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_files, "SWEEP_TRANSFERS", (4,))
    assert small_files.main(["--files", "10", "--runs", "1", "--sweep", "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert [len(rows(output, f"{burst} ")) for burst in small_files.SWEEP_BURSTS] == [1, 1, 1]


@pytest.mark.parametrize("generated", [False, True])
def test_the_benchmark_of_queues_prints_its_table(
    any_rclone: Path, capsys: pytest.CaptureFixture[str], generated: bool
) -> None:
    words = ["--sizes", "500,1000", "--runs", "1", "--rclone", str(any_rclone)]
    assert queue.main([*words, *(["--generated"] if generated else [])]) == 0
    output = capsys.readouterr().out
    assert len(rows(output, "500 ")) == len(rows(output, "1,000 ")) == 2
    assert len(rows(output, "files")) == 1


def test_the_benchmark_of_the_overhead_prints_its_table(
    any_rclone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overhead, "SHAPE", TreeShape(50, (1_000, 2_000), 1, 100_000))
    assert overhead.main(["--pairs", "1", "--rclone", str(any_rclone)]) == 0
    output = capsys.readouterr().out
    assert len(rows(output, overhead.CLOUDPLOW)) == 2
    assert len(rows(output, "rclone move")) == 4


@pytest.mark.parametrize("benchmark", [overhead, queue, quota, small_files])
def test_a_program_that_is_not_there_is_named(benchmark: object, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["--rclone", "no-such-rclone"])  # type: ignore[attr-defined]
    assert "no-such-rclone is no program that can be run" in capsys.readouterr().err
