"""Copies to a Drive whose remote has no key of its own: only the accounts of the pool can look into it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudplow import events
from tests.fake_drive import FakeDrive, no_access
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER, make_site, pareto_sizes, write_files

pytestmark = pytest.mark.rclone

MB = 1_000_000


def without_key(drive: FakeDrive) -> None:
    """Take the key out of the remote, so that every run must bring one."""
    section = drive.remotes.text.partition("[gdrive]")[2]
    assert section
    lines = [line for line in drive.remotes.text.splitlines() if not line.startswith("service_account_file")]
    drive.remotes.path.write_text("\n".join(lines) + "\n")


def test_a_copy_compares_with_an_account_of_the_pool(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    without_key(drive)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB, remote={"rclone_command": "copy"})
    files = write_files(site.source, pareto_sizes(100, 35 * MB, smallest=1000, largest=5 * MB))

    first, seen = site.upload()

    assert (first.outcome, first.reason) == ("done", "")
    assert first.bytes == seen.transferred_bytes() == site.ledger_bytes() == 35 * MB
    assert {name: stored.size for name, stored in drive.files().items()} == {
        f"Media/{name}": size for name, (size, _) in files.items()
    }

    second, seen = site.upload()

    assert (second.outcome, second.files) == ("done", 0)
    assert seen.of(events.StageStarted) == []
    assert site.ledger_bytes() == 35 * MB


def test_when_an_account_may_not_look_the_next_one_does(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    without_key(drive)
    drive.add_fault(no_access("1.json"))
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB, remote={"rclone_command": "copy"})
    write_files(site.source, [MB] * 5)

    finished, _ = site.upload()

    assert (finished.outcome, finished.bytes) == ("done", 5 * MB)
    assert len(drive.files()) == 5


def test_the_plan_of_a_copy_counts_only_what_is_missing(
    modern_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    without_key(drive)
    site = make_site(tmp_path / "site", drive, modern_rclone, quota_bytes=20 * MB, remote={"rclone_command": "copy"})
    write_files(site.source, [MB] * 5)
    site.upload()
    write_files(site.source / "new", [MB] * 2)

    done = site.run("plan", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[UPLOADER]["queue_bytes"] == 2 * MB
