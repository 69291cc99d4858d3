"""Quotas, keys and ledgers that are not as they should be, through the command line: a clear sentence, and never a
double spend."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER, Site, make_site, write_files

pytestmark = pytest.mark.rclone

MB = 1_000_000
DAY = 86_400.0
LEDGER = "sa_quota_cache.json"
#: No wait of these tests takes longer, in seconds.
DEADLINE_SECONDS = 60.0
#: Bytes per second at which an upload is still running when something is done meanwhile.
SLOW = 100_000


def said(done: subprocess.CompletedProcess[str]) -> str:
    """All output; fails when it holds a traceback."""
    text = f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in text
    return text


def warnings(done: subprocess.CompletedProcess[str], words: str) -> list[str]:
    return [line for line in said(done).splitlines() if words in line]


def assert_arrived(drive: FakeDrive, files: dict[str, tuple[int, str]]) -> None:
    """Every file is on the Drive exactly once, with its content."""
    found = {name: (stored.size, stored.md5) for name, stored in drive.files().items()}
    assert found == {f"Media/{name}": content for name, content in files.items()}
    assert drive.duplicates() == []


def committed(drive: FakeDrive) -> dict[str, int]:
    return {name: usage.committed for name, usage in drive.usages().items()}


def denials(drive: FakeDrive) -> int:
    return sum(usage.denials for usage in drive.usages().values())


def wait_until(question: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


@contextmanager
def during_the_first_stage(drive: FakeDrive, action: Callable[[], object]) -> Iterator[None]:
    """While inside, do something as soon as a file has arrived; the Drive is slow until it is done."""
    drive.set_settings(bandwidth=SLOW)
    faults: list[BaseException] = []

    def act() -> None:
        try:
            wait_until(lambda: len(drive.files()) > 0, "the first file")
            action()
        except BaseException as error:  # noqa: BLE001 (reported to the test's own thread)
            faults.append(error)
        drive.set_settings(bandwidth=None)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert faults == []


def write_ledger(site: Site, drive: FakeDrive, records: dict[int, dict[str, Any]]) -> None:
    """The ledger of an earlier run: a record by the number of the account."""
    document = {UPLOADER: {str(drive.key_file(number)): record for number, record in records.items()}}
    (site.root / LEDGER).write_text(json.dumps(document))


# The quota


@pytest.mark.parametrize("quota", [0, -1, "-5G", "0", "plenty", True, [750]])
def test_a_quota_that_is_none_is_a_fault_with_its_place_and_nothing_goes(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, quota: object
) -> None:
    drive = fake_drive(accounts=1)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=MB)
    site.config["uploader"][UPLOADER]["account_quota"] = quota
    write_files(site.source, [1000])
    done = site.run("upload")
    assert done.returncode == 2, said(done)
    (line,) = done.stderr.splitlines()
    assert "uploader.google.account_quota" in line
    assert "for example" in line
    assert drive.requests() == {}


@pytest.mark.parametrize("hours", [0, -24, "a day"])
def test_a_window_that_is_none_is_a_fault_with_its_place(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, hours: object
) -> None:
    drive = fake_drive(accounts=1)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=MB)
    site.config["uploader"][UPLOADER]["account_quota_hours"] = hours
    write_files(site.source, [1000])
    done = site.run("upload")
    assert done.returncode == 2, said(done)
    assert "uploader.google.account_quota_hours" in done.stderr
    assert drive.requests() == {}


def test_a_quota_smaller_than_every_file_gives_each_an_account_of_its_own(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=1)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=1)
    write_files(site.source, [1000] * 5)
    done = site.run("upload")
    assert done.returncode == 3, said(done)
    assert committed(drive) == {"1.json": 1000, "2.json": 1000, "3.json": 1000}
    assert denials(drive) == 0


# Keys that come and go between stages


def test_an_account_folder_that_disappears_ends_the_upload_after_its_stage_with_a_sentence(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=2 * MB, extras={"--transfers": 2})
    files = write_files(site.source, [100_000] * 40)
    away = drive.accounts_directory.with_name("away")
    with during_the_first_stage(drive, lambda: drive.accounts_directory.rename(away)):
        done = site.run("upload")
    assert done.returncode == 1, said(done)
    assert f'the account folder "{drive.accounts_directory}" cannot be read' in said(done)
    assert site.ledger_bytes() == sum(committed(drive).values()) == 2 * MB
    away.rename(drive.accounts_directory)
    again = site.run("upload")
    assert again.returncode == 0, said(again)
    assert_arrived(drive, files)
    assert denials(drive) == 0


def test_a_key_file_added_during_a_stage_is_used_and_a_removed_one_is_not(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=2 * MB, extras={"--transfers": 2})
    files = write_files(site.source, [100_000] * 40)

    def change_keys() -> None:
        drive.add_account()
        drive.key_file(2).unlink()

    with during_the_first_stage(drive, change_keys):
        done = site.run("upload")
    assert done.returncode == 0, said(done)
    assert_arrived(drive, files)
    assert committed(drive) == {"1.json": 2 * MB, "2.json": 0, "3.json": 2 * MB}
    assert denials(drive) == 0


def test_a_key_file_that_is_damaged_during_a_stage_is_set_aside(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=2 * MB, extras={"--transfers": 2})
    files = write_files(site.source, [100_000] * 40)
    with during_the_first_stage(drive, lambda: drive.key_file(2).write_text("half a key {")):
        done = site.run("upload")
    assert done.returncode == 0, said(done)
    assert_arrived(drive, files)
    assert committed(drive) == {"1.json": 2 * MB, "2.json": 0, "3.json": 2 * MB}
    assert "2.json" in said(done)


# The ledger


def test_a_ledger_from_the_future_counts_as_spent_now_with_one_warning(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    later = time.time() + 40 * DAY
    record = {"bytes": 2 * MB, "charges": [[later, 2 * MB]], "reset_time": later + DAY, "last_used": later}
    write_ledger(site, drive, {1: record, 2: record})
    write_files(site.source, [500_000] * 8)
    before = time.time()
    done = site.run("upload")
    assert done.returncode == 3, said(done)
    assert len(warnings(done, "uploads in the future")) == 1, said(done)
    assert committed(drive) == {"1.json": 0, "2.json": 0, "3.json": 2 * MB}
    (spent_at, size_bytes), *rest = site.ledger()["1.json"]["charges"]
    assert before - 1 <= spent_at <= time.time()
    assert (size_bytes, rest) == (2 * MB, [])
    assert warnings(site.run("upload"), "uploads in the future") == []


@pytest.mark.parametrize("text", ["", '{"google": {"1.json": {"bytes": 20', "\0\0\0\0"])
def test_a_damaged_ledger_is_set_aside_with_one_warning_and_nothing_is_spent_twice(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, text: str
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    first = write_files(site.source, [500_000] * 4)
    assert site.run("upload").returncode == 0
    (site.root / LEDGER).write_text(text)
    second = {f"new/{name}": content for name, content in write_files(site.source / "new", [400_000] * 9).items()}
    done = site.run("upload")
    assert done.returncode == 0, said(done)
    assert len(warnings(done, "cannot be read")) == 1, said(done)
    (aside,) = site.root.glob(f"{LEDGER}.corrupt-*")
    assert aside.read_text() == text
    assert_arrived(drive, first | second)
    # What the copy of the ledger did not know yet it had reserved.
    assert denials(drive) == 0
    assert committed(drive) == {"1.json": 2 * MB, "2.json": 2 * MB, "3.json": 1_600_000}


def test_a_ledger_of_which_no_copy_is_whole_costs_denials_but_no_file(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    first = write_files(site.source, [500_000] * 4)
    assert site.run("upload").returncode == 0
    for path in site.root.glob(f"{LEDGER}*"):
        path.write_text("{")
    second = {f"new/{name}": content for name, content in write_files(site.source / "new", [400_000] * 9).items()}
    done = site.run("upload")
    assert done.returncode == 0, said(done)
    assert_arrived(drive, first | second)
    assert committed(drive) == {"1.json": 2 * MB, "2.json": 2 * MB, "3.json": 1_600_000}


@pytest.mark.parametrize(
    "document",
    [
        [],
        7,
        None,
        {UPLOADER: []},
        {UPLOADER: {"1.json": 7}},
        {UPLOADER: {"1.json": {"bytes": "many", "charges": [[]]}}},
    ],
)
def test_a_ledger_of_another_shape_is_no_reason_to_fail(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, document: object
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    (site.root / LEDGER).write_text(json.dumps(document))
    files = write_files(site.source, [500_000] * 8)
    done = site.run("upload")
    assert done.returncode == 0, said(done)
    assert_arrived(drive, files)
    assert site.ledger_bytes() == 4 * MB


def test_a_ledger_of_the_old_form_is_taken_over(any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    spent_at = time.time() - 23 * 3600
    running = {"bytes": 1_500_000, "reset_time": spent_at + DAY, "first_upload": spent_at}
    over = {"bytes": 2 * MB, "reset_time": spent_at - 2 * 3600, "first_upload": spent_at - DAY - 2 * 3600}
    write_ledger(site, drive, {1: running, 2: over, 3: running})
    write_files(site.source, [500_000] * 8)
    done = site.run("upload")
    assert done.returncode == 3, said(done)
    assert committed(drive) == {"1.json": 500_000, "2.json": 2 * MB, "3.json": 500_000}
    kept = site.ledger()["1.json"]
    assert kept["charges"][0] == [pytest.approx(spent_at), 1_500_000]
    assert kept["first_upload"] == pytest.approx(spent_at)
    assert kept["bytes"] == 2 * MB


def test_accounts_that_the_old_program_banned_wait_until_the_ban_ends(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    until = time.time() + 5 * 3600
    bans = {str(drive.key_file(1)): until, str(drive.key_file(2)): time.time() - 60}
    with sqlite3.connect(site.root / "cache.db") as connection:
        connection.execute("CREATE TABLE sa_bans (key TEXT PRIMARY KEY, value TEXT)")
        connection.execute("INSERT INTO sa_bans VALUES (?, ?)", (UPLOADER, json.dumps(bans)))
    connection.close()
    write_files(site.source, [500_000] * 10)
    done = site.run("upload")
    assert done.returncode == 3, said(done)
    assert committed(drive) == {"1.json": 0, "2.json": 2 * MB, "3.json": 2 * MB}
    assert site.ledger()["1.json"]["denied_until"] == pytest.approx(until)


@pytest.mark.parametrize("content", [b"no database", b""])
def test_a_damaged_cache_of_the_old_program_is_no_reason_to_fail(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, content: bytes
) -> None:
    drive = fake_drive(accounts=1, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    (site.root / "cache.db").write_bytes(content)
    files = write_files(site.source, [1000] * 3)
    done = site.run("upload")
    assert done.returncode == 0, said(done)
    assert len(warnings(done, "cache.db")) == 1, said(done)
    assert_arrived(drive, files)


# Several uploads with the same accounts


def add_uploader(site: Site, name: str, folder: Path) -> None:
    """A second uploader with the accounts of the first, for another folder."""
    folder.mkdir()
    remote = {**site.config["remotes"][UPLOADER], "upload_folder": str(folder), "upload_remote": f"gdrive:{name}"}
    site.config["remotes"][name] = remote
    site.config["uploader"][name] = dict(site.config["uploader"][UPLOADER])


def test_two_uploaders_with_one_account_folder_share_one_budget(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=2 * MB)
    add_uploader(site, "other", site.root / "other")
    write_files(site.source, [500_000] * 7)
    write_files(site.root / "other", [400_000] * 9)
    done = site.run("upload")
    assert done.returncode == 3, said(done)
    assert denials(drive) == 0
    assert all(size_bytes <= 2 * MB for size_bytes in committed(drive).values())
    again = site.run("upload")
    assert again.returncode == 3, said(again)
    assert denials(drive) == 0
    document = json.loads((site.root / LEDGER).read_text())
    charged = {
        Path(key).name: sum(document[name].get(key, {}).get("bytes", 0) for name in document)
        for key in document[UPLOADER] | document["other"]
    }
    assert charged == committed(drive)
    assert sum(charged.values()) >= 5_500_000


@pytest.mark.parametrize("kind", ["link", "copy"])
def test_a_link_to_the_account_folder_or_a_copy_of_it_is_no_second_budget(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, kind: str
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=2 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=2 * MB)
    add_uploader(site, "other", site.root / "other")
    if kind == "link":
        (site.root / "again").symlink_to(drive.accounts_directory)
    else:
        shutil.copytree(drive.accounts_directory, site.root / "again")
    site.config["uploader"]["other"]["service_account_path"] = str(site.root / "again")
    write_files(site.source, [500_000] * 5)
    write_files(site.root / "other", [500_000] * 5)
    for _ in range(2):
        done = site.run("upload")
        assert done.returncode == 3, said(done)
        assert denials(drive) == 0
        assert committed(drive) == {"1.json": 2 * MB, "2.json": 2 * MB}


@contextmanager
def uploading(site: Site, drive: FakeDrive, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A running upload that has uploaded something; it is left to end by itself."""
    with subprocess.Popen(
        site.command("upload", *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        wait_until(lambda: len(drive.files()) > 0 or process.poll() is not None, "the first upload")
        assert process.poll() is None
        yield process


def finish(process: subprocess.Popen[str]) -> int:
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert "Traceback" not in output
    return process.returncode


def second_site(site: Site, root: Path, **remote: str) -> Site:
    """Another configuration with other cache files, for the same accounts."""
    config = json.loads(json.dumps(site.config))
    config["remotes"][UPLOADER] |= remote
    root.mkdir()
    return Site(root, config)


def assert_busy(done: subprocess.CompletedProcess[str], words: str) -> None:
    """The second upload ends immediately with one sentence."""
    assert done.returncode == 1, said(done)
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("cloudplow: "))
    assert f"another upload is using {words}" in line
    assert "wait until it ends, or stop it" in line


@pytest.mark.parametrize("shared", ["cache", "folder", "accounts"])
def test_a_second_upload_of_the_same_files_or_accounts_is_refused_and_nothing_is_spent_twice(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, shared: str
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=3 * MB)
    drive.set_settings(bandwidth=SLOW)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=3 * MB, extras={"--transfers": 2})
    files = write_files(site.source, [50_000] * 80)
    (tmp_path / "elsewhere").mkdir()
    write_files(tmp_path / "elsewhere", [50_000] * 10)
    with uploading(site, drive) as first:
        if shared == "cache":
            status = json.loads(site.run("status", "--json").stdout)
            assert status["uploaders"][UPLOADER]["state"] == "uploading"
            # A second upload beside it would be shown the first one; whoever goes past its socket is refused.
            (site.root / "control.sock").unlink()
            assert_busy(site.run("upload"), f"the cache folder {site.root}")
        elif shared == "folder":
            assert_busy(second_site(site, tmp_path / "second").run("upload"), f"the upload folder {site.source}")
        else:
            other = second_site(
                site, tmp_path / "second", upload_folder=str(tmp_path / "elsewhere"), upload_remote="gdrive:Other"
            )
            assert_busy(other.run("upload"), f"the account folder {drive.accounts_directory}")
        assert first.poll() is None
        drive.set_settings(bandwidth=None)
        assert finish(first) == 0
    assert_arrived(drive, files)
    assert denials(drive) == 0
    assert site.ledger_bytes() == sum(committed(drive).values()) == 4 * MB


def test_an_upload_that_begins_while_another_ends_plans_with_what_that_one_has_spent(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=3 * MB)
    drive.set_settings(bandwidth=3 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=3 * MB, extras={"--transfers": 2})
    add_uploader(site, "other", site.root / "other")
    write_files(site.source, [50_000] * 80)
    write_files(site.root / "other", [50_000] * 80)
    with uploading(site, drive, UPLOADER) as first:
        second = site.run("upload", "other")
        assert finish(first) == 0
    if second.returncode == 1:
        # It gave up waiting: the machine is slow.
        assert_busy(second, "the cache folder")
        second = site.run("upload", "other")
    assert second.returncode == 3, said(second)
    assert denials(drive) == 0
    assert committed(drive) == {"1.json": 3 * MB, "2.json": 3 * MB}
    assert not [path for path in site.source.rglob("*") if path.is_file()]
