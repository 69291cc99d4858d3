"""An rclone that says nothing, or not enough, of what it did: the destination is asked, and that counts.

A10: test_an_rclone_that_is_killed_alone_costs_no_file_and_no_charge,
    test_an_rclone_that_is_killed_again_and_again_costs_no_file_and_no_charge
A11: test_an_rclone_without_a_log_is_charged_and_told_by_what_arrived, test_flags_that_silence_rclone_hide_nothing
A13: test_files_that_change_before_rclone_looks_are_charged_as_sent; in tests/unit/upload/test_stage.py
    test_a_file_that_grew_is_charged_as_sent_where_rclone_does_not_say_its_size,
    test_what_rclone_says_of_a_size_counts_more_than_its_statistics
A15: test_an_older_version_moved_away_by_an_upload_that_comes_to_nothing_is_not_ours; in test_whose_account.py
    test_an_older_version_moved_into_a_backup_folder_is_neither_charged_nor_told; in tests/unit/upload/test_stage.py
    test_an_older_version_that_is_moved_away_at_the_destination_is_not_our_file
A16: test_whose_account.py: test_credentials_in_the_configuration_of_rclone_do_not_replace_the_pool,
    test_a_key_file_in_the_environment_does_not_replace_the_pool,
    test_credentials_in_the_environment_do_not_replace_the_pool,
    test_a_key_in_a_connection_string_is_a_fault_before_anything_starts
A17: test_stored_sizes.py: test_what_can_be_computed_is_what_the_drive_counts,
    test_what_cannot_be_computed_is_bounded_and_told_afterwards
"""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path
from typing import Final

import pytest

from tests.fake_drive import Failure, FakeDrive, Fault
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.integration.book_site import MB, BookSite, make_book_site
from tests.integration.local_site import wait_for
from tests.interruptions.processes import Upload, send_all
from tests.rclone_binaries import read_version

pytestmark = [pytest.mark.rclone, pytest.mark.timeout(300), pytest.mark.thin(4)]

COMMANDS: Final = pytest.mark.parametrize("command", ["move", "copy"])
QUOTA: Final = 8 * MB


@pytest.fixture
def drive(fake_drive: MakeDrive) -> FakeDrive:
    return fake_drive(accounts=3, quota_bytes=QUOTA)


def wrap(site: BookSite, text: str) -> None:
    """Let another script run rclone. text: bash, for uploads; its last line runs "$rclone" with "$@"."""
    core = site.site.config["core"]
    path = site.root / "wrapped"
    lines = [
        "#!/bin/bash",
        f"rclone={shlex.quote(core['rclone_binary_path'])}",
        f"source={shlex.quote(str(site.source))}",
        'case "$* " in *" --dry-run "*) exec "$rclone" "$@";; "move "*|"copy "*) ;; *) exec "$rclone" "$@";; esac',
        text,
    ]
    path.write_text("\n".join([*lines, ""]))
    path.chmod(0o755)
    core["rclone_binary_path"] = str(path)


def kill_rclone(upload: Upload, site: BookSite, number: signal.Signals) -> None:
    """Kill the rclone that uploads, and nothing else."""
    rclones = wait_for(lambda: upload.rclones() or not upload.running, "an rclone")
    assert isinstance(rclones, list), site.output()
    send_all(rclones, number)


