"""Programs whose open files cannot be seen."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cloudplow.upload import unseen
from cloudplow.upload.task import UploadTask
from cloudplow.upload.unseen import Unseen, look_for_unseen

USER = os.geteuid()


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mounts").write_text("proc /proc proc rw,nosuid 0 0\n/dev/sda / ext4 rw 0 0\n")
    return tmp_path


def add(proc: Path, number: int, words: bytes = b"plex\0") -> Path:
    folder = proc / str(number)
    (folder / "fd").mkdir(parents=True)
    (folder / "cmdline").write_bytes(words)
    return folder


def test_our_own_programs_are_seen(proc: Path) -> None:
    add(proc, 10)
    assert look_for_unseen(proc, USER) == Unseen()
    assert Unseen().sentence() == ""


def test_programs_of_other_users_are_counted_but_not_the_threads_of_the_kernel(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(proc, 10)
    add(proc, 11)
    add(proc, 2, b"")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "fd":
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert look_for_unseen(proc, USER + 1) == Unseen(others=2)
    said = Unseen(others=2).sentence()
    assert "2 programs of other users" in said
    assert "--min-age" in said


@pytest.mark.parametrize("option", ["hidepid=2", "hidepid=invisible", "hidepid=1"])
def test_a_system_that_hides_programs_is_named(proc: Path, option: str) -> None:
    (proc / "self" / "mounts").write_text(f"proc /proc proc rw,{option} 0 0\n")
    assert look_for_unseen(proc, USER + 1) == Unseen(hidden=True)
    assert "ProtectProc" in Unseen(hidden=True).sentence()
    assert look_for_unseen(proc, 0) == Unseen()


def test_a_container_sees_only_its_own_programs(proc: Path) -> None:
    (proc / "self" / "ns").mkdir()
    (proc / "self" / "ns" / "pid").touch()
    assert look_for_unseen(proc, 0) == Unseen(contained=True)
    assert '"pid: host"' in Unseen(contained=True).sentence()


def test_a_system_without_proc_says_nothing(tmp_path: Path) -> None:
    assert look_for_unseen(tmp_path / "missing", USER + 1) == Unseen()


@pytest.mark.parametrize(
    ("extras", "exclude", "said"), [({}, True, 1), ({"--min-age": "15m"}, True, 0), ({}, False, 0)]
)
def test_it_is_said_once_for_each_session_where_it_matters(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    extras: dict[str, str],
    exclude: bool,
    said: int,
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(unseen, "look_for_unseen", lambda: Unseen(others=3))
    job = SimpleNamespace(extras=extras)
    unseen.say_unseen(cast(UploadTask, SimpleNamespace(name="google", exclude_open_files=exclude, job=job)))
    assert len(caplog.records) == said
