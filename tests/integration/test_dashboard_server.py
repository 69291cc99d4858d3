"""The real server on a free loopback port, with clients on plain sockets."""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cloudplow_dashboard
from cloudplow import events
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.dashboard import Dashboard
from cloudplow_dashboard.server.direct import direct_writer
from cloudplow_dashboard.server.limits import Limits
from cloudplow_dashboard.server.listener import BindError, bind, is_loopback, url_of
from cloudplow_dashboard.state.patches import merge

WAIT_SECONDS = 10.0


class FakeFiles:
    """Cache files that are not there; remembers what is to be written."""

    def __init__(self) -> None:
        self.makers: dict[str, Callable[[], Any]] = {}
        self.dirty: set[str] = set()

    def read(self, _name: str) -> Any:
        return None

    def register(self, name: str, make_document: Callable[[], Any]) -> None:
        self.makers[name] = make_document

    def mark_dirty(self, name: str) -> None:
        self.dirty.add(name)


class Server:
    """A running dashboard, and requests to it."""

    def __init__(self, limits: Limits | None = None, **section: Any) -> None:
        self.app: Any = SimpleNamespace(events=events, state_files=FakeFiles(), version="3.0.0", services={})
        values: dict[str, Any] = {"enabled": True, "port": 0, "refresh_interval": 0.2} | section
        self.dashboard = Dashboard(self.app, DashboardSection(**values), limits)
        assert self.dashboard.start()
        self.port = int(self.app.services["dashboard_url"].rstrip("/").rpartition(":")[2])
        self.state = self.dashboard.state

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)) as connection:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def document(self) -> Any:
        return json.loads(self.get("/api/state")[2])

    def transfer(self, name: str = "a.mkv", size: int = 1) -> None:
        event = events.FileTransferred(name=name, size=size, account="1.json", stage=1)
        events.file_transferred.send("google", event=event)

    def fail(self, name: str, error: str = "broken") -> None:
        events.file_failed.send("google", event=events.FileFailed(name=name, error=error, account="1.json", stage=1))


