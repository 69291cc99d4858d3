"""`cloudplow demo`: the real engine and rclone, with a generated library, a small pool of accounts and a local cloud.

Everything is in one folder (`cloudplow.demo.site`); nothing is left behind outside it.
"""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from cloudplow import events
from cloudplow.demo.library import LIBRARY_BYTES
from cloudplow.demo.site import (
    ACCOUNT_QUOTA,
    ACCOUNTS,
    UPLOADER,
    DemoSite,
    arrived_checksums,
    make_root,
    prepare,
    private_environment,
)
from cloudplow.errors import CloudplowError, ExitStatus, RcloneError
from cloudplow.events.sentences import count
from cloudplow.rclone.binary import find_rclone
from cloudplow.units import format_bytes, parse_size_bytes

#: With fewer accounts used, the demo would not show what it is meant to show.
LEAST_ACCOUNTS_USED: Final = 4
DEFAULT_PORT: Final = 47949
DEFAULT_SPEED: Final = "5M"

Say = Callable[[str], None]
#: Takes the exit status of the upload while the dashboard is still running; returns the status of the demo.
Finish = Callable[[int], int]
#: Uploads according to the site's config, as `cloudplow upload` does; calls Finish before the dashboard stops.
Upload = Callable[[DemoSite, Finish], int]


class Tally:
    """Counts the events of the upload: a receiver such as anyone could write."""

    def __init__(self) -> None:
        self.accounts: set[str] = set()
        self.stages = 0
        self.files = 0
        self.bytes = 0
        self._finished = threading.Event()

    def connect(self) -> None:
        for fact in (events.stage_started, events.file_transferred, events.session_finished):
            fact.connect(self.on_event, sender=UPLOADER)

    def on_event(self, _uploader: str, *, event: events.Event, **_extra: Any) -> None:
        if isinstance(event, events.StageStarted):
            self.stages += 1
        elif isinstance(event, events.FileTransferred):
            self.accounts.add(event.account)
            self.files += 1
            self.bytes += event.size
        elif isinstance(event, events.SessionFinished):
            self._finished.set()

    def wait(self, seconds: float = 10.0) -> bool:
        """Wait until the end of the session has been delivered; False on timeout."""
        return self._finished.wait(seconds)


def run_demo(
    folder: Path | None,
    *,
    exit_when_done: bool,
    upload: Upload,
    port: int = DEFAULT_PORT,
    speed: str = DEFAULT_SPEED,
    rclone: str | None = None,
    say: Say | None = None,
) -> int:
    """Run the demo from start to finish; returns the exit status, 0 only if every file arrived byte for byte.

    folder: new or empty, and kept; None for a temporary one, which is removed at the end.
    exit_when_done: end with the upload; otherwise, on a terminal, the dashboard keeps running until Ctrl-C.
    speed: a size as rclone writes it, per second. rclone: path of the binary; None to find it as an upload does.
    Raises CloudplowError when the demo cannot be set up.
    """
    say = say or _print
    seconds = LIBRARY_BYTES / _speed_bytes(speed)
    rclone = rclone or find_rclone(None)
    stays = not exit_when_done and sys.stdin.isatty() and sys.stdout.isatty()
    root = make_root(folder)
    try:
        with private_environment(root), _signals_as_interrupt():
            port = _free_port(port, say)
            say(f"Dashboard: http://127.0.0.1:{port}/")
            site = prepare(root, rclone=rclone, port=port, speed=speed)
            say(f"{len(site.checksums)} files ({format_bytes(LIBRARY_BYTES)}) to upload from {root}")
            say(f"{ACCOUNTS} accounts of {ACCOUNT_QUOTA} each, {speed} per second: about {seconds:.0f} seconds")
            return _upload_and_check(site, upload, stays=stays, say=say)
    except KeyboardInterrupt:
        say("Interrupted.")
        return ExitStatus.INTERRUPTED
    finally:
        if folder is None:
            shutil.rmtree(root, ignore_errors=True)
        else:
            say(f"Everything is in {root}")


def _upload_and_check(site: DemoSite, upload: Upload, *, stays: bool, say: Say) -> int:
    tally = Tally()
    tally.connect()
    started = time.monotonic()

    def finish(status: int) -> int:
        seconds = time.monotonic() - started
        tally.wait()
        if status == ExitStatus.INTERRUPTED:
            say(f"Interrupted; {tally.files} of {len(site.checksums)} files were moved.")
            return status
        faults = find_faults(site, tally)
        say(
            f"{tally.files} of {len(site.checksums)} files, {format_bytes(tally.bytes)}, "
            f"{len(tally.accounts)} of {ACCOUNTS} accounts, {tally.stages} stages, {seconds:.0f} seconds"
        )
        for fault in faults:
            say(f"FAULT: {fault}")
        if not faults:
            say("Verified: every file was read back from the cloud and matches the original, byte for byte.")
        if stays:
            say("The dashboard keeps running; press Ctrl-C to stop it.")
            _wait_for_interrupt()
        return status or int(ExitStatus.FAILED if faults else ExitStatus.DONE)

    return upload(site, finish)


def find_faults(site: DemoSite, tally: Tally) -> list[str]:
    """Everything that is wrong after what should be a complete upload; one sentence each."""
    try:
        arrived = arrived_checksums(site)
    except RcloneError as error:
        return [f"the cloud cannot be read back: {error}"]
    missing = sorted(site.checksums.keys() - arrived.keys())
    strange = sorted(arrived.keys() - site.checksums.keys())
    differing = sorted(name for name, md5 in arrived.items() if site.checksums.get(name, md5) != md5)
    left = sorted(path.name for path in site.library.rglob("*") if path.is_file())
    faults = [
        f"{count(len(names), 'file')} {what}, for example {names[0]!r}"
        for names, what in (
            (missing, "did not arrive"),
            (strange, "arrived that nobody sent"),
            (differing, "arrived with different contents"),
            (left, "left in the source folder"),
        )
        if names
    ]
    if tally.files != len(site.checksums):
        faults.append(f"the events reported {count(tally.files, 'file')} instead of {len(site.checksums)}")
    if len(tally.accounts) < LEAST_ACCOUNTS_USED:
        faults.append(f"only {count(len(tally.accounts), 'account')} used, expected at least {LEAST_ACCOUNTS_USED}")
    return faults


def _speed_bytes(speed: str) -> int:
    try:
        speed_bytes = parse_size_bytes(speed)
    except ValueError as error:
        raise CloudplowError(f"--speed: {error}") from error
    if speed_bytes <= 0:
        raise CloudplowError('--speed: must be greater than 0, for example "5M"')
    return speed_bytes


def _free_port(port: int, say: Say) -> int:
    """The port if it is free, else another one, saying so; 0 means any."""
    if not 0 <= port <= 65535:
        raise CloudplowError(f"--port: must be a number from 1 to 65535 (found {port})")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            say(f"Port {port} is in use; using another one.")
            probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    return free


@contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP do what Ctrl-C does at that moment, so that the folder is removed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        on_interrupt = signal.getsignal(signal.SIGINT)
        if not callable(on_interrupt):  # ignored, as for a job in the background
            raise KeyboardInterrupt
        on_interrupt(number, frame)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    saved = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)


def _wait_for_interrupt() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