@COMMANDS
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_an_rclone_that_is_killed_alone_costs_no_file_and_no_charge(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    site.write([100_000] * 150)
    drive.set_settings(bandwidth=5 * MB, commit_delay_seconds=0.05)
    upload = site.start()
    site.wait_for_uploads(20)
    kill_rclone(upload, site, number)

    assert site.finish(upload) == 0, site.output()
    site.assert_settled()
    (finished,) = site.told("session_finished")
    assert (finished["files"], finished["bytes"]) == (150, 15 * MB)


@COMMANDS
def test_an_rclone_that_is_killed_again_and_again_costs_no_file_and_no_charge(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, command: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, command=command)
    site.write([100_000] * 100)
    drive.set_settings(bandwidth=4 * MB)
    upload = site.start()
    for count in (5, 25, 50):
        site.wait_for_uploads(count)
        kill_rclone(upload, site, signal.SIGKILL)

    assert site.finish(upload) == 0, site.output()
    site.assert_settled()


SILENT: Final = {
    "no output": 'exec "$rclone" "$@" >/dev/null 2>&1',
    "no output, failing": '"$rclone" "$@" >/dev/null 2>&1; exit 1',
    "cut off": '"$rclone" "$@" 2> >(head -n 3 >&2; cat >/dev/null); exit 0',
    "cut off, failing": '"$rclone" "$@" 2> >(head -n 3 >&2; cat >/dev/null); exit 3',
    "text instead of JSON": 'exec "$rclone" "$@" --use-json-log=false',
}


@COMMANDS
@pytest.mark.parametrize("how", SILENT)
def test_an_rclone_without_a_log_is_charged_and_told_by_what_arrived(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, how: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    wrap(site, SILENT[how])
    site.write([100_000] * 30)
    done = site.run("upload")

    assert done.status == 0, done.said
    assert len(drive.files()) == 30
    site.assert_settled()
    assert sum(one["files"] for one in site.told("session_finished")) == 30


@pytest.mark.parametrize("level", [["--log-level", "ERROR"], ["-q", None], ["--log-file", "rclone.log"]])
@COMMANDS
def test_flags_that_silence_rclone_hide_nothing(
    any_rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, level: list[str | None]
) -> None:
    extras = {str(level[0]): level[1]}
    site = make_book_site(tmp_path / "site", drive, any_rclone, quota_bytes=QUOTA, command=command, extras=extras)
    site.write([100_000] * 10)
    done = site.run("upload")
    if done.status == 2:
        assert drive.files() == {}, done.said
        return
    assert done.status == 0, done.said
    site.assert_settled()


CHANGES: Final = {
    "grows": 'for one in "$source"/*/*; do head -c 50000 /dev/zero >> "$one"; done',
    "shrinks": 'for one in "$source"/*/*; do truncate -s 40000 "$one"; done',
    "is replaced": 'for one in "$source"/*/*; do head -c 70000 /dev/zero > "$one.new"; mv "$one.new" "$one"; done',
}


@COMMANDS
@pytest.mark.parametrize("how", CHANGES)
def test_files_that_change_before_rclone_looks_are_charged_as_sent(
    rclone: Path, drive: FakeDrive, tmp_path: Path, command: str, how: str
) -> None:
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, command=command)
    once = f'if ! [ -e "$source/../changed" ]; then touch "$source/../changed"; {CHANGES[how]}; fi'
    wrap(site, f'{once}\nexec "$rclone" "$@"')
    site.write([100_000] * 12)
    done = site.run("upload")

    assert done.status == 0, done.said
    usages = drive.usages()
    used, counted = site.used(), {name: usage.in_window for name, usage in usages.items()}
    if read_version(rclone).startswith("1.60") and how != "grows":
        # It does not log what it sent; too much is charged rather than too little.
        assert all(used[name] >= counted[name] for name in counted), (used, counted)
        return
    assert used == counted
    if read_version(rclone).startswith("1.60"):
        return
    arrived = {name.removeprefix("Media/"): file.size for name, file in drive.files().items()}
    told = {event["name"]: event["size"] for event in site.told("file_transferred")}
    assert told == arrived
    assert sum(usage.denials for usage in usages.values()) == 0


@pytest.mark.parametrize("way", ["refused", "SIGTERM", "SIGKILL"])
def test_an_older_version_moved_away_by_an_upload_that_comes_to_nothing_is_not_ours(
    rclone: Path, drive: FakeDrive, tmp_path: Path, way: str
) -> None:
    extras = {"--backup-dir": "gdrive:Old", "--transfers": 2, "--retries": 1, "--low-level-retries": 1}
    site = make_book_site(tmp_path / "site", drive, rclone, quota_bytes=QUOTA, extras=extras)
    site.write([MB] * 2)
    site.upload()
    before = {name: file.md5 for name, file in drive.files().items()}
    site.write([MB + 1] * 2, seed=2)
    uploads = frozenset({"multipart", "session", "chunk"})
    if way == "refused":
        drive.add_fault(Fault(Failure.NO_PERMISSION, kinds=uploads))
        done = site.run("upload")
        assert done.status == 1, done.said
    else:
        drive.add_fault(Fault(Failure.DROP, kinds=uploads, hold_seconds=60))
        upload = site.start()
        wait_for(lambda: any(name.startswith("Old/") for name in drive.files()), "a version moved away")
        time.sleep(0.5)
        upload.send(signal.Signals[way])
        site.finish(upload)
        upload.kill_all()
    assert len(site.at_source()) == 2
    assert sum(one.used_bytes for one in site.accounts().values()) == 2 * MB
    assert len(site.told("file_transferred")) == 2
    drive.clear_faults()
    site.upload()
    assert site.used() == site.committed()
    assert len(site.told("file_transferred")) == 4
    assert {file.md5 for file in drive.files().values()} >= set(before.values()) | {
        md5 for _, md5 in site.files.values()
    }
