"""`Caller`: one connection to the control socket; it asks and is answered, or it follows the events."""

from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Callable
from typing import Final

from cloudplow.control import answers
from cloudplow.control.feed import Subscription

#: How long a caller may take for his next request, and to read the answer, in seconds.
IDLE_SECONDS: Final = 10.0
TOO_SLOW: Final = "you read too slowly to follow, so events were lost; follow again to be told how things stand"
_CHUNK_BYTES: Final = 64 << 10


class Caller:
    """One connection: what has arrived and is not answered yet, and what is still to be sent."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = bytearray()
        self.to_send = bytearray()
        self.deadline = time.monotonic() + IDLE_SECONDS
        #: He has said all that he wants to say.
        self.finished = False
        #: He gets no more answers. What he still sends is thrown away, so that he can read why.
        self.refused = False
        #: He follows: he may take his time, and what he says is thrown away.
        self.subscription: Subscription | None = None

    def is_done(self) -> bool:
        """Whether nothing is left to be said, by him or to him."""
        return self.finished and not self.to_send and (self.subscription is None or self.refused)

    def follow(self, subscription: Subscription) -> None:
        """After the answer that is being made, he gets a line for each event."""
        self.subscription = subscription

    def read(self, answer: Callable[[bytes], bytes]) -> None:
        """Take what has arrived, and answer whole lines. Raises OSError."""
        thrown_away = self.refused or self.subscription is not None
        data = self.connection.recv(_CHUNK_BYTES if thrown_away else answers.MAX_LINE_BYTES + 1 - len(self.received))
        self.finished = not data
        if thrown_away:
            if self.finished and self._has_hung_up():
                raise ConnectionResetError
            return
        self.received += data
        self.work(answer)

    def _has_hung_up(self) -> bool:
        """Whether he has closed his end; else he has only said that he will say no more."""
        poll = select.poll()
        poll.register(self.connection, 0)
        return bool(poll.poll(0))

    def work(self, answer: Callable[[bytes], bytes]) -> None:
        """Answer the lines that are there, until he has to read first. Raises OSError."""
        self.send()
        while not self.to_send and not self.refused and self.subscription is None:
            line, end, rest = self.received.partition(b"\n")
            if not end and len(line) > answers.MAX_LINE_BYTES:
                self.refuse(answers.TOO_LONG)
            elif end or (self.finished and line):
                self.received = rest
                self.to_send += answer(bytes(line))
                self.deadline = time.monotonic() + IDLE_SECONDS
                self.send()
            else:
                return
        if self.subscription is not None:
            self.pump(self.subscription)

    def pump(self, subscription: Subscription) -> None:
        """Send a follower what waits for him, as far as it fits. Raises OSError."""
        if not self.refused:
            self.received.clear()
            self.deadline = math.inf
        self.send()
        while not self.refused:
            if subscription.overflowed:
                # What is being sent ends with a whole line.
                self.deadline = time.monotonic() + IDLE_SECONDS
                self.refuse(TOO_SLOW)
                return
            if self.to_send:
                return
            self.to_send += subscription.take(_CHUNK_BYTES)
            if not self.to_send:
                return
            self.send()

    def complain(self) -> None:
        """His time is over: say so if he has begun to ask. Raises OSError."""
        if self.received and not self.refused and not self.to_send:
            self.refuse(f"no whole line arrived within {IDLE_SECONDS:.0f} seconds")

    def refuse(self, why: str) -> None:
        """Say why he gets no more answers. Raises OSError."""
        self.refused = True
        self.received.clear()
        self.to_send += answers.refusal(why)
        self.send()

    def send(self) -> None:
        """Send what fits. Raises OSError."""
        while self.to_send:
            try:
                sent = self.connection.send(self.to_send)
            except BlockingIOError:
                return
            del self.to_send[:sent]
        if self.refused and not self.finished:
            self.connection.shutdown(socket.SHUT_WR)
