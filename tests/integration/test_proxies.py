"""The dashboard behind a real nginx and a real Caddy, with the configurations of docs/reverse-proxy.md."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import pytest
from flask import Flask, jsonify, request

from cloudplow_dashboard.state.patches import merge
from cloudplow_dashboard.web.app import create_app
from cloudplow_dashboard.web.routes import ROUTES
from tests import tools

from .test_dashboard_server import Server, comparable

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "reverse-proxy.md"
WAIT_SECONDS: Final = 20.0
#: How soon what the dashboard says must have come through the proxy, in seconds.
PROMPT_SECONDS: Final = 1.0
USER: Final = "admin"
PASSWORD: Final = "correct horse battery staple"
#: The same, hashed with so little effort (bcrypt, 2^4) that checking it takes a proxy no time.
CHEAP_HASH: Final = "$2a$04$cloudplowcloudplowcloOFjzn/t8Utwa2gnBOI5ptV0kfL3Q67dG"
ECHO_PATH: Final = "/api/status"


@dataclass(frozen=True)
class Way:
    """One configuration of the document: which proxy, the address that its server has, and where the dashboard is."""

    proxy: str
    heading: str
    host: str
    prefix: str


WAYS: Final = (
    Way("nginx", "nginx, below a path", "home.example.com", "/cloudplow/"),
    Way("nginx", "nginx, with a name of its own", "cloudplow.example.com", "/"),
    Way("caddy", "Caddy, below a path", "home.example.com", "/cloudplow/"),
    Way("caddy", "Caddy, with a name of its own", "cloudplow.example.com", "/"),
)
BELOW_A_PATH: Final = tuple(way for way in WAYS if way.prefix != "/")


def name_of(way: Way) -> str:
    return way.heading.replace(", ", "-").replace(" ", "-")


def documented(way: Way) -> str:
    """The configuration as the document has it."""
    pattern = rf"^### {re.escape(way.heading)}\n\n```{way.proxy}\n(.*?)^```$"
    section = re.search(pattern, DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert section is not None, way.heading
    return section[1]


def adapt(text: str, *replacements: tuple[str, str]) -> str:
    """Replace what cannot be the same in a test; each must be there."""
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


# --- the proxies ---


def openssl(*words: str | Path) -> str:
    """What an openssl command prints."""
    program = tools.require_program("openssl")
    done = subprocess.run([program, *words], check=True, capture_output=True, text=True, timeout=WAIT_SECONDS)
    return done.stdout.strip()


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate that nobody else signed, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    names = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
    openssl("req", "-x509", *curve, "-nodes", "-days", "2", *names, "-keyout", key, "-out", certificate)
    return certificate, key


@contextmanager
def run_nginx(folder: Path, way: Way, block: str, backend: int) -> Iterator[int]:
    """nginx with one server block, as the only one of a small main configuration; gives its port."""
    program = tools.require_program("nginx")
    certificate, key = make_certificate(folder, way.host)
    passwords = folder / "passwords"
    passwords.write_text(f"{USER}:{openssl('passwd', '-apr1', PASSWORD)}\n")
    folders = "".join(
        f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # The folders of tests are closed to other users.
    user = "user root;\n" if os.geteuid() == 0 else ""

    def command(port: int) -> list[str | Path]:
        server = adapt(
            block,
            ("listen 443 ", f"listen 127.0.0.1:{port} "),
            (f"/etc/ssl/certs/{way.host}.pem", str(certificate)),
            (f"/etc/ssl/private/{way.host}.key", str(key)),
            ("/etc/nginx/cloudplow.htpasswd", str(passwords)),
            ("http://127.0.0.1:47949", f"http://127.0.0.1:{backend}"),
        )
        config = folder / "nginx.conf"
        config.write_text(
            f"{user}daemon off;\nworker_processes 2;\npid {folder / 'nginx.pid'};\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}gzip on;\n{server}\n}}\n"
        )
        return [program, "-p", folder, "-c", config, "-e", "stderr"]

    with tools.listening_server(command, folder / "nginx.log") as port:
        yield port


@contextmanager
def run_caddy(folder: Path, way: Way, block: str, backend: int) -> Iterator[int]:
    """Caddy with one site, its certificate made by itself and its data in a folder of ours; gives its port."""
    program = tools.require_program("caddy")

    def command(port: int) -> list[str | Path]:
        site = adapt(
            block,
            (f"{way.host} {{", f"{way.host}:{port} {{\n\tbind 127.0.0.1"),
            ("127.0.0.1:47949", f"127.0.0.1:{backend}"),
        )
        options = "admin off\nlocal_certs\nskip_install_trust\nauto_https disable_redirects\n"
        config = folder / "Caddyfile"
        config.write_text(f"{{\n{options}}}\n{site}")
        return [program, "run", "--config", config, "--adapter", "caddyfile"]

    own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    with tools.listening_server(command, folder / "caddy.log", {"PATH": os.defpath, **own}) as port:
        yield port


# --- a client ---


class Connection(http.client.HTTPSConnection):
    """To the proxy on this machine, by the name that the proxy's server has."""

    def __init__(self, port: int, host: str) -> None:
        # What is tested is the way through the proxy, not who signed its certificate.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(host, port, timeout=WAIT_SECONDS, context=context)
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def has_certificate(port: int, host: str) -> bool:
    """Whether the proxy is ready for that name: Caddy listens a moment before it has made its certificate."""
    with closing(Connection(port, host)) as connection:
        try:
            connection.connect()
        except ssl.SSLError:
            return False
        return True


