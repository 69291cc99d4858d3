"""Steers one running rclone through its remote control: ends it after the files under way, limits its speed.

Wishes come from any thread and are never waited for. A thread of its own, started with the first wish, passes them on:
a call may hang, and then neither the upload nor whoever wished something hangs with it.
Source: rclone 1.60.1 and 1.75.2; see docs/rclone-findings.md.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from cloudplow.rclone.rc import RcAnswer

log = logging.getLogger("cloudplow.rc")

#: Below this total speed, in bytes per second, a limit cannot be raised again quickly, and uploads time out.
LOWEST_BYTES_PER_SECOND: Final = 100 << 10
#: How long rclone may take to accept that it ends after the files under way; then it ends with the stage, in seconds.
FINISH_SECONDS: Final = 8.0
#: How long one call may take, in seconds. Raising a low limit of the user takes rclone some seconds.
CALL_SECONDS: Final = 3.0
#: When a call that failed is made again, in seconds.
AGAIN_SECONDS: Final = 1.0
#: How often to look whether a timetable of the user's (`--bwlimit`) has replaced our limit, in seconds.
LOOK_SECONDS: Final = 15.0
#: rclone begins no file any more, not even the first, and what it has begun goes on to its end.
FINISH: Final[Mapping[str, Any]] = {"main": {"MaxTransfer": 1, "CutoffMode": "CAUTIOUS"}}


class Caller(Protocol):
    """What an `RcClient` does."""

    def call(self, command: str, parameters: Mapping[str, Any] | None = None, *, timeout_seconds: float) -> RcAnswer:
        """Call a command; raises nothing."""


class Steering:
    """One running rclone. Any thread may use everything here.

    dial: makes the client for a port; None for an rclone that does not listen. limit_bytes: the speed limit from the
    start, in bytes per second, None for the user's own.
    """

    def __init__(
        self,
        dial: Callable[[int], Caller] | None,
        *,
        limit_bytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dial = dial
        self._clock = clock
        self._condition = threading.Condition()
        self._caller: Caller | None = None
        self._thread: threading.Thread | None = None
        self._ended = False
        self._wanted = limit_bytes
        self._in_force: int | None = None
        #: What rclone limits itself to when nobody asks for anything else, as it says it itself.
        self._own_rate = "off"
        self._sent: set[int] = set()
        self._limit_due = 0.0
        self._told_fault = False
        self._finish_asked: float | None = None
        self._finish_due = 0.0
        self._finish_sent = False
        self._finish_taken = False

    @property
    def can_steer(self) -> bool:
        """Whether rclone listens, or will, as far as is known."""
        return self._dial is not None and not self._ended

    @property
    def is_listening(self) -> bool:
        """Whether rclone has said where it listens."""
        return self._caller is not None

    @property
    def may_finish(self) -> bool:
        """Whether rclone may end before its files do, because it was asked to."""
        return self._finish_sent

    def limit_in_force(self) -> tuple[bool, int | None]:
        """Whether the limit that is wanted is in force, and that limit in bytes per second, None for none of ours."""
        with self._condition:
            return self._in_force == self._wanted, self._in_force

    def listens(self, port: int) -> None:
        """rclone has said where it listens."""
        with self._condition:
            if self._dial is None or self._caller is not None:
                return
            self._caller = self._dial(port)
            self._wake()

    def does_not_listen(self) -> None:
        """rclone works, and has not said that it listens: a wrapper may have taken the variables away."""
        with self._condition:
            if self._caller is None:
                self._dial = None

    def starts_limited(self, limit_bytes: int | None) -> None:
        """rclone was started with this limit, and cannot be steered."""
        with self._condition:
            self._dial = None
            self._wanted = self._in_force = limit_bytes

    def limit(self, limit_bytes: int | None) -> bool:
        """Limit the speed, in bytes per second; None: as the user set it. Returns whether rclone will be asked."""
        with self._condition:
            if not self.can_steer:
                return False
            self._wanted, self._limit_due = limit_bytes, 0.0
            self._wake()
            return self.can_steer

    def finish(self) -> bool:
        """Begin no more files. Returns whether rclone will be asked."""
        with self._condition:
            if not self.can_steer:
                return False
            if self._finish_asked is None:
                self._finish_asked = self._clock()
                self._wake()
            return self.can_steer

    def end(self) -> None:
        """rclone has ended, or is not to be steered any more. A call that hangs is left alone."""
        with self._condition:
            self._ended = True
            self._condition.notify()

    def _wake(self) -> None:
        if self._thread is None and self._caller is not None and self._pause() is not None:
            thread = threading.Thread(target=self._run, name="cloudplow-steer", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._dial = None
                log.warning("rclone cannot be steered now, as no thread can be started: %s", error)
                return
            self._thread = thread
        self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._ended and (pause := self._pause()) != 0.0:
                    self._condition.wait(pause)
                if self._ended:
                    return
            self.step()

    def _pause(self) -> float | None:
        """How long there is nothing to do, in seconds; None for ever."""
        due = [self._finish_due] if self._finish_is_open() else []
        if self._in_force != self._wanted or self._wanted is not None:
            due.append(self._limit_due)
        return max(0.0, min(due) - self._clock()) if due else None

    def _finish_is_open(self) -> bool:
        return self._finish_asked is not None and not self._finish_taken and self._dial is not None

    def step(self) -> None:
        """Make the call that is due."""
        if self._finish_is_open() and self._finish_due <= self._clock():
            self._pass_finish_on()
        else:
            self._pass_limit_on()

    def _call(self, command: str, parameters: Mapping[str, Any]) -> RcAnswer:
        assert self._caller is not None
        return self._caller.call(command, parameters, timeout_seconds=CALL_SECONDS)

    def _pass_finish_on(self) -> None:
        self._finish_sent = True  # it may be accepted although no answer comes
        answer = self._call("options/set", FINISH)
        with self._condition:
            if not answer.fault:
                self._finish_taken = True
                return
            now = self._clock()
            self._finish_due = now + AGAIN_SECONDS
            assert self._finish_asked is not None
            if self._ended or now - self._finish_asked < FINISH_SECONDS:
                return
            self._dial = None
        log.warning("rclone's remote control %s: the upload ends after the running stage", answer.fault)

    def _pass_limit_on(self) -> None:
        with self._condition:
            wanted = self._wanted
        answer = self._call("core/bwlimit", {})
        if not answer.fault:
            answer = self._set_limit(wanted, answer)
        with self._condition:
            if not answer.fault:
                self._in_force = wanted
            if wanted == self._wanted:  # else there is a newer wish
                self._limit_due = self._clock() + (AGAIN_SECONDS if answer.fault else LOOK_SECONDS)
            if not answer.fault or self._ended or self._told_fault:
                return
            self._told_fault = True
        log.warning("the speed of the upload cannot be changed yet: rclone's remote control %s", answer.fault)

    def _set_limit(self, wanted: int | None, now: RcAnswer) -> RcAnswer:
        """now: what rclone says of its limit. What is not ours is the user's: a fixed one, or one of a timetable."""
        rate_bytes = now.document.get("bytesPerSecond")
        is_ours = isinstance(rate_bytes, int) and rate_bytes in self._sent
        if not is_ours:
            self._own_rate = str(now.document.get("rate") or "off")
        if wanted is None:
            return self._call("core/bwlimit", {"rate": self._own_rate}) if is_ours else now
        if rate_bytes == as_sent(wanted):
            return now
        self._sent.add(as_sent(wanted))
        return self._call("core/bwlimit", {"rate": f"{as_sent(wanted)}B"})


def limit_flags(limit_bytes: int | None) -> list[str]:
    """Flags that limit an rclone from its start, and replace the user's before them: rclone takes the last ones."""
    return [] if limit_bytes is None else [f"--bwlimit={as_sent(limit_bytes)}B"]


def as_sent(limit_bytes: int) -> int:
    """The limit that rclone gets: a byte less, which nobody writes into a timetable, so it is known as ours."""
    return limit_bytes - 1
