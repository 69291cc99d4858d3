"""Receivers of notifications on loopback: one path for each way in which they behave, or do not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

#: Ends what hangs when the test does.
_HANG_SECONDS: Final = 60.0


class Got(NamedTuple):
    """A request. at: seconds of a steady clock."""

    path: str
    body: str
    at: float

    @property
    def text(self) -> str:
        """The text of a message that came in Slack's form."""
        return str(json.loads(self.body)["text"])


class Receivers:
    """What came in so far. `url` names a receiver: "works", "fails" (500), "hangs", "drips" (a byte a second)."""

    def __init__(self, port: int, ended: threading.Event) -> None:
        self.port = port
        self.ended = ended
        self._got: list[Got] = []
        self._changed = threading.Condition()

    def url(self, way: str, token: str = "t0ken") -> str:
        return f"http://127.0.0.1:{self.port}/{way}/{token}"

    def add(self, got: Got) -> None:
        with self._changed:
            self._got.append(got)
            self._changed.notify_all()

    def of(self, way: str) -> list[Got]:
        """The requests to one receiver."""
        return [one for one in self._got if one.path.startswith(f"/{way}/")]

    def texts(self, way: str) -> list[str]:
        return [one.text for one in self.of(way)]

    def wait_for(self, way: str, number: int, seconds: float = 30.0) -> list[Got]:
        """Wait for so many requests to one receiver."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(way)) >= number, seconds), f"waited in vain: {self._got}"
        return self.of(way)


class _Handler(BaseHTTPRequestHandler):
    receivers: Receivers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.receivers.add(Got(self.path, body.decode(), time.monotonic()))
        way = self.path.split("/")[1]
        if way == "hangs":
            self.receivers.ended.wait(_HANG_SECONDS)
            return
        if way == "drips":
            self._drip()
            return
        self.send_response(500 if way == "fails" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        try:
            while not self.receivers.ended.wait(1.0):
                self.wfile.write(b"x")
                self.wfile.flush()
        except OSError:
            return

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_arguments: Any) -> None:
        """A caller that was killed is no fault of the test."""


@contextmanager
def receivers() -> Iterator[Receivers]:
    """While inside, they listen on a port of loopback."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    ended = threading.Event()
    found = Receivers(server.server_address[1], ended)
    handler.receivers = found  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
