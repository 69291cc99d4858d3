"""`cloudplow_healthcheck` of the dashboard asks a server that really answers, or does not."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

import cloudplow_dashboard
from cloudplow_dashboard.config import DashboardSection


class Answering:
    """A small server on loopback that gives one answer to every request."""

    def __init__(self, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/api/health" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def __enter__(self) -> int:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self.port

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def ask(section: DashboardSection) -> str | None:
    config: Any = SimpleNamespace(section=lambda _name: section)
    return cloudplow_dashboard.cloudplow_healthcheck(config)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_dashboard_on_any_address_is_asked_on_this_machine(host: str) -> None:
    with Answering(b'{"status": "healthy", "engine": "uploading"}') as port:
        assert ask(DashboardSection(enabled=True, host=host, port=port)) == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"status": "healthy", "engine": "stopped"}', "the engine is stopped"),
        (b'{"status": "ill", "engine": "idle"}', "the dashboard is ill"),
        (b"<html>", "/api/health does not answer as it should"),
        (b"[]", "/api/health does not answer as it should"),
        (b"{}", "/api/health does not answer as it should"),
    ],
)
def test_what_is_wrong_with_a_dashboard_is_one_sentence(body: bytes, words: str) -> None:
    with Answering(body) as port:
        told = ask(DashboardSection(enabled=True, port=port))

    assert told is not None
    assert words in told


def test_a_dashboard_that_does_not_answer_is_not_well() -> None:
    with Answering(b"") as port:
        pass

    told = ask(DashboardSection(enabled=True, port=port))

    assert told is not None
    assert told.startswith(f"http://127.0.0.1:{port}/api/health does not answer as it should: ")


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://anna:secret@127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Answering(b'{"status": "healthy", "engine": "idle"}') as port:
        assert ask(DashboardSection(enabled=True, port=port)) == ""
