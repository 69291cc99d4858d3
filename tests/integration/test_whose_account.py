"""Which account really paid: keys that override the pool, and lines of rclone about files that are not ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudplow.errors import ConfigError
from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import Site, make_site, write_files

pytestmark = [pytest.mark.rclone]

MB = 1_000_000


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3, quota_bytes=20 * MB)


def take_out_of_pool(drive: FakeDrive, name: str, folder: Path) -> Path:
    """Put a key where the pool does not look; returns its path."""
    path = folder / name
    (drive.accounts_directory / name).rename(path)
    return path


def committed(drive: FakeDrive) -> list[int]:
    """What each account uploaded, in the order of their numbers."""
    return [usage.committed for _, usage in sorted(drive.usages().items())]


def assert_the_pool_paid(site: Site, drive: FakeDrive) -> None:
    write_files(site.source, [5 * MB] * 6)
    finished, _ = site.upload()

    assert finished.outcome == "done"
    assert committed(drive) == [20 * MB, 10 * MB, 0]
    assert site.ledger_bytes() == 30 * MB


def test_credentials_in_the_configuration_of_rclone_do_not_replace_the_pool(
    rclone: Path, drive: FakeDrive, tmp_path: Path
) -> None:
    outsider = take_out_of_pool(drive, "3.json", tmp_path)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    credentials = json.dumps(json.loads(outsider.read_bytes()))
    text = drive.remotes.path.read_text(encoding="utf-8")
    section = "[gdrive]\n"
    assert section in text
    drive.remotes.path.write_text(text.replace(section, f"{section}service_account_credentials = {credentials}\n"))

    assert_the_pool_paid(site, drive)


@pytest.mark.parametrize("variable", ["RCLONE_DRIVE_SERVICE_ACCOUNT_FILE", "RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE"])
def test_a_key_file_in_the_environment_does_not_replace_the_pool(
    rclone: Path, drive: FakeDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(take_out_of_pool(drive, "3.json", tmp_path)))

    assert_the_pool_paid(make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB), drive)


def test_credentials_in_the_environment_do_not_replace_the_pool(
    rclone: Path, drive: FakeDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outsider = take_out_of_pool(drive, "3.json", tmp_path)
    monkeypatch.setenv("RCLONE_DRIVE_SERVICE_ACCOUNT_CREDENTIALS", outsider.read_text(encoding="utf-8"))

    assert_the_pool_paid(make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB), drive)


def test_a_key_in_a_connection_string_is_a_fault_before_anything_starts(
    rclone: Path, drive: FakeDrive, tmp_path: Path
) -> None:
    outsider = take_out_of_pool(drive, "3.json", tmp_path)
    destination = f"gdrive,service_account_file={outsider}:Media"
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB, destination=destination)
    write_files(site.source, [1000])

    with pytest.raises(ConfigError) as caught:
        site.upload()
    (fault,) = caught.value.faults
    assert fault.startswith('remotes.google.upload_remote: "gdrive" names a service account in its connection string')
    assert str(outsider) not in fault
    assert committed(drive) == [0, 0, 0]


def test_an_older_version_moved_into_a_backup_folder_is_neither_charged_nor_told(
    rclone: Path, drive: FakeDrive, tmp_path: Path
) -> None:
    site = make_site(
        tmp_path / "site", drive, rclone, quota_bytes=20 * MB, extras={"--backup-dir": "gdrive:Old", "--transfers": 1}
    )
    written = write_files(site.source, [3 * MB])
    site.upload()
    write_files(site.source, [4 * MB], seed=2)
    finished, seen = site.upload()

    assert (finished.outcome, finished.files, finished.bytes) == ("done", 1, 4 * MB)
    assert seen.transferred_bytes() == 4 * MB
    (name,) = written
    assert {f"Media/{name}", f"Old/{name}"} == drive.files().keys()
    assert site.ledger_bytes() == sum(committed(drive)) == 7 * MB
