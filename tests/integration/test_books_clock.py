"""A machine whose wall clock is wrong for a while: nothing that was spent is forgotten, nothing is barred for ever.

A7: test_one_command_with_a_wrong_clock_forgets_nothing,
    test_a_wrong_clock_after_a_restart_of_the_machine_forgets_nothing,
    test_a_clock_that_is_set_for_good_between_daily_uploads_forgets_nothing,
    test_a_clock_that_is_right_at_last_brings_quota_back_in_time
A8: test_a_denial_met_with_a_clock_that_is_ahead_lasts_one_window
A9: test_waiting_for_quota_takes_the_time_that_passes,
    test_waiting_for_what_was_in_doubt_takes_the_time_that_passes
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow.app import App
from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.integration.moved_clocks import DAY, HOUR, YEAR, FakeTime, ShiftedPrograms

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(3)]

QUOTA: Final = 4 * MB
CORRECT: Final = ["accounts", "correct", UPLOADER, "2.json", "--forget", "--yes"]


@pytest.fixture
def clocks(tmp_path: Path) -> ShiftedPrograms:
    return ShiftedPrograms(tmp_path)


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (-DAY, ["upload"]),
        (YEAR, ["upload"]),
        (-time.time(), ["upload"]),
        (3 * HOUR, ["upload"]),
        (DAY + HOUR, ["upload"]),
        (20 * YEAR, CORRECT),
        (YEAR, ["upload", "--dry-run"]),
        (YEAR, ["accounts"]),
        (-YEAR, ["plan"]),
    ],
    ids=["day back", "year ahead", "1970", "3 h ahead", "25 h ahead", "correct", "dry run", "accounts", "plan"],
)
def test_one_command_with_a_wrong_clock_forgets_nothing(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, clocks: ShiftedPrograms, shift: float, words: list[str]
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=QUOTA)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.environment |= clocks.environment
    site.write([MB] * 3)
    site.upload()
    assert site.used() == {"1.json": 3 * MB, "2.json": 0}

    clocks.set(shift)
    site.write([1000], below="small")
    done = site.run(*words)
    assert done.status == 0, done.said
    assert site.used() == site.committed()
    clocks.set(0.0)
    assert site.used() == site.committed()
    returns = [one["at"] for record in site.records().values() for one in record["returns"]]
    assert all(time.time() < at <= time.time() + DAY + 60 for at in returns), returns

    site.write([MB] * 6, below="more")
    done = site.run("upload")
    assert done.status == 3, done.said
    assert site.used() == site.committed()
    assert sum(usage.denials for usage in drive.usages().values()) == 0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    made = FakeTime()
    made.use(monkeypatch)
    return made


def upload(site: BookSite) -> str:
    """Upload in this process; the outcome."""
    site.site.save()
    with App(site.site.config_path, site.state, environ={}) as app:
        return app.upload_tasks(app.tasks([]))[0].outcome


def look(site: BookSite) -> dict[str, dict[str, Any]]:
    """What a process that only looks says of the accounts."""
    app = App(site.site.config_path, site.state, environ={})
    app.read_book()
    return {one["account"]: one for one in app.accounts_document()[UPLOADER]}


def assert_not_below(site: BookSite, drive: FakeDrive) -> None:
    told = look(site)
    assert {
        name: (told[name]["used_bytes"], usage.in_window)
        for name, usage in drive.usages().items()
        if told[name]["used_bytes"] < usage.in_window
    } == {}


@pytest.mark.parametrize("shift", [-DAY, YEAR, -20 * YEAR, 25 * HOUR], ids=["back", "ahead", "1970", "25 h"])
@pytest.mark.parametrize("still_wrong", [True, False])
def test_a_wrong_clock_after_a_restart_of_the_machine_forgets_nothing(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, machine: FakeTime, shift: float, still_wrong: bool
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=QUOTA, clock=machine.true)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.write([MB] * 3)
    assert upload(site) == "done"
    machine.passed += HOUR
    machine.reboot()
    machine.shift = shift
    site.write([1000], below="small")
    assert upload(site) == "done"
    assert_not_below(site, drive)
    machine.passed += HOUR
    if not still_wrong:
        machine.reboot()
    machine.shift = 0.0
    assert_not_below(site, drive)
    site.write([MB] * 6, below="more")
    assert upload(site) == "quota_used"
    assert_not_below(site, drive)
    assert sum(usage.denials for usage in drive.usages().values()) == 0


@pytest.mark.parametrize("shift", [10 * DAY, 5 * HOUR, -2 * HOUR, -10 * DAY])
def test_a_clock_that_is_set_for_good_between_daily_uploads_forgets_nothing(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, machine: FakeTime, shift: float
) -> None:
    """A machine without a clock of its own, set late by a time server that leaves no trace."""
    drive = fake_drive(accounts=1, quota_bytes=QUOTA, clock=machine.true)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    machine.shift = -shift
    for number in range(9):
        site.write([700_000], below=f"{number}")
        assert upload(site) in ("done", "quota_used")
        if number == 2:
            machine.shift = 0.0
        machine.passed += 5 * HOUR
        assert_not_below(site, drive)
    assert drive.usage(1).denials == 0


@pytest.mark.parametrize("shift", [-HOUR, 2 * HOUR, YEAR])
def test_a_clock_that_is_right_at_last_brings_quota_back_in_time(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, machine: FakeTime, shift: float
) -> None:
    """The whole installation began with a wrong clock."""
    drive = fake_drive(accounts=1, quota_bytes=QUOTA, clock=machine.true)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    machine.shift = shift
    site.write([MB] * 4)
    assert upload(site) == "done"
    machine.shift = 0.0
    for _ in range(4):
        assert_not_below(site, drive)
        machine.passed += 13 * HOUR
        site.write([1000], below=f"{machine.passed}")
        upload(site)
        assert_not_below(site, drive)
    assert look(site)["1.json"]["used_bytes"] < 10_000
    assert drive.usage(1).denials == 0


@pytest.mark.parametrize("shift", [YEAR, 30 * DAY, -DAY])
@pytest.mark.parametrize("looks_between", [True, False])
def test_a_denial_met_with_a_clock_that_is_ahead_lasts_one_window(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, machine: FakeTime, shift: float, looks_between: bool
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=20 * MB, clock=machine.true)
    drive.set_quota(1, limit_bytes=MB)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=20 * MB, extras={"--transfers": 1})
    machine.shift = shift
    site.write([MB] * 3)
    assert upload(site) == "done"
    assert look(site)["1.json"]["state"] == "denied"
    machine.shift = 0.0
    right_at = machine.true()

    states = []
    for hours in (0.1, 1, 12, 23, 24.5, 25.5, 36, 48.5, 60):
        machine.passed = hours * HOUR
        if looks_between or hours in (0.1, 24.5):
            site.write([1000], below=f"{hours}")
            assert upload(site) == "done"
        account = look(site)["1.json"]
        states.append((hours, account["state"], round((account["until"] - machine.true()) / HOUR)))
    late = [one for one in states if one[1] == "denied" and one[0] > 24.1]
    assert late == [], (states, right_at)


@pytest.mark.parametrize("shift", [-HOUR, HOUR, -YEAR])
def test_waiting_for_quota_takes_the_time_that_passes(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, clocks: ShiftedPrograms, shift: float
) -> None:
    window = 20.0
    drive = fake_drive(accounts=1, quota_bytes=QUOTA, window_seconds=window)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, hours=window / HOUR)
    site.environment |= clocks.environment
    site.write([MB] * 6)
    began = time.monotonic()
    upload = site.start("upload", "--wait")
    site.wait_for_told("uploader_suspended")
    clocks.set(shift)

    assert site.finish(upload) == 0, site.output()
    assert window * 0.9 < time.monotonic() - began < 3 * window
    assert site.at_source() == {}
    assert drive.usage(1).denials == 0


@pytest.mark.parametrize("shift", [-HOUR, HOUR])
def test_waiting_for_what_was_in_doubt_takes_the_time_that_passes(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, clocks: ShiftedPrograms, shift: float
) -> None:
    drive = fake_drive(accounts=2, quota_bytes=QUOTA)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=10 * QUOTA)
    site.environment |= clocks.environment | {"CLOUDPLOW_LANDING_SECONDS": "12"}
    site.write([7 * MB] * 4)
    drive.set_settings(bandwidth=MB)
    upload = site.start()
    site.wait_for_told("quota_changed")
    upload.kill_all()
    killed_at = time.monotonic()
    drive.set_settings(bandwidth=None)
    clocks.set(shift)

    assert site.finish(site.start()) == 0, site.output()
    assert 11 < time.monotonic() - killed_at < 90
    clocks.set(0.0)
    site.assert_settled()