class Stream:
    """One viewer: reads the events of the stream."""

    def __init__(self, port: int, last_event_id: str = "", query: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        self._connection.request(
            "GET", f"/api/events{query}", headers={"Last-Event-ID": last_event_id} if last_event_id else {}
        )
        self.response = self._connection.getresponse()
        self.id = last_event_id

    def lines(self) -> Iterator[str]:
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def next_event(self) -> tuple[str, Any]:
        """Name and data of the next event; ("", None) at the end of the stream."""
        name, data = "", None
        for line in self.lines():
            field, _, value = line.partition(": ")
            if field == "id":
                self.id = value
            elif field == "event":
                name = value
            elif field == "data":
                data = json.loads(value)
            elif not line and name:
                return name, data
        return "", None

    def close(self) -> None:
        # The response holds the socket too.
        self.response.close()
        self._connection.close()


@pytest.fixture
def make_server() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(limits: Limits | None = None, **section: Any) -> Server:
        made.append(Server(limits, **section))
        return made[-1]

    yield make
    for server in made:
        server.dashboard.stop()


@pytest.fixture(scope="module")
def quiet_server() -> Iterator[Server]:
    """One server for all tests that only ask it something."""
    server = Server()
    yield server
    server.dashboard.stop()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    return make_server()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def comparable(document: Any) -> Any:
    return {key: value for key, value in document.items() if key != "ts"}


def test_a_viewer_that_drops_and_resumes_misses_nothing(server: Server) -> None:
    stop = threading.Event()

    def feed() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            server.transfer(f"file {number}", number)
            progress = events.TransferProgress(
                bytes=number, total_bytes=9, speed=number, eta=None, files=1, total_files=2, errors=0
            )
            events.transfer_progress.send("google", event=progress)
            time.sleep(0.002)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        viewer = Stream(server.port)
        name, document = viewer.next_event()
        assert name == "snapshot"
        for _ in range(5):
            for _ in range(4):
                name, patch = viewer.next_event()
                assert (name, patch["version"]) == ("patch", document["version"] + 1)
                document = merge(document, patch)
            viewer.close()
            time.sleep(0.1)
            viewer = Stream(server.port, viewer.id)
    finally:
        stop.set()
        feeder.join()
    final = server.document()
    while document["version"] < final["version"]:
        name, patch = viewer.next_event()
        assert (name, patch["version"]) == ("patch", document["version"] + 1)
        document = merge(document, patch)
    viewer.close()

    assert comparable(document) == comparable(final)
    assert final["uploaders"]["google"]["session"]["files_done"] > 20


def test_a_viewer_with_an_unknown_id_gets_a_snapshot(server: Server) -> None:
    server.transfer()
    for last in ("other:1", "nonsense", f"{server.state.boot}:999"):
        with closing(Stream(server.port, last)) as viewer:
            assert viewer.next_event()[0] == "snapshot"


def test_a_viewer_that_the_ring_has_passed_gets_a_snapshot(server: Server) -> None:
    server.state.ring._max_frames = 3
    early = f"{server.state.boot}:1"
    for number in range(6):
        server.transfer(f"{number}")
        server.document()

    with closing(Stream(server.port, early)) as viewer:
        name, document = viewer.next_event()

    assert (name, comparable(document)) == ("snapshot", comparable(server.document()))


def test_a_viewer_that_missed_nothing_gets_nothing_but_the_preamble(make_server: Callable[..., Server]) -> None:
    server = make_server(Limits(keep_alive=0.2, sweep=0.05))
    version = server.document()["version"]

    with closing(Stream(server.port, f"{server.state.boot}:{version}")) as viewer:
        lines = viewer.lines()
        assert [next(lines) for _ in range(5)] == ["retry: 2000", "", ": keep-alive", "", ": keep-alive"]


def test_a_page_that_has_a_state_says_so_in_its_address_and_is_told_at_once(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.transfer("a.mkv")
    known = server.document()
    server.transfer("b.mkv")

    for query, version in ((f"{known['boot']}:{known['version']}", known["version"]), ("gone:1", 0), ("", 0)):
        with closing(Stream(server.port, query=f"?last_event_id={query}")) as viewer:
            name, data = viewer.next_event()
            assert name == ("patch" if version else "snapshot")
            assert merge(known, data)["uploaders"]["google"]["session"]["files_done"] == 2
    newest = f"{known['boot']}:{data['version']}"
    with closing(Stream(server.port, query=f"?last_event_id={newest}")) as viewer:
        name, data = viewer.next_event()
        assert (name, viewer.id, set(data)) == ("patch", newest, {"version", "ts"})
        server.transfer("c.mkv")
        name, data = viewer.next_event()
        assert data["uploaders"]["google"]["session"]["files_done"] == 3


def test_the_stream_carries_its_headers(quiet_server: Server) -> None:
    status, headers, body = quiet_server.get("/api/events", "HEAD")

    assert (status, body) == (200, b"")
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "server" not in headers


@pytest.mark.alone
def test_a_fact_reaches_the_viewer_at_once(server: Server) -> None:
    with closing(Stream(server.port)) as viewer:
        viewer.next_event()
        delays = []
        for number in range(5):
            started = time.monotonic()
            server.fail(f"{number}")
            viewer.next_event()
            delays.append(time.monotonic() - started)

    assert sorted(delays)[2] < 0.2


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/events", "/api/state", "/"])
def test_wrong_methods_are_refused(quiet_server: Server, path: str, method: str) -> None:
    status, headers, body = quiet_server.get(path, method)

    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert json.loads(body)["error"]["code"] == "method_not_allowed"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/api/events/", "/static/none.js", "/%C3%BC"])
def test_unknown_routes_are_not_found(quiet_server: Server, path: str) -> None:
    status, headers, body = quiet_server.get(path)

    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_and_its_files_are_served_with_validators(quiet_server: Server) -> None:
    status, headers, page = quiet_server.get("/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    files = re.findall(r'(?:src|href)="(static/[^"]+)"', page.decode())
    assert files
    for path in files:
        status, headers, body = quiet_server.get(f"/{path}")
        assert (status, bool(body)) == (200, True)
        status, _, _ = quiet_server.get(f"/{path}", **{"If-None-Match": headers["etag"]})
        assert status == 304


def test_too_many_viewers_are_asked_to_come_back(make_server: Callable[..., Server]) -> None:
    server = make_server(Limits(viewers=2))
    viewers = [Stream(server.port) for _ in range(2)]
    for viewer in viewers:
        viewer.next_event()

    status, headers, body = server.get("/api/events")
    viewers[0].close()
    wait_for(lambda: len(server.dashboard.server.hub.viewers) == 1)  # type: ignore[union-attr]
    with closing(Stream(server.port)) as later:
        assert later.next_event()[0] == "snapshot"
    viewers[1].close()

    assert (status, headers["retry-after"]) == (503, "10")
    assert json.loads(body)["error"]["code"] == "too_many_viewers"


def first_bytes(server: Server, version: bytes, wanted: bytes) -> bytes:
    """What a client of that HTTP version gets, as it is on the wire, up to the wanted bytes."""
    with closing(socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS)) as client:
        client.sendall(b"GET /api/events HTTP/%s\r\nHost: x\r\n\r\n" % version)
        hub = server.dashboard.server.hub  # type: ignore[union-attr]
        wait_for(lambda: any(viewer.waiting for viewer in hub.viewers))
        found = b""
        for number in range(3):
            server.transfer(f"{number}")
            while b'"files_done":%d' % (number + 1) not in found.rpartition(b"event: patch")[2]:
                found += client.recv(1 << 16)
        return found.partition(wanted)[2]


def without_what_differs(data: bytes) -> bytes:
    """Times, the id of the process and the sizes of chunks (times differ in their digits) out."""
    data = re.sub(rb"\r\n[0-9a-f]+\r\n", b"\r\nsize\r\n", data)
    data = re.sub(rb"id: \w+:", b"id: boot:", data)
    return re.sub(rb'"(ts|at|started_at)":[0-9.]+', rb'"\1":0', data)


def test_the_short_way_gives_the_same_bytes_as_the_usual_one(
    make_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[bool] = []

    def watched(send: Any) -> Any:
        ways.append(direct_writer(send) is not None)
        return direct_writer(send)

    monkeypatch.setattr("cloudplow_dashboard.server.hub.direct_writer", watched)
    short = first_bytes(make_server(), b"1.1", b"event: patch")
    monkeypatch.setattr("cloudplow_dashboard.server.hub.direct_writer", lambda _send: None)
    usual = first_bytes(make_server(), b"1.1", b"event: patch")

    assert ways == [True]
    assert without_what_differs(short) == without_what_differs(usual)


def test_a_client_of_http_1_0_gets_no_chunks(server: Server) -> None:
    data = first_bytes(server, b"1.0", b"\r\n\r\n")

    assert data.startswith(b"retry: 2000\n\nid: ")
    assert b"\r\n" not in data


def deaf_reader(port: int, path: str = "/api/events") -> socket.socket:
    """A client that asks and never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    return client


def open_files() -> int:
    """How many descriptors this process holds, the clients' and the server's."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def ends(client: socket.socket) -> bool:
    """Whether what the server still sent is followed by an end."""
    client.settimeout(WAIT_SECONDS)
    with suppress(ConnectionResetError):
        while client.recv(1 << 20):
            pass
    return True


def test_a_reader_that_never_reads_is_cut_and_disturbs_nobody(make_server: Callable[..., Server]) -> None:
    server = make_server(Limits(stuck=0.5, sweep=0.1))
    assert server.dashboard.server is not None
    hub = server.dashboard.server.hub
    with closing(deaf_reader(server.port)) as deaf, closing(Stream(server.port)) as viewer:
        wait_for(lambda: len(hub.viewers) == 2)
        both = open_files()
        numbers = iter(range(100_000))
        seen = 0

        def flood() -> bool:
            nonlocal seen
            for _ in range(40):
                server.fail(f"{next(numbers)} " + "x" * 900, "y" * 290)
            name, _ = viewer.next_event()
            seen += name == "patch"
            return len(hub.viewers) == 1

        wait_for(flood)

        assert seen > 3
        wait_for(lambda: open_files() == both - 1)
        assert ends(deaf)


def test_connections_beyond_the_limit_are_cut(make_server: Callable[..., Server]) -> None:
    server = make_server(Limits(viewers=4, connections=4))
    viewers = [Stream(server.port) for _ in range(4)]

    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError)):
        server.get("/api/health")
    for viewer in viewers:
        viewer.close()
    wait_for(lambda: _answers(server))


def _answers(server: Server) -> bool:
    try:
        return server.get("/api/health")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_connection_that_sends_no_request_is_cut(make_server: Callable[..., Server]) -> None:
    server = make_server(Limits(head=0.2, sweep=0.05))

    with closing(socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS)) as client:
        client.sendall(b"GET / HT")
        assert ends(client)


def test_stopping_ends_streams_cleanly_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    server = Server()
    server.transfer()
    viewer = Stream(server.port)
    viewer.next_event()
    server.document()
    started = time.monotonic()

    server.dashboard.stop()
    took = time.monotonic() - started

    name, patch = viewer.next_event()
    assert (name, patch["engine"]) == ("patch", "stopped")
    assert viewer.next_event() == ("", None)
    assert viewer.response.isclosed()
    viewer.close()
    assert took < 2.0
    assert set(threading.enumerate()) <= before
    assert server.app.services == {}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), 1)


