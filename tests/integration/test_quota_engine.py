"""The quota engine against a fake Drive, with the real rclone in both versions."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cloudplow import events
from tests.fake_drive import Failure, FakeDrive, Fault, Mode, no_access, read_only
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER, Seen, Site, make_site, pareto_sizes, write_files

pytestmark = [pytest.mark.rclone]

MB = 1_000_000


def assert_arrived(drive: FakeDrive, files: dict[str, tuple[int, str]]) -> None:
    """Every file is on the Drive exactly once, with its content."""
    found = {name: (stored.size, stored.md5) for name, stored in drive.files().items()}
    assert found == {f"Media/{name}": content for name, content in files.items()}
    assert drive.duplicates() == []


def committed_bytes(drive: FakeDrive) -> int:
    return sum(usage.committed for usage in drive.usages().values())


def denials(drive: FakeDrive) -> int:
    return sum(usage.denials for usage in drive.usages().values())


def switch_reasons(seen: Seen) -> list[str]:
    return [event.reason for event in seen.of(events.SaSwitched)]


@pytest.mark.parametrize("mode", list(Mode))
def test_every_account_is_used_to_the_last_megabyte_and_none_is_denied(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, mode: Mode
) -> None:
    drive = fake_drive(accounts=5, quota_bytes=50 * MB, mode=mode)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=50 * MB)
    files = write_files(site.source, pareto_sizes(1000, 240 * MB, smallest=1000, largest=30 * MB))
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    assert denials(drive) == 0
    shares = sorted(usage.committed / (50 * MB) for usage in drive.usages().values())[1:]
    assert sum(shares) / len(shares) >= 0.999
    assert min(shares) >= 0.995
    assert finished.bytes == seen.transferred_bytes() == site.ledger_bytes() == committed_bytes(drive) == 240 * MB


def test_a_queue_larger_than_the_pool_closes_every_account_and_waits(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=5, quota_bytes=50 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=50 * MB)
    write_files(site.source, pareto_sizes(1000, 260 * MB, smallest=1000, largest=30 * MB))
    before = time.time()
    finished, _ = site.upload()
    assert finished.outcome == "quota_used"
    assert denials(drive) == 0
    assert min(usage.committed for usage in drive.usages().values()) >= 0.995 * 50 * MB
    assert finished.bytes + finished.bytes_left == 260 * MB
    assert finished.next_capacity_at is not None
    assert before + 86_400 <= finished.next_capacity_at <= time.time() + 86_400


@pytest.mark.parametrize("mode", list(Mode))
def test_an_account_that_somebody_else_uses_too_is_left_after_one_denied_stage(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, mode: Mode
) -> None:
    drive = fake_drive(accounts=4, quota_bytes=20 * MB, mode=mode)
    drive.spend(1, 19 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    files = write_files(site.source, pareto_sizes(200, 50 * MB, smallest=1000, largest=4 * MB))
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    denied = [event for event in seen.of(events.StageFinished) if event.outcome == "denied"]
    assert len({event.account for event in denied}) == len(denied) <= 1
    assert finished.bytes == seen.transferred_bytes() == committed_bytes(drive)
    # What the ledger charges beyond that are uploads that the denial interrupted: counted as used, to be safe.
    assert site.ledger_bytes() >= committed_bytes(drive)


def test_a_limit_below_the_configured_one_is_learned_once_kept_and_forgotten_with_the_config(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    true_limit = 18_600_000
    drive = fake_drive(accounts=6, quota_bytes=true_limit)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB, extras={"--transfers": 1})
    write_files(site.source, [100_000] * 700)
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert [event.outcome for event in seen.of(events.StageFinished)].count("denied") == 1
    learned = {quota.limit_bytes for quota in seen.of(events.AccountsLearned)[-1].accounts}
    assert len(learned) == 1
    assert true_limit <= learned.pop() <= true_limit + 100_000
    write_files(site.source, [100_000] * 100)
    _, seen = site.upload()
    assert seen.of(events.AccountsLearned)[0].accounts[0].limit_bytes < 20 * MB
    site.config["uploader"][UPLOADER]["account_quota"] = 30 * MB
    write_files(site.source, [100_000])
    _, seen = site.upload()
    assert seen.of(events.AccountsLearned)[0].accounts[0].limit_bytes == 30 * MB


def test_a_revoked_key_is_set_aside_with_its_reason_and_the_next_takes_over(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    drive.revoke(1)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    files = write_files(site.source, [200_000] * 50)
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    assert switch_reasons(seen) == ["first", "failed"]
    first = seen.of(events.AccountsLearned)[-1].accounts[0]
    assert first.state == "failed"
    assert "revoked" in first.why
    assert first.used_bytes == 0


@pytest.mark.parametrize("refuse", [no_access, read_only])
def test_an_account_without_access_is_set_aside_with_its_reason(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, refuse: object
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    drive.add_fault(refuse("1.json"))  # type: ignore[operator]
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    files = write_files(site.source, [200_000] * 50)
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    first = seen.of(events.AccountsLearned)[-1].accounts[0]
    assert (first.state, "no access" in first.why) == ("failed", True)


def test_a_full_shared_drive_ends_the_session_with_its_own_sentence_and_loses_nothing(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    drive.add_fault(Fault(Failure.FILE_LIMIT, kinds=frozenset(("session", "multipart"))))
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    write_files(site.source, [200_000] * 20)
    finished, seen = site.upload()
    assert finished.outcome == "failed"
    assert "shared drive is full" in finished.reason
    assert finished.files_left == 20
    assert switch_reasons(seen) == ["first"]


def test_an_account_whose_storage_is_full_is_set_aside_and_the_next_takes_over(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    full = frozenset(("1.json",))
    drive.add_fault(Fault(Failure.STORAGE_FULL, kinds=frozenset(("session", "multipart")), accounts=full))
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    files = write_files(site.source, [200_000] * 20)
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    assert switch_reasons(seen) == ["first", "failed"]
    assert "storage" in seen.of(events.AccountsLearned)[-1].accounts[0].why


def test_storage_that_is_full_for_every_account_ends_the_session_with_its_sentence(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=20 * MB)
    drive.add_fault(Fault(Failure.STORAGE_FULL, kinds=frozenset(("session", "multipart"))))
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    write_files(site.source, [200_000] * 20)
    finished, _ = site.upload()
    assert (finished.outcome, finished.files_left) == ("failed", 20)
    assert "storage" in finished.reason


def test_plain_rate_limiting_and_server_errors_are_no_denial(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    drive.add_fault(Fault(Failure.USER_RATE, first=3, after=5))
    drive.add_fault(Fault(Failure.UNAVAILABLE, first=3, after=20))
    drive.add_fault(Fault(Failure.DROP, kinds=frozenset(("multipart",)), first=1, after=9))
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    files = write_files(site.source, [200_000] * 60)
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    assert switch_reasons(seen) == ["first"]


def test_a_trigger_puts_the_account_to_sleep_and_the_next_takes_over(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=20 * MB)
    sleeps = {"episode 00003": {"count": 1, "timeout": 60, "sleep": 2}}
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB, remote={"rclone_sleeps": sleeps})
    site.config["remotes"][UPLOADER]["rclone_extras"]["-vv"] = None
    write_files(site.source, [200_000] * 50)
    finished, seen = site.upload()
    first = seen.of(events.AccountsLearned)[-1].accounts[0]
    assert seen.of(events.StageFinished)[0].outcome == "triggered"
    assert first.state == "denied"
    assert first.until is not None
    assert 7000 < first.until - time.time() <= 7200
    assert finished.files + finished.files_left == 50


def test_a_file_larger_than_a_whole_quota_goes_alone_on_a_fresh_account(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=20 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=20 * MB)
    files = write_files(site.source, [25 * MB, *[500_000] * 20])
    finished, seen = site.upload()
    assert finished.outcome == "done"
    assert_arrived(drive, files)
    assert [event.planned_files for event in seen.of(events.StageStarted)] == [1, 20]


def test_a_crypt_remote_is_planned_in_the_sizes_that_the_drive_counts(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=5 * MB, mode=Mode.WOULD_EXCEED)
    drive.remotes.add_crypt("secret", "gdrive:Media")
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB, destination="secret:")
    write_files(site.source, pareto_sizes(120, 12 * MB, smallest=100, largest=1 * MB))
    finished, _ = site.upload()
    assert finished.outcome == "done"
    assert denials(drive) == 0
    assert site.ledger_bytes() == committed_bytes(drive) > 12 * MB


def test_a_restart_continues_with_what_the_accounts_have_left(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=10 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=10 * MB)
    write_files(site.source, [500_000] * 30)
    assert site.upload()[0].outcome == "done"
    write_files(site.source, [400_000] * 60)
    finished, _ = site.upload()
    assert finished.outcome == "quota_used"
    assert denials(drive) == 0
    assert committed_bytes(drive) == site.ledger_bytes() <= 30 * MB


def test_all_quotas_used_exits_3_and_says_when_and_how_much_returns(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB)
    write_files(site.source, [500_000] * 30)
    done = site.run("upload")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "more quota at " in done.stdout
    assert "until the first 4.8 MB come back" in done.stdout


def test_upload_wait_goes_on_by_itself_when_the_window_has_passed(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=5 * MB, window_seconds=1.5)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB, quota_hours=2 / 3600)
    files = write_files(site.source, [500_000] * 45)
    done = site.run("upload", "--wait", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_arrived(drive, files)
    assert denials(drive) == 0


def test_twenty_kills_lose_nothing_and_upload_nothing_twice_beyond_what_was_in_flight(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=6, quota_bytes=40 * MB)
    drive.set_settings(bandwidth=25 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=40 * MB, extras={"--transfers": 4})
    files = write_files(site.source, pareto_sizes(400, 160 * MB, smallest=1000, largest=6 * MB))
    random_source = random.Random(7)
    kills = 0
    for _ in range(20):
        process = subprocess.Popen(site.command("upload"), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        try:
            process.wait(timeout=0.4 + random_source.random())
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        if process.returncode == 0:
            break
    assert kills >= 5
    drive.set_settings(bandwidth=None)
    last = site.run("upload")
    assert last.returncode == 0, last.stdout + last.stderr
    assert_arrived(drive, files)
    assert not [path for path in site.source.rglob("*") if path.is_file()]
    in_flight = 4 * 6 * MB
    assert all(usage.committed <= 40 * MB + in_flight for usage in drive.usages().values())
    assert site.ledger_bytes() >= committed_bytes(drive) - kills * in_flight
    assert denials(drive) == 0


def plan_of(site: Site) -> dict[str, object]:
    done = site.run("plan", "--json")
    document: dict[str, object] = json.loads(done.stdout)[UPLOADER]
    return document


def test_plan_shows_accounts_stages_and_what_waits_and_changes_nothing(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=5 * MB)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5 * MB)
    write_files(site.source, [500_000] * 30)
    before = sorted(path.name for path in site.root.iterdir())
    document = plan_of(site)
    assert (document["files"], document["waiting_files"]) == (20, 10)
    assert sorted(path.name for path in site.root.iterdir()) == before
    assert drive.files() == {}
