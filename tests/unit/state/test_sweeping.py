"""What killed processes left is removed, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cloudplow.state import sweeping
from cloudplow.state.sweeping import sweep

DEAD, ALIVE = 4_000_001, 4_000_002


@pytest.fixture(autouse=True)
def _alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "_is_alive", lambda pid: pid == ALIVE)


def after(tmp_path: Path, name: str, *, age: float = 0.0) -> bool:
    """Whether a file of that name is still there."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (time.time() - age, time.time() - age))
    sweep(tmp_path)
    return path.exists()


@pytest.mark.parametrize(
    "name",
    [
        f".sa_quota_cache.json.{DEAD}.140735.tmp",
        f".cloudplow.db.backup.{DEAD}.1.tmp",
        f".sa_quota_cache.json.{DEAD}.tmp",
        pytest.param(f".sa_quota_cache.json.{os.getpid()}.9.tmp", id="of this process"),
        f"stages/google-1.{DEAD}.compare",
        f"rc/google-1.{DEAD}.htpasswd",
    ],
)
def test_unfinished_files_of_processes_that_are_gone_are_removed(tmp_path: Path, name: str) -> None:
    assert not after(tmp_path, name)


@pytest.mark.parametrize(
    "name",
    [
        f".sa_quota_cache.json.{ALIVE}.9.tmp",
        f"stages/google-1.{ALIVE}.compare",
        f"rc/google-1.{ALIVE}.htpasswd",
        "sa_quota_cache.json",
        "sa_quota_cache.json.previous",
        ".vimrc.tmp",
        "stages/google-1.list",
        f"notes.{DEAD}.txt",
        ".x.previous.tmp",
    ],
)
def test_everything_else_stays(tmp_path: Path, name: str) -> None:
    assert after(tmp_path, name)


def test_an_old_file_goes_even_if_its_number_is_in_use_again(tmp_path: Path) -> None:
    assert not after(tmp_path, f".a.{ALIVE}.9.tmp", age=4000)
    assert not after(tmp_path, ".a.previous.tmp", age=70)


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    sweep(tmp_path / "nowhere")


def test_links_and_folders_stay(tmp_path: Path) -> None:
    (tmp_path / f".a.{DEAD}.1.tmp").mkdir()
    (tmp_path / f".b.{DEAD}.1.tmp").symlink_to(tmp_path)
    sweep(tmp_path)

    assert len(list(tmp_path.iterdir())) == 2


def test_the_password_of_a_long_session_stays(tmp_path: Path) -> None:
    assert after(tmp_path, f"rc/google-1.{ALIVE}.htpasswd", age=10 * sweeping.OLD_SECONDS)
    assert not after(tmp_path, f"stages/google-1.{ALIVE}.compare", age=10 * sweeping.OLD_SECONDS)
