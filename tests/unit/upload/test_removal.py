"""Which files are removed from the source after they were uploaded, and which stay."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudplow.models import QueueFile
from cloudplow.upload import removal
from cloudplow.upload.aside import give_all_back
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


class _Meanwhile:
    """What `cloudplow.upload.removal` needs of `os`; before one of its calls something happens."""

    def __init__(self, call: str, happens: Callable[[], None]) -> None:
        self._call, self._happens = call, happens

    def __getattr__(self, name: str) -> Any:
        if name == self._call:
            self._call = ""
            self._happens()
        return getattr(os, name)


def meanwhile(monkeypatch: pytest.MonkeyPatch, call: str, happens: Callable[[], None]) -> None:
    monkeypatch.setattr(removal, "os", _Meanwhile(call, happens))


@pytest.mark.parametrize("name", ["a", "a" * 255])
def test_file_that_is_removed_leaves_nothing_behind_however_long_its_name_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"12345")
    sources = Sources(tmp_path, [as_it_is(QueueFile(name, 5), tmp_path)])
    assert sources.remove(name) is Left.REMOVED
    assert list(tmp_path.iterdir()) == []


def test_file_that_took_over_the_name_after_the_last_look_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, "rename", lambda: bench.replace(b"newer", same_time=True))
    assert bench.sources.remove("Show/a") is Left.CHANGED
    assert [path.name for path in bench.file.parent.iterdir()] == ["a"]
    assert bench.file.read_bytes() == b"newer"


def test_without_second_names_a_file_gets_its_name_back_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    test_file_that_took_over_the_name_after_the_last_look_stays(bench, monkeypatch)


def test_two_files_that_took_over_the_name_in_turn_both_stay(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced() -> None:
        bench.replace(b"newer")
        real = removal.Sources._compare

        def compare(sources: Sources, *place: Any) -> Left | None:
            if place[-1] is not None and not bench.file.exists():
                bench.file.write_bytes(b"newest")
            return real(sources, *place)

        monkeypatch.setattr(removal.Sources, "_compare", compare)

    meanwhile(monkeypatch, "rename", replaced)
    assert bench.sources.remove("Show/a") is Left.CHANGED
    contents = {path.name: path.read_bytes() for path in bench.file.parent.iterdir()}
    assert contents == {"a": b"newest", ".a.cloudplow-removing": b"newer"}


def test_a_folder_that_is_renamed_while_a_file_is_aside_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename() -> None:
        bench.file.parent.rename(bench.folder / "Moved")

    meanwhile(monkeypatch, "unlink", rename)
    assert bench.sources.remove("Show/a") is Left.REMOVED
    assert list((bench.folder / "Moved").iterdir()) == []


def test_what_is_aside_already_is_not_overwritten(bench: Bench) -> None:
    other = bench.file.parent / ".a.cloudplow-removing"
    other.write_bytes(b"other")
    assert bench.sources.remove("Show/a") is Left.REMOVED
    assert not bench.file.exists()
    assert other.read_bytes() == b"other"


def test_where_inode_numbers_follow_names_files_are_removed_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some file systems of FUSE."""
    real = os.stat

    def stat(path: str, **more: Any) -> os.stat_result:
        found = list(real(path, **more))
        if Path(path).name != "a":
            found[1] += 1
        return os.stat_result(found, {"st_mtime_ns": real(path, **more).st_mtime_ns})

    monkeypatch.setattr(os, "stat", stat)
    assert bench.sources.remove("Show/a") is Left.REMOVED
    assert list(bench.file.parent.iterdir()) == []


def test_file_that_cannot_be_removed_once_it_is_aside_gets_its_name_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    meanwhile(monkeypatch, "unlink", refuse)
    assert bench.sources.remove("Show/a") is Left.STUCK
    assert [path.name for path in bench.file.parent.iterdir()] == ["a"]


@pytest.mark.parametrize("call", ["stat", "link"])
def test_what_cannot_be_looked_at_is_neither_removed_nor_overwritten(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    other = bench.file.parent / ".a.cloudplow-removing"
    bench.file.rename(other)
    bench.file.write_bytes(b"newer")

    def fails(*_: Any, **__: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", fails)
        if call == "link":
            patch.setattr(os, "link", fails)
        give_all_back(bench.folder, ["Show/a"])

    assert (bench.file.read_bytes(), other.read_bytes()) == (b"newer", b"12345")


@pytest.mark.parametrize("left", ["aside", "both", "neither", "taken"])
def test_what_a_killed_upload_had_put_aside_gets_its_name_back(bench: Bench, left: str) -> None:
    other = bench.file.parent / ".a.cloudplow-removing"
    if left == "both":
        other.hardlink_to(bench.file)
    elif left != "neither":
        bench.file.rename(other)
        if left == "taken":
            bench.file.write_bytes(b"newer")

    give_all_back(bench.folder, ["Show/a", "Show/b", "gone/c"])

    contents = {path.name: path.read_bytes() for path in bench.file.parent.iterdir()}
    if left == "taken":
        assert contents == {"a": b"newer", ".a.cloudplow-removing": b"12345"}
    else:
        assert contents == {"a": b"12345"}


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
    def fails(_path: str, **_folder: int) -> None:
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
    def fails(_path: str, **_folder: int) -> None:
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
