"""Talks to a listening rclone through its remote control, and polls one that somebody else started.

Every answer, also none, wrong or endless ones, becomes an `RcAnswer`: nothing here raises because of what comes back.
Source: rclone 1.60.1 and 1.75.2. POST only; the type of a good answer differs between the two, so nobody looks at it.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from cloudplow import events
from cloudplow.events import Event
from cloudplow.rclone.log import parse_stats

log = logging.getLogger("cloudplow.rc")

#: How long rclone may take for a whole answer, in seconds, however it trickles in.
TIMEOUT_SECONDS: Final = 3.0
#: Longer answers are none.
LIMIT_BYTES: Final = 4 << 20
_CHUNK_BYTES: Final = 64 << 10
_SAID_LIMIT: Final = 200
_SILENT: Final = "does not answer"

#: Sends a request and returns all that comes back. Raises OSError.
Exchange = Callable[[bytes, float], bytes]


class RcAnswer(NamedTuple):
    """document: what rclone answers, {} if it refuses; fault: what it does instead, as "rclone ...", "" for nothing."""

    document: Mapping[str, Any]
    fault: str = ""


class RcClient:
    """Asks one remote control. Without a proxy, whatever the environment names, and following no redirection:
    neither must see the password. Any thread may call it.
    """

    def __init__(self, url: str, *, exchange: Exchange | None = None) -> None:
        """url: with user and password, if it needs them. exchange: in place of the network.

        Raises ValueError for an invalid address.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as http://127.0.0.1:5572")
        self._tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._tls else 80)
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self._head = f"Host: {shown}:{self._port}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        if parts.username:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._head += f"Authorization: Basic {base64.b64encode(secret.encode()).decode()}\r\n"
        self._path = parts.path.rstrip("/")
        self._exchange = exchange or self._over_the_network

    def call(
        self, command: str, parameters: Mapping[str, Any] | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> RcAnswer:
        """Call a command such as "core/stats". Raises nothing."""
        body = json.dumps(parameters or {})
        request = f"POST {self._path}/{command} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n{body}"
        try:
            received = self._exchange(request.encode(), timeout_seconds)
        except (OSError, ValueError):
            return RcAnswer({}, _SILENT)
        return read_answer(received)

    def _over_the_network(self, request: bytes, timeout_seconds: float) -> bytes:
        deadline = time.monotonic() + timeout_seconds
        received = bytearray()
        with socket.create_connection((self._host, self._port), timeout_seconds) as plain:
            connection = self._secured(plain) if self._tls else plain
            connection.sendall(request)
            while len(received) <= LIMIT_BYTES:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                connection.settimeout(left)
                chunk = connection.recv(_CHUNK_BYTES)
                if not chunk:
                    break
                received += chunk
        return bytes(received)

    def _secured(self, plain: socket.socket) -> socket.socket:
        # Few need it, and loading it takes 5 ms.
        import ssl

        return ssl.create_default_context().wrap_socket(plain, server_hostname=self._host)


class _Received:
    """What `HTTPResponse` wants of a socket: all has been received already."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


def read_answer(received: bytes) -> RcAnswer:
    """What an HTTP answer, with its head, says. Raises nothing."""
    # Most uploads steer nothing, and loading it takes 20 ms.
    from http.client import HTTPException, HTTPResponse

    if len(received) > LIMIT_BYTES:
        return RcAnswer({}, "answers without an end")
    if not received:
        return RcAnswer({}, _SILENT)
    try:
        response = HTTPResponse(cast(socket.socket, _Received(received)), method="POST")
        response.begin()
        body = response.read()
    except (HTTPException, OSError, ValueError):
        return RcAnswer({}, "answers something that is not HTTP")
    document = _as_document(body)
    if response.status == 200:
        return RcAnswer(document) if document is not None else RcAnswer({}, "answers something that is not JSON")
    if response.status == 401:
        return RcAnswer({}, "does not accept the password")
    said = str((document or {}).get("error") or "")[:_SAID_LIMIT]
    return RcAnswer({}, f"answers with status {response.status}" + (f": {said}" if said.isprintable() and said else ""))


def _as_document(body: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


class RcWatch:
    """A thread that polls at an interval until stopped. publish: receives each event.

    place: where the address stands; expected: somebody is to be there, so that it is a warning if nobody is.
    """

    def __init__(
        self,
        url: str,
        interval_seconds: float,
        publish: Callable[[Event], object],
        *,
        place: str = "dashboard.rc_url",
        expected: bool = True,
    ) -> None:
        """Raises ValueError for an invalid address."""
        self._place = place
        self._expected = expected
        self._client = RcClient(url)
        self._interval_seconds = interval_seconds
        self._publish = publish
        self._stop = threading.Event()
        self._answered: bool | None = None
        self._thread = threading.Thread(target=self._run, name="cloudplow-rc", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling; waits for a pending answer, `TIMEOUT_SECONDS` at most."""
        self._stop.set()
        self._thread.join(TIMEOUT_SECONDS + 1)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._poll()
            self._stop.wait(self._interval_seconds)

    def _poll(self) -> None:
        answer = self._client.call("core/stats")
        self._report(answer.fault)
        if answer.fault:
            return
        stats = parse_stats(answer.document)
        self._publish(
            events.TransferProgress(
                uploader="rclone",
                **stats.fields(),
                bytes_left=max(0, stats.total_bytes - stats.bytes),
            )
        )

    def _report(self, fault: str) -> None:
        answered = not fault
        if answered == self._answered:
            return
        self._answered = answered
        if answered:
            self._expected = True
            log.info("rclone's remote control is answering")
            return
        # The address may hold a password, so it is not logged.
        text = "rclone's remote control %s (check %s); retrying until it answers well"
        log.log(logging.WARNING if self._expected else logging.INFO, text, fault, self._place)
