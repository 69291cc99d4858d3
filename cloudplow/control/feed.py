"""The events of this process for whoever follows it: each follower has a queue of lines, which is bounded.

Events come on a delivery thread, the lines are taken by the thread of the control socket. Neither waits for the other
longer than it takes to put a line into a queue.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final

from cloudplow.control.digest import Digest
from cloudplow.events import SIGNALS, Event, TransferProgress
from cloudplow.events.wire import encode

log = logging.getLogger("cloudplow.control")

#: What may wait for one follower, in bytes, besides what he was told when he came.
QUEUE_BYTES: Final = 4 << 20


class Subscription:
    """What waits for one follower. Only `Feed` makes one."""

    def __init__(self, lock: threading.Lock, first: list[bytes], wake: Callable[[], None]) -> None:
        self._lock = lock
        self._wake = wake
        self._first = deque(first)
        #: By their number, so that newer progress can replace progress that waits.
        self._lines: OrderedDict[int, bytes] = OrderedDict()
        self._last_number = 0
        self._progress: dict[str, int] = {}
        self._waiting_bytes = 0
        #: He reads too slowly: what waited is lost, and nothing more is added.
        self.overflowed = False

    def put(self, event: Event, line: bytes) -> None:
        """Add a line; newer progress replaces progress that waits. The caller holds the lock."""
        if self.overflowed:
            return
        self._last_number += 1
        if isinstance(event, TransferProgress):
            older = self._progress.get(event.uploader, 0)
            self._waiting_bytes -= len(self._lines.pop(older, b""))
            self._progress[event.uploader] = self._last_number
        if self._waiting_bytes and self._waiting_bytes + len(line) > QUEUE_BYTES:
            self.overflowed = True
            self._first.clear()
            self._lines.clear()
        else:
            self._lines[self._last_number] = line
            self._waiting_bytes += len(line)
        self._wake()

    def take(self, size: int) -> bytes:
        """Whole lines that wait, of at least `size` bytes together if there are so many; b"" when none waits."""
        taken = bytearray()
        with self._lock:
            while self._first and len(taken) < size:
                taken += self._first.popleft()
            while self._lines and len(taken) < size:
                _, line = self._lines.popitem(last=False)
                self._waiting_bytes -= len(line)
                taken += line
        return bytes(taken)


class Feed:
    """Receives every event from `connect` to `disconnect`, and passes it on to the followers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digest = Digest()
        self._subscriptions: set[Subscription] = set()

    def connect(self) -> None:
        """Receive events."""
        for signal in SIGNALS.values():
            signal.connect(self.receive)

    def disconnect(self) -> None:
        """Receive no more events."""
        for signal in SIGNALS.values():
            signal.disconnect(self.receive)

    def receive(self, _sender: object, *, event: Event, **_extra: Any) -> None:
        """Receive one event, on a delivery thread."""
        with self._lock:
            self._digest.take(event)
            if not self._subscriptions:
                return
            data = _line(event, past=False)
            for one in self._subscriptions:
                one.put(event, data)

    def join(self, wake: Callable[[], None]) -> Subscription:
        """Somebody follows from now on; first he is told what he must know of running sessions.

        wake: called from any thread when something waits for him; it must return at once.
        """
        with self._lock:
            first = [_line(event, past=True) for event in self._digest.events()]
            subscription = Subscription(self._lock, first, wake)
            self._subscriptions.add(subscription)
            return subscription

    def leave(self, subscription: Subscription) -> None:
        """He has left."""
        with self._lock:
            self._subscriptions.discard(subscription)


def _line(event: Event, *, past: bool) -> bytes:
    document = encode(event)
    if past:
        document["past"] = True
    try:
        return json.dumps(document, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError):
        # A mistake of ours costs this one event.
        log.exception("%s cannot be told to who follows", event.signal_name)
        return b""
