"""Files that cannot be uploaded: they go last, are tried a few times, and never hold up or lose a healthy one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cloudplow.events import sentences
from cloudplow.upload.queue_state import TRIES_PER_FILE
from tests.fake_drive import Failure, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import make_site, write_files
from tests.integration.local_site import LocalSite, Run, contents

pytestmark = pytest.mark.rclone

QUOTA = 100_000


def break_files(site: LocalSite, count: int, size: int) -> set[str]:
    """Files that the destination refuses: for each name it already has a non-empty folder."""
    site.remote["upload_remote"] = "plain:Media"
    names = {f"broken {number}.mkv" for number in range(count)}
    for name in names:
        site.write(name, size)
        in_the_way = site.cloud / "Media" / f"{name}.bin" / "in the way"
        in_the_way.parent.mkdir(parents=True)
        in_the_way.touch()
    return names


def write_healthy(site: LocalSite, count: int, size: int) -> set[str]:
    names = {f"Show/{number:03}.mkv" for number in range(count)}
    for name in names:
        site.write(name, size)
    return names


def assert_only_the_broken_are_left(site: LocalSite, done: Run, healthy: set[str], broken: set[str]) -> None:
    assert done.status == 1, done.said
    assert done.transferred.keys() == healthy
    assert contents(site.source).keys() == {name.encode() for name in broken}
    assert (done.finished["outcome"], done.finished["files_left"]) == ("failed", len(broken))
    assert f"{sentences.count(len(broken), 'file')} could not be uploaded" in done.finished["reason"]
    failures = Counter(event["name"] for event in done.of("file_failed"))
    assert failures == dict.fromkeys(broken, TRIES_PER_FILE)


def assert_tried_again_last(done: Run, broken: set[str]) -> None:
    """From the second failure of any file on, no healthy file arrives."""
    seen: set[str] = set()
    for place, event in enumerate(done.events):
        if event["signal"] == "file_failed" and event["name"] in seen:
            assert {one["signal"] for one in done.events[place:]}.isdisjoint({"file_transferred"})
            return
        seen |= {event["name"]} if event["signal"] == "file_failed" else set()
    raise AssertionError(f"nothing was tried again: {broken}")


@pytest.mark.parametrize("accounts", [0, 9])
def test_failing_files_among_healthy_ones_are_tried_again_only_after_these(site: LocalSite, accounts: int) -> None:
    broken = break_files(site, 5, 15_000)
    healthy = write_healthy(site, 60, 5_000)
    if accounts:
        site.add_accounts(accounts, quota=QUOTA)
    done = site.run("upload")
    assert_only_the_broken_are_left(site, done, healthy, broken)
    assert_tried_again_last(done, broken)


def test_files_that_fail_alone_one_after_the_other_do_not_end_the_session(any_site: LocalSite) -> None:
    # Each of them fills a quota, so that the stages in which nothing arrives come first, and in a row.
    broken = break_files(any_site, 5, QUOTA - 200)
    healthy = write_healthy(any_site, 19, 5_000)
    any_site.add_accounts(12, quota=QUOTA)
    any_site.shorten_pauses()
    done = any_site.run("upload")
    assert done.transferred.keys() == healthy, done.said
    assert contents(any_site.source).keys() == {name.encode() for name in broken}
    assert done.status == 1, done.said
    assert_tried_again_last(done, broken)


def test_failing_files_do_not_keep_accounts_from_being_used_up(any_site: LocalSite) -> None:
    broken = break_files(any_site, 3, 60_000)
    write_healthy(any_site, 60, 10_000)
    any_site.add_accounts(4, quota=QUOTA)
    done = any_site.run("upload")
    assert done.finished["outcome"] == "quota_used", done.said
    assert len(done.transferred) == 4 * 10
    assert broken <= {name.decode() for name in contents(any_site.source)}


def test_a_file_that_no_account_may_write_sets_none_of_them_aside(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=10_000_000)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=10_000_000, extras={"--transfers": 1})
    # The second file is refused whenever it comes: first among others, then alone.
    drive.add_fault(Fault(Failure.NO_PERMISSION, kinds=frozenset(("multipart",)), after=1, first=1))
    drive.add_fault(Fault(Failure.NO_PERMISSION, kinds=frozenset(("multipart",)), after=5))
    write_files(site.source, [100_000] * 6)
    finished, seen = site.upload()
    assert (finished.outcome, finished.files, finished.files_left) == ("failed", 5, 1)
    assert "1 file could not be uploaded" in finished.reason
    assert [event.signal_name for event in seen.events].count("sa_switched") == 1
    assert [event.signal_name for event in seen.events].count("file_failed") == TRIES_PER_FILE
