"""`cloudplow check` looks at everything, says it in one line each, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_drive import FakeDrive, no_access
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration.book_site import MB, BookSite, make_book_site

pytestmark = [pytest.mark.rclone]


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3)


@pytest.fixture
def site(rclone: Path, drive: FakeDrive, tmp_path: Path) -> BookSite:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=100 * MB)
    site.write([1000])
    return site


def test_the_destination_is_looked_at_and_its_clock_compared(site: BookSite) -> None:
    done = site.run("check")
    assert done.status == 0, done.said
    assert "gdrive:Media can be reached with 1.json; the folder is new and will be made" in done.stdout
    assert "clock: right, as far as the destination says" in done.stdout
    assert "Authorization" not in done.said
    assert site.drive.files() == {}


def test_an_account_that_does_not_reach_the_drive_is_named_with_its_cure(site: BookSite) -> None:
    site.drive.add_fault(no_access("2.json"))
    done = site.run("check", "--all-accounts", "--json")
    assert done.status == 0, done.said
    document = json.loads(done.stdout)
    warnings = [line["text"] for line in document["lines"] if line["verdict"] == "warning"]
    assert [one for one in warnings if "account 2.json cannot reach" in one and "make it a member" in one]
    assert any("2 of 3 accounts can reach" in line["text"] for line in document["lines"])
    assert site.run("check", "--all-accounts", "--strict").status == 2


def test_a_broken_configuration_is_told_beside_what_can_be_known_without_it(site: BookSite) -> None:
    site.site.config["core"]["dry_run"] = "perhaps"
    site.site.config["remotes"]["google"]["rclone_command"] = "sync"
    done = site.run("check")
    assert done.status == 2
    faults = [line for line in done.stdout.splitlines() if line.startswith("FAULT")]
    assert len(faults) >= 2, done.said
    assert "rclone 1." in done.stdout
