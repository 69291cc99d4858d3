"""Uploads that are stopped or killed again and again: what did not arrive is given back, and every file is told once.

A19: test_after_many_stops_the_accounts_hold_what_the_drive_has_counted
The rest: a loop of quick restarts; `found_later`, with the sums of all sessions.
"""

from __future__ import annotations

import re
import signal
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from cloudplow.control.client import ask
from tests.fake_drive import Failure, FakeDrive, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER
from tests.integration.book_site import LANDING_SECONDS, MB, BookSite, make_book_site
from tests.integration.local_site import wait_for

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(400), pytest.mark.thin(2)]

COMMANDS: Final = pytest.mark.parametrize("command", ["move", "copy"])
QUOTA: Final = 30 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3, quota_bytes=QUOTA)


def stop_in_the_middle(site: BookSite, way: str) -> None:
    """Start an upload, and stop it when bytes of it are on their way."""
    told = len(site.told())
    upload = site.start()
    site.wait_for_told("stage_started", since=told)
    time.sleep(0.4)
    if way == "socket":
        ask(site.state, {"do": "stop"}, 30)
    else:
        upload.send(signal.Signals[way])
    # Asked through the socket, it finishes the files under way: what is left then is no fault.
    assert site.finish(upload) in ((3, 0) if way == "socket" else (130, 0)), site.output()


@pytest.mark.thin(8)
@COMMANDS
@pytest.mark.parametrize(
    "ways",
    [
        ["SIGTERM", "SIGINT", "SIGTERM", "SIGINT", "SIGTERM", "SIGINT"],
        ["socket", "SIGTERM", "socket", "SIGINT", "socket"],
    ],
    ids=["signals", "socket too"],
)
def test_after_many_stops_the_accounts_hold_what_the_drive_has_counted(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, ways: list[str]
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    # Longer than what is in buffers on its way can take here.
    site.environment["CLOUDPLOW_LANDING_SECONDS"] = "20"
    site.write([5 * MB] * 10 + [200_000] * 20)
    drive.set_settings(bandwidth=4 * MB)
    for way in ways:
        stop_in_the_middle(site, way)
        site.assert_not_below(way)
    drive.set_settings(bandwidth=None)

    site.upload()
    site.assert_settled()


@pytest.mark.parametrize("seconds", [0.6, 1.2])
def test_a_loop_of_quick_restarts_neither_starves_nor_doubles_files(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, seconds: float
) -> None:
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.write([300_000] * 60)
    drive.set_settings(bandwidth=3 * MB)
    for _ in range(8):
        upload = site.start()
        time.sleep(seconds)
        upload.kill_all()
    site.assert_not_below()
    time.sleep(LANDING_SECONDS)
    drive.set_settings(bandwidth=None)

    site.upload()
    site.assert_settled()


def test_restarts_faster_than_files_land_upload_everything_at_last(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path
) -> None:
    """Each start finds what the last one left in doubt, and files that nobody has tried yet."""
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.environment["CLOUDPLOW_LANDING_SECONDS"] = "15"
    site.write([200_000] * 40)
    drive.set_settings(bandwidth=MB)
    began = time.monotonic()
    while site.at_source() and time.monotonic() - began < 150:
        upload = site.start()
        upload.wait(6)
        upload.kill_all()
    drive.set_settings(bandwidth=None)
    assert len(site.at_source()) < 40

    site.upload()
    site.assert_settled()


def all_told(site: BookSite, files: int) -> bool:
    return len({event["name"] for event in site.told("file_transferred")}) >= files


@COMMANDS
def test_files_found_later_belong_to_the_session_that_finds_them(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    site.write([200_000] * 30)
    for _ in range(2):
        fault = drive.add_fault(
            Fault(Failure.DROP, kinds=frozenset({"multipart"}), after=6, carried_out=True, hold_seconds=60)
        )
        before = len(drive.files())
        upload = site.start()
        # Six have their answer; each of rclone's eight transfers waits for one that does not come.
        site.wait_for_uploads(before + 14)
        # All that was answered is told before the kill: what a killed process was about to tell, nobody tells.
        wait_for(partial(all_told, site, before + 6), f"{before + 6} files told")
        upload.kill_all()
        assert fault.hits
        drive.clear_faults()
    site.upload()

    site.assert_settled()
    transferred = site.told("file_transferred")
    later = [event for event in transferred if event["found_later"]]
    if command == "copy":  # of a move, those whose answer was kept are still at the source, and go once more
        assert later
    assert {event["stage"] for event in later} <= {0}
    assert {event["account"] for event in later} <= set(drive.usages())
    assert all(event["stage"] > 0 for event in transferred if not event["found_later"])
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for event in transferred:
        sums[event["session_id"]][0] += 1
        sums[event["session_id"]][1] += event["size"]
    last = site.told("session_finished")[-1]
    assert [last["files"], last["bytes"]] == sums[last["session_id"]]
    assert sum(count for count, _ in sums.values()) == 30
    assert {event["uploader"] for event in transferred} == {UPLOADER}
    paid = {name: sum(event["size"] for event in transferred if event["account"] == name) for name in drive.usages()}
    if command == "copy":
        assert paid == site.committed()


@COMMANDS
def test_a_file_that_had_left_when_cloudplow_was_killed_is_told_by_the_next_upload(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, command: str
) -> None:
    """Only cloudplow is killed: its rclone goes on alone, and nobody hears it."""
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, command=command)
    site.write([200_000] * 40)
    drive.set_settings(bandwidth=2 * MB)
    upload = site.start()
    site.wait_for_uploads(3)
    rclones = upload.rclones()
    upload.send(signal.SIGKILL)
    site.finish(upload)
    assert rclones
    site.wait_for_uploads(8)
    site.assert_not_below()
    drive.set_settings(bandwidth=None)
    told = {event["name"] for event in site.told("file_transferred")}
    while site.run("upload").status != 0:
        time.sleep(1)

    site.assert_settled()
    # Only what was in the book already, and waited for its receiver, is not told.
    (asked,) = re.findall(r"interrupted; asking \S+ about (\d+) files? ", site.log_file.read_text())
    told_later = {event["name"] for event in site.told("file_transferred")} - told
    assert len(told_later) >= int(asked)
    if command == "copy":  # a move may end before it removes another file
        assert any(event["found_later"] for event in site.told("file_transferred"))
