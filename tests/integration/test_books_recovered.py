"""Torn, older and missing files of the books: what was spent stays spent, for this process and for the next one.

A1: test_a_torn_ledger_of_an_older_version_is_the_same_for_the_next_process,
    test_every_way_of_being_torn_is_noticed,
    test_a_torn_database_is_the_same_for_the_next_process
A2: test_of_a_removed_ledger_the_older_copy_is_used_with_one_warning,
    test_of_a_removed_database_the_copy_is_used_with_one_warning,
    test_an_older_database_is_replaced_by_its_copy,
    test_removed_exports_forget_nothing
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER
from tests.integration.book_site import BookSite, make_book_site

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(3)]

LEDGER: Final = "sa_quota_cache.json"
BOOK: Final = "cloudplow.db"
GIB: Final = 1 << 30
SPENT: Final = 700 * GIB

CORRECT: Final = ["accounts", "correct", UPLOADER, "2.json", "--used", "1G", "--yes"]
#: Commands that come first.
COMMANDS: Final = pytest.mark.parametrize(
    "words",
    [
        ["upload"],
        ["upload", "--dry-run"],
        ["plan"],
        ["check"],
        ["accounts"],
        CORRECT,
    ],
    ids=" ".join,
)


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=2)


@pytest.fixture
def site(any_rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    made = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=750 * GIB)
    made.write([1000])
    return made


def old_ledger(site: BookSite) -> bytes:
    """What the old program has written: 700 GiB of account 1, an hour ago."""
    first = time.time() - 3600
    record = {"bytes": SPENT, "first_upload": first, "reset_time": first + 86_400}
    return json.dumps({UPLOADER: {str(site.drive.key_file(1)): record}}).encode()


def tear(data: bytes, how: str) -> bytes:
    if how == "cut off":
        return data[: len(data) // 2]
    if how == "zeros":
        return data[:20] + bytes(len(data) - 20)
    return {"empty": b"", "no object": b"[1, 2]"}[how]


TORN: Final = pytest.mark.parametrize("how", ["cut off", "zeros", "empty", "no object"])


def assert_spent(site: BookSite, uploaded_bytes: int = 0) -> None:
    """Two processes see the same."""
    for _ in range(2):
        used = site.used()
        assert used["1.json"] == SPENT
        assert used["2.json"] in (uploaded_bytes, GIB)


@COMMANDS
def test_a_torn_ledger_of_an_older_version_is_the_same_for_the_next_process(site: BookSite, words: list[str]) -> None:
    (site.state / LEDGER).write_bytes(tear(old_ledger(site), "cut off"))
    (site.state / f"{LEDGER}.previous").write_bytes(old_ledger(site))
    first = site.run(*words)
    assert first.status == 0, first.said

    assert_spent(site, 1000 if words == ["upload"] else 0)
    site.write([2000], below="more")
    site.upload()
    assert site.used()["1.json"] == SPENT
    assert len(list(site.state.glob(f"{LEDGER}.corrupt-*"))) == 1


@TORN
def test_every_way_of_being_torn_is_noticed(site: BookSite, how: str) -> None:
    (site.state / LEDGER).write_bytes(tear(old_ledger(site), how))
    (site.state / f"{LEDGER}.previous").write_bytes(old_ledger(site))
    done = site.upload()

    assert len([line for line in done.warnings if LEDGER in line]) == 1, done.said
    assert_spent(site, 1000)


def spend_with_the_book(site: BookSite) -> None:
    """700 GiB of account 1, and an upload with account 2."""
    words = ["accounts", "correct", UPLOADER, "1.json", "--used", "700G", "--yes"]
    assert site.run(*words).status == 0
    site.upload()
    assert site.used() == {"1.json": SPENT, "2.json": 1000}


@pytest.mark.parametrize("how", ["cut off", "zeros"])
@pytest.mark.parametrize("words", [["upload"], ["accounts"], CORRECT], ids=["upload", "accounts", "correct"])
def test_a_torn_database_is_the_same_for_the_next_process(site: BookSite, words: list[str], how: str) -> None:
    spend_with_the_book(site)
    path = site.state / BOOK
    path.write_bytes(tear(path.read_bytes(), how))
    first = site.run(*words)
    assert first.status == 0, first.said

    assert_spent(site, 1000)
    site.write([2000], below="more")
    again = site.upload()
    assert site.used()["1.json"] == SPENT
    assert len([line for line in again.warnings if BOOK in line]) == (1 if words == ["accounts"] else 0), again.said


@COMMANDS
def test_of_a_removed_ledger_the_older_copy_is_used_with_one_warning(site: BookSite, words: list[str]) -> None:
    (site.state / f"{LEDGER}.previous").write_bytes(old_ledger(site))
    first = site.run(*words)

    assert first.status == 0, first.said
    if words != ["check"]:
        assert len([line for line in first.said.splitlines() if LEDGER in line]) == 1, first.said
    assert_spent(site, 1000 if words == ["upload"] else 0)


@pytest.mark.parametrize("gone", [[BOOK], [BOOK, f"{BOOK}-journal"], [BOOK, f"{BOOK}.backup"]], ids=" ".join)
def test_of_a_removed_database_the_copy_is_used_with_one_warning(site: BookSite, gone: list[str]) -> None:
    spend_with_the_book(site)
    for name in gone:
        (site.state / name).unlink()
    assert_spent(site, 1000)
    site.write([2000], below="more")
    done = site.upload()

    assert len([line for line in done.warnings if "cloudplow.db is missing" in line]) == 1, done.said
    assert site.used() == {"1.json": SPENT, "2.json": 3000}
    assert site.upload().warnings == []


@pytest.mark.parametrize("how", ["older", "emptied", "of no tables"])
def test_an_older_database_is_replaced_by_its_copy(site: BookSite, how: str) -> None:
    site.upload()
    path = site.state / BOOK
    older = path.read_bytes()
    words = ["accounts", "correct", UPLOADER, "1.json", "--used", "700G", "--yes"]
    assert site.run(*words).status == 0
    if how == "of no tables":
        path.unlink()
        sqlite3.connect(path).close()
    path.write_bytes(older if how == "older" else b"")
    (site.state / f"{BOOK}-journal").unlink(missing_ok=True)
    before = site.used()
    assert before["1.json"] == SPENT
    site.write([2000], below="more")
    site.upload()
    assert site.used()["1.json"] == SPENT


@pytest.mark.parametrize("names", [[LEDGER], [LEDGER, f"{LEDGER}.previous"], ["*.json*", "*.backup"]], ids=" ".join)
def test_removed_exports_forget_nothing(site: BookSite, names: list[str]) -> None:
    spend_with_the_book(site)
    for name in names:
        for path in site.state.glob(name):
            path.unlink()
    assert_spent(site, 1000)
    site.write([2000], below="more")
    site.upload()

    assert site.used() == {"1.json": SPENT, "2.json": 3000}
    exported: dict[str, Any] = json.loads((site.state / LEDGER).read_text(encoding="utf-8"))[UPLOADER]
    assert {Path(key).name: one["bytes"] for key, one in exported.items()} == {"1.json": SPENT, "2.json": 3000}
