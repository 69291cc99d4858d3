"""A running rclone is steered through its remote control: it finishes its files, its speed is limited."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest

from cloudplow import events
from cloudplow.events import SessionFinished, SessionOutcome, StageOutcome
from cloudplow.rclone import log as rclone_log
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.rc import RcAnswer, RcClient
from cloudplow.state.rc_password import RcPassword
from cloudplow.upload import stage
from cloudplow.upload.controls import Reach, SessionControls
from tests.fake_drive.pytest_plugin import MakeDrive, fake_drive_fixture
from tests.harness.drive_upload import Seen, make_site, write_files
from tests.harness.steered_upload import steered_upload
from tests.integration.local_site import LocalSite, contents, total_bytes, wait_for

__all__ = ["fake_drive_fixture"]
pytestmark = pytest.mark.rclone

FILES = 14
FILE_BYTES = 75_000
SLOW = {"--bwlimit": "300k", "--transfers": 2, "--buffer-size": "0"}


def library(site: LocalSite, *, slow: bool = True, accounts: int = 2) -> None:
    """Files that take some seconds, if slow."""
    for number in range(FILES):
        site.write(f"Show/{number:02}.mkv", FILE_BYTES)
    site.config["plugins"] = []
    site.extras.update(SLOW if slow else {"--transfers": 2, "--buffer-size": "0"})
    if accounts:
        site.add_accounts(accounts, quota="10M")
    site.save()


def upload(site: LocalSite, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[SessionFinished, Seen]:
    return steered_upload(site.config_path, monkeypatch, **options)


def assert_ended_gently(finished: SessionFinished, seen: Seen) -> None:
    """The session ended as it was asked to, and every number fits."""
    assert (finished.outcome, finished.reason) == (SessionOutcome.SUSPENDED, "stopped on request")
    transferred = seen.of(events.FileTransferred)
    assert len({event.name for event in transferred}) == finished.files == len(transferred)
    assert finished.bytes == seen.transferred_bytes()
    assert finished.files + finished.files_left == FILES
    assert seen.of(events.FileFailed) == []
    (ended,) = seen.of(events.StageFinished)
    assert (ended.outcome, ended.reason) == (
        StageOutcome.INTERRUPTED,
        "stopped on request, after the files that were running",
    )


# Finishing


@pytest.mark.parametrize("command", ["move", "copy"])
def test_the_files_under_way_arrive_and_no_other_is_begun(
    site: LocalSite, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    site.remote["rclone_command"] = command
    library(site)
    before = contents(site.source)
    reached: list[Reach] = []

    finished, seen = upload(site, monkeypatch, after_files={2: lambda one: reached.append(one.finish())})

    assert reached == [Reach.RC]
    assert_ended_gently(finished, seen)
    assert 2 < finished.files < FILES / 2
    arrived = site.arrived()
    assert arrived.items() <= before.items()
    assert len(arrived) == finished.files
    assert contents(site.source) == (before if command == "copy" else dict(before.items() - arrived.items()))
    # Nothing is in doubt, reserved or charged twice: local folders keep what crypt makes of it, without a quota.
    assert site.ledger_bytes() == total_bytes(arrived)
    assert not (site.root / "rc").exists()

    if command == "copy":
        return
    hurried, _ = steered_upload(site.config_path, monkeypatch, first=lambda one: one.limit(50 << 20))

    assert (hurried.outcome, hurried.files) == (SessionOutcome.DONE, FILES - finished.files)
    assert site.arrived() == before


@pytest.mark.parametrize("destination", ["gdrive:Media", "vault:"])
def test_what_a_finished_session_has_charged_is_what_the_drive_has_counted(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    drive = fake_drive(accounts=2)
    if destination == "vault:":
        drive.remotes.add_crypt("vault", "gdrive:Media")
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=100 << 20, destination=destination, extras=SLOW)
    write_files(site.source, [FILE_BYTES] * FILES)

    finished, seen = steered_upload(site.config_path, monkeypatch, after_files={1: SessionControls.finish})

    assert_ended_gently(finished, seen)
    assert len(drive.files()) == finished.files
    assert len(contents(site.source)) == finished.files_left
    assert site.ledger_bytes() == sum(file.size for file in drive.files().values())


def test_asked_before_the_first_file_it_begins_none_or_finishes_those(
    any_site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(any_site)
    finished, _ = upload(any_site, monkeypatch, on=(events.StageStarted, SessionControls.finish))

    assert (finished.outcome, finished.reason) == (SessionOutcome.SUSPENDED, "stopped on request")
    assert finished.files <= 4
    assert sum(1 for path in any_site.cloud.rglob("*") if path.is_file()) == finished.files
    assert finished.files_left == FILES - finished.files == len(contents(any_site.source))


def test_a_stop_is_stronger(any_site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    library(any_site)
    any_site.extras["--bwlimit"] = "100k"
    any_site.save()

    def finish_and_stop(one: SessionControls) -> None:
        one.finish()
        one.stop()

    finished, _ = upload(any_site, monkeypatch, after_files={2: finish_and_stop})

    # One of the two under way may have been all but done.
    assert finished.outcome is SessionOutcome.INTERRUPTED
    assert finished.files in (2, 3)


# Limits


def test_a_limit_slows_a_running_rclone_down_and_is_lifted(site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    library(site, slow=False)
    limit = 200 << 10
    finished, seen = upload(
        site, monkeypatch, first=lambda one: one.limit(limit), after_files={4: lambda one: one.limit(None)}
    )

    assert finished.outcome is SessionOutcome.DONE
    told = [(one.limit, one.streams, one.source) for one in seen.of(events.ThrottleChanged)]
    assert told == [(limit, 0, "control"), (None, 0, "control")]
    (begun,) = seen.of(events.StageStarted)
    at = [one.at for one in seen.of(events.FileTransferred)]
    limited, free = (at[3] - begun.at) / 4, (at[-1] - at[3]) / (FILES - 4)
    assert free < limited / 2


def test_a_limit_replaces_the_users_timetable_and_returns_to_it(
    site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(site)
    site.extras["--bwlimit"] = "00:00,200k 23:59,200k"
    site.save()
    rates: list[Any] = []
    call = RcClient.call

    def recorded(client: RcClient, command: str, parameters: Any = None, **more: Any) -> RcAnswer:
        answer = call(client, command, parameters, **more)
        if parameters:
            rates.append(answer.document.get("bytesPerSecond"))
        return answer

    monkeypatch.setattr(RcClient, "call", recorded)
    limits = {2: 300 << 10, 4: None, 6: 50 << 20}

    finished, seen = upload(
        site, monkeypatch, after_files={files: lambda one, n=limit: one.limit(n) for files, limit in limits.items()}
    )

    assert finished.outcome is SessionOutcome.DONE
    assert rates == [(300 << 10) - 1, 200 << 10, (50 << 20) - 1]
    told = [one.limit for one in seen.of(events.ThrottleChanged)]
    assert told[-1] == 50 << 20
    assert set(told) <= {*limits.values()}  # what holds for less than a look is not told


# Without a remote control


def test_without_a_port_the_upload_goes_on_without_remote_control(
    site: LocalSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library(site)
    site.add_accounts(2, quota=8 * FILE_BYTES)
    site.save()
    reached: list[Reach] = []
    with socket.create_server(("127.0.0.1", 0)) as busy:
        own = RcPassword.environment
        port = busy.getsockname()[1]
        monkeypatch.setattr(RcPassword, "environment", lambda self: own(self) | {"RCLONE_RC_ADDR": f"127.0.0.1:{port}"})
        finished, seen = upload(
            site,
            monkeypatch,
            # Slow, so that the stage still runs when it is asked for something.
            first=lambda one: one.limit(300 << 10),
            after_files={1: lambda one: reached.append(one.limit(None)), 2: lambda one: reached.append(one.finish())},
        )

    assert reached == [Reach.STAGE, Reach.STAGE]
    assert [record.message for record in caplog.records if "remote control cannot start" in record.message] != []
    assert (finished.outcome, finished.files, finished.files_left) == (SessionOutcome.SUSPENDED, 8, FILES - 8)
    assert [one.outcome for one in seen.of(events.StageFinished)] == [StageOutcome.DONE]
    assert site.ledger_bytes() == 8 * FILE_BYTES
    assert [one.limit for one in seen.of(events.ThrottleChanged)] == [300 << 10]


def test_without_a_file_for_the_password_too(any_site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    library(any_site, slow=False)
    (any_site.root / "rc").write_text("in the way")

    finished, _ = upload(any_site, monkeypatch)

    assert (finished.outcome, finished.files) == (SessionOutcome.DONE, FILES)


# The password


def test_the_password_is_nowhere_to_be_read(
    site: LocalSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    library(site)
    site.extras["-vv"] = None
    site.save()
    password = "a secret that nobody may read"
    monkeypatch.setattr("cloudplow.state.rc_password.secrets.token_urlsafe", lambda _size: password)
    lines: list[bytes] = []
    modes: set[tuple[int, int]] = set()
    shown: list[str] = []

    def parse(line: bytes) -> rclone_log.Message:
        lines.append(line)
        return rclone_log.parse_line(line)

    monkeypatch.setattr(stage, "parse_line", parse)

    def look(one: SessionControls) -> None:
        one.limit(20 << 20)
        for process in psutil.Process().children(recursive=True):
            shown.extend([*process.cmdline(), *process.environ().values()])
        (file,) = (site.root / "rc").iterdir()
        modes.add((file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777))
        shown.append(file.read_text())

    finished, _ = upload(site, monkeypatch, after_files={2: look})

    assert (finished.outcome, modes) == (SessionOutcome.DONE, {(0o600, 0o700)})
    assert not (site.root / "rc").exists()
    assert any(word.endswith(".htpasswd") for word in shown)
    assert any(b"Serving remote control" in line for line in lines)
    read = [*shown, caplog.text, *(line.decode("utf-8", "replace") for line in lines)]
    read += [path.read_bytes().decode("latin-1") for path in site.root.rglob("*") if path.is_file()]
    assert [text for text in read if password in text] == []


def test_what_a_killed_upload_leaves_of_it_is_gone_after_the_next(any_site: LocalSite) -> None:
    library(any_site)
    process = any_site.start("upload")
    try:
        left = wait_for(lambda: [*any_site.root.glob("rc/*.htpasswd")], f"a password\n{any_site.output()}")
    finally:
        process.kill()
        process.wait()
    assert [path.exists() for path in left] == [True]
    # Its rclone may hold the folder for a moment longer; whatever starts next tidies up.
    del any_site.extras["--bwlimit"]
    any_site.run("upload")
    assert not (any_site.root / "rc").exists() or [*any_site.root.glob("rc/*.htpasswd")] == []


def test_variables_of_the_user_never_open_another_port(any_site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    library(any_site)
    for name in ("RCLONE_RC_NO_AUTH", "RCLONE_RC_SERVE", "RCLONE_RC_WEB_GUI"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("RCLONE_RC_ADDR", "127.0.0.1:1")
    monkeypatch.setenv("RCLONE_RC_BASEURL", "/elsewhere")
    reached: list[Reach] = []

    finished, _ = upload(any_site, monkeypatch, after_files={2: lambda one: reached.append(one.finish())})

    assert reached == [Reach.RC]
    assert finished.outcome is SessionOutcome.SUSPENDED
    assert 2 < finished.files < FILES / 2
    assert [name for name in rclone_environment(os.environ) if name.startswith("RCLONE_RC")] == []