def test_stopping_does_not_wait_for_readers_that_never_read() -> None:
    before = set(threading.enumerate())
    server = Server()
    assert server.dashboard.server is not None
    hub = server.dashboard.server.hub
    with closing(deaf_reader(server.port)), closing(Stream(server.port)) as viewer:
        wait_for(lambda: len(hub.viewers) == 2)
        numbers = iter(range(100_000))

        def flood() -> bool:
            for _ in range(40):
                server.fail(f"{next(numbers)} " + "x" * 900, "y" * 290)
            viewer.next_event()
            return any(one.sending_since and hub_age(hub, one.sending_since) > 0.3 for one in hub.viewers)

        wait_for(flood)
        started = time.monotonic()
        server.dashboard.stop()

        assert time.monotonic() - started < 3.0
    assert set(threading.enumerate()) <= before


def hub_age(hub: Any, since: float) -> float:
    return float(hub._loop.time() - since)


def test_stopping_right_after_starting() -> None:
    before = set(threading.enumerate())

    Server().dashboard.stop()

    assert set(threading.enumerate()) <= before


def test_the_hooks_start_and_stop_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cloudplow.dashboard")
    section = DashboardSection(enabled=True, port=0)
    app: Any = SimpleNamespace(
        config=SimpleNamespace(section=lambda _name: section),
        events=events,
        state_files=FakeFiles(),
        version="3.0.0",
        services={},
    )

    cloudplow_dashboard.cloudplow_start(app)
    url = app.services["dashboard_url"]
    with closing(socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2])), WAIT_SECONDS)):
        pass
    cloudplow_dashboard.cloudplow_stop(app)

    assert caplog.messages == [f"Dashboard: {url}"]
    assert app.services == {}


