"""Commands that change nothing: not a byte and not a time in the state folder, whatever lies there."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration.book_site import MB, BookSite, make_book_site

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(4)]

COMMANDS: Final = pytest.mark.parametrize("words", [["plan"], ["accounts", "--json"], ["check"]], ids=" ".join)
JSON_FILES: Final = ("sa_quota_cache.json", "learned_sizes_cache.json", "dashboard_session_state.json")


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=2, quota_bytes=20 * MB)


@pytest.fixture
def site(any_rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    made = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=20 * MB)
    made.write([MB] * 3)
    made.upload()
    made.write([MB] * 2, below="more")
    return made


def picture(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file and folder: mode, time and content."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = status.st_mode, status.st_mtime_ns, digest
    return found


def assert_changes_nothing(site: BookSite, words: list[str], *, status: int = 0) -> str:
    site.site.save()
    before = picture(site.state)
    done = site.run(*words)
    assert done.status == status, done.said
    assert "Traceback" not in done.said
    assert picture(site.state) == before
    return done.said


@COMMANDS
def test_after_an_upload(site: BookSite, words: list[str]) -> None:
    assert_changes_nothing(site, words)


@COMMANDS
@pytest.mark.parametrize("content", [b"", b'{"google": {"x', b"[]", b"\0" * 500])
def test_with_torn_cache_files(site: BookSite, words: list[str], content: bytes) -> None:
    for name in JSON_FILES:
        (site.state / name).write_bytes(content)
    assert_changes_nothing(site, words)


@COMMANDS
@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_with_a_torn_database(site: BookSite, words: list[str], keep: int) -> None:
    path = site.state / "cloudplow.db"
    path.write_bytes(path.read_bytes()[:keep])
    assert_changes_nothing(site, words)
    assert site.used()["1.json"] == 3 * MB


@COMMANDS
def test_without_any_file_and_without_the_folder(site: BookSite, words: list[str]) -> None:
    for path in sorted(site.state.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert_changes_nothing(site, words)
    site.state.rmdir()
    done = site.run(*words)
    assert done.status == 0, done.said
    assert not site.state.exists()


@COMMANDS
def test_after_a_kill(drive: FakeDrive, site: BookSite, words: list[str]) -> None:
    drive.set_settings(bandwidth=MB)
    upload = site.start()
    seen = len(site.told())
    site.wait_for_told("stage_started", since=seen)
    site.wait_for_uploads(4)
    upload.kill_all()
    assert_changes_nothing(site, words)
    site.assert_not_below()


def leave_a_hot_journal(path: Path) -> None:
    """What a kill in the middle of a transaction leaves: pages half written, and the journal that takes them back."""
    child = os.fork()
    if child == 0:
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA journal_mode=PERSIST")
            connection.execute("PRAGMA cache_size=1")
            connection.execute("PRAGMA cache_spill=1")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE rows SET value = x'00' WHERE kind = 'account'")
            for number in range(200):
                connection.execute("INSERT INTO rows VALUES ('junk', ?, zeroblob(4000))", (str(number),))
        finally:
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)


@COMMANDS
def test_with_a_hot_journal(site: BookSite, words: list[str]) -> None:
    path = site.state / "cloudplow.db"
    before = path.read_bytes()
    leave_a_hot_journal(path)
    assert path.read_bytes() != before, "nothing was half written"
    assert_changes_nothing(site, words)
    assert site.used()["1.json"] == 3 * MB
    site.upload()
    site.assert_settled()


@COMMANDS
def test_in_a_folder_that_may_not_be_written(site: BookSite, words: list[str]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    site.state.chmod(0o555)
    try:
        assert_changes_nothing(site, words)
    finally:
        site.state.chmod(0o755)


@COMMANDS
def test_with_the_state_beside_the_configuration(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, words: list[str]
) -> None:
    """As most people have it: also no log file appears."""
    site = make_book_site(tmp_path / "beside", drive, any_rclone, quota_bytes=20 * MB)
    site.state.rmdir()
    site.site.save()
    folder = site.root
    before = picture(folder)
    done = site.site.run(*words)
    assert done.returncode == 0, (done.stdout, done.stderr)
    after = picture(folder)
    # The harness writes the configuration before every command.
    for changed in (before, after):
        del changed["config.json"], changed["."]
    assert after == before
