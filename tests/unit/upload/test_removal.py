"""Which files are removed from the source after they were uploaded, and which stay."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cloudplow.models import QueueFile
from cloudplow.upload.listing import as_it_is
from cloudplow.upload.removal import STUCK, Left, Sources


class Bench:
    """A source folder with one file, "Show/a", as it is before rclone starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "Show" / "a"
        self.file.parent.mkdir()
        self.file.write_bytes(b"12345")
        self.sources = Sources(folder, [as_it_is(QueueFile("Show/a", 5), folder)])

    def replace(self, content: bytes, *, same_time: bool = False) -> None:
        before = self.file.stat()
        other = self.folder / "other"
        other.write_bytes(content)
        if same_time:
            os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(self.file)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_file_that_is_as_it_was_is_removed(bench: Bench) -> None:
    assert bench.sources.look("Show/a") is None
    assert bench.sources.remove("Show/a") is Left.REMOVED
    assert not bench.file.exists()


@pytest.mark.parametrize("same_time", [False, True])
@pytest.mark.parametrize("content", [b"54321", b"123456"])
def test_file_that_took_over_the_name_stays(bench: Bench, content: bytes, same_time: bool) -> None:
    bench.replace(content, same_time=same_time)
    assert bench.sources.remove("Show/a") is Left.CHANGED
    assert bench.file.read_bytes() == content


def test_file_that_was_written_to_in_its_place_stays(bench: Bench) -> None:
    before = bench.file.stat()
    with bench.file.open("r+b") as file:
        file.write(b"9")
    os.utime(bench.file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert bench.sources.remove("Show/a") is Left.CHANGED
    assert bench.file.read_bytes() == b"92345"


def test_file_that_grew_stays_though_its_time_is_the_same(bench: Bench) -> None:
    before = bench.file.stat()
    bench.file.write_bytes(b"123456")
    os.utime(bench.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert bench.sources.remove("Show/a") is Left.CHANGED


def test_file_with_other_permissions_or_a_second_name_is_the_same(bench: Bench) -> None:
    bench.file.chmod(0o600)
    (bench.folder / "second").hardlink_to(bench.file)
    assert bench.sources.remove("Show/a") is Left.REMOVED
    assert (bench.folder / "second").read_bytes() == b"12345"


def test_file_that_is_gone_was_removed_by_somebody_else(bench: Bench) -> None:
    bench.file.unlink()
    assert bench.sources.remove("Show/a") is Left.GONE
    bench.file.parent.rmdir()
    bench.file.parent.touch()
    assert bench.sources.remove("Show/a") is Left.GONE


def test_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    sources = Sources(tmp_path, [as_it_is(QueueFile("link", 5), tmp_path)])
    assert sources.remove("link") is Left.REMOVED
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_link_that_leads_elsewhere_or_nowhere_now_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    sources = Sources(tmp_path, [as_it_is(QueueFile("link", 5), tmp_path)])
    (tmp_path / "file").unlink()
    assert sources.remove("link") is Left.CHANGED
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    ("number", "for_good"), [(errno.EACCES, True), (errno.EPERM, True), (errno.EROFS, True), (errno.EBUSY, False)]
)
def test_file_that_cannot_be_removed_is_told_with_the_cure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, for_good: bool
) -> None:
    def fails(_path: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "unlink", fails)
    assert bench.sources.remove("Show/a") is Left.STUCK
    said = bench.sources.faults["Show/a"]
    assert said.startswith(f"{STUCK}: {os.strerror(number).lower()}; ")
    assert str(bench.file.parent) in said
    assert bench.sources.stuck_for_good == ({"Show/a"} if for_good else set())


def test_file_that_is_removed_by_somebody_else_in_this_moment_is_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_path: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(os, "unlink", fails)
    assert bench.sources.remove("Show/a") is Left.GONE


def test_names_are_those_of_the_log_and_paths_those_of_the_disk(tmp_path: Path) -> None:
    listed = {os.fsdecode(b"a\xff"): b"a\xff", "b\u240ac": b"b\nc", "\u00e9": "\u00e9".encode()}
    for name in listed.values():
        (tmp_path / os.fsdecode(name)).write_bytes(b"1")
    sources = Sources(tmp_path, [as_it_is(QueueFile(name, 1), tmp_path) for name in listed])
    assert [sources.remove(name) for name in ("a\ufffd", "b\u240ac", "\u00e9")] == [Left.REMOVED] * 3
    assert list(tmp_path.iterdir()) == []


# Folders


def test_folders_that_files_have_left_are_removed_if_they_are_empty(tmp_path: Path) -> None:
    names = ["top", "a/b/c/1", "a/b/2", "d/3", "kept/4"]
    for name in [*names, "d/other", "empty/x"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty/x").unlink()
    sources = Sources(tmp_path, [as_it_is(QueueFile(name, 0), tmp_path) for name in names])
    for name in names[:-1]:
        sources.remove(name)
        sources.note_left(name)
    sources.remove_left_folders()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "empty", "kept"]


def test_folder_that_somebody_else_has_removed_does_not_matter(bench: Bench) -> None:
    bench.sources.remove("Show/a")
    bench.sources.note_left("Show/a")
    bench.file.parent.rmdir()
    bench.sources.remove_left_folders()
    assert list(bench.folder.iterdir()) == []