def test_a_port_that_is_taken_is_told_with_the_cure(server: Server) -> None:
    with pytest.raises(
        BindError, match=r"another program is listening on 127\.0\.0\.1:\d+; stop it, or set dashboard\.port"
    ):
        bind("127.0.0.1", server.port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "300.1.2.3", "x" * 200, "192.0.2.1", "a\0b", "..", " "])
def test_a_host_that_is_none_of_ours_is_told_with_the_cure(host: str) -> None:
    with pytest.raises(BindError, match=r"set dashboard\.host to"):
        bind(host, 0)


def test_a_taken_port_leaves_the_upload_alone(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    section = DashboardSection(enabled=True, port=server.port)
    app: Any = SimpleNamespace(config=SimpleNamespace(section=lambda _name: section), version="3.0.0", services={})

    cloudplow_dashboard.cloudplow_start(app)
    cloudplow_dashboard.cloudplow_stop(app)

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert app.services == {}


def test_an_open_bind_is_warned_of_once(make_server: Callable[..., Server], caplog: pytest.LogCaptureFixture) -> None:
    server = make_server(host="0.0.0.0")

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "has no login yet" in caplog.text
    assert server.app.services["dashboard_url"] == f"http://127.0.0.1:{server.port}/"


def test_addresses_to_open_in_a_browser() -> None:
    with closing(bind("localhost", 0)) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")
        assert is_loopback(listener)
    if socket.has_ipv6:
        try:
            listener = bind("::1", 0)
        except BindError:
            return
        with closing(listener):
            assert url_of(listener).startswith("http://[::1]:")
            assert is_loopback(listener)


def test_importing_the_plugin_imports_no_web_server() -> None:
    heavy = {"flask", "werkzeug", "jinja2", "uvicorn", "prometheus_client", "asyncio"}
    code = f"import sys, cloudplow_dashboard; sys.exit(bool({heavy} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
