"""Whether the upload folder is still the one that a session began with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudplow.upload.source_folder import FolderLostError, SourceFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "media" / "Disk 1").mkdir(parents=True)
    return tmp_path / "media"


def mounts(folder: Path, *points: Path) -> Path:
    """A list of mounts, as the kernel writes it."""
    lines = [f"36 35 98:0 / {str(point).replace(' ', chr(92) + '040')} rw - ext4 /dev/sda1 rw" for point in points]
    (folder.parent / "mountinfo").write_text("\n".join(["1 2", *lines, ""]))
    return folder.parent / "mountinfo"


def test_same_folder_with_other_files_is_the_same(folder: Path) -> None:
    source = SourceFolder(folder)
    (folder / "Disk 1").rmdir()
    (folder / "new").touch()
    source.check()


def test_another_folder_of_that_name_is_lost(folder: Path) -> None:
    source = SourceFolder(folder)
    folder.rename(folder.with_name("moved"))
    folder.mkdir()
    with pytest.raises(FolderLostError, match="has become another folder"):
        source.check()


def test_folder_that_is_gone_or_a_file_is_lost(folder: Path) -> None:
    source = SourceFolder(folder)
    folder.rename(folder.with_name("moved"))
    with pytest.raises(FolderLostError, match="cannot be read any more"):
        source.check()
    folder.touch()
    with pytest.raises(FolderLostError, match="cannot be read any more"):
        source.check()


def test_link_that_leads_elsewhere_is_lost(folder: Path) -> None:
    link, other = folder.with_name("link"), folder.with_name("other")
    other.mkdir()
    link.symlink_to(folder)
    source = SourceFolder(link)
    source.check()
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(FolderLostError):
        source.check()


def test_folder_that_cannot_be_read_is_no_beginning(tmp_path: Path) -> None:
    with pytest.raises(FolderLostError, match="cannot be read"):
        SourceFolder(tmp_path / "nowhere")


def test_disk_in_the_folder_that_is_unmounted_is_lost(folder: Path) -> None:
    disk = folder / "Disk 1"
    source = SourceFolder(folder, mounts(folder, disk, folder.parent / "elsewhere"))
    source.check()
    held = os.open(disk, os.O_RDONLY)  # so that the new folder is not given its inode
    try:
        disk.rmdir()
        with pytest.raises(FolderLostError, match="not mounted any more"):
            source.check()
        disk.mkdir()
        with pytest.raises(FolderLostError, match="Disk 1"):
            source.check()
    finally:
        os.close(held)


def test_machine_that_does_not_list_its_mounts_is_no_obstacle(folder: Path) -> None:
    SourceFolder(folder, folder / "nothing").check()
