"""Polls an rclone that somebody else started through its remote control, and publishes its statistics as events."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from cloudplow import events
from cloudplow.events import Event
from cloudplow.rclone.log import parse_stats

log = logging.getLogger("cloudplow.rc")

#: How long rclone may take to answer, in seconds; nothing else waits for it.
TIMEOUT_SECONDS = 3.0
_LIMIT_BYTES = 4 << 20


class _NoRedirect(HTTPRedirectHandler):
    """Follows nothing: the password would go along."""

    def redirect_request(self, *_arguments: object, **_options: object) -> None:
        return None


def direct_opener() -> OpenerDirector:
    """Asks without a proxy, whatever the environment names: a proxy must not see the password."""
    return build_opener(ProxyHandler({}), _NoRedirect())


def stats_request(url: str) -> Request:
    """The request for `core/stats`; user and password in the address become a header. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as http://127.0.0.1:5572")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    path = parts.path.rstrip("/")
    request = Request(
        f"{parts.scheme}://{host}{port}{path}/core/stats", data=b"{}", headers={"Content-Type": "application/json"}
    )
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(secret.encode()).decode())
    return request


class RcWatch:
    """A thread that polls at an interval until stopped. publish: receives each event."""

    def __init__(self, url: str, interval_seconds: float, publish: Callable[[Event], object]) -> None:
        """Raises ValueError for an invalid address."""
        self._request = stats_request(url)
        self._interval_seconds = interval_seconds
        self._publish = publish
        self._opener = direct_opener()
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
        try:
            with self._opener.open(self._request, timeout=TIMEOUT_SECONDS) as answer:
                document: Any = json.loads(answer.read(_LIMIT_BYTES))
        except (URLError, OSError, ValueError):
            # The address may hold a password, so it is not logged.
            self._report(answered=False)
            return
        self._report(answered=True)
        stats = parse_stats(document if isinstance(document, dict) else {})
        self._publish(
            events.TransferProgress(
                uploader="rclone",
                **stats.fields(),
                bytes_left=max(0, stats.total_bytes - stats.bytes),
            )
        )

    def _report(self, *, answered: bool) -> None:
        if answered == self._answered:
            return
        self._answered = answered
        if answered:
            log.info("rclone's remote control is answering")
        else:
            log.warning("rclone's remote control does not answer (check dashboard.rc_url); retrying until it does")
