"""Delivers events to receivers on separate threads, so that none can delay an upload or another receiver.

Each receiver (a function, or a method of one object) has a mailbox and one daemon thread, whichever signals it is
connected to: it gets its events one at a time and in order. `EventBus.publish` only numbers an event and puts it into
mailboxes.

The limits: a receiver counts as hung, and is disconnected, when a call lasts longer than `HUNG_SECONDS` or more than
`BACKLOG_LIMIT` events are waiting for it. Closing waits up to `CLOSE_SECONDS` for working receivers, but not for one
whose current call has already lasted `CLOSE_CALL_SECONDS`.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from inspect import ismethod
from typing import Any, Final

from cloudplow.events import SIGNALS, Event, TransferProgress

log = logging.getLogger("cloudplow.events")

Receiver = Callable[..., Any]

#: A single call that lasts longer counts as hung, in seconds.
HUNG_SECONDS: Final = 300.0
#: A receiver with more waiting events counts as hung.
BACKLOG_LIMIT: Final = 1_000_000
#: From this backlog on, newer progress replaces older undelivered progress of the same uploader.
COALESCE_FROM: Final = 64
#: How long closing waits for working receivers, and for a call in progress, in seconds.
CLOSE_SECONDS: Final = 10.0
CLOSE_CALL_SECONDS: Final = 3.0
#: The shortest time between two deliveries to a receiver that has got everything, in seconds, once there were a few at
#: once. A thousand small files a second then wake it fifty times, not a thousand, while rclone needs the cores.
REST_SECONDS: Final = 0.02
#: So many come without a rest in between: what waits for a receiver when the program is killed is never heard.
WITHOUT_REST: Final = 10
#: An idle delivery thread ends after this many seconds and is started again when needed.
IDLE_SECONDS: Final = 30.0

_thread_numbers = itertools.count(1)


def _key(receiver: Receiver) -> object:
    """The identity of a receiver, as in blinker: methods by function and object."""
    if ismethod(receiver):
        return id(receiver.__func__), id(receiver.__self__)
    return id(receiver)


def _name(receiver: Receiver) -> str:
    return f"{getattr(receiver, '__module__', '?')}.{getattr(receiver, '__qualname__', repr(type(receiver)))}"


def _weak(receiver: Receiver) -> Callable[[], Receiver | None]:
    try:
        return weakref.WeakMethod(receiver) if ismethod(receiver) else weakref.ref(receiver)
    except TypeError:
        return lambda: receiver


class _Letter:
    """An event on its way to one receiver; `event` is None once newer progress has replaced it."""

    __slots__ = ("event", "receiver")

    def __init__(self, receiver: Receiver, event: Event) -> None:
        self.receiver = receiver
        self.event: Event | None = event


class _Mailbox:
    """The waiting events of one receiver, and the thread that calls it."""

    def __init__(self, receiver: Receiver, clock: Callable[[], float]) -> None:
        self.name = _name(receiver)
        self.receiver = _weak(receiver)
        self.errors = 0
        self.abandoned = False
        self._clock = clock
        self._letters: deque[_Letter] = deque()
        self._progress: dict[str, _Letter] = {}
        self._condition = threading.Condition()
        self._running = False
        self._resting = False
        self._rest_until = 0.0
        self._call_started: float | None = None

    def put(self, receiver: Receiver, event: Event) -> None:
        letter = _Letter(receiver, event)
        with self._condition:
            if isinstance(event, TransferProgress):
                older = self._progress.get(event.uploader)
                if older is not None and len(self._letters) >= COALESCE_FROM:
                    older.event = None
                self._progress[event.uploader] = letter
            self._letters.append(letter)
            if not self._running:
                self._start_thread()
            elif not self._resting:
                self._condition.notify()

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._run, name=f"cloudplow-events-{next(_thread_numbers)}", daemon=True).start()
        except RuntimeError as error:
            # The system has no thread to spare now; the letters wait, and the next one tries again.
            log.warning("Event receiver %s waits, as no thread can be started: %s", self.name, error)
        else:
            self._running = True

    def _next(self) -> _Letter | None:
        """The next letter; None when the thread must end."""
        with self._condition:
            self._call_started = None
            if not self._letters:
                self._condition.notify_all()
                self._await_letter()
            if self.abandoned or not self._letters:
                self._running = False
                return None
            letter = self._letters.popleft()
            event = letter.event
            if isinstance(event, TransferProgress) and self._progress.get(event.uploader) is letter:
                del self._progress[event.uploader]
            self._call_started = self._clock()
            return letter

    def _await_letter(self) -> None:
        """Wait for a letter; what comes shortly after the last one waits for more. For the holder of the lock."""
        early = self._rest_until - WITHOUT_REST * REST_SECONDS - time.monotonic()
        if early > 0 and not self.abandoned:
            self._resting = True
            self._condition.wait(early)
            self._resting = False
        if not self._letters and not self.abandoned:
            self._condition.wait(IDLE_SECONDS)
        self._rest_until = max(self._rest_until, time.monotonic()) + REST_SECONDS

    def _run(self) -> None:
        while (letter := self._next()) is not None:
            event = letter.event
            if event is None:
                continue
            try:
                letter.receiver(event.uploader, event=event)
            except BaseException:
                self.errors += 1
                log.exception("Event receiver %s failed on %s (%d so far)", self.name, event.signal_name, self.errors)
            del letter, event

    def call_age(self) -> float:
        """How many seconds the current call has lasted; 0 when there is none."""
        started = self._call_started
        return 0.0 if started is None else self._clock() - started

    def backlog(self) -> int:
        return len(self._letters)

    def abandon(self) -> None:
        with self._condition:
            self.abandoned = True
            self._letters.clear()
            self._progress.clear()
            self._condition.notify_all()

    def drain(self, deadline: float) -> bool:
        """Wait until everything is delivered; False at the deadline, or if one call lasts too long."""
        with self._condition:
            self._condition.notify_all()  # no rest now
            while self._letters or self._call_started is not None:
                age = self.call_age()
                if age >= CLOSE_CALL_SECONDS or self._clock() >= deadline:
                    return False
                left = min(deadline - self._clock(), CLOSE_CALL_SECONDS - age)
                self._condition.wait(max(0.01, left))
        return True


class EventBus:
    """Numbers events and puts them into the mailboxes of the receivers connected to their signal.

    `publish` may be called from any thread and returns immediately. There should be one bus per process: the numbers
    are gapless per bus.
    """

    def __init__(self, *, now: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clock = clock
        self._lock = threading.Lock()
        self._seq = 0
        self._mailboxes: dict[object, _Mailbox] = {}
        self._closed = False

    def publish(self, event: Event) -> Event:
        """Number the event, stamp its time and dispatch it; returns it as it will be delivered."""
        with self._lock:
            return self._dispatch(replace(event, seq=self._seq + 1, at=self._now()))

    def emit(self, event_type: type[Event], **fields: Any) -> Event:
        """The same, given only the fields: the event is created once, with its number."""
        with self._lock:
            return self._dispatch(event_type(seq=self._seq + 1, at=self._now(), **fields))

    def _dispatch(self, event: Event) -> Event:
        self._seq = event.seq
        signal = SIGNALS[event.signal_name]
        if not self._closed and signal.receivers:
            for receiver in signal.receivers_for(event.uploader):
                self._deliver(receiver, event)
        return event

    def _deliver(self, receiver: Receiver, event: Event) -> None:
        key = _key(receiver)
        mailbox = self._mailboxes.get(key)
        if mailbox is None or mailbox.receiver() != receiver:
            mailbox = self._mailboxes[key] = _Mailbox(receiver, self._clock)
        if mailbox.backlog() and (mailbox.call_age() > HUNG_SECONDS or mailbox.backlog() >= BACKLOG_LIMIT):
            self._disconnect(key, mailbox, receiver)
            return
        mailbox.put(receiver, event)

    def _disconnect(self, key: object, mailbox: _Mailbox, receiver: Receiver) -> None:
        log.error(
            "Event receiver %s is hung (its current call has lasted %.0f s, waiting events: %d) and is disconnected",
            mailbox.name,
            mailbox.call_age(),
            mailbox.backlog(),
        )
        for signal in SIGNALS.values():
            signal.disconnect(receiver)
        mailbox.abandon()
        del self._mailboxes[key]

    def flush(self, timeout_seconds: float = CLOSE_SECONDS) -> bool:
        """Wait until working receivers have received everything published; False if one has not."""
        deadline = self._clock() + timeout_seconds
        with self._lock:
            mailboxes = list(self._mailboxes.values())
        drained = [box.drain(deadline) for box in mailboxes]
        return all(drained)

    def flush_receiver(self, receiver: Receiver, timeout_seconds: float = CLOSE_CALL_SECONDS) -> bool:
        """Wait until one receiver has received everything published; False if it has not."""
        with self._lock:
            mailbox = self._mailboxes.get(_key(receiver))
        return mailbox is None or mailbox.drain(self._clock() + timeout_seconds)

    def close(self) -> None:
        """Deliver what is pending, then stop; a hung receiver is abandoned, with a line in the log."""
        deadline = self._clock() + CLOSE_SECONDS
        with self._lock:
            self._closed = True
            mailboxes = list(self._mailboxes.values())
            self._mailboxes.clear()
        for box in mailboxes:
            if not box.drain(deadline):
                log.warning(
                    "Event receiver %s did not return in time; undelivered events: %d",
                    box.name,
                    box.backlog(),
                )
            box.abandon()
