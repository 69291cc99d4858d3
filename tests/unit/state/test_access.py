"""Files of the state folder that this user cannot use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudplow.state import access


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name not in names)


def test_a_folder_of_ours_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "google.list").touch()
    assert access.access_fault(tmp_path) == ""
    assert access.access_fault(tmp_path / "not" / "there") == ""


def test_files_of_somebody_else_are_named_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "google.list").touch()
    (tmp_path / "cloudplow.db").touch()
    refuse(monkeypatch, "google.list", "cloudplow.db")
    said = access.access_fault(tmp_path)
    assert said.startswith("cloudplow.db, google.list in ")
    assert f"sudo chown -R {access.whoami()} {tmp_path}" in said


def test_a_folder_that_cannot_be_written_is_named_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, tmp_path.name)
    said = access.access_fault(tmp_path / "state")
    assert said.startswith(f"{tmp_path} cannot be written by ")
    assert access.owner_of(tmp_path) in said


def test_a_user_without_a_name_has_a_number() -> None:
    assert access.user_name(987_654) == "user 987654"
    assert access.owner_of(Path("/does/not/exist")) == "somebody"
    assert access.whoami() == access.user_name(os.geteuid())
