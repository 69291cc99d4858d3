"""`cloudplow accounts`: what each account has spent, beside an upload, without one, and after a kill."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.interruptions.processes import Upload

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300)]

QUOTA: Final = 20 * MB
KEYS: Final = {
    "account",
    "used_bytes",
    "in_flight_bytes",
    "unsettled_bytes",
    "limit_bytes",
    "free_bytes",
    "resets_at",
    "returns",
    "state",
    "why",
    "until",
    "unsettled_stages",
}


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3, quota_bytes=QUOTA)


@pytest.fixture
def site(any_rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    return make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)


def slow_upload(site: BookSite) -> Upload:
    """An upload in the middle of a large file."""
    site.write([500_000, 12 * MB])
    site.drive.set_settings(bandwidth=MB)
    upload = site.start()
    site.wait_for_told("file_transferred")
    site.wait_for_told("quota_changed", 2)
    return upload


def test_before_the_first_upload_every_account_is_free(site: BookSite) -> None:
    done = site.run("accounts")
    assert (done.status, done.stderr) == (0, ""), done.said
    lines = done.stdout.splitlines()
    assert lines[0] == "google: 3 accounts"
    assert [line.split()[:2] for line in lines[1:]] == [[f"{number}.json", "ready"] for number in (1, 2, 3)]
    assert all(re.search(r"0 B spent, +19\.1 MB free$", line) for line in lines[1:]), done.stdout
    for record in site.records().values():
        assert record.keys() == KEYS
        assert (record["used_bytes"], record["free_bytes"], record["returns"]) == (0, QUOTA, [])


def test_after_an_upload_it_says_what_is_spent_and_when_it_comes_back(site: BookSite) -> None:
    site.write([MB] * 25)
    began = time.time()
    site.upload()

    records = site.records()
    assert [records[f"{number}.json"]["used_bytes"] for number in (1, 2, 3)] == [20 * MB, 5 * MB, 0]
    first = records["1.json"]
    assert (first["state"], first["free_bytes"]) == ("cooling", 0)
    assert sum(one["bytes"] for one in first["returns"]) == 20 * MB
    assert all(began + 86_400 <= one["at"] <= time.time() + 86_400 for one in first["returns"])
    assert first["resets_at"] == first["returns"][0]["at"]
    text = site.run("accounts", UPLOADER).stdout
    assert re.search(r"1\.json +cooling +19\.1 MB spent, +0 B free, +19\.1 MB come back at ", text), text


def test_a_denied_account_says_so_and_until_when(drive: FakeDrive, site: BookSite) -> None:
    drive.spend(1, 19 * MB)
    site.remote["rclone_extras"]["--transfers"] = 1
    site.write([MB] * 5)
    site.upload()
    record = site.records()["1.json"]
    assert record["state"] == "denied"
    assert time.time() + 86_000 < record["until"] <= time.time() + 86_401
    assert record["why"]
    assert f"{record['why']} (until " in site.run("accounts").stdout


def test_beside_a_running_upload_it_says_what_is_on_its_way(drive: FakeDrive, site: BookSite) -> None:
    upload = slow_upload(site)
    try:
        record = site.records()["1.json"]
        assert record["state"] == "active"
        assert record["used_bytes"] >= 500_000
        assert record["in_flight_bytes"] > 0
        assert record["unsettled_bytes"] == 0
        assert record["free_bytes"] == QUOTA - record["used_bytes"] - record["in_flight_bytes"]
        text = site.run("accounts").stdout
        assert re.search(r"1\.json +active .* on its way", text), text
    finally:
        drive.set_settings(bandwidth=None)
        assert site.finish(upload) == 0
    assert site.records()["1.json"]["in_flight_bytes"] == 0


def test_beside_an_upload_whose_socket_cannot_be_asked_the_exports_say_it(drive: FakeDrive, site: BookSite) -> None:
    (site.state / "control.sock").mkdir()
    site.write([QUOTA])
    site.upload()
    upload = slow_upload(site)
    try:
        before = time.monotonic()
        assert site.used()["1.json"] == QUOTA
        assert time.monotonic() - before < 60
    finally:
        drive.set_settings(bandwidth=None)
        assert site.finish(upload) == 0


def test_after_a_kill_it_says_what_is_in_doubt(site: BookSite) -> None:
    upload = slow_upload(site)
    upload.kill_all()
    record = site.records()["1.json"]
    assert (record["used_bytes"], record["unsettled_bytes"]) == (500_000, 12 * MB)
    (stage,) = record["unsettled_stages"]
    assert stage == {**stage, "account": "1.json", "files": 1, "bytes": 12 * MB}
    assert stage["opened_at"] <= stage["ended_at"] <= time.time() + 1
    text = site.run("accounts").stdout
    assert re.search(r"1\.json .* 11\.4 MB unsettled \(1 file\)", text), text
    # The same again: asking changes nothing.
    again = site.records()["1.json"]
    assert (again["used_bytes"], again["unsettled_bytes"]) == (500_000, 12 * MB)


def test_uploaders_without_accounts_say_so(site: BookSite) -> None:
    del site.uploader["service_account_path"]
    done = site.run("accounts")
    assert (done.status, done.stdout) == (0, "google: uses no accounts\n"), done.said
    assert json.loads(site.accounts_text()) == {"google": []}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gogle"], 'there is no uploader "gogle"; the configuration has: google'),
        (["google", "gogle", "oogle"], 'there is no uploader "oogle"'),
        (["--used", "3G"], "--used and --forget belong to: cloudplow accounts correct"),
        (["google", "--forget"], "--used and --forget belong to: cloudplow accounts correct"),
        (["correct"], 'there is no uploader "correct"'),
        (["--jsn"], "unrecognized arguments: --jsn"),
    ],
    ids=" ".join,
)
def test_bad_usage_is_one_clear_sentence(site: BookSite, words: list[str], sentence: str) -> None:
    done = site.run("accounts", *words)
    assert done.status == 2, done.said
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_account_folder_that_is_gone_is_one_clear_sentence(drive: FakeDrive, site: BookSite) -> None:
    shutil.rmtree(drive.accounts_directory)
    done = site.run("accounts")
    assert done.status in (1, 2), done.said
    assert f'the account folder "{drive.accounts_directory}" cannot be read' in done.stderr
    assert "Traceback" not in done.said
