"""`Follower`: tells the events of the cloudplow that runs with a state folder, in another process.

While none runs it looks again twice a second, which costs one attempt to connect. While one is followed, nothing is
read from cache files.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from cloudplow.control.client import read_answer, talking
from cloudplow.control.digest import Digest
from cloudplow.errors import CloudplowError, NotRunningError
from cloudplow.events import Event, ProgramEnded, ProgramFollowed, SessionJoined
from cloudplow.events.wire import decode
from cloudplow.hookspecs import FollowReceiver

log = logging.getLogger("cloudplow.control")

#: How often to look whether one runs, in seconds.
LOOK_SECONDS: Final = 0.5
#: How soon to look whether it still runs when it has stopped talking, in seconds.
AGAIN_SECONDS: Final = 0.1
#: How often at most to read what others left, in seconds.
LEFTOVERS_SECONDS: Final = 2.0
#: How long it may take to answer, in seconds.
ANSWER_SECONDS: Final = 5.0
#: No line is longer, in bytes.
_MAX_LINE_BYTES: Final = 64 << 20


class Story:
    """The events of one process after another, each told once, and the ends that a killed one could not tell.

    now: epoch seconds.
    """

    def __init__(self, receive: FollowReceiver, now: Callable[[], float] = time.time) -> None:
        self._receive = receive
        self._now = now
        self._process: object = None
        self._services: Mapping[str, str] = {}
        self._digest = Digest()
        #: Events up to this one have been told; of a new connection, what came before it.
        self._told_seq = self._highest_seq = 0

    def begin(self, answer: Mapping[str, Any]) -> None:
        """A process is followed that gave this answer to "follow"; perhaps the same one again."""
        process = answer.get("pid"), answer.get("started_at")
        if process != self._process:
            self.end()
            self._process = process
            services = answer.get("services")
            self._services = services if isinstance(services, dict) else {}
            log.info("cloudplow is running with the same state folder (process %s); following it", process[0])
            pid = process[0] if isinstance(process[0], int) else 0
            self.tell(ProgramFollowed(at=self._now(), pid=pid), past=True)
        self._told_seq = self._highest_seq

    def take(self, line: bytes) -> None:
        """One line of it."""
        try:
            document = json.loads(line)
            if document.get("ok") is False:
                log.warning("the cloudplow that is followed says: %s", document.get("error"))
                return
            event = decode(document)
        except (ValueError, AttributeError, RecursionError) as error:
            log.warning("a line of the cloudplow that is followed is left out: %s", error)
            return
        # After a new connection it tells some events again.
        if event is None or (event.seq <= self._told_seq and not isinstance(event, SessionJoined)):
            return
        self._digest.take(event)
        self._highest_seq = max(self._highest_seq, event.seq)
        self.tell(event, past=document.get("past") is True)

    def end(self) -> None:
        """The process has ended: what it had not ended was interrupted."""
        if self._process is None:
            return
        log.info("the cloudplow that was followed has ended")
        for event in self._digest.interrupted(self._now()):
            self.tell(event, past=False)
        self._process, self._services, self._digest = None, {}, Digest()
        self._told_seq = self._highest_seq = 0
        self.tell(ProgramEnded(at=self._now()), past=False)

    def tell(self, event: Event, *, past: bool) -> None:
        """Pass an event on. A fault of who receives it costs this one event."""
        try:
            self._receive(event, past=past, services=self._services)
        except Exception:
            log.exception("%s could not be shown", event.signal_name)


class Leftovers:
    """Notices a process that ran between two looks: it has changed a file.

    read: what such a process left, as events. mark: what `mark_of` said when that was read last.
    """

    def __init__(self, file: Path, read: Callable[[], Iterable[Event]], mark: object) -> None:
        self._file = file
        self._read = read
        self._mark = mark
        self._not_before = 0.0

    def take(self) -> list[Event]:
        """What was left since the last time; nothing, most of the time."""
        mark, now = mark_of(self._file), time.monotonic()
        if mark == self._mark or now < self._not_before:
            return []
        self._mark, self._not_before = mark, now + LEFTOVERS_SECONDS
        return list(self._read())


def mark_of(file: Path) -> object:
    """What changes whenever the file does; None when there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Follower:
    """Follows from `start` to `stop`. receive: called on the thread of the follower."""

    def __init__(self, state_dir: Path, receive: FollowReceiver, leftovers: Leftovers | None = None) -> None:
        self._state_dir = state_dir
        self._leftovers = leftovers
        self._story = Story(receive)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._complaint = ""
        self._thread = threading.Thread(target=self._run, name="cloudplow-follow", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What is followed goes on."""
        self._stopping.set()
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(ANSWER_SECONDS)

    def __enter__(self) -> Follower:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = AGAIN_SECONDS if self._follow_once() else LOOK_SECONDS

    def _follow_once(self) -> bool:
        """Follow until it stops talking; False when there is nobody to follow."""
        try:
            with talking(self._state_dir, ANSWER_SECONDS) as (connection, deadline):
                with self._lock:
                    self._connection = connection
                    if self._stopping.is_set():
                        return False
                try:
                    self._read(connection, deadline)
                finally:
                    with self._lock:
                        self._connection = None
        except NotRunningError:
            self._story.end()
            self._complaint = ""
            self._tell_leftovers()
            return False
        except CloudplowError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                log.warning("the running cloudplow cannot be followed: %s", error)
            return False
        return True

    def _tell_leftovers(self) -> None:
        try:
            for event in () if self._leftovers is None else self._leftovers.take():
                self._story.tell(event, past=True)
        except Exception:
            log.exception("what another cloudplow left cannot be shown")

    def _read(self, connection: socket.socket, deadline: float) -> None:
        """Raises OSError, CloudplowError."""
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        connection.sendall(b'{"do": "follow"}\n')
        with connection.makefile("rb") as lines:
            answer = lines.readline(_MAX_LINE_BYTES)
            if not answer:
                raise NotRunningError("it ended before it answered")
            told = read_answer(answer)
            connection.settimeout(None)
            self._complaint = ""
            self._story.begin(told)
            self._read_events(lines)

    def _read_events(self, lines: BinaryIO) -> None:
        while not self._stopping.is_set():
            try:
                line = lines.readline(_MAX_LINE_BYTES)
            except ConnectionError:
                return
            if not line.endswith(b"\n"):
                return  # It has ended, perhaps in the middle of a line.
            self._story.take(line)
