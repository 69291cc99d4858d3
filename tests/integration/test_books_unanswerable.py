"""A destination that cannot be asked what arrived: that counts as spent, and comes back one window later."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import Failure, FakeDrive, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration.book_site import MB, BookSite, make_book_site

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(400)]

QUOTA: Final = 4 * MB
WINDOW_SECONDS: Final = 40.0


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=2, quota_bytes=QUOTA, window_seconds=WINDOW_SECONDS)


@pytest.fixture
def site(any_rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    """With a short window, and four files of account 1 in doubt, of which one arrived."""
    made = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, hours=WINDOW_SECONDS / 3600)
    made.write([MB] * 4)
    uploads = frozenset({"multipart"})
    drive.add_fault(Fault(Failure.DROP, kinds=uploads, after=1, drop_after_bytes=1, hold_seconds=60))
    drive.add_fault(Fault(Failure.DROP, kinds=uploads, carried_out=True, hold_seconds=60))
    upload = made.start()
    made.wait_for_uploads(1)
    upload.kill_all()
    drive.clear_faults()
    assert made.accounts()["1.json"].doubtful_bytes == 4 * MB
    return made


def rename_remote(site: BookSite, before: str, after: str) -> None:
    path = site.drive.remotes.path
    path.write_text(path.read_text(encoding="utf-8").replace(f"[{before}]", f"[{after}]"), encoding="utf-8")


def test_with_all_keys_revoked_it_counts_as_spent_and_the_upload_says_why(drive: FakeDrive, site: BookSite) -> None:
    for number in (1, 2):
        drive.revoke(number, withdraw_tokens=True)
    began = time.monotonic()
    done = site.run("upload")

    assert done.status == 1, done.said
    assert "Traceback" not in done.said
    (finished,) = site.told("session_finished")[-1:]
    assert finished["outcome"] == "failed"
    assert "cannot be asked what arrived" in finished["reason"] or "set aside" in finished["reason"], finished
    if time.monotonic() - began < WINDOW_SECONDS / 2:
        assert site.accounts()["1.json"].doubtful_bytes == 4 * MB
    site.assert_not_below()
    for number in (1, 2):
        drive.restore(number)
    site.upload()
    assert site.at_source() == {}
    assert drive.duplicates() == []


@pytest.mark.parametrize("destination", ["other:Media", "other:Elsewhere"])
def test_a_remote_that_is_no_longer_configured_counts_as_spent_for_one_window(
    drive: FakeDrive, site: BookSite, destination: str
) -> None:
    rename_remote(site, "gdrive", "other")
    site.remote["upload_remote"] = destination
    began = time.monotonic()
    done = site.run("upload")

    assert done.status == 0, done.said
    assert '"gdrive:Media" is no longer in rclone\'s configuration' in done.said
    # The files were planned once more: with an account that has room beside what may have been spent.
    if time.monotonic() - began < WINDOW_SECONDS / 2:
        used = site.used()
        assert used["1.json"] >= 4 * MB
        assert used["1.json"] + used["2.json"] >= 7 * MB
    site.assert_not_below()
    assert sum(usage.denials for usage in drive.usages().values()) == 0
    time.sleep(WINDOW_SECONDS)
    assert site.used() == {"1.json": 0, "2.json": 0}
    assert not any(record["unsettled_stages"] for record in site.records().values())


def test_an_uploader_that_is_no_longer_configured_counts_as_spent_for_one_window(
    drive: FakeDrive, site: BookSite
) -> None:
    config = site.site.config
    for section in ("remotes", "uploader"):
        config[section]["other"] = config[section].pop("google")
    began = time.monotonic()
    done = site.run("upload")

    assert done.status in (0, 3), done.said
    assert sum(usage.denials for usage in drive.usages().values()) == 0
    assert time.monotonic() - began < WINDOW_SECONDS
    drives = drive.usages()
    assert drives["1.json"].in_window <= QUOTA
    assert drive.duplicates() == []


def test_what_cannot_be_asked_for_a_whole_window_has_come_back(drive: FakeDrive, site: BookSite) -> None:
    for number in (1, 2):
        drive.revoke(number, withdraw_tokens=True)
    assert site.run("upload").status == 1
    time.sleep(WINDOW_SECONDS)
    record = site.records()["1.json"]
    assert (record["unsettled_bytes"], record["free_bytes"]) == (0, QUOTA)
    for number in (1, 2):
        drive.restore(number)
    site.upload()

    assert site.at_source() == {}
    assert sum(usage.denials for usage in drive.usages().values()) == 0
    site.assert_not_below()


def test_a_drive_that_fails_for_a_while_is_asked_again(drive: FakeDrive, site: BookSite) -> None:
    drive.add_fault(Fault(Failure.NO_PERMISSION, kinds=frozenset({"list"}), first=6))
    done = site.run("upload")
    if done.status != 0:
        site.upload()

    assert site.at_source() == {}
    assert drive.duplicates() == []
    site.assert_not_below()