class Stream:
    """A viewer behind the proxy."""

    def __init__(self, proxied: Proxied, last_event_id: str = "") -> None:
        self._connection = Connection(proxied.port, proxied.way.host)
        headers = proxied.headers() | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        self._connection.request("GET", f"{proxied.way.prefix}api/events", headers=headers)
        self.response = self._connection.getresponse()
        self.id = last_event_id

    def next_event(self) -> tuple[str, Any]:
        """Name and data of the next event; ("", None) at the end of the stream."""
        name, data = "", None
        while line := self.response.readline():
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "id":
                self.id = value
            elif field == "event":
                name = value
            elif field == "data":
                data = json.loads(value)
            elif not field and name:
                return name, data
        return "", None

    def close(self) -> None:
        self.response.close()
        self._connection.close()


@dataclass(frozen=True)
class Proxied:
    """A dashboard and the proxy in front of it."""

    way: Way
    server: Server
    port: int

    @property
    def address(self) -> str:
        return f"https://{self.way.host}:{self.port}{self.way.prefix}"

    def headers(self) -> dict[str, str]:
        password = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {"Authorization": f"Basic {password}", "Host": f"{self.way.host}:{self.port}"}

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """What an absolute path of the proxy's server answers. Authorization="": without the password."""
        sent = {name: value for name, value in (self.headers() | headers).items() if value}
        with closing(Connection(self.port, self.way.host)) as connection:
            connection.request(method, path, headers=sent)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """What a path of the dashboard ("api/state") answers."""
        return self.ask(self.way.prefix + path, method, **headers)

    def viewers(self) -> int:
        assert self.server.dashboard.server is not None
        return len(self.server.dashboard.server.hub.viewers)


RUN: Final[dict[str, Callable[[Path, Way, str, int], Any]]] = {"nginx": run_nginx, "caddy": run_caddy}


def with_cheap_hash(text: str) -> str:
    return text.replace("THE_HASH", CHEAP_HASH)


@contextmanager
def proxied_dashboard(
    folder: Path, way: Way, change: Callable[[str], str] = with_cheap_hash, **section: Any
) -> Iterator[Proxied]:
    """change: what to make of the documented configuration."""
    tools.require_program(way.proxy)
    server = Server(allowed_hosts=[way.host], **section)
    try:
        server.transfer()
        with RUN[way.proxy](folder, way, change(documented(way)), server.port) as port:
            wait_for(lambda: has_certificate(port, way.host))
            yield Proxied(way, server, port)
    finally:
        server.dashboard.stop()


