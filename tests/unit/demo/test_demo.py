"""The demo's library, folder and checks, without rclone and without an upload."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from pathlib import Path

import pytest

from cloudplow.delivery import EventBus
from cloudplow.demo import demo
from cloudplow.demo import site as demo_site
from cloudplow.demo.demo import Tally, find_faults, run_demo
from cloudplow.demo.library import LIBRARY_BYTES, MODIFIED_AT, LibraryFile, library_files, write_library
from cloudplow.demo.site import ACCOUNT_QUOTA, ACCOUNTS, UPLOADER, DemoSite, make_root, private_environment
from cloudplow.errors import CloudplowError, RcloneError
from cloudplow.events import FileTransferred, SessionFinished, SessionOutcome, StageStarted
from cloudplow.units import parse_size_bytes


def never_upload(_site: DemoSite, _finish: demo.Finish) -> int:
    raise AssertionError("must not upload")


# The library


def test_library_is_the_same_every_time_and_of_the_promised_size() -> None:
    files = library_files()

    assert files == library_files()
    assert 300 <= len(files) <= 400
    assert sum(file.size for file in files) == LIBRARY_BYTES
    assert len({file.name for file in files}) == len(files)
    assert min(file.size for file in files) > 0


def test_library_has_a_long_tail_and_needs_several_accounts() -> None:
    sizes = sorted((file.size for file in library_files()), reverse=True)
    quota = parse_size_bytes(ACCOUNT_QUOTA)

    assert sum(sizes[:10]) > LIBRARY_BYTES / 3
    assert sizes[0] < quota, "every file fits into one account"
    assert 4 * quota < LIBRARY_BYTES < (ACCOUNTS - 1) * quota, "five accounts are used, one is spare"


@pytest.mark.parametrize("part", ["ü", "'", "[", "{", "🎬", "<b>", "#", "%", "?", "&", "生", ".srt", ".nfo", ".jpg"])
def test_library_has_the_names_that_break_careless_programs(part: str) -> None:
    assert any(part in file.name for file in library_files())


def test_names_stay_below_the_limit_of_encrypted_names() -> None:
    # Source: https://rclone.org/crypt/#name-encryption (143 characters)
    assert max(len(part.encode()) for file in library_files() for part in file.name.split("/")) < 143


def test_written_files_have_the_listed_sizes_checksums_and_times(tmp_path: Path) -> None:
    files = (LibraryFile("a/b [ü].mkv", 3_000_000), LibraryFile("a/b.nfo", 10), LibraryFile("c.srt", 3_000_000))

    checksums = write_library(tmp_path, files)

    assert checksums == write_library(tmp_path, files)
    assert len(set(checksums.values())) == len(files)
    for file in files:
        content = (tmp_path / file.name).read_bytes()
        assert len(content) == file.size
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == checksums[file.name]
        assert (tmp_path / file.name).stat().st_mtime == MODIFIED_AT


# The folder


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.mkv").touch()

    with pytest.raises(CloudplowError, match="must be a new or empty folder"):
        run_demo(tmp_path, exit_when_done=True, upload=never_upload, rclone="rclone")

    assert [path.name for path in tmp_path.iterdir()] == ["holiday.mkv"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CloudplowError, match="file: "):
        make_root(tmp_path / "file")


def test_an_empty_folder_and_a_missing_one_are_taken(tmp_path: Path) -> None:
    assert make_root(tmp_path) == tmp_path
    assert make_root(tmp_path / "new" / "er") == tmp_path / "new" / "er"
    assert (tmp_path / "new" / "er").is_dir()


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_site, "LIBRARY_BYTES", 1 << 62)

    with pytest.raises(CloudplowError, match="free disk space"):
        demo_site.prepare(tmp_path, rclone="rclone", port=1, speed="5M")

    assert list(tmp_path.iterdir()) == []


def test_a_library_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "Media").touch()

    with pytest.raises(CloudplowError, match="library cannot be written"):
        demo_site.prepare(tmp_path, rclone="rclone", port=1, speed="5M")


def test_users_own_settings_stay_out_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCLONE_DRY_RUN", "true")
    monkeypatch.setenv("CLOUDPLOW_CONFIG", "/elsewhere.json")
    monkeypatch.setenv("CORE", '{"dry_run": true}')
    before = dict(os.environ)

    with private_environment(tmp_path):
        assert not {"RCLONE_DRY_RUN", "CLOUDPLOW_CONFIG", "CORE"} & os.environ.keys()
        assert Path(os.environ["RCLONE_CONFIG"]).parent == tmp_path
        assert Path(os.environ["XDG_CACHE_HOME"]).parent == tmp_path

    assert dict(os.environ) == before


# Options


@pytest.mark.parametrize("speed", ["fast", "0", ""])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    with pytest.raises(CloudplowError, match="--speed: "):
        run_demo(None, exit_when_done=True, upload=never_upload, speed=speed, rclone="rclone")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(CloudplowError, match="--port: "):
        run_demo(tmp_path, exit_when_done=True, upload=never_upload, port=port, rclone="rclone", say=lambda _text: None)


def test_a_port_in_use_gives_way_to_a_free_one() -> None:
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        port = demo._free_port(taken, said.append)

    assert port not in (0, taken)
    assert said == [f"Port {taken} is in use; using another one."]


def test_a_free_port_is_used_without_a_word() -> None:
    said: list[str] = []
    port = demo._free_port(0, said.append)
    assert demo._free_port(port, said.append) == port
    assert said == []


def test_being_terminated_counts_as_interrupted_and_removes_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(make_root(tmp_path / prefix)))

    def terminated(*_arguments: object, **_options: object) -> DemoSite:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("must be interrupted")

    monkeypatch.setattr(demo, "prepare", terminated)
    before = signal.getsignal(signal.SIGTERM)

    status = run_demo(None, exit_when_done=True, upload=never_upload, rclone="rclone", say=lambda _text: None)

    assert status == 130
    assert signal.getsignal(signal.SIGTERM) == before
    assert list(tmp_path.iterdir()) == []


# The verdict


def finished_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: dict[str, str]) -> DemoSite:
    monkeypatch.setattr(demo, "arrived_checksums", lambda _site: arrived)
    (tmp_path / "Media" / "empty folder").mkdir(parents=True)
    return DemoSite(tmp_path, "rclone", {"a": "1", "b": "2"})


def tally_of(*accounts: str) -> Tally:
    tally = Tally()
    for number, account in enumerate(accounts):
        event = FileTransferred(uploader=UPLOADER, name=str(number), size=10, account=account, stage=1)
        tally.on_event(UPLOADER, event=event)
    return tally


def test_all_arrived_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = finished_site(tmp_path, monkeypatch, {"a": "1", "b": "2"})
    monkeypatch.setattr(demo, "LEAST_ACCOUNTS_USED", 2)

    assert find_faults(site, tally_of("1.json", "2.json")) == []


@pytest.mark.parametrize(
    ("arrived", "fault"),
    [
        ({"a": "1"}, "1 file did not arrive, for example 'b'"),
        ({"a": "1", "b": "2", "c": "3"}, "1 file arrived that nobody sent, for example 'c'"),
        ({"a": "1", "b": "wrong"}, "1 file arrived with different contents, for example 'b'"),
    ],
)
def test_a_cloud_that_differs_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: dict[str, str], fault: str
) -> None:
    site = finished_site(tmp_path, monkeypatch, arrived)

    assert fault in find_faults(site, tally_of("1.json", "2.json"))


def test_source_events_and_accounts_are_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = finished_site(tmp_path, monkeypatch, {"a": "1", "b": "2"})
    (site.library / "left.mkv").touch()

    assert find_faults(site, tally_of("1.json")) == [
        "1 file left in the source folder, for example 'left.mkv'",
        "the events reported 1 file instead of 2",
        "only 1 account used, expected at least 4",
    ]


def test_a_cloud_that_cannot_be_read_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = finished_site(tmp_path, monkeypatch, {})

    def unreadable(_site: DemoSite) -> dict[str, str]:
        raise RcloneError("no such folder")

    monkeypatch.setattr(demo, "arrived_checksums", unreadable)

    assert find_faults(site, tally_of()) == ["the cloud cannot be read back: no such folder"]


def test_tally_counts_what_the_events_of_the_demo_tell() -> None:
    bus = EventBus()
    tally = Tally()
    tally.connect()
    assert not tally.wait(0)

    for uploader in (UPLOADER, "another"):
        bus.publish(
            StageStarted(
                uploader=uploader,
                stage=1,
                account="1.json",
                account_index=0,
                accounts_total=2,
                planned_files=1,
                planned_bytes=10,
                quota_remaining_bytes=100,
            )
        )
        bus.publish(FileTransferred(uploader=uploader, name="a", size=10, account="1.json", stage=1))
    bus.publish(
        SessionFinished(
            uploader=UPLOADER,
            outcome=SessionOutcome.DONE,
            files=1,
            bytes=10,
            files_left=0,
            bytes_left=0,
            next_capacity_at=None,
        )
    )

    assert tally.wait(5)
    bus.close()
    assert (tally.stages, tally.files, tally.bytes, tally.accounts) == (1, 1, 10, {"1.json"})
