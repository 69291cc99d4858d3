"""Uploads that are killed: what an account holds is charged to that account, and nothing is forgotten.

A3: test_files_of_a_killed_stage_are_charged_to_the_account_that_sent_them,
    test_stages_of_three_accounts_killed_one_after_the_other_are_told_apart
A4: test_charges_of_a_stage_survive_a_kill_before_the_next_one_opens,
    test_charges_survive_a_state_folder_that_takes_nothing_more
A5: test_a_stage_whose_list_is_lost_counts_whole,
    test_the_list_that_rclone_read_is_not_needed_afterwards,
    test_a_stage_of_which_nothing_else_is_known_is_asked_for
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import Failure, FakeDrive, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.integration.local_site import wait_for
from tests.interruptions import disks
from tests.interruptions.processes import Upload
from tests.interruptions.scenario import Kind

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(3)]

COMMANDS: Final = pytest.mark.parametrize("command", ["move", "copy"])
QUOTA: Final = 4 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=4, quota_bytes=QUOTA)


def keep_answers(drive: FakeDrive) -> None:
    """From now on files arrive, but rclone does not hear of it."""
    drive.add_fault(Fault(Failure.DROP, kinds=frozenset({"multipart"}), carried_out=True, hold_seconds=60))


def wait_for_stage(upload: Upload, site: BookSite, number: int = 1) -> None:
    """Wait until the rclone of a stage runs."""

    def begun() -> bool:
        upload.look()
        assert upload.running, site.output()
        return upload.stages_begun >= number

    wait_for(begun, "a stage")


def kill_with_files_arrived(site: BookSite, count: int, account: int | None = None) -> None:
    """Kill an upload whose files have arrived, before it hears of that."""
    keep_answers(site.drive)
    upload = site.start()
    site.wait_for_uploads(count, account)
    upload.kill_all()
    site.drive.clear_faults()


@COMMANDS
@pytest.mark.parametrize("second", [signal.SIGKILL, signal.SIGTERM])
def test_files_of_a_killed_stage_are_charged_to_the_account_that_sent_them(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, second: signal.Signals
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    site.write([MB] * 12)
    kill_with_files_arrived(site, 4)
    assert site.committed() == {"1.json": 4 * MB, "2.json": 0, "3.json": 0, "4.json": 0}
    site.assert_not_below()

    upload = site.start()
    wait_for_stage(upload, site)
    if second is signal.SIGKILL:
        upload.kill_all()
    else:
        upload.send(second)
        assert site.finish(upload) == 130
    site.assert_not_below()
    assert site.accounts()["1.json"].used_bytes + site.accounts()["1.json"].doubtful_bytes == 4 * MB

    site.upload()
    site.assert_settled()
    assert site.used()["1.json"] == 4 * MB


def test_an_upload_that_waits_for_what_may_still_arrive_says_so_and_no_longer_than_that(
    rclone: Path, drive: FakeDrive, tmp_path: Path
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA)
    site.write([MB] * 3)
    # Nothing has arrived, but that is not known at once.
    drive.add_fault(Fault(Failure.DROP, kinds=frozenset({"multipart"}), hold_seconds=60))
    upload = site.start()
    wait_for_stage(upload, site)
    site.wait_for_told("transfer_progress")
    upload.kill_all()
    drive.clear_faults()
    since = len(site.told())

    site.upload()

    told = [one for one in site.told()[since:] if one["signal"] == "uploader_status"]
    waits, ends = told[::2], told[1::2]
    assert 1 <= len(waits) == len(ends) <= 4
    for one in waits:
        assert (one["state"], one["why"]) == ("scanning", "finding out whether 3 files of an interrupted stage arrived")
        assert -1 < one["until"] - one["at"] < 60
    assert {(one["state"], one["why"]) for one in ends} == {("uploading", "")}


def test_stages_of_three_accounts_killed_one_after_the_other_are_told_apart(
    rclone: Path, drive: FakeDrive, tmp_path: Path
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA)
    # A file that takes a whole account stays in doubt: the landing time is longer than all of this.
    site.environment["CLOUDPLOW_LANDING_SECONDS"] = "20"
    site.write([MB] * 16)
    for number in (1, 2, 3):
        kill_with_files_arrived(site, 1, number)
        site.assert_not_below(f"after kill {number}")
    unsettled = {name: len(one["unsettled_stages"]) for name, one in site.records().items()}
    assert unsettled == {"1.json": 1, "2.json": 1, "3.json": 1, "4.json": 0}

    site.upload()
    site.assert_settled()


@COMMANDS
@pytest.mark.parametrize("after_seconds", [0.0, 0.7])
def test_charges_of_a_stage_survive_a_kill_before_the_next_one_opens(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, after_seconds: float
) -> None:
    slow_fsync = disks.build_slow_fsync(tmp_path)
    if slow_fsync is None:
        pytest.skip("there is no C compiler")
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, command=command)
    site.write([MB] * 12)
    slow = {"LD_PRELOAD": str(slow_fsync), "SLOW_FSYNC_SECONDS": str(disks.SLOW_FSYNC_SECONDS)}

    upload = site.start(**slow)

    def ended() -> bool:
        upload.look()
        return upload.stages_ended >= 1

    wait_for(ended, "the end of a stage")
    time.sleep(after_seconds)
    upload.kill_all()

    site.assert_not_below()
    account = site.accounts()["1.json"]
    assert account.used_bytes + account.doubtful_bytes == 4 * MB
    site.upload()
    site.assert_settled()


@pytest.mark.parametrize("kind", [Kind.STATE_NO_INODES, Kind.STATE_FULL, Kind.STATE_READ_ONLY])
def test_charges_survive_a_state_folder_that_takes_nothing_more(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, kind: Kind
) -> None:
    if not disks.can_spoil(kind):
        pytest.skip(f"{kind}: this user cannot mount a small file system")
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.write([MB] * 12)
    drive.set_settings(bandwidth=4 * MB)
    site.state.rmdir()
    disk = disks.StateDisk(site.state, mounted=disks.can_mount())
    try:
        upload = site.start()
        site.wait_for_uploads(2)
        disk.spoil(kind)
        status = site.finish(upload)
        disk.heal()
        assert status in (0, 1), site.output()
        assert "Traceback" not in site.output()
        site.assert_not_below()
        drive.set_settings(bandwidth=None)
        site.upload()
        drives = drive.usages()
        assert site.used() == {name: usage.in_window for name, usage in drives.items()}
        assert sum(usage.denials for usage in drives.values()) == 0
        assert site.at_source() == {}
    finally:
        disk.close(keep=False)


def change_rows(site: BookSite, statement: str) -> None:
    with sqlite3.connect(site.state / "cloudplow.db") as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()
    (site.state / "cloudplow.db.backup").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM rows WHERE kind = 'files'",
        "UPDATE rows SET value = x'' WHERE kind = 'files'",
        "UPDATE rows SET value = substr(value, 1, length(value) / 2) WHERE kind = 'files'",
    ],
)
def test_a_stage_whose_list_is_lost_counts_whole(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, statement: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.write([MB] * 8)
    drive.set_settings(bandwidth=2 * MB)
    upload = site.start()
    site.wait_for_uploads(1)
    upload.kill_all()
    drive.set_settings(bandwidth=None)
    change_rows(site, statement)

    said = site.run("accounts", "--json")
    assert "the list of an interrupted stage is lost" in said.said
    assert site.used()["1.json"] == 4 * MB
    site.upload()
    assert site.used()["1.json"] == 4 * MB
    assert sum(usage.denials for usage in drive.usages().values()) == 0
    assert site.at_source() == {}


@pytest.mark.parametrize("what", ["missing", "empty", "folder removed"])
def test_the_list_that_rclone_read_is_not_needed_afterwards(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, what: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.write([MB] * 8)
    kill_with_files_arrived(site, 2)
    if what == "folder removed":
        shutil.rmtree(site.state / "stages")
    else:
        (listed,) = (site.state / "stages").glob("*.list")
        listed.unlink() if what == "missing" else listed.write_bytes(b"")
    site.assert_not_below()

    site.upload()
    site.assert_settled()


@COMMANDS
def test_a_stage_of_which_nothing_else_is_known_is_asked_for(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    site.write([MB] * 8)
    kill_with_files_arrived(site, 3)
    change_rows(site, "DELETE FROM rows WHERE kind = 'states'")
    for path in (site.state / "stages").glob("*.facts"):
        path.unlink()
    assert site.accounts()["1.json"].doubtful_bytes == 4 * MB

    site.upload()
    site.assert_settled()
