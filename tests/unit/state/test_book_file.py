"""The database: whole transactions, read only by its owner, never lost to a kill in the middle of a write."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloudplow.errors import StateError
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE, BookFile, DamagedError, Rows, peek, read_copy, set_aside

ROWS: Rows = {("fact", "a"): b"1", ("files", "7"): b"\x00\xff" * 1000, ("fact", "\u00e9 \U0001f600"): b""}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[BookFile]:
    made = BookFile(tmp_path)
    yield made
    made.close()


def test_new_book_is_empty_and_what_is_written_is_read_again(tmp_path: Path, book: BookFile) -> None:
    opened = [book.is_open]
    assert book.open() == {}
    opened.append(book.is_open)
    book.write(ROWS)
    book.close()
    assert [*opened, book.is_open] == [False, True, False]
    assert read_copy(tmp_path / BOOK_FILE) == ROWS
    assert book.open() == ROWS


def test_rows_are_replaced_and_removed_in_one_go(book: BookFile) -> None:
    book.open()
    book.write(ROWS)
    book.write({("fact", "a"): b"2", ("files", "7"): None, ("files", "of nobody"): None})
    book.close()
    assert book.open() == {("fact", "a"): b"2", ("fact", "\u00e9 \U0001f600"): b""}


def test_write_that_fails_changes_nothing(tmp_path: Path, book: BookFile) -> None:
    book.open()
    book.write(ROWS)
    with pytest.raises(StateError, match=r"cannot be written.*--cachefile"):
        book.write({("fact", "a"): None, ("fact", "b"): object()})  # type: ignore[dict-item]
    book.write({("fact", "c"): b"3"})
    book.close()
    assert book.open() == {**ROWS, ("fact", "c"): b"3"}


def test_closed_book_cannot_be_written(book: BookFile) -> None:
    with pytest.raises(StateError, match="is not open"):
        book.write(ROWS)
    book.close()


def test_folder_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"cannot be written.*--cachefile"):
        BookFile(tmp_path / "gone").open()


def test_backup_is_the_book_as_it_is(tmp_path: Path, book: BookFile) -> None:
    book.open()
    book.write(ROWS)
    book.back_up()
    book.write({("fact", "a"): b"2"})
    assert read_copy(tmp_path / BACKUP_FILE) == ROWS
    assert peek(tmp_path / BACKUP_FILE, ("fact", "a")) == b"1"
    assert peek(tmp_path / BACKUP_FILE, ("fact", "z")) is None


def test_backup_that_cannot_be_written_is_an_error_and_the_older_one_stays(
    tmp_path: Path, book: BookFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.open()
    book.write(ROWS)
    book.back_up()

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="No space left"):
        book.back_up()
    assert read_copy(tmp_path / BACKUP_FILE) == ROWS


def test_copy_of_a_missing_book_is_empty(tmp_path: Path) -> None:
    assert read_copy(tmp_path / BOOK_FILE) == {}
    assert peek(tmp_path / BOOK_FILE, ("fact", "a")) is None


def test_transaction_that_a_kill_cut_off_is_undone_also_for_who_only_looks(tmp_path: Path, book: BookFile) -> None:
    """The journal lies beside the database then, and the database itself holds half of a write."""
    book.open()
    book.write(ROWS)
    book.close()
    with closing(sqlite3.connect(tmp_path / BOOK_FILE, isolation_level=None)) as other:
        other.execute("PRAGMA cache_size = 1")
        other.execute("PRAGMA cache_spill = 1")
        other.execute("BEGIN IMMEDIATE")
        other.executemany("INSERT INTO rows VALUES ('half', ?, ?)", [(str(n), b"x" * 5000) for n in range(200)])
        torn = (tmp_path / BOOK_FILE).read_bytes()
        journal = (tmp_path / f"{BOOK_FILE}-journal").read_bytes()
        other.execute("ROLLBACK")
    (tmp_path / BOOK_FILE).write_bytes(torn)
    (tmp_path / f"{BOOK_FILE}-journal").write_bytes(journal)
    assert len(torn) > 100_000
    assert read_copy(tmp_path / BOOK_FILE) == ROWS
    assert (tmp_path / BOOK_FILE).read_bytes() == torn
    assert book.open() == ROWS


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "header"])
def test_damaged_book_is_told_from_one_that_the_system_does_not_let_us_use(
    tmp_path: Path, book: BookFile, content: bytes
) -> None:
    (tmp_path / BOOK_FILE).write_bytes(content)
    with pytest.raises(DamagedError):
        book.open()
    with pytest.raises(DamagedError):
        read_copy(tmp_path / BOOK_FILE)
    assert peek(tmp_path / BOOK_FILE, ("fact", "a")) is None
    assert not book.is_open
    assert (tmp_path / BOOK_FILE).read_bytes() == content


def test_book_with_a_damaged_page_is_damaged(tmp_path: Path, book: BookFile) -> None:
    book.open()
    book.write({("files", str(number)): os.urandom(3000) for number in range(50)})
    book.close()
    content = bytearray((tmp_path / BOOK_FILE).read_bytes())
    content[8192:12288] = b"\xff" * 4096
    (tmp_path / BOOK_FILE).write_bytes(content)
    with pytest.raises(DamagedError):
        book.open()


def test_database_of_something_else_is_damaged(tmp_path: Path, book: BookFile) -> None:
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as made:
        made.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(DamagedError, match="not cloudplow's book"):
        book.open()


def test_book_of_a_newer_version_is_left_alone(tmp_path: Path, book: BookFile) -> None:
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as made:
        made.execute("PRAGMA user_version = 2")
        made.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StateError, match="update cloudplow"):
        book.open()
    with pytest.raises(StateError, match="update cloudplow"):
        read_copy(tmp_path / BOOK_FILE)


def test_book_that_may_not_be_read_is_an_error_that_says_so(
    tmp_path: Path, book: BookFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.open()
    book.close()

    def refuse(_source: Path, _target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(StateError, match="Permission denied; fix its permissions"):
        read_copy(tmp_path / BOOK_FILE)


def test_damaged_book_is_set_aside_without_its_journal(tmp_path: Path, book: BookFile) -> None:
    (tmp_path / BOOK_FILE).write_bytes(b"x")
    (tmp_path / f"{BOOK_FILE}-journal").write_bytes(b"y")
    assert set_aside(tmp_path / BOOK_FILE, "aside") == "renamed to aside"
    assert [path.name for path in tmp_path.iterdir()] == ["aside"]
    assert "cannot be renamed (No such file or directory)" in set_aside(tmp_path / BOOK_FILE, "again")
    assert book.open() == {}


def test_files_of_the_book_keep_the_owner_of_their_folder(
    tmp_path: Path, book: BookFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int, int]] = []
    true_stat = Path.stat

    def stat(self: Path, **more: bool) -> os.stat_result:
        found = list(true_stat(self, **more))
        if self == tmp_path:
            found[4:6] = [1000, 1001]
        return os.stat_result(found)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "lchown", lambda path, owner, group: given.append((Path(path).name, owner, group)))
    monkeypatch.setattr(Path, "stat", stat)
    book.open()
    book.back_up()
    assert (BOOK_FILE, 1000, 1001) in given
    # Before it replaces the older one.
    assert any(name.startswith(f".{BACKUP_FILE}.") and owner == 1000 for name, owner, _ in given)


def test_only_its_owner_may_read_a_book_its_journal_and_its_backup_new_or_old(tmp_path: Path) -> None:
    (tmp_path / BOOK_FILE).touch(0o644)
    book = BookFile(tmp_path)
    book.open()
    book.write({("fact", "x"): b"1"})
    book.back_up()
    book.close()

    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        BOOK_FILE: 0o600,
        f"{BOOK_FILE}-journal": 0o600,
        BACKUP_FILE: 0o600,
    }
