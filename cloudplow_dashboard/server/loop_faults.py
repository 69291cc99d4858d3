"""What the server's loop reports of itself: what anybody can bring about again and again is said once in a while."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger("cloudplow.dashboard")

PERIOD_SECONDS: Final = 600.0
#: Why a connection cannot be taken, which says nothing of the connection. asyncio tries again a second later.
_SCARCE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class LoopFaults:
    """The exception handler of a loop.

    clock: seconds, monotonic; listens: whether the server still does. asyncio tries to accept again also when not.
    """

    def __init__(self, clock: Callable[[], float], listens: Callable[[], bool]) -> None:
        self._clock = clock
        self._listens = listens
        self._said_at: float | None = None

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _SCARCE:
            self._scarce(error)
        elif self._listens() or not isinstance(error, ValueError):
            loop.default_exception_handler(context)

    def _scarce(self, error: OSError) -> None:
        now = self._clock()
        if self._said_at is None or now - self._said_at >= PERIOD_SECONDS:
            self._said_at = now
            log.warning(
                "The dashboard could not take a connection: %s; raise the limit of open files (ulimit -n) of cloudplow",
                error.strerror,
            )
