"""The thread that sends: it gives messages to the worker process, counts the time, and repeats what failed.

Nothing here ever waits for a receiver: jobs and answers go through pipes that do not block, and a worker in which
something hangs is replaced by a new one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from cloudplow.services.notify.outbox import DEADLINE_SECONDS, TRIES, Letter, Outbox
from cloudplow.services.notify.process import Answer, Worker
from cloudplow.services.notify.requests import Job

log = logging.getLogger("cloudplow.notify")

#: How long the end of the program waits for what is pending, in seconds.
END_SECONDS: Final = 2.0
#: A worker that nobody needs is kept for so long, in seconds.
IDLE_SECONDS: Final = 60.0

#: After so many that ended at once, a worker is started only for a message.
_DEATHS_LIMIT: Final = 3
#: Of these, what ending the worker may take.
_LAST_SECONDS: Final = 0.2

NO_ANSWER: Final = f"no answer within {DEADLINE_SECONDS:.0f} s"
_ENDED: Final = "the process that sends ended"

#: Called with receiver, error, and whether it is tried again.
OnFailed = Callable[[str, str, bool], None]
#: A service of a plugin: sends, or raises.
Send = Callable[[], Any]


class Work(Protocol):
    """What a worker can do: see `cloudplow.services.notify.process.Worker`."""

    output: int

    def prepare(self) -> None: ...
    def send(self, number: int, job: Job) -> None: ...
    def read(self) -> list[Answer] | None: ...
    def close(self) -> None: ...


class Sender:
    """Owned by a `Notifier`. Its thread is started with the first message.

    needs_apprise: whether a worker should load it at once. on_failed, on_sent: called on the thread. beat: called on it
    every `beat_seconds`, if not 0, for jobs by receiver.
    """

    def __init__(
        self,
        on_failed: OnFailed,
        *,
        on_sent: Callable[[str], None] = lambda _: None,
        needs_apprise: bool = False,
        beat: Callable[[], list[tuple[str, Job]]] = list,
        beat_seconds: float = 0.0,
        start_worker: Callable[[], Work] = Worker,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_failed, self._on_sent = on_failed, on_sent
        self.needs_apprise = needs_apprise
        self._beat, self.beat_seconds = beat, beat_seconds
        self._next_beat = 0.0
        self._start_worker = start_worker
        self._clock = clock
        self._inbox: queue.SimpleQueue[tuple[str, Job, str, int]] = queue.SimpleQueue()
        self._called: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        #: Receivers of plugins whose function has not returned.
        self._hanging: dict[str, int] = {}
        self._outbox = Outbox()
        self._worker: Work | None = None
        self._idle_since: float | None = None
        self._keep = False
        self._end_at: float | None = None
        self._hurries = False
        #: How often in a row a worker has ended without an answer.
        self._deaths = 0
        #: Something hangs in the worker.
        self._stained = False
        self._waking, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread: threading.Thread | None = None

    # --- from any thread ---------------------------------------------------------------------------------------

    def submit(self, receiver: str, job: Job, key: str, *, tries: int = TRIES) -> None:
        """Send a job soon. Returns at once."""
        self._inbox.put((receiver, job, key, tries))
        self.wake()

    def keep_ready(self, keep: bool) -> None:
        """Have a worker ready while an upload runs: its last message has only `END_SECONDS`."""
        self._keep = keep
        self.wake()

    def wake(self) -> None:
        """Have the thread look at once; it is started if it does not run."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cloudplow-notify", daemon=True)
            self._thread.start()
        with contextlib.suppress(OSError):  # full: it will look anyway
            os.write(self._wake, b"\0")

    def stop(self) -> list[Letter]:
        """Send what is pending, for at most `END_SECONDS`; returns what was not sent."""
        if self._thread is not None:
            self._end_at = self._clock() + END_SECONDS
            self.wake()
            self._thread.join(END_SECONDS)
        if self._thread is None or not self._thread.is_alive():
            os.close(self._waking)
            os.close(self._wake)
        return self._outbox.left()

    @property
    def dropped(self) -> int:
        """How many messages gave way to newer ones."""
        return self._outbox.dropped

    # --- on the thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self.step():
                pass
        except Exception:  # an upload must not suffer
            log.exception("Notifications are off, because of a fault")
        finally:
            self._drop_worker()

    def step(self) -> bool:
        """One round: take, send, wait, read. False at the end."""
        now = self._clock()
        # Read first: what was submitted before the end was asked for is taken below.
        end_at = self._end_at
        self._hurries = end_at is not None
        self._take(now)
        self._send_due(now)
        if end_at is not None and (not len(self._outbox) or now >= end_at - _LAST_SECONDS):
            return False
        self._wait(self._seconds_to_wait(now))
        self._read()
        self._give_up_overdue(self._clock())
        return True

    def _take(self, now: float) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                receiver, job, key, tries = self._inbox.get_nowait()
                self._outbox.add(receiver, job, key, now, tries=tries)
        if self.beat_seconds and now >= self._next_beat and not self._hurries:
            self._next_beat = now + self.beat_seconds
            for receiver, job in self._beat():
                self._outbox.add(receiver, job, "beat", now, tries=1)

    def _send_due(self, now: float) -> None:
        for letter in self._outbox.take_due(now, hurry=self._hurries):
            if "call" in letter.job:
                self._call(letter, letter.job["call"])
                continue
            try:
                self._ready_worker().send(letter.number, letter.job)
            except OSError as error:
                self._drop_worker()
                self._fail_all_of_worker(f"{_ENDED} ({error.strerror or type(error).__name__})")
                return
        if self._keep and self._worker is None and not self._hurries and self._deaths < _DEATHS_LIMIT:
            try:
                self._ready_worker()
            except OSError:
                self._deaths += 1

    def _ready_worker(self) -> Work:
        """Raises OSError."""
        if self._worker is None:
            self._worker = self._start_worker()
            if self.needs_apprise:
                self._worker.prepare()
        return self._worker

    def _drop_worker(self) -> None:
        worker, self._worker = self._worker, None
        self._stained = False
        if worker is not None:
            worker.close()

    def _call(self, letter: Letter, send: Send) -> None:
        """Call a plugin's function, on a thread of its own: nobody knows what it does."""
        if letter.receiver in self._hanging:
            self._failed(letter.number, "an earlier message has not returned")
            return
        self._hanging[letter.receiver] = letter.number

        def call() -> None:
            error = ""
            try:
                send()
            except BaseException as fault:  # noqa: BLE001 - whatever a plugin raises
                error = f"it cannot be sent ({type(fault).__name__})"
            self._called.put(Answer(letter.number, error))
            self.wake()

        threading.Thread(target=call, name="cloudplow-notify-plugin", daemon=True).start()

    def _seconds_to_wait(self, now: float) -> float:
        times = [self._outbox.next_at(), self._end_at and self._end_at - _LAST_SECONDS]
        if self.beat_seconds:
            times.append(self._next_beat)
        idle = self._worker is not None and not self._keep and not self._outbox.under_way()
        if idle and self._idle_since is None:
            self._idle_since = now
        elif not idle:
            self._idle_since = None
        if self._idle_since is not None:
            times.append(self._idle_since + IDLE_SECONDS)
            if now >= self._idle_since + IDLE_SECONDS:
                self._drop_worker()
                self._idle_since = None
        return max(0.0, min((at - now for at in times if at is not None), default=3600.0))

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._waking, select.POLLIN)
        if self._worker is not None:
            poll.register(self._worker.output, select.POLLIN)
        poll.poll(seconds * 1000 + 1)
        with contextlib.suppress(BlockingIOError):
            os.read(self._waking, 4096)

    def _read(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                answer = self._called.get_nowait()
                self._hanging = {name: number for name, number in self._hanging.items() if number != answer.number}
                self._answered(answer)
        if self._worker is None:
            return
        answers = self._worker.read()
        if answers is None:
            self._deaths += 1
            self._drop_worker()
            self._fail_all_of_worker(_ENDED)
            return
        for answer in answers:
            self._deaths = 0
            self._answered(answer)

    def _answered(self, answer: Answer) -> None:
        if answer.error:
            self._failed(answer.number, answer.error)
            return
        for letter in self._outbox.under_way():
            if letter.number == answer.number:
                self._on_sent(letter.receiver)
        self._outbox.sent(answer.number)

    def _failed(self, number: int, error: str) -> None:
        letter = self._outbox.failed(number, self._clock())
        if letter is not None:
            self._on_failed(letter.receiver, error, letter.tries_left > 0)

    def _fail_all_of_worker(self, error: str) -> None:
        for letter in self._outbox.under_way():
            if "call" not in letter.job:
                self._failed(letter.number, error)

    def _give_up_overdue(self, now: float) -> None:
        """What hangs would hang for ever. The worker is replaced when nothing else is under way in it."""
        overdue = self._outbox.overdue(now)
        for letter in overdue:
            self._failed(letter.number, NO_ANSWER)
        self._stained = self._stained or any("call" not in one.job for one in overdue)
        if self._stained and not any("call" not in one.job for one in self._outbox.under_way()):
            self._drop_worker()