@pytest.fixture(scope="module", params=WAYS, ids=name_of)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Each configuration of the document, in front of a dashboard that trusts this machine."""
    folder = tmp_path_factory.mktemp("proxy")
    try:
        with proxied_dashboard(folder, request.param, trusted_proxies=["127.0.0.1"]) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- what must work through all of them ---


def test_every_configuration_of_the_document_is_run() -> None:
    blocks = re.findall(r"^### (.+)\n\n```(nginx|caddy)$", DOCUMENT.read_text("utf-8"), re.M)

    assert blocks == [(way.heading, way.proxy) for way in WAYS]
    assert len(re.findall(r"^```(?:nginx|caddy)$", DOCUMENT.read_text("utf-8"), re.M)) == len(WAYS)


def test_the_page_and_everything_that_it_loads_come_through(proxied: Proxied) -> None:
    status, headers, page = proxied.get("")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["content-security-policy"].startswith("default-src 'self'")

    here = proxied.address
    waiting = [urljoin(here, link) for link in re.findall(r'(?:src|href)="([^"#]+)"', page.decode())]
    seen: set[str] = set()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        assert url.startswith(here), "it would leave the folder that the proxy gives to the dashboard"
        status, headers, body = proxied.ask(url.removeprefix(f"https://{proxied.way.host}:{proxied.port}"))
        assert (status, bool(body)) == (200, True), url
        if url.endswith(".js"):
            waiting += [urljoin(here, link) for link in re.findall(r'"(static/[^"]+)"', body.decode())]
        elif url.endswith(".css"):
            waiting += [urljoin(url, link) for link in re.findall(r'url\("?(?!data:)([^")]+)', body.decode())]
    assert {url.removeprefix(here) for url in seen} >= {
        "static/page.js",
        "static/page.css",
        "static/js/theme.js",
        "static/icons/favicon.svg",
        "static/manifest.webmanifest",
    }


def test_every_route_comes_through(proxied: Proxied) -> None:
    for route in ROUTES:
        if route.view is None:
            continue
        status, headers, body = proxied.get(route.path.lstrip("/"))
        assert status == 200, route.path
        assert headers["content-type"].partition(";")[0] == next(iter(route.answers)).partition(";")[0], route.path
        assert body
    status, _, body = proxied.get("api/no-such-route")
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
    assert proxied.get("api/state", "POST")[0] == 405


def test_exports_come_through_as_downloads(proxied: Proxied) -> None:
    for path in ("session.csv", "session.json", "history.csv", "history.json"):
        status, headers, _ = proxied.get(f"api/export/{path}")
        assert (status, headers["content-disposition"].partition(";")[0]) == (200, "attachment")
    assert b"a.mkv" in proxied.get("api/export/session.csv")[2]


def test_validators_and_compression_survive(proxied: Proxied) -> None:
    status, headers, body = proxied.get("api/state", **{"Accept-Encoding": "gzip"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    document = json.loads(gzip.decompress(body))
    assert document["uploaders"]["google"]["session"]["files_done"] >= 1

    etag = headers["etag"]
    status, headers, body = proxied.get("api/state", **{"If-None-Match": etag})
    if json.loads(proxied.get("api/state")[2])["version"] == document["version"]:
        assert (status, body) == (304, b"")


def test_the_first_bytes_of_the_stream_come_at_once(proxied: Proxied) -> None:
    took = []
    for _ in range(3):
        started = time.monotonic()
        with closing(Stream(proxied)) as viewer:
            assert viewer.response.status == 200
            assert viewer.response.getheader("Content-Type", "").startswith("text/event-stream")
            assert viewer.next_event()[0] == "snapshot"
            took.append(time.monotonic() - started)

    assert min(took) < PROMPT_SECONDS


def prompt_patches(proxied: Proxied, viewer: Stream, document: Any, count: int = 5) -> list[float]:
    """Seconds that each of some facts took to the viewer, one after the other: the next is told when one has come."""
    delays = []
    for number in range(count):
        started = time.monotonic()
        name = f"fact {number} {started}.mkv"
        proxied.server.fail(name)
        while name not in {one["name"] for one in document["uploaders"]["google"]["failures"].values()}:
            kind, patch = viewer.next_event()
            assert kind == "patch"
            document.update(merge(document, patch))
        delays.append(time.monotonic() - started)
    return delays


def test_patches_are_not_held_back(proxied: Proxied) -> None:
    with closing(Stream(proxied)) as viewer:
        _, document = viewer.next_event()
        # A proxy that buffers would wait for more, and there is no more: reading would end in a timeout.
        assert sorted(prompt_patches(proxied, viewer, document))[2] < PROMPT_SECONDS


def test_a_viewer_that_drops_and_resumes_misses_nothing(proxied: Proxied) -> None:
    with closing(Stream(proxied)) as viewer:
        _, document = viewer.next_event()
        prompt_patches(proxied, viewer, document, 1)
        last = viewer.id
    for number in range(3):
        proxied.server.fail(f"meanwhile {number}")

    final = proxied.server.document()
    with closing(Stream(proxied, last)) as viewer:
        while document["version"] < final["version"]:
            name, patch = viewer.next_event()
            assert name == "patch"
            document = merge(document, patch)

    assert comparable(document) == comparable(final)


def test_a_viewer_that_leaves_the_proxy_leaves_the_dashboard(proxied: Proxied) -> None:
    wait_for(lambda: proxied.viewers() == 0)
    viewers = [Stream(proxied) for _ in range(3)]
    for viewer in viewers:
        viewer.next_event()
    assert proxied.viewers() == 3

    for viewer in viewers:
        viewer.close()

    wait_for(lambda: proxied.viewers() == 0)


def test_nobody_gets_in_without_the_password(proxied: Proxied) -> None:
    wrong = base64.b64encode(f"{USER}:wrong".encode()).decode()
    for path in ("", "api/state", "api/events", "metrics", "static/js/main.js", "api/export/session.csv"):
        status, headers, _ = proxied.get(path, Authorization="")
        assert (status, headers["www-authenticate"].partition(" ")[0]) == (401, "Basic"), path
    assert proxied.get("api/state", Authorization=f"Basic {wrong}")[0] == 401


def test_the_hash_that_caddy_makes_lets_in(tmp_path: Path) -> None:
    program = tools.require_program("caddy")
    command = (program, "hash-password", "--plaintext", PASSWORD)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=WAIT_SECONDS)

    def put_it_in(text: str) -> str:
        return adapt(text, ("THE_HASH", done.stdout.strip()))

    with proxied_dashboard(tmp_path, WAYS[-1], put_it_in) as running:
        assert running.get("api/health")[0] == 200


def test_only_the_path_is_the_dashboards(proxied: Proxied) -> None:
    if proxied.way.prefix == "/":
        return
    without_slash, headers, _ = proxied.ask(proxied.way.prefix.rstrip("/"))
    assert 301 <= without_slash <= 308
    assert urljoin(proxied.address, headers["location"]) == proxied.address
    # Caddy answers an empty 200 to what no directive takes.
    assert b"cloudplow" not in proxied.ask("/api/state")[2]
    assert b"uploaders" not in proxied.ask("/cloudplowapi/state")[2]


def test_nginx_streams_also_without_being_told_to(tmp_path: Path) -> None:
    def forget(text: str) -> str:
        return adapt(text, ("proxy_buffering off;", ""))

    with proxied_dashboard(tmp_path, WAYS[0], forget) as running, closing(Stream(running)) as viewer:
        _, document = viewer.next_event()
        assert sorted(prompt_patches(running, viewer, document))[2] < PROMPT_SECONDS


def test_streams_end_with_the_dashboard_and_come_back_with_it(tmp_path: Path) -> None:
    with proxied_dashboard(tmp_path, WAYS[0]) as running:
        viewer = Stream(running)
        viewer.next_event()
        running.server.dashboard.stop()
        last = viewer
        with suppress(http.client.IncompleteRead):
            while viewer.next_event()[0]:
                pass
        last.close()
        assert running.get("api/state")[0] == 502

        again = Server(port=running.server.port, allowed_hosts=[running.way.host])
        try:
            with closing(Stream(running, last.id)) as viewer:
                assert viewer.next_event()[0] == "snapshot"
        finally:
            again.dashboard.stop()


# --- forwarded headers ---


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets one route tell what the dashboard takes the request for."""

    def create(*arguments: Any, **more: Any) -> Flask:
        app = create_app(*arguments, **more)

        def tell() -> Any:
            kept = sorted(name for name, _ in request.headers if name.lower().startswith("x-forwarded"))
            return jsonify(url=request.host_url, client=request.remote_addr, kept=kept)

        app.view_functions["api_status"] = tell
        return app

    monkeypatch.setattr("cloudplow_dashboard.server.application.create_app", create)


