"""To and from older programs: what they left is taken over, and what we leave is what they read."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow.accounts.keeping import BookKeeper
from cloudplow.state.state_files import StateFiles
from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER
from tests.integration.book_site import MB, BookSite, make_book_site

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300)]

LEDGER: Final = "sa_quota_cache.json"
DAY: Final = 86_400.0
QUOTA: Final = 4 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3, quota_bytes=QUOTA)


@pytest.fixture
def site(any_rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    return make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)


def as_the_old_program_reads(path: Path) -> dict[str, tuple[int, float]]:
    """By the base name of the key file: what is spent, and when the whole comes back. The old program's rule."""
    document = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, tuple[int, float]] = {}
    for key, record in document[UPLOADER].items():
        assert Path(key).is_absolute()
        assert isinstance(record["bytes"], int)
        assert isinstance(record["reset_time"], float)
        assert isinstance(record["first_upload"], float)
        if record["reset_time"] > time.time():
            found[Path(key).name] = record["bytes"], record["reset_time"]
    return found


def test_after_uploads_the_old_program_reads_what_is_spent(site: BookSite) -> None:
    site.write([MB] * 6)
    site.upload()
    old = as_the_old_program_reads(site.state / LEDGER)
    assert {name: size for name, (size, _) in old.items()} == {"1.json": 4 * MB, "2.json": 2 * MB}
    assert all(time.time() + DAY - 120 < back <= time.time() + DAY for _, back in old.values())


def test_after_a_kill_the_old_program_reads_no_less_than_had_been_exported(drive: FakeDrive, site: BookSite) -> None:
    site.write([MB] * 4)
    site.upload()
    site.write([500_000] * 8, below="more")
    drive.set_settings(bandwidth=MB)
    upload = site.start()
    site.wait_for_uploads(5)
    upload.kill_all()
    old = as_the_old_program_reads(site.state / LEDGER)
    assert old["1.json"][0] == 4 * MB


def old_record(size: int, hours_ago: float) -> dict[str, float]:
    first = time.time() - hours_ago * 3600
    return {"bytes": size, "first_upload": first, "reset_time": first + DAY}


def spend_as_the_old_program(path: Path, name: str, size: int) -> None:
    """The old program adds what it uploads; it keeps unknown fields of a record only by chance."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for key, record in document[UPLOADER].items():
        if Path(key).name == name:
            document[UPLOADER][key] = {field: record[field] for field in ("bytes", "first_upload", "reset_time")}
            document[UPLOADER][key]["bytes"] += size
    path.write_text(json.dumps(document), encoding="utf-8")


def test_what_the_old_program_spends_in_between_counts(site: BookSite) -> None:
    site.write([MB] * 2)
    site.upload()
    spend_as_the_old_program(site.state / LEDGER, "1.json", MB)
    done = site.run("accounts", "--json")
    assert site.used()["1.json"] == 3 * MB
    assert "another program recorded 976.6 KB more for account 1.json" in done.stderr
    site.write([MB] * 9, below="more")
    assert site.run("upload").status == 0
    assert site.committed() == {"1.json": 3 * MB, "2.json": 4 * MB, "3.json": 4 * MB}
    assert site.used() == {"1.json": 4 * MB, "2.json": 4 * MB, "3.json": 4 * MB}
    assert site.upload().warnings == []


@pytest.mark.parametrize("where", ["state", "beside the configuration", "both"])
def test_caches_in_both_places_are_looked_at(drive: FakeDrive, site: BookSite, where: str) -> None:
    """C5: --cachefile names one folder, the old program kept its JSON files in another."""
    full = {str(drive.key_file(1)): old_record(QUOTA, 1), str(drive.key_file(2)): old_record(3 * MB, 2)}
    less = {str(drive.key_file(1)): old_record(MB, 3), str(drive.key_file(3)): old_record(2 * MB, 1)}
    expected = {"1.json": QUOTA, "2.json": 3 * MB, "3.json": 0}
    if where != "beside the configuration":
        (site.state / LEDGER).write_text(json.dumps({UPLOADER: full}), encoding="utf-8")
    if where == "beside the configuration":
        (site.root / LEDGER).write_text(json.dumps({UPLOADER: full}), encoding="utf-8")
    if where == "both":
        (site.root / LEDGER).write_text(json.dumps({UPLOADER: less}), encoding="utf-8")
        expected["3.json"] = 2 * MB

    assert site.used() == expected
    site.write([MB] * 3)
    site.upload()
    assert drive.usage(1).committed == 0
    added = {name: site.committed()[name] + size for name, size in expected.items()}
    assert site.used() == added
    assert site.used() == added, "and the next process sees the same"
    assert as_the_old_program_reads(site.state / LEDGER)["1.json"][0] == QUOTA


@pytest.mark.parametrize("place", ["state", "named"])
def test_bans_of_the_old_program_are_taken_over(drive: FakeDrive, site: BookSite, place: str) -> None:
    until = time.time() + 5 * 3600
    name = "cache.db"
    connection = sqlite3.connect(site.state / name)
    for table in ("uploader_bans", "syncer_bans", "sa_bans"):
        connection.execute(f"CREATE TABLE {table} (key TEXT PRIMARY KEY, value TEXT)")
    connection.execute("INSERT INTO uploader_bans VALUES (?, ?)", (UPLOADER, json.dumps(until)))
    connection.execute("INSERT INTO syncer_bans VALUES ('mirror', ?)", (json.dumps(until + 60),))
    connection.execute("INSERT INTO syncer_bans VALUES ('over', ?)", (json.dumps(time.time() - 60),))
    keys = {str(drive.key_file(1)): until, str(drive.key_file(2)): None}
    connection.execute("INSERT INTO sa_bans VALUES (?, ?)", (UPLOADER, json.dumps(keys)))
    connection.commit()
    connection.close()
    before = (site.state / name).read_bytes()
    if place == "named":
        shutil.move(site.state / name, site.state / "old cache.db")
        name = "old cache.db"

    def told() -> dict[str, Any]:
        command = site.command("accounts", "--json")
        if place == "named":
            start = command.index("--cachefile")
            command[start + 1] = str(site.state / name)
        done = subprocess.run(command, env=site.make_environment(), capture_output=True, text=True, check=True)
        (first, *_) = json.loads(done.stdout)[UPLOADER]
        found: dict[str, Any] = first
        return found

    assert (told()["state"], told()["until"]) == ("denied", pytest.approx(until))
    if place == "named":
        return
    site.write([MB] * 5)
    site.upload()  # by hand: a ban of the whole remote does not hold it back
    assert drive.usage(1).committed == 0
    assert (site.state / name).read_bytes() == before
    keeper = BookKeeper(StateFiles(site.state), other_folder=site.root, old_cache=site.state / name)
    keeper.read()
    # That of an uploader that has run since is kept with what else is known of it.
    assert keeper.book.fact("sleeps") == {"mirror": pytest.approx(until + 60)}
    assert keeper.book.fact("schedule")[UPLOADER]["sleep"]["until"] == pytest.approx(until)
    # Once: what is known by now is not overwritten by what the old program believed.
    assert site.run("accounts", "correct", UPLOADER, "1.json", "--forget", "--yes").status == 0
    assert told()["state"] == "ready"
