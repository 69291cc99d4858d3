"""Uploads that are stopped, killed or started twice: no file is lost, and no spent quota is forgotten."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.fake_drive import Failure, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import make_site, write_files
from tests.integration.fake_rclone import write_program
from tests.integration.local_site import Contents, LocalSite, contents, total_bytes, wait_for

pytestmark = pytest.mark.rclone

#: Slow enough to be stopped in the middle: 20 files of 75 KB at 400 KB/s.
FILES = 20
FILE_BYTES = 75_000
TRANSFERS = 2
LIBRARY_BYTES = FILES * FILE_BYTES


def slow(site: LocalSite, *, accounts: int = 4) -> Contents:
    """A library that takes some seconds to upload; returns what is in it."""
    for number in range(FILES):
        site.write(f"Show/{number:02}.mkv", FILE_BYTES)
    site.extras.update({"--bwlimit": "400k", "--transfers": TRANSFERS, "--buffer-size": "0"})
    if accounts:
        site.add_accounts(accounts, quota=7 * FILE_BYTES)
    return contents(site.source)


def hurry(site: LocalSite) -> None:
    del site.extras["--bwlimit"]


@contextmanager
def running(site: LocalSite, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running upload; whatever is left of it at the end is killed."""
    process = site.start("upload", *words)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for one in rclones(site):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def rclones(site: LocalSite) -> list[psutil.Process]:
    """Every rclone that works for the site, whatever started it."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if f"--config={site.root / 'rclone.conf'}" in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_for_files(site: LocalSite, count: int) -> None:
    """Wait until the upload has reported this many files; returns in the middle of the next ones."""
    wait_for(lambda: len(transferred(site)) >= count, f"{count} files\n{site.output()}")


def copying(site: LocalSite) -> psutil.Process:
    """The rclone of the running stage; between two stages there is none for a moment."""
    found = wait_for(lambda: [one for one in rclones(site) if "copy" in one.cmdline()], "an rclone that copies")
    (only,) = found
    return only


def transferred(site: LocalSite) -> list[str]:
    return [event["name"] for event in site.told() if event["signal"] == "file_transferred"]


def arrived_whole(site: LocalSite, library: Contents) -> Contents:
    """What has arrived intact. A local folder, unlike a Drive, also shows partial uploads."""
    return {name: entry for name, entry in site.arrived(check=False).items() if library.get(name) == entry}


def assert_nothing_lost(site: LocalSite, library: Contents) -> None:
    """Source and destination together hold every file whole (one may be in both), and what arrived was charged."""
    arrived = arrived_whole(site, library)
    assert arrived | contents(site.source) == library
    if site.accounts.exists():
        assert site.ledger_bytes() >= total_bytes(arrived)


def assert_complete(site: LocalSite, library: Contents) -> None:
    """Everything has arrived, nothing is left, and no account forgot what it spent."""
    assert arrived_whole(site, library) == library
    assert contents(site.source) == {}
    assert site.ledger_bytes() >= LIBRARY_BYTES


# Asked to stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_at_once_and_the_next_run_finishes(site: LocalSite, number: signal.Signals) -> None:
    library = slow(site)
    with running(site) as process:
        wait_for_files(site, 3)
        asked_at = time.monotonic()
        process.send_signal(number)
        status = process.wait(10)
        took = time.monotonic() - asked_at

    assert status == 130, site.output()
    assert took < 3
    assert rclones(site) == []
    assert "Traceback" not in site.output()
    assert_nothing_lost(site, library)
    finished = site.told()[-1]
    assert (finished["signal"], finished["outcome"]) == ("session_finished", "interrupted")
    left = contents(site.source)
    assert (finished["files_left"], finished["bytes_left"]) == (len(left), total_bytes(left))
    assert finished["files"] == len(transferred(site)) == FILES - len(left)

    hurry(site)
    again = site.run("upload")

    assert again.status == 0, again.said
    assert_complete(site, library)
    assert finished["files"] + again.finished["files"] == FILES


def test_stopped_while_it_waits_for_quota_it_ends_at_once(any_site: LocalSite) -> None:
    any_site.write("first", 1000)
    any_site.write("second", 1000)
    any_site.add_accounts(1, quota=1000)
    with running(any_site, "--wait") as process:
        wait_for(
            lambda: any(event["signal"] == "uploader_suspended" for event in any_site.told()),
            f"the suspension\n{any_site.output()}",
        )
        asked_at = time.monotonic()
        process.terminate()
        status = process.wait(10)

    assert status == 130, any_site.output()
    assert time.monotonic() - asked_at < 3
    # The session ended when the quota was used up; only the wait for more was interrupted.
    assert [event for event in any_site.told() if event["signal"] == "session_finished"][-1]["outcome"] == "quota_used"
    assert any_site.ledger_bytes() == 1000
    assert len(contents(any_site.source)) == 1


@pytest.mark.parametrize("busy_with", ["listing", "comparing"])
def test_stopped_while_it_learns_the_queue_it_ends_at_once(tmp_path: Path, busy_with: str) -> None:
    site = LocalSite(tmp_path / "site", tmp_path / "rclone")
    site.write("file")
    site.remote.update(upload_remote="cloud:", rclone_command="copy")
    hang = f"open({str(site.root / 'begun')!r}, 'w').close()\ntime.sleep(60)"
    write_program(site, hang, listing=hang if busy_with == "listing" else "pass")
    with running(site) as process:
        wait_for((site.root / "begun").exists, f"rclone\n{site.output()}")
        wait_for(site.told, "the beginning of the session")
        asked_at = time.monotonic()
        process.terminate()
        status = process.wait(10)
        took = time.monotonic() - asked_at

    assert status == 130, site.output()
    assert took < 3
    assert [event["signal"] for event in site.told()] == ["session_started", "uploader_status", "session_finished"]
    assert site.told()[-1]["outcome"] == "interrupted"
    assert len(contents(site.source)) == 1


def test_stopped_between_two_uploaders_the_second_does_not_begin(any_site: LocalSite) -> None:
    slow(any_site, accounts=0)
    other = any_site.root / "other"
    other.mkdir()
    (other / "file").write_bytes(b"other")
    any_site.config["remotes"]["other"] = {"upload_folder": str(other), "upload_remote": "vault:Other"}
    any_site.config["uploader"]["other"] = {}
    with running(any_site) as process:
        wait_for_files(any_site, 1)
        process.terminate()
        status = process.wait(10)

    assert status == 130, any_site.output()
    assert {event["uploader"] for event in any_site.told()} == {"google"}
    assert (other / "file").exists()


def test_an_rclone_that_does_not_listen_is_killed_by_the_second_signal(site: LocalSite) -> None:
    library = slow(site)
    with running(site) as process:
        wait_for_files(site, 1)
        deaf = copying(site)
        deaf.suspend()
        process.terminate()
        wait_for(lambda: "a second one kills it" in site.output(), "the answer to the signal")
        assert process.poll() is None
        asked_at = time.monotonic()
        process.terminate()
        status = process.wait(10)

    assert status == 130, site.output()
    assert time.monotonic() - asked_at < 3
    assert rclones(site) == []
    assert_nothing_lost(site, library)


# Killed


def test_killed_in_a_stage_nothing_is_lost_and_no_spent_quota_forgotten(site: LocalSite) -> None:
    library = slow(site)
    with running(site) as process:
        wait_for_files(site, 3)
        process.kill()
        process.wait()
        killed_at = time.monotonic()
        # Nothing reads its output now, and it writes once a second.
        wait_for(lambda: not rclones(site), "the end of rclone", 10)
        assert time.monotonic() - killed_at < 4

    assert_nothing_lost(site, library)

    hurry(site)
    again = site.run("upload")

    assert again.status == 0, again.said
    assert_complete(site, library)
    assert all(record["bytes"] <= 7 * FILE_BYTES for record in site.ledger().values())


def test_right_after_a_kill_the_next_run_waits_for_the_orphan_or_says_so(site: LocalSite) -> None:
    library = slow(site)
    with running(site) as process:
        wait_for_files(site, 3)
        process.kill()
        process.wait()

        hurry(site)
        runs = [site.run("upload")]
        while runs[-1].status == 1 and len(runs) < 10:
            assert "another upload is using the upload folder" in runs[-1].stderr
            runs.append(site.run("upload"))

    assert runs[-1].status == 0, runs[-1].said
    assert_complete(site, library)


def test_a_rclone_that_is_killed_from_outside_is_followed_by_another(site: LocalSite) -> None:
    library = slow(site)
    with running(site) as process:
        wait_for_files(site, 2)
        copying(site).kill()
        status = process.wait(60)

    assert status == 0, site.output()
    assert "SIGKILL" in site.output()
    assert_complete(site, library)


# Two at the same time


def test_a_second_upload_of_the_same_folder_says_that_it_is_in_use(any_site: LocalSite) -> None:
    library = slow(any_site)
    any_site.extras["--bwlimit"] = "150k"
    with running(any_site) as process:
        wait_for_files(any_site, 1)
        # Another installation that knows nothing of the first but has the same upload folder.
        other = LocalSite(any_site.root / "other", any_site.rclone)
        other.remote["upload_folder"] = str(any_site.source)
        second = other.run("upload")

        assert process.poll() is None
        assert second.status == 1, second.said
        (line,) = second.stderr.splitlines()
        assert f"another upload is using the upload folder {any_site.source}: wait until it ends" in line
        assert second.of("session_started", "stage_started") == []
        process.terminate()
        process.wait(10)

    assert_nothing_lost(any_site, library)


def test_a_second_upload_with_the_same_accounts_says_that_they_are_in_use(any_site: LocalSite) -> None:
    slow(any_site)
    any_site.extras["--bwlimit"] = "150k"
    with running(any_site) as process:
        wait_for_files(any_site, 1)
        other = LocalSite(any_site.root / "other", any_site.rclone)
        other.write("file")
        other.add_accounts(1, quota="1M")
        other.uploader["service_account_path"] = str(any_site.accounts)
        second = other.run("upload")

        assert process.poll() is None
        assert second.status == 1, second.said
        (line,) = second.stderr.splitlines()
        assert f"another upload is using the account folder {any_site.accounts}" in line
        assert contents(other.source).keys() == {b"file"}


# What a Drive has taken when its response is still pending


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_drive_has_taken_without_a_word_counts_as_used_before_the_next_run(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, number: signal.Signals
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=5_000_000)
    drive.add_fault(Fault(Failure.DROP, kinds=frozenset(("multipart",)), carried_out=True, hold_seconds=30))
    extras = {"--transfers": TRANSFERS}
    drive_site = make_site(tmp_path / "site", drive, rclone, quota_bytes=5_000_000, extras=extras)
    write_files(drive_site.source, [FILE_BYTES] * FILES)
    process = subprocess.Popen(drive_site.command("upload"), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    wait_for(lambda: len(drive.files()) == TRANSFERS, "the first files")
    process.send_signal(number)
    assert process.wait(10) == 130
    committed = sum(usage.committed for usage in drive.usages().values())
    assert committed == TRANSFERS * FILE_BYTES
    assert drive_site.ledger_bytes() >= committed

    drive.clear_faults()
    again = drive_site.run("upload")

    assert again.returncode == 0, again.stdout + again.stderr
    assert drive.duplicates() == []
    assert drive_site.ledger_bytes() == sum(usage.committed for usage in drive.usages().values()) == LIBRARY_BYTES
