"""Names that look alike, and names that change hands: each uploader and each account keeps books of its own.

A6: test_uploaders_whose_names_look_alike_share_nothing
A18: test_keys_that_change_places_during_a_stage_keep_their_books,
    test_keys_that_change_places_between_two_uploads_keep_their_books,
    test_a_key_that_cannot_be_read_any_more_is_set_aside_and_keeps_its_books
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fake_drive import Failure, FakeDrive, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import UPLOADER, write_files
from tests.integration.book_site import MB, BookSite, make_book_site

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(3)]

QUOTA: Final = 4 * MB


def two_uploaders(site: BookSite, names: tuple[str, str]) -> list[Path]:
    """Replace the uploader by two with these names and folders of their own; returns the folders."""
    remote, uploader = site.remote, site.uploader
    folders = [site.root / "first", site.root / "second"]
    config = site.site.config
    config["remotes"], config["uploader"] = {}, {}
    for number, (name, folder) in enumerate(zip(names, folders, strict=True)):
        folder.mkdir()
        destination = f"gdrive:Media {number}"
        config["remotes"][name] = {**remote, "upload_folder": str(folder), "upload_remote": destination}
        config["uploader"][name] = dict(uploader)
    return folders


def accounts_of(site: BookSite) -> dict[str, list[dict[str, Any]]]:
    documents: dict[str, list[dict[str, Any]]] = json.loads(site.accounts_text())
    return documents


@pytest.mark.parametrize(
    "names",
    [("tv 4k", "tv_4k"), ("tv/4k", "tv.4k"), ("x" * 90 + "1", "x" * 90 + "2"), ("Serien ä", "Serien a"), ("TV", "tv")],
    ids=lambda names: names[0][-10:],
)
def test_uploaders_whose_names_look_alike_share_nothing(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, names: tuple[str, str]
) -> None:
    drive = fake_drive(accounts=4, quota_bytes=QUOTA)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    folders = two_uploaders(site, names)
    files = [write_files(folder, [MB] * 3, seed=seed) for seed, folder in enumerate(folders, 1)]
    drive.add_fault(Fault(Failure.DROP, kinds=frozenset({"multipart"}), carried_out=True, hold_seconds=60))
    for name in names:
        before, seen = set((site.state / "stages").glob("*.list")), len(site.told())
        upload = site.start("upload", name)
        site.wait_for_told("stage_started", since=seen)
        upload.kill_all()
        assert len(set((site.state / "stages").glob("*.list")) - before) == 1, "its list has a name of its own"
    drive.clear_faults()
    stages = [stage for one in accounts_of(site)[names[0]] for stage in one["unsettled_stages"]]
    assert len(stages) == 2
    assert sum(stage["bytes"] for stage in stages) >= len(drive.files()) * MB, stages

    site.upload()
    expected = {
        f"Media {number}/{name}": md5 for number, written in enumerate(files) for name, (_, md5) in written.items()
    }
    assert {name: file.md5 for name, file in drive.files().items()} == expected
    assert drive.duplicates() == []
    told = {(event["uploader"], event["name"]) for event in site.told("file_transferred")}
    assert told == {(uploader, name) for uploader, written in zip(names, files, strict=True) for name in written}
    counted = {name: usage.in_window for name, usage in drive.usages().items()}
    assert {one["account"]: one["used_bytes"] for one in accounts_of(site)[names[1]]} == counted


def exchange(drive: FakeDrive, one: int, other: int) -> None:
    """Two key files change places."""
    first, second = drive.key_file(one), drive.key_file(other)
    away = first.with_name("away")
    first.rename(away)
    second.rename(first)
    away.rename(second)


def assert_identities(site: BookSite, names: dict[str, str]) -> None:
    """Each file's book is what the Drive has counted for the account that it names. names: file -> account."""
    counted = {name: usage.in_window for name, usage in site.drive.usages().items()}
    assert site.used() == {file: counted[names[file]] for file in site.used()}
    assert sum(usage.denials for usage in site.drive.usages().values()) == 0


@pytest.mark.parametrize("command", ["move", "copy"])
def test_keys_that_change_places_during_a_stage_keep_their_books(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, command: str
) -> None:
    drive = fake_drive(accounts=4, quota_bytes=QUOTA)
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    site.write([MB] * 11)
    drive.set_settings(bandwidth=4 * MB)
    upload = site.start()
    site.wait_for_uploads(1)
    exchange(drive, 1, 4)
    drive.set_settings(bandwidth=None)

    assert site.finish(upload) == 0, site.output()
    assert len(drive.files()) == 11
    assert_identities(site, {"1.json": "4.json", "2.json": "2.json", "3.json": "3.json", "4.json": "1.json"})


@pytest.mark.parametrize("killed", [False, True])
def test_keys_that_change_places_between_two_uploads_keep_their_books(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, killed: bool
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=QUOTA)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    site.write([MB] * 3)
    if killed:
        drive.add_fault(Fault(Failure.DROP, kinds=frozenset({"multipart"}), carried_out=True, hold_seconds=60))
        upload = site.start()
        site.wait_for_uploads(2)
        upload.kill_all()
        drive.clear_faults()
    else:
        site.upload()
    exchange(drive, 1, 3)
    drive.key_file(2).rename(drive.accounts_directory / "another.json")
    if killed:
        assert site.accounts()["3.json"].doubtful_bytes == 3 * MB
    else:
        assert site.used() == {"1.json": 0, "3.json": 3 * MB, "another.json": 0}
    site.write([MB] * 8, below="more")
    site.upload()
    assert_identities(site, {"1.json": "3.json", "3.json": "1.json", "another.json": "2.json"})


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


WAYS: Final[dict[str, Callable[[Path], object]]] = {
    "half a key": lambda path: path.write_text('{"type": "serv'),
    "empty": lambda path: path.write_bytes(b""),
    "a folder": as_folder,
    "a dangling link": as_dangling_link,
    "a pipe": as_pipe,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_cannot_be_read_any_more_is_set_aside_and_keeps_its_books(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path, way: str
) -> None:
    drive = fake_drive(accounts=3, quota_bytes=QUOTA)
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA)
    path = drive.key_file(1)
    key = path.read_bytes()
    site.write([MB] * 3)
    site.upload()
    site.write([MB] * 8, below="more")
    drive.set_settings(bandwidth=4 * MB)
    upload = site.start()
    site.wait_for_uploads(1, account=2)
    WAYS[way](path)
    drive.set_settings(bandwidth=None)

    assert site.finish(upload) == 0, site.output()
    assert "Account 1.json is set aside" in site.output()
    told = site.records()
    assert (told["1.json"]["state"], told["1.json"]["used_bytes"]) == ("failed", 0)
    path.rmdir() if path.is_dir() else path.unlink()
    path.write_bytes(key)
    assert_identities(site, {name: name for name in site.used()})
    assert json.loads(site.accounts_text())[UPLOADER][0]["state"] == "ready"
