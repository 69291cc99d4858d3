"""Cache files: written whole or not at all, read whatever they hold, saved without making anybody wait."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from cloudplow.errors import StateError
from cloudplow.state.state_files import LEDGER_FILE, StateFiles, write_atomically

NAME = LEDGER_FILE


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    made = StateFiles(tmp_path)
    made.register(NAME, lambda: {"number": 1})
    return made


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written_content_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"old")
    steps: list[str] = []

    def sync(fd: int) -> None:
        steps.append(f"sync {path.read_bytes().decode()} {os.fstat(fd).st_size if path.is_file() else 0}")

    monkeypatch.setattr(os, "fsync", sync)
    write_atomically(path, b"new one")
    assert steps[0] == "sync old 7"
    assert steps[1].startswith("sync new one")
    assert names_in(tmp_path) == [NAME]


def test_failed_write_leaves_the_old_content_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"old")

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == [NAME]


@pytest.mark.parametrize(("number", "matters"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_file_system_that_cannot_sync_folders_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, matters: bool
) -> None:
    path = tmp_path / NAME
    true_sync = os.fsync

    def sync(fd: int) -> None:
        if path.exists():
            raise OSError(number, "cannot sync the folder")
        true_sync(fd)

    monkeypatch.setattr(os, "fsync", sync)
    if matters:
        with pytest.raises(OSError, match="cannot sync"):
            write_atomically(path, b"new")
    else:
        write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_missing_file_reads_as_none_without_a_word(files: StateFiles, caplog: pytest.LogCaptureFixture) -> None:
    assert files.read(NAME) is None
    assert caplog.text == ""


def test_what_was_saved_is_read_again(files: StateFiles) -> None:
    files.save_now(NAME)
    assert files.read(NAME) == {"number": 1}


@pytest.mark.parametrize("token", ["Infinity", "-Infinity", "NaN", "1e999", "-1e999"])
def test_infinite_numbers_of_old_files_read_as_zero(tmp_path: Path, files: StateFiles, token: str) -> None:
    (tmp_path / NAME).write_text(f'{{"google": {{"a": {token}, "b": 1.5}}}}')
    assert files.read(NAME) == {"google": {"a": 0, "b": 1.5}}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": 1}{', b"\xff\xfe", b"\x00" * 100, b"[" * 100_000, b"[1]", b"null", b"5", b"9" * 5000],
    ids=["empty", "cut", "twice", "not-text", "zeros", "deep", "list", "null", "number", "huge"],
)
def test_damaged_file_is_set_aside_with_one_warning(
    tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert files.read(NAME) is None
    assert files.read(NAME) is None
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith(f"{NAME}.corrupt-")
    assert aside.read_bytes() == content
    (warning,) = caplog.records
    assert aside.name in warning.getMessage()


def test_file_that_may_not_be_read_is_set_aside_too(
    tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).mkdir()
    assert files.read(NAME) is None
    assert names_in(tmp_path)[0].startswith(f"{NAME}.corrupt-")
    assert len(caplog.records) == 1


def test_damaged_file_that_cannot_be_set_aside_is_left_with_one_warning(
    tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: Path, _target: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    (tmp_path / NAME).write_bytes(b"{")
    monkeypatch.setattr(Path, "rename", refuse)
    assert files.read(NAME) is None
    (warning,) = caplog.records
    assert "cannot be renamed (Read-only file system)" in warning.getMessage()


def test_copy_saved_before_takes_the_place_of_a_damaged_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    numbers = iter([1, 2, 3])
    files = StateFiles(tmp_path)
    files.register(NAME, lambda: {"number": next(numbers)})
    for _ in range(3):
        files.save_now(NAME)
    assert names_in(tmp_path) == [NAME, f"{NAME}.previous"]
    (tmp_path / NAME).write_bytes(b"{")
    found = files.read(NAME)
    assert found == {"number": 2}
    found.clear()
    assert files.read(NAME) == {"number": 2}
    assert "its previous copy is used" in caplog.text
    assert len(caplog.records) == 1
    # For good: the next process sees the same, without a word.
    assert json.loads((tmp_path / NAME).read_bytes()) == {"number": 2}
    assert StateFiles(tmp_path).read(NAME) == {"number": 2}
    assert len(caplog.records) == 1


def test_file_that_was_removed_is_replaced_by_its_copy_for_good_with_one_warning(
    tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.save_now(NAME)
    files.save_now(NAME)
    (tmp_path / NAME).unlink()
    assert files.read(NAME) == {"number": 1}
    assert "it is missing; its previous copy is used" in caplog.text
    assert names_in(tmp_path) == [NAME, f"{NAME}.previous"]
    assert StateFiles(tmp_path).read(NAME) == {"number": 1}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("content", [None, b"{"], ids=["removed", "damaged"])
def test_who_only_looks_sees_the_copy_and_changes_nothing(
    tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    files.save_now(NAME)
    files.save_now(NAME)
    (tmp_path / NAME).unlink()
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):
        assert files.read(NAME, keep=True) == {"number": 1}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(caplog.records) == 1


def test_copy_that_cannot_be_put_in_its_place_is_used_all_the_same(
    tmp_path: Path, files: StateFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save_now(NAME)
    files.save_now(NAME)
    (tmp_path / NAME).unlink()

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert files.read(NAME) == {"number": 1}
    assert names_in(tmp_path) == [f"{NAME}.previous"]


def test_file_in_another_folder_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / NAME).write_text('{"number": 7}')
    files = StateFiles(tmp_path / "state")
    assert files.read(NAME, folder=tmp_path / "config") == {"number": 7}
    assert files.read(NAME) is None


def test_writer_of_its_own_kind_of_file_is_called_when_that_is_dirty(tmp_path: Path) -> None:
    files = StateFiles(tmp_path)
    written: list[int] = []
    faults = [StateError("no room")]

    def write() -> None:
        if faults:
            raise faults.pop()
        written.append(1)

    files.register_writer("book", write)
    files.save_if_dirty("book")
    assert written == []
    files.mark_dirty("book")
    for _ in range(3):
        files.stop()
    assert written == [1]
    assert names_in(tmp_path) == []


def test_damaged_copy_costs_nothing_more(tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / NAME).write_bytes(b"{")
    (tmp_path / f"{NAME}.previous").write_bytes(b"{")
    assert files.read(NAME) is None
    assert len(caplog.records) == 1


def test_file_system_without_links_saves_without_a_copy(
    tmp_path: Path, files: StateFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    files.save_now(NAME)
    files.save_now(NAME)
    assert names_in(tmp_path) == [NAME]


@pytest.mark.parametrize("document", [{"x": float("inf")}, {"x": object()}], ids=["infinite", "no-json"])
def test_document_that_is_no_json_is_an_error_with_a_name(tmp_path: Path, document: Any) -> None:
    files = StateFiles(tmp_path)
    files.register(NAME, lambda: document)
    with pytest.raises(StateError, match=NAME):
        files.save_now(NAME)
    assert names_in(tmp_path) == []


def test_error_of_a_disk_says_what_to_do(tmp_path: Path) -> None:
    files = StateFiles(tmp_path / "gone")
    files.register(NAME, dict)
    with pytest.raises(StateError, match=r"No such file or directory.*--cachefile"):
        files.save_now(NAME)


def test_failing_disk_gives_one_error_until_it_works_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "state"
    files = StateFiles(folder)
    files.register(NAME, lambda: {"number": 1})
    files.mark_dirty(NAME)
    for _ in range(3):
        files.stop()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    folder.mkdir()
    files.stop()
    assert json.loads((folder / NAME).read_bytes()) == {"number": 1}
    (folder / NAME).unlink()
    folder.rmdir()
    files.mark_dirty(NAME)
    files.stop()
    assert len(caplog.records) == 2


def test_saver_writes_many_changes_at_once(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    def make() -> dict[str, int]:
        calls.append(1)
        begun.set()
        assert go_on.wait(20)
        return {"calls": len(calls)}

    files = StateFiles(tmp_path)
    files.register(NAME, make)
    files.start()
    files.mark_dirty(NAME)
    assert begun.wait(20)
    for _ in range(100):
        files.mark_dirty(NAME)
    go_on.set()
    files.stop()
    assert len(calls) == 2
    assert json.loads((tmp_path / NAME).read_bytes()) == {"calls": 2}


def test_who_saves_what_is_dirty_waits_for_a_write_that_has_begun(tmp_path: Path) -> None:
    """Before another process may open the files, nothing must be half written, or be written afterwards."""
    begun, go_on, saved = threading.Event(), threading.Event(), threading.Event()

    def make() -> dict[str, int]:
        begun.set()
        assert go_on.wait(20)
        return {"number": 1}

    files = StateFiles(tmp_path)
    files.register(NAME, make)
    files.start()
    files.mark_dirty(NAME)
    assert begun.wait(20)

    def save() -> None:
        files.save_if_dirty(NAME)
        assert (tmp_path / NAME).exists()
        saved.set()

    other = threading.Thread(target=save)
    other.start()
    assert not saved.wait(0.2)
    go_on.set()
    assert saved.wait(20)
    other.join()
    files.stop()


def test_what_could_not_be_written_is_still_dirty(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    files = StateFiles(folder)
    files.register(NAME, lambda: {"number": 1})
    with pytest.raises(StateError):
        files.save_now(NAME)
    folder.mkdir()
    files.save_if_dirty(NAME)
    assert names_in(folder) == [NAME]


def test_saver_writes_nothing_when_nothing_changed(tmp_path: Path, files: StateFiles) -> None:
    files.start()
    files.stop()
    assert names_in(tmp_path) == []


def test_one_document_that_fails_does_not_keep_the_others_from_the_disk(
    tmp_path: Path, files: StateFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.register("a.json", lambda: {"x": object()})
    files.start()
    files.mark_dirty("a.json")
    files.mark_dirty(NAME)
    files.stop()
    assert names_in(tmp_path) == [NAME]
    assert "a.json" in caplog.text


def test_only_its_owner_may_read_a_cache_file_also_one_that_an_older_version_left(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    path.chmod(0o644)
    write_atomically(path, b"{}")
    assert path.stat().st_mode & 0o777 == 0o600
