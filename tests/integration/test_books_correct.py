"""`cloudplow accounts correct`: somebody knows better than the books, beside an upload or without one."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.integration.local_site import wait_for

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(3)]

QUOTA: Final = 20 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3, quota_bytes=QUOTA)


@pytest.fixture
def site(any_rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    return make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)


def correct(account: str, *words: str) -> list[str]:
    return ["accounts", "correct", UPLOADER, account, *words]


def test_used_and_forget_hold_for_the_next_process_and_the_next_plan(site: BookSite) -> None:
    site.write([MB] * 3)
    site.upload()
    done = site.run(*correct("1.json", "--used", "20000000b", "--yes"))
    assert done.status == 0, done.said
    assert done.stdout.strip() == "google: account 1.json has spent 19.1 MB, corrected by hand"
    assert site.used() == {"1.json": QUOTA, "2.json": 0, "3.json": 0}
    log = site.log_file.read_text("utf-8")
    assert "google: account 1.json has spent 19.1 MB, corrected by hand (asked for by " in log
    site.write([MB], below="more")
    site.upload()
    assert site.committed() == {"1.json": 3 * MB, "2.json": MB, "3.json": 0}

    done = site.run(*correct("1", "--forget", "--yes"))
    assert done.status == 0, done.said
    assert site.used() == {"1.json": 0, "2.json": MB, "3.json": 0}
    (returns,) = {len(record["returns"]) for name, record in site.records().items() if name == "1.json"}
    assert returns == 0


def test_a_denial_and_what_is_in_doubt_end_with_the_correction(drive: FakeDrive, site: BookSite) -> None:
    drive.spend(1, 19 * MB)
    site.remote["rclone_extras"]["--transfers"] = 1
    site.write([MB] * 5)
    site.upload()
    assert site.records()["1.json"]["state"] == "denied"
    assert site.run(*correct("1.json", "--used", "1M", "--yes")).status == 0
    record = site.records()["1.json"]
    assert (record["state"], record["used_bytes"]) == ("ready", 1 << 20)

    site.write([9 * MB], below="large")
    drive.set_settings(bandwidth=MB)
    upload = site.start()
    seen = len(site.told())
    site.wait_for_told("quota_changed", since=seen)
    upload.kill_all()
    (doubtful,) = [name for name, one in site.accounts().items() if one.doubtful_bytes]
    assert site.run(*correct(doubtful, "--used", "2M", "--yes")).status == 0
    record = site.records()[doubtful]
    assert (record["used_bytes"], record["unsettled_bytes"], record["unsettled_stages"]) == (2 << 20, 0, [])


def test_beside_a_running_upload_it_is_told_and_holds(drive: FakeDrive, site: BookSite) -> None:
    site.write([500_000, 8 * MB])
    drive.set_settings(bandwidth=MB)
    upload = site.start()
    site.wait_for_told("file_transferred")
    done = site.run(*correct("2.json", "--used", "19M", "--yes"))
    assert done.status == 0, done.said
    assert "account 2.json has spent 19.0 MB, corrected by hand" in done.stdout
    site.wait_for_told("control_used")
    (used,) = site.told("control_used")
    assert used == {**used, "uploader": UPLOADER, "action": "correct", "by": "cli"}
    assert used["who"]

    def changed() -> list[int]:
        return [one["used_bytes"] for one in site.told("quota_changed") if one["account"] == "2.json"]

    assert wait_for(changed, "the quota of 2.json") == [19 << 20]
    log = site.log_file.read_text("utf-8")
    assert log.count("account 2.json has spent 19.0 MB, corrected by hand") == 1
    # The running account too: what is on its way counts on top.
    assert site.run(*correct("1.json", "--forget", "--yes")).status == 0
    drive.set_settings(bandwidth=None)

    assert site.finish(upload) == 0, site.output()
    used_bytes = site.used()
    assert used_bytes["2.json"] == 19 << 20
    assert used_bytes["1.json"] == 8 * MB


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["correct", "gogle", "1.json", "--forget", "--yes"], 'there is no uploader "gogle"'),
        (
            ["correct", UPLOADER, "9.json", "--forget", "--yes"],
            'uploader "google" has no account "9.json" (it has: 1.js',
        ),
        (["correct", UPLOADER, "1.json", "--yes"], "usage: cloudplow accounts correct"),
        (["correct", UPLOADER, "--forget"], "usage: cloudplow accounts correct"),
        (["correct", UPLOADER, "1.json", "2.json", "--forget"], "usage: cloudplow accounts correct"),
        (["correct", UPLOADER, "1.json", "--used", "1G", "--forget"], "usage: cloudplow accounts correct"),
        (["correct", UPLOADER, "1.json", "--used", "much", "--yes"], "--used: "),
        (["correct", UPLOADER, "1.json", "--used=-1G", "--yes"], "--used: "),
        (["correct", UPLOADER, "1.json", "--used", "99999999999P", "--yes"], "--used"),
    ],
    ids=lambda one: " ".join(one[3:]) if isinstance(one, list) else "",
)
@pytest.mark.parametrize("running", [False, True])
def test_bad_usage_is_one_clear_sentence_and_changes_nothing(
    drive: FakeDrive, site: BookSite, words: list[str], sentence: str, running: bool
) -> None:
    if running and words[1:3] != [UPLOADER, "9.json"] and "99999999999P" not in words:
        pytest.skip("refused before anybody is asked")
    site.write([4 * MB])
    drive.set_settings(bandwidth=MB)
    upload = site.start() if running else None
    if upload is not None:
        site.wait_for_told("stage_started")
    done = site.run("accounts", *words)
    drive.set_settings(bandwidth=None)
    if upload is not None:
        assert site.finish(upload) == 0
    assert done.status in (1, 2), done.said
    assert sentence in done.stderr, done.said
    assert "Traceback" not in done.said
    assert site.used() == site.committed()
    assert site.told("control_used") == []


def test_with_nobody_to_ask_it_wants_yes(site: BookSite) -> None:
    done = site.run(*correct("1.json", "--used", "1G"))
    assert done.status == 1, done.said
    assert "nobody is there to ask: add --yes" in done.stderr
    assert site.used()["1.json"] == 0


@pytest.mark.parametrize(("answer", "used"), [("y\n", 1 << 20), ("n\n", 0), ("\n", 0), ("\x04", 0)])
def test_at_a_terminal_it_asks(site: BookSite, answer: str, used: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        site.command(*correct("1.json", "--used", "1M")),
        env=site.make_environment(),
        cwd=site.root,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    time.sleep(0.5)
    os.write(ours, answer.encode())
    stdout, stderr = process.communicate(timeout=60)
    os.close(ours)

    assert "Traceback" not in stderr
    assert "account 1.json has spent 1.0 MB, whatever the books say. Go on? [y/N]" in stdout
    assert site.used()["1.json"] == used
    assert process.returncode == 0, (stdout, stderr)
