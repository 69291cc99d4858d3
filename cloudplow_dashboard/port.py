"""Waits for a port that another process of ours is about to let go, on a thread of its own."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from cloudplow_dashboard.server.listener import BindError, bind

log = logging.getLogger("cloudplow.dashboard")

#: How often it is tried, and for how long before somebody is told, in seconds.
AGAIN_SECONDS: Final = 0.2
TELL_SECONDS: Final = 15.0
_JOIN_SECONDS: Final = 5.0


class PortWait:
    """Tries to listen until that works or `stop` is called; a listener that it got is passed to `got`, on its thread.

    late: called once if it takes longer than `TELL_SECONDS`; it says whether to go on trying.
    """

    def __init__(
        self, host: str, port: int, got: Callable[[socket.socket], None], late: Callable[[BindError], bool]
    ) -> None:
        self._host = host
        self._port = port
        self._got = got
        self._late = late
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudplow-dashboard-port", daemon=True)

    def start(self) -> None:
        """Begin to try; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Try no more. When this returns, `got` is not running."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        tell_at: float | None = time.monotonic() + TELL_SECONDS
        while not self._stopping.wait(AGAIN_SECONDS):
            try:
                listener = bind(self._host, self._port)
            except BindError as error:
                if tell_at is not None and time.monotonic() >= tell_at:
                    tell_at = None
                    if not self._late(error):
                        return
                continue
            try:
                self._got(listener)
            except Exception:  # the upload goes on without a dashboard
                listener.close()
                log.exception("The dashboard could not start and is off; the upload continues without it")
            return
