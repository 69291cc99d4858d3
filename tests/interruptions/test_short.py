"""Uploads that are interrupted: each way once with one rclone, the most frequent ones with the other version, too.

Many more, with other moments and mixtures, are played by hand: `python -m tests.interruptions --rounds 500`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.interruptions.books import can_be_asked
from tests.interruptions.playing import play
from tests.interruptions.scenario import Kind, choose
from tests.interruptions.table import show_findings, show_line
from tests.rclone_binaries import VERSIONS, require_rclone

#: What happens to everybody: played with both versions.
FREQUENT: Final = (Kind.KILL_BOTH, Kind.KILL_RCLONE, Kind.TERM, Kind.INT_TWICE, Kind.LATE_FILES, Kind.SLOW_FSYNC)

ROUNDS: Final = [
    *((kind, VERSIONS[number % len(VERSIONS)]) for number, kind in enumerate(Kind)),
    *((kind, VERSIONS[(number + 1) % len(VERSIONS)]) for number, kind in enumerate(Kind) if kind in FREQUENT),
]


@pytest.mark.rclone
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "version", "seed"), [(*one, seed) for seed, one in enumerate(ROUNDS, 1)])
def test_after_interruptions_books_and_drive_are_equal_and_no_file_is_lost(
    kind: Kind, version: str, seed: int, tmp_path: Path
) -> None:
    scenario = choose(seed, [str(require_rclone(version))], [kind])

    result = play(scenario, tmp_path / "round")

    said = "\n".join([show_line(result), *show_findings(result)])
    print(said)
    if result.skipped:
        pytest.skip(result.skipped)
    assert not result.defect, said
    if result.too_late:
        pytest.skip("this machine is so slow that a killed upload's file came after the landing time")
    if result.findings and not can_be_asked():
        pytest.xfail(f"books that are kept in JSON files only: {said}")
    assert result.good, said
