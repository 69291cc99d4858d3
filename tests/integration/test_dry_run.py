"""A dry run against a fake Drive: shows what an upload would do, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudplow import events
from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER, Seen, Site, make_site, write_files

pytestmark = pytest.mark.rclone

MB = 1_000_000


def stages(seen: Seen) -> list[tuple[str, int, int]]:
    """Account, files and bytes of each stage."""
    return [(one.account, one.planned_files, one.planned_bytes) for one in seen.of(events.StageStarted)]


def accounts(seen: Seen) -> list[str]:
    return [one.current for one in seen.of(events.SaSwitched)]


def kept(site: Site) -> dict[str, bytes]:
    """Every file that an upload leaves behind, but the record of the last session."""
    texts = {
        str(path.relative_to(site.root)): path.read_bytes()
        for path in site.root.rglob("*")
        if path.is_file() and site.source not in path.parents
    }
    return {name: text for name, text in texts.items() if not name.startswith(("dashboard_", "learned_"))}


def dry(site: Site, *, on: bool) -> None:
    site.config["core"]["dry_run"] = on
    site.save()


def source_files(site: Site) -> int:
    return sum(path.is_file() for path in site.source.rglob("*"))


def requests_that_write(drive: FakeDrive) -> set[str]:
    return drive.requests().keys() & {"session", "chunk", "multipart", "create_folder", "update", "delete"}


@pytest.mark.parametrize("queue_files", [30, 50])
def test_a_dry_run_goes_over_the_accounts_as_the_upload_then_does(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, queue_files: int
) -> None:
    drive = fake_drive(accounts=4, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB)
    write_files(site.source, [500_000] * queue_files)
    dry(site, on=True)
    pretended, dry_seen = site.upload()
    assert source_files(site) == queue_files
    assert requests_that_write(drive) == set()
    dry(site, on=False)
    finished, seen = site.upload()
    assert dry_seen.of(events.SessionStarted)[0].dry_run
    assert stages(dry_seen) == stages(seen)
    assert accounts(dry_seen) == accounts(seen)
    remaining = [one.quota_remaining_bytes for one in dry_seen.of(events.StageStarted)]
    assert remaining == [one.quota_remaining_bytes for one in seen.of(events.StageStarted)]
    assert pretended.outcome == finished.outcome == ("done" if queue_files == 30 else "quota_used")
    assert (pretended.files, pretended.bytes, pretended.files_left) == (0, 0, queue_files)
    assert dry_seen.of(events.FileTransferred) == []


def test_a_dry_run_spends_nothing_reserves_nothing_and_leaves_nothing_behind(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB)
    write_files(site.source, [500_000] * 4)
    site.upload()
    write_files(site.source, [400_000] * 40)
    dry(site, on=True)
    before = kept(site)
    _, seen = site.upload()
    assert kept(site) == before
    assert site.ledger_bytes() == 2 * MB
    assert seen.of(events.QuotaChanged) == []
    used = [[quota.used_bytes for quota in one.accounts] for one in seen.of(events.AccountsLearned)]
    assert used == [[2 * MB, 0, 0]] * len(used)


def test_a_dry_run_knows_what_is_there_already(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=3, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB, remote={"rclone_command": "copy"})
    write_files(site.source, [500_000] * 10)
    site.upload()
    site.config["remotes"][UPLOADER]["rclone_command"] = "move"
    write_files(site.source / "new", [500_000] * 10)
    dry(site, on=True)
    _, dry_seen = site.upload()
    dry(site, on=False)
    _, seen = site.upload()
    assert stages(dry_seen) == stages(seen)


def test_a_dry_run_after_a_kill_leaves_it_to_the_next_upload_to_settle(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=5 * MB)
    write_files(site.source, [500_000] * 2)
    open_stage = {"planned_bytes": 3 * MB, "charged_bytes": 0}
    record = {"bytes": 0, "charges": [], "open_stage": open_stage}
    (site.root / "sa_quota_cache.json").write_text(json.dumps({UPLOADER: {str(drive.key_file(1)): record}}))
    (site.root / "stages").mkdir()
    (site.root / "stages" / f"{UPLOADER}.sizes").write_text("3000000\tgone\n")
    dry(site, on=True)
    before = kept(site)
    site.upload()
    assert kept(site) == before
    dry(site, on=False)
    site.upload()
    assert site.ledger_bytes() == 4 * MB


def test_upload_dry_run_shows_every_account_and_does_not_wait(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=5 * MB)
    write_files(site.source, [500_000] * 40)
    done = site.run("upload", "--dry-run", "--wait")
    assert done.returncode == 3, done.stdout + done.stderr
    for number in (1, 2, 3):
        assert f"{number}.json ({number} of 3)" in done.stdout
        assert f"Stage {number} started with {number}.json: 10 files" in done.stdout
    assert "the quota of every account would be used up; 10 files wait" in done.stdout
    assert source_files(site) == 40
    assert drive.files() == {}
