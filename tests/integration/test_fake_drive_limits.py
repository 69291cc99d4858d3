"""The fake Google Drive with the real rclone, each version: quotas, faults, keys that stop working."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.fake_drive import Failure, Fault, Kind, Mode, no_access, read_only
from tests.fake_drive.pytest_plugin import MakeDrive, fake_drive_fixture
from tests.integration.test_fake_drive import MB, STOP, run, write, write_many

__all__ = ["fake_drive_fixture"]
pytestmark = pytest.mark.rclone


@pytest.mark.parametrize("mode", Mode)
def test_a_used_up_quota_is_denied_as_the_daily_limit(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, mode: Mode
) -> None:
    drive = fake_drive(quota_bytes=25 * MB, mode=mode)
    write_many(tmp_path / "source", 4, 10 * MB)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP, "--transfers=1")

    assert done.returncode == 7, done.stderr
    assert "Received upload limit error: googleapi: Error 403: User rate limit exceeded." in done.stderr
    usage = drive.usage(1)
    assert usage.denials == 1
    assert usage.committed == (30 * MB if mode is Mode.AT_LIMIT else 20 * MB)
    if mode is Mode.WOULD_EXCEED:
        assert usage.received < 20 * MB + 10_000
    if mode is Mode.MID_FILE:
        assert usage.received > 25 * MB


def test_would_exceed_counts_running_uploads(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(quota_bytes=25 * MB, mode=Mode.WOULD_EXCEED)
    write_many(tmp_path / "source", 4, 10 * MB)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP, "--transfers=4")

    assert done.returncode == 7
    assert drive.usage(1).committed <= 20 * MB


def test_a_small_file_is_denied_after_its_bytes(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(quota_bytes=MB, mode=Mode.WOULD_EXCEED)
    write_many(tmp_path / "source", 1, 2 * MB)

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP).returncode == 7

    assert drive.usage(1).committed == 0
    assert drive.usage(1).received >= 2 * MB


def test_an_exact_fill_is_not_denied(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    for mode in Mode:
        drive = fake_drive(quota_bytes=30 * MB, mode=mode)
        write_many(tmp_path / mode, 3, 10 * MB)
        assert run(rclone, drive, "copy", tmp_path / mode, "gdrive:", STOP).returncode == 0
        assert (drive.usage(1).in_window, drive.usage(1).denials) == (30 * MB, 0)


def test_received_bytes_can_be_what_counts(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(quota_bytes=25 * MB, mode=Mode.MID_FILE, counts_received=True)
    write_many(tmp_path / "source", 3, 10 * MB)

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP, "--transfers=1").returncode == 7

    usage = drive.usage(1)
    assert usage.committed == 20 * MB
    assert usage.in_window > 25 * MB


def test_bytes_come_back_after_the_window(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    now = [1_000_000.0]
    drive = fake_drive(quota_bytes=2 * MB, window_seconds=3600, clock=lambda: now[0])
    write_many(tmp_path / "source", 1, MB)
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:a", STOP).returncode == 0
    now[0] += 1800
    drive.spend(1, MB)  # another tenant
    assert drive.usage(1).in_window == 2 * MB
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:b", STOP).returncode == 7

    now[0] += 1800

    assert drive.usage(1).in_window == MB
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:b", STOP).returncode == 0
    assert drive.usage(1).in_window == 2 * MB


def test_accounts_have_quotas_of_their_own(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=2, quota_bytes=MB)
    drive.set_quota(2, limit_bytes=None)
    write_many(tmp_path / "source", 3, MB)
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP, "--transfers=1").returncode == 7

    second = {"RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE": str(drive.key_file(2))}
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP, env=second).returncode == 0

    assert {name: usage.committed for name, usage in drive.usages().items()} == {"1.json": MB, "2.json": 2 * MB}


# Faults.


def test_throttling_is_waited_out(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    throttle = drive.add_fault(Fault(Failure.USER_RATE, first=2))
    rate = drive.add_fault(Fault(Failure.RATE, kinds=frozenset((Kind.MULTIPART,)), first=1))
    write_many(tmp_path / "source", 2, 1000)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP)

    assert done.returncode == 0, done.stderr
    assert (throttle.hits, rate.hits) == (2, 1)
    assert len(drive.files()) == 2


@pytest.mark.parametrize("failure", [Failure.SERVER_ERROR, Failure.UNAVAILABLE, Failure.DROP])
def test_broken_requests_are_repeated(rclone: Path, fake_drive: MakeDrive, tmp_path: Path, failure: Failure) -> None:
    drive = fake_drive()
    fault = drive.add_fault(Fault(failure, every=7, first=5, drop_after_bytes=100_000))
    write_many(tmp_path / "source", 10, 1000)
    write(tmp_path / "source" / "large.bin", 20 * MB)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:")

    assert done.returncode == 0, done.stderr
    assert fault.hits > 2
    assert drive.files()["large.bin"].size == 20 * MB
    assert len(drive.files()) == 11
    assert drive.duplicates() == []
    assert run(rclone, drive, "check", tmp_path / "source", "gdrive:").returncode == 0


def test_an_answer_lost_after_a_whole_chunk_is_no_harm(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    chunks = frozenset((Kind.CHUNK,))
    fault = drive.add_fault(Fault(Failure.DROP, kinds=chunks, after=1, first=2, drop_after_bytes=8 << 20))
    write(tmp_path / "source" / "large.bin", 40 * MB)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:")

    assert done.returncode == 0, done.stderr
    assert fault.hits == 2
    assert run(rclone, drive, "check", tmp_path / "source", "gdrive:").returncode == 0


def test_a_small_file_whose_answer_is_lost_is_paid_twice(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    """rclone looks the name up before it repeats the upload, so that it replaces what it made: no duplicate."""
    drive = fake_drive()
    drive.add_fault(Fault(Failure.SERVER_ERROR, kinds=frozenset((Kind.MULTIPART,)), first=1, carried_out=True))
    write_many(tmp_path / "source", 1, 1000)

    done = run(rclone, drive, "copy", "-v", tmp_path / "source", "gdrive:d")

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Copied (new)") == 1
    assert (drive.usage(1).uploads, drive.usage(1).committed) == (2, 2000)
    assert list(drive.files()) == ["d/0.bin"]
    assert drive.duplicates() == []


def test_a_last_chunk_whose_answer_is_lost_is_paid_once(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    chunks = frozenset((Kind.CHUNK,))
    drive.add_fault(Fault(Failure.SERVER_ERROR, kinds=chunks, after=2, first=1, carried_out=True))
    write_many(tmp_path / "source", 1, 20 * MB)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:d", "--retries=1")

    assert done.returncode == 0, done.stderr
    assert (drive.usage(1).uploads, drive.usage(1).committed) == (1, 20 * MB)


@pytest.mark.parametrize(
    ("failure", "exits"),
    [
        (Failure.STORAGE_FULL, {"1.60": 1, "1.75": 7}),
        (Failure.FILE_LIMIT, {"1.60": 7, "1.75": 7}),
        (Failure.QUOTA, {"1.60": 7, "1.75": 7}),
        (Failure.DAILY_LIMIT, {"1.60": 7, "1.75": 7}),
    ],
)
def test_limits_that_end_a_run(
    rclone: Path,
    request: pytest.FixtureRequest,
    fake_drive: MakeDrive,
    tmp_path: Path,
    failure: Failure,
    exits: dict[str, int],
) -> None:
    drive = fake_drive()
    drive.add_fault(Fault(failure, kinds=frozenset((Kind.MULTIPART,))))
    write_many(tmp_path / "source", 1, 1000)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP, "--retries=1")

    assert done.returncode == exits[request.node.callspec.params["rclone"]], done.stderr


def test_no_access_and_read_only(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 1, 1000)
    drive.add_fault(no_access("1.json"))
    missing = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", "--retries=1")
    drive.clear_faults()
    drive.add_fault(read_only("1.json"))
    denied = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", "--retries=1")

    assert missing.returncode == 1
    assert "Error 404: File not found" in missing.stderr
    assert denied.returncode == 1
    assert "insufficientFilePermissions" in denied.stderr
    assert run(rclone, drive, "lsf", "gdrive:").returncode == 0


def test_a_revoked_key_gets_no_token(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 1, 1000)
    drive.revoke(1)

    done = run(rclone, drive, "copy", tmp_path / "source", "gdrive:", "--retries=1")

    assert done.returncode == 1
    assert "invalid_grant" in done.stderr
    drive.restore(1)
    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0


def test_a_key_that_did_not_sign_gets_no_token(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=2, distinct_keys=True)
    first, second = (json.loads(drive.key_file(number).read_text()) for number in (1, 2))
    drive.key_file(1).write_text(json.dumps({**first, "private_key": second["private_key"]}))

    done = run(rclone, drive, "lsf", "gdrive:")

    assert done.returncode == 1
    assert "Invalid JWT Signature" in done.stderr


def test_a_key_can_be_revoked_in_the_middle(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    drive.set_settings(token_seconds=11, connection_bandwidth=4 * MB)
    write_many(tmp_path / "source", 6, 3 * MB)
    options = ["--transfers=1", "--retries=1", "--low-level-retries=1"]
    command = [str(rclone), "copy", str(tmp_path / "source"), "gdrive:", *options]
    with subprocess.Popen(command, env=drive.process_env(), stderr=subprocess.PIPE, text=True) as process:
        while not drive.files():
            time.sleep(0.02)
        drive.revoke(1)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "invalid_grant" in errors
    assert 1 <= len(drive.files()) < 6
