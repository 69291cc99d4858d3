"""`ControlSocket`: listens on the control socket, and answers on a thread of its own (`cloudplow.control.loop`).

One thread serves all callers, so requests are done one after the other. Whoever may open the file may steer; nothing
listens on a network. What a caller can take of us is bounded: connections, bytes, and time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from cloudplow.control.answers import Handler
from cloudplow.control.feed import Feed
from cloudplow.control.listener import Listener, close_file, listen
from cloudplow.control.loop import Loop
from cloudplow.errors import StateError

log = logging.getLogger("cloudplow.control")

#: How long `stop` waits for a request that is being done, in seconds.
STOP_SECONDS: Final = 5.0


class ControlSocket:
    """Listens for one state folder from `start` to `stop`; the caller holds the state lock meanwhile.

    handlers: what can be asked for, by the "do" of the request. They are called on the control thread. With a feed,
    "follow" is one of them, and after its answer comes a line for each event.
    """

    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler], feed: Feed | None = None) -> None:
        self._state_dir = state_dir.absolute()
        self._handlers = dict(handlers)
        self._feed = feed
        self._listener: Listener | None = None
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None

    @property
    def path(self) -> Path | None:
        """Where it listens; None while it does not."""
        return None if self._listener is None else self._listener.path

    def start(self) -> None:
        """Listen. Raises BusyError when another process does already, StateError when the socket cannot be made."""
        listener = self._listener = listen(self._state_dir)
        try:
            self._loop = Loop(listener.socket, self._handlers, self._feed)
            # No daemon: a request that is being done, such as a correction of the ledger, is done to its end.
            self._thread = threading.Thread(target=self._loop.run, name="cloudplow-control")
            self._thread.start()
        except (OSError, RuntimeError) as error:
            close_file(listener, self._state_dir)
            listener.socket.close()
            self._listener = self._loop = self._thread = None
            raise StateError(f"the control socket cannot be served: {error}") from error

    def stop(self) -> None:
        """Take the socket away and end the thread. A request that is being done is still answered."""
        if self._listener is None or self._loop is None or self._thread is None:
            return
        close_file(self._listener, self._state_dir)
        self._listener = None
        self._loop.stop()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            log.error(
                "a request on the control socket has not ended within %.0f s; the exit waits for it", STOP_SECONDS
            )

    def __enter__(self) -> ControlSocket:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()
