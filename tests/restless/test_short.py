"""Uploads of a folder that changes all the time, for a few seconds; for longer: `python -m tests.restless`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.restless.churning import Churn, content, number_of
from tests.restless.playing import play


@pytest.mark.rclone
@pytest.mark.timeout(240)
def test_everything_that_rested_arrives_whole_and_is_truly_told(any_rclone: Path, tmp_path: Path) -> None:
    result = play(tmp_path / "site", any_rclone, seconds=15, seed=1)
    print(result)
    assert result.faults == []
    assert result.arrived > 0


def test_half_a_content_is_known_as_such() -> None:
    whole = content(5, 1000)
    assert number_of(whole) == 5
    assert [number_of(part) for part in (whole[:-1], whole + b"x", b"", b"x" * 40, whole[:32])] == [None] * 5


def test_what_stands_in_the_end_is_what_is_there(tmp_path: Path) -> None:
    """Without an upload, nothing may be missing: the play itself makes no mistake."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "scratch").mkdir()
    churn = Churn(tmp_path / "folder", tmp_path / "scratch", seed=2, per_second=400, largest=2000)
    churn.start()
    churn._stopping.wait(2)
    churn.stop()
    found = {path: number_of(path.read_bytes()) for path in (tmp_path / "folder").rglob("*") if path.is_file()}
    assert found == churn.standing
    assert len(churn.done) == 8
