"""Uploads of which it is not known whether they arrived: they count as spent until the destination has been asked.

A12: test_files_that_are_renamed_after_a_kill_are_charged_only_if_they_arrived,
    test_files_that_leave_the_folder_after_a_kill_count_as_used
A14: test_an_answer_that_is_lost_after_the_last_byte_costs_what_arrived,
    test_a_file_that_changes_while_it_is_sent_costs_what_was_sent
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import Failure, FakeDrive, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.integration.local_site import wait_for

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(4)]

QUOTA: Final = 40 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=2, quota_bytes=QUOTA)


def killed_after(site: BookSite, count: int) -> None:
    """An upload of 16 files that was killed when about so many had arrived, of which it had not heard."""
    site.write([MB] * 16)
    uploads = frozenset({"multipart"})
    site.drive.add_fault(Fault(Failure.DROP, kinds=uploads, after=count, drop_after_bytes=1, hold_seconds=60))
    site.drive.add_fault(Fault(Failure.DROP, kinds=uploads, carried_out=True, hold_seconds=60))
    upload = site.start()
    site.wait_for_uploads(count)
    upload.kill_all()
    site.drive.clear_faults()
    assert site.drive.usage(1).uploads == count
    assert site.accounts()["1.json"].doubtful_bytes == 16 * MB


def rename_folders(source: Path) -> None:
    for folder in sorted(source.iterdir()):
        folder.rename(folder.with_name(f"{folder.name} (2024)"))


def sort_into_seasons(source: Path) -> None:
    for path in [path for path in source.rglob("*") if path.is_file()]:
        target = path.parent / "Season 1" / path.name.lower()
        target.parent.mkdir(exist_ok=True)
        path.rename(target)


def lift_everything(source: Path) -> None:
    for folder in sorted(source.iterdir()):
        for path in sorted(folder.iterdir()):
            path.rename(source / path.name)
        folder.rmdir()


RENAMES: Final = {"folders": rename_folders, "into seasons": sort_into_seasons, "lifted": lift_everything}


@pytest.mark.parametrize("how", RENAMES)
def test_files_that_are_renamed_after_a_kill_are_charged_only_if_they_arrived(
    rclone: Path, drive: FakeDrive, tmp_path: Path, how: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, extras={"--transfers": 2})
    killed_after(site, 2)
    contents = sorted(site.files.values())
    RENAMES[how](site.source)

    site.upload()
    # The two that had arrived are there under both names: nobody can know that they are the same.
    assert site.drive.usage(1).committed + site.drive.usage(2).committed == 18 * MB
    assert site.used() == site.committed()
    assert site.at_source() == {}
    assert sorted({(file.size, file.md5) for file in drive.files().values()}) == contents


def take_out(source: Path) -> None:
    source.rename(source.with_name("elsewhere"))
    source.mkdir()


def copy_and_remove(source: Path) -> None:
    """A rename between two file systems."""
    shutil.copytree(source, source.with_name("copied"))
    for folder in list(source.iterdir()):
        shutil.rmtree(folder)
    shutil.copytree(source.with_name("copied"), source / "Sorted")


def delete(source: Path) -> None:
    for folder in list(source.iterdir()):
        shutil.rmtree(folder)


LEAVE: Final[dict[str, Callable[[Path], None]]] = {
    "taken out": take_out,
    "copied and removed": copy_and_remove,
    "deleted": delete,
}


@pytest.mark.parametrize("how", LEAVE)
def test_files_that_leave_the_folder_after_a_kill_count_as_used(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, how: str
) -> None:
    """Whether rclone removed them cannot be told any more: in doubt they count."""
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, extras={"--transfers": 2})
    killed_after(site, 2)
    LEAVE[how](site.source)

    site.upload()
    used = site.used()
    assert all(used[name] >= size for name, size in site.committed().items())
    assert used["1.json"] <= 32 * MB
    assert site.at_source() == {}
    assert not any(record["unsettled_stages"] for record in site.records().values())
    site.upload()
    assert site.used() == used


LOST: Final = {
    "cut": Fault(Failure.DROP, carried_out=True),
    "cut late": Fault(Failure.DROP, carried_out=True, hold_seconds=1),
    "500": Fault(Failure.SERVER_ERROR, carried_out=True),
    "502": Fault(Failure.BAD_GATEWAY, carried_out=True),
    "403": Fault(Failure.NO_PERMISSION, carried_out=True),
}


@pytest.mark.thin(6)
@pytest.mark.parametrize("command", ["move", "copy"])
@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("retries", [1, 3])
def test_an_answer_that_is_lost_after_the_last_byte_costs_what_arrived(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, how: str, retries: int
) -> None:
    extras = {"--retries": retries, "--low-level-retries": retries, "--transfers": 2}
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command, extras=extras)
    site.write([MB] * 5 + [9 * MB])
    fault = LOST[how]
    for kind in ("multipart", "chunk"):
        lost = Fault(fault.failure, kinds=frozenset({kind}), carried_out=True, first=1, hold_seconds=fault.hold_seconds)
        drive.add_fault(lost)
    done = site.run("upload")

    assert done.status in (0, 1), done.said
    site.assert_not_below(done.said)
    drive.clear_faults()
    site.upload()
    used, counted = site.used(), site.committed()
    # What was sent twice may count twice: never less than the Drive has counted, and never more than was sent.
    assert all(used[name] >= counted[name] for name in used), (used, counted)
    sent = {name: usage.received for name, usage in drive.usages().items()}
    assert all(used[name] <= max(counted[name], sent[name]) for name in used), (used, sent)
    # After "403" rclone gives up a session of which it had sent a whole chunk, and begins another one.
    if not drive.duplicates() and how != "403":
        site.assert_settled()


@pytest.mark.parametrize("command", ["move", "copy"])
@pytest.mark.parametrize("change", ["grows", "is replaced"])
def test_a_file_that_changes_while_it_is_sent_costs_what_was_sent(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, change: str
) -> None:
    extras = {"--retries": 1, "--low-level-retries": 1}
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command, extras=extras)
    site.write([6 * MB])
    (name,) = site.files
    path = site.source / name
    drive.set_settings(bandwidth=2 * MB)
    upload = site.start()
    wait_for(lambda: drive.usage(1).received > MB, f"bytes\n{site.output()}")
    if change == "grows":
        with path.open("ab") as file:
            file.write(b"more")
    else:
        path.with_name("new").write_bytes(b"x" * 3 * MB)
        path.with_name("new").rename(path)
    time.sleep(0.5)
    drive.set_settings(bandwidth=None)
    status = site.finish(upload)

    assert status in (0, 1), site.output()
    site.assert_not_below(site.output())
    site.run("upload")
    site.assert_not_below()
    assert sum(site.used().values()) <= sum(usage.received for usage in drive.usages().values())