FORGED: Final = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "forged.internal"}


@pytest.mark.parametrize("way", BELOW_A_PATH, ids=name_of)
@pytest.mark.parametrize(
    "trusted", [["127.0.0.1"], [], ["192.0.2.0/24"]], ids=["trusted", "nobody-trusted", "another-one-trusted"]
)
@pytest.mark.usefixtures("echo")
def test_forwarded_headers_are_believed_only_from_a_trusted_proxy(way: Way, trusted: list[str], tmp_path: Path) -> None:
    with proxied_dashboard(tmp_path, way, trusted_proxies=trusted) as running:
        told = json.loads(running.get(ECHO_PATH.lstrip("/"))[2])
        forged = json.loads(running.get(ECHO_PATH.lstrip("/"), **FORGED)[2])
        # Past the proxy, straight to the dashboard.
        direct = json.loads(running.server.get(ECHO_PATH, **FORGED)[2])

    public = f"https://{way.host}:{running.port}/"
    assert [one["kept"] for one in (told, forged, direct)] == [[], [], []]
    if trusted == ["127.0.0.1"]:
        assert (told["url"], told["client"]) == (public, "127.0.0.1")
        # nginx passes on what the client said of itself, before what it saw; Caddy does not.
        assert forged["url"] == public
        assert direct["client"] == FORGED["X-Forwarded-For"]
    else:
        # The proxies pass the name on as Host; the rest is what the dashboard sees itself.
        for one in (told, forged):
            assert (one["url"], one["client"]) == (public.replace("https", "http"), "127.0.0.1")
        assert (direct["url"], direct["client"]) == (f"http://127.0.0.1:{running.server.port}/", "127.0.0.1")


# --- in a browser ---


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that finds the names of the document on this machine."""
    with tools.chromium("--host-resolver-rules=MAP *.example.com 127.0.0.1") as launched:
        yield launched


@pytest.mark.browser
def test_the_page_is_live_behind_the_proxy(proxied: Proxied, browser: Browser) -> None:
    complaints: list[str] = []
    requests: list[str] = []
    context = browser.new_context(ignore_https_errors=True, http_credentials={"username": USER, "password": PASSWORD})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda one: requests.append(one.url))

    def until(text: str, selector: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while text not in page.locator(selector).inner_text():
            assert time.monotonic() < deadline, (text, page.locator("body").inner_text()[:500], complaints)
            page.wait_for_timeout(50)

    try:
        page.goto(proxied.address)
        until("Live", "#connection")
        proxied.server.fail("the file that failed behind a proxy.mkv", "it was too shy")
        until("the file that failed behind a proxy.mkv", "#log")

        assert complaints == []
        assert [url for url in requests if not url.startswith(proxied.address)] == []
        protocol = "performance.getEntriesByType('navigation')[0].nextHopProtocol"
        assert page.evaluate(protocol) == "h2"
    finally:
        context.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.02)
