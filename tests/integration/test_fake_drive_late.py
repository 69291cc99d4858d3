"""The fake Google Drive when files appear later than their last byte arrived, and when nobody can reach it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.fake_drive import Failure, FakeDrive, Fault, Mode
from tests.fake_drive.pytest_plugin import MakeDrive, fake_drive_fixture
from tests.integration.test_fake_drive import MB, STOP, run, write, write_many

__all__ = ["fake_drive_fixture"]
pytestmark = pytest.mark.rclone

#: Below and above rclone's limit for an upload in one request (8 MiB).
SMALL, LARGE = MB, 9 * MB


def wait_for_bytes(drive: FakeDrive, size: int) -> None:
    """Wait until the Drive has received so much."""
    deadline = time.monotonic() + 30
    while drive.usage(1).received < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_file(drive: FakeDrive) -> None:
    """Wait until there is a file."""
    deadline = time.monotonic() + 30
    while not drive.files():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_after_its_last_byte(rclone: Path, drive: FakeDrive, source: Path, size: int) -> None:
    """Upload a file, and kill rclone when everything has been sent and nothing answered."""
    command = [str(rclone), "copy", str(source), "gdrive:"]
    with subprocess.Popen(command, env=drive.process_env(), stderr=subprocess.DEVNULL) as process:
        wait_for_bytes(drive, size)
        process.kill()


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_file_appears_and_is_counted_only_after_the_delay(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, size: int
) -> None:
    drive = fake_drive(quota_bytes=20 * MB, mode=Mode.MID_FILE)
    drive.set_settings(commit_delay_seconds=1.0)
    write_many(tmp_path / "source", 1, size)
    began = time.monotonic()

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0

    assert time.monotonic() - began > 1.0
    assert [file.size for file in drive.files().values()] == [size]
    assert (drive.usage(1).in_window, drive.usage(1).uploads) == (size, 1)
    assert drive.problems() == []


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_file_whose_sender_was_killed_after_the_last_byte_arrives_all_the_same(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, size: int
) -> None:
    drive = fake_drive()
    drive.set_settings(commit_delay_seconds=1.5)
    write_many(tmp_path / "source", 1, size)

    kill_after_its_last_byte(rclone, drive, tmp_path / "source", size)

    assert drive.files() == {}
    assert drive.usage(1).in_window == 0
    wait_for_file(drive)
    assert [file.size for file in drive.files().values()] == [size]
    assert drive.usage(1).in_window == size
    assert drive.problems() == []


def test_an_upload_that_is_about_to_appear_holds_quota(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(quota_bytes=20 * MB, mode=Mode.WOULD_EXCEED)
    drive.set_settings(commit_delay_seconds=5.0)
    write_many(tmp_path / "source", 1, 12 * MB)
    write(tmp_path / "other" / "other.bin", 12 * MB)

    kill_after_its_last_byte(rclone, drive, tmp_path / "source", 12 * MB)

    assert run(rclone, drive, "copy", tmp_path / "other", "gdrive:", STOP).returncode == 7
    assert drive.usage(1).denials == 1


def test_a_file_sent_again_before_it_appeared_is_there_twice(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive()
    drive.set_settings(commit_delay_seconds=3.0)
    write_many(tmp_path / "source", 1, SMALL)
    kill_after_its_last_byte(rclone, drive, tmp_path / "source", SMALL)
    drive.set_settings(commit_delay_seconds=0.0)

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0

    deadline = time.monotonic() + 30
    while drive.usage(1).uploads < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert drive.duplicates() == ["0.bin"]


def test_a_late_file_whose_answer_was_lost_is_there_once(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    drive.set_settings(commit_delay_seconds=0.5)
    drive.add_fault(Fault(Failure.SERVER_ERROR, kinds=frozenset({"chunk"}), first=1, carried_out=True, after=1))
    write_many(tmp_path / "source", 1, LARGE)

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0

    assert (drive.usage(1).uploads, drive.usage(1).committed) == (1, LARGE)
    assert drive.problems() == []


def test_the_control_port_sets_the_delay(fake_drive: MakeDrive) -> None:
    drive = fake_drive(control_port=0)
    settings = {"commit_delay_seconds": 2.0, "commit_delay_varies": True}

    body = json.dumps({"settings": settings}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{drive.control_port}/config", body, timeout=10) as answer:
        assert answer.status == 200

    with drive.world.lock:
        delays = [drive.world.next_commit_delay() for _ in range(20)]
    assert 0 <= min(delays) < 1 < max(delays) <= 2


def test_nobody_reaches_a_drive_whose_network_is_cut(any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 1, SMALL)
    drive.cut_network()

    flags = ("--retries=1", "--low-level-retries=1", "--contimeout=1s")
    # 5 where the connection is cut in the moment in which it is used again: rclone would try that once more.
    assert run(any_rclone, drive, "copy", tmp_path / "source", "gdrive:", *flags).returncode in (1, 5)

    drive.mend_network()
    assert run(any_rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0
    assert drive.usage(1).uploads == 1


def test_a_cut_ends_uploads_under_way(any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    drive.set_settings(connection_bandwidth=MB)
    write_many(tmp_path / "source", 1, 20 * MB)
    command = [str(any_rclone), "copy", "--retries=1", "--low-level-retries=1", str(tmp_path / "source"), "gdrive:"]
    with subprocess.Popen(command, env=drive.process_env(), stderr=subprocess.DEVNULL) as process:
        wait_for_bytes(drive, MB)
        drive.cut_network()
        assert process.wait(30) != 0

    assert drive.files() == {}
    assert drive.usage(1).in_window == 0
