"""A look at a folder that may spare rclone a listing: it must be certain that there is nothing to list."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudplow.upload import local_files
from cloudplow.upload.local_files import holds_only_folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Media" / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "Media" / "other").mkdir()
    return tmp_path / "Media"


def test_folder_with_nothing_but_folders_holds_only_folders(folder: Path) -> None:
    assert holds_only_folders(folder)


@pytest.mark.parametrize("place", ["a.mkv", "deep/deeper/.hidden", "other/\udcff"])
def test_a_file_anywhere_is_found(folder: Path, place: str) -> None:
    (folder / place).touch()

    assert not holds_only_folders(folder)


@pytest.mark.parametrize("target", ["..", "nowhere"])
def test_a_link_is_for_rclone_to_judge(folder: Path, target: str) -> None:
    (folder / "other" / "link").symlink_to(target)

    assert not holds_only_folders(folder)


def test_what_is_neither_file_nor_folder_is_for_rclone_to_judge(folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    assert not holds_only_folders(folder)


def test_a_folder_that_is_gone_or_cannot_be_read_is_not_known(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not holds_only_folders(tmp_path / "gone")

    def refuse(path: str) -> object:
        if path.endswith("deeper"):
            raise PermissionError
        return original(path)

    original = os.scandir
    monkeypatch.setattr(os, "scandir", refuse)
    assert not holds_only_folders(folder)


def test_so_many_folders_that_a_look_takes_long_are_left_to_rclone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_files, "FOLDERS_LIMIT", 4)
    assert holds_only_folders(folder)
    (folder / "one more").mkdir()

    assert not holds_only_folders(folder)
