"""Signals while an upload runs: none of them interrupts what the main thread is doing, whatever that is.

Python's handlers run in the main thread between any two steps, also while it holds a lock that the handler needs, or
in the middle of a write. So they do nothing here; Python's own wake-up pipe carries each signal to a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from cloudplow import signals

log = logging.getLogger("cloudplow")

#: How long the end may take after the first signal, and after the second one, in seconds. rclone gets 10 s of it.
END_SECONDS: Final = (30.0, 5.0)
_NO_MORE: Final = 0


class Watch:
    """Owned by `stop_on_signals`."""

    def __init__(self, stop: Callable[[], None], reload: Callable[[], None] | None = None) -> None:
        self._stop = stop
        self._reload = reload
        self._received = 0
        self._force_at: float | None = None
        self._interrupts = False
        self._reading, self.writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="cloudplow-signals", daemon=True)
        self._thread.start()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Python's handler, in the main thread."""
        if self._interrupts:
            self._interrupts = False
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """While inside, a signal raises KeyboardInterrupt, once: for waiting for a person, with nothing to save."""
        self._interrupts = True
        try:
            yield
        finally:
            self._interrupts = False

    def close(self) -> None:
        """End the thread."""
        os.write(self.writing, bytes([_NO_MORE]))
        self._thread.join(1.0)
        os.close(self.writing)
        os.close(self._reading)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        while True:
            left = None if self._force_at is None else max(0.0, self._force_at - time.monotonic())
            if not poll.poll(None if left is None else left * 1000):
                self._force()
            for number in self._read():
                if number == _NO_MORE:
                    return
                if number == signal.SIGHUP and self._reload is not None:
                    self._read_again()
                elif number in signals.ENDING:
                    self._take(number)

    def _read(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self._reading, 64)
        return b""

    def _read_again(self) -> None:
        try:
            assert self._reload is not None
            self._reload()
        except Exception:
            log.exception("the configuration could not be read again")

    def _take(self, number: int) -> None:
        self._received += 1
        self._stop()
        if self._received <= len(END_SECONDS):
            self._force_at = time.monotonic() + END_SECONDS[self._received - 1]
        if self._received == 1:
            _say("%s: asking rclone to stop (a second one kills it)", signal.Signals(number).name)

    def _force(self) -> None:
        _say("The end takes too long: ending now. What this upload has spent is in the book.")
        time.sleep(0.1)
        signals.end_now(signals.INTERRUPTED)


def _say(text: str, *arguments: object) -> None:
    """Log without waiting: nobody may be reading our output."""
    threading.Thread(target=log.warning, args=(text, *arguments), name="cloudplow-signals-log", daemon=True).start()


@contextmanager
def stop_on_signals(stop: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[Watch | None]:
    """While inside, a signal that asks for the end calls `stop`, on a thread of its own; a second one does again.

    reload: what SIGHUP does instead, for a service; None: it asks for the end. Yields None in other threads than the
    main one, which get no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    watch = Watch(stop, reload)
    before = signal.set_wakeup_fd(watch.writing, warn_on_full_buffer=False)
    numbers = {*signals.wanted(), *([signal.SIGHUP] if reload is not None else [])}
    saved = {number: signal.signal(number, watch.on_signal) for number in numbers}
    try:
        yield watch
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        watch.close()
