"""The guard: what it lets pass and what not, as tables; and that nothing brings it down or gets past it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow_dashboard.server.asgi import FrontDoor, asked_of
from cloudplow_dashboard.server.asked import Asked, Refusal, scope_headers
from cloudplow_dashboard.server.connections import Clients
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.server.guard import Rules, decide, rules
from cloudplow_dashboard.server.host_log import HostLog
from cloudplow_dashboard.server.hosts import Hosts, allowed_name
from cloudplow_dashboard.server.limits import Limits
from cloudplow_dashboard.server.shape import HEADERS_BYTES_LIMIT, HEADERS_LIMIT, PATH_LIMIT, QUERY_LIMIT
from cloudplow_dashboard.server.sites import is_our_origin
from cloudplow_dashboard.web.route import Access
from cloudplow_dashboard.web.routes import PAGES, ROUTES
from tests.examples import examples
from tests.unit.dashboard.helpers import Clock

RULES = rules(Hosts(allowed=["cloud.example.org"]))
STEERING = Access("control", methods=("POST",), takes_body=True)
WITH_STEERING = Rules({**RULES.routes, "/api/control/stop": STEERING}, RULES.hosts)


def asked(path: str = "/api/state", method: str = "GET", query: str = "", **more: Any) -> Asked:
    headers: Mapping[str, str] = more.pop("headers", {})
    values: dict[str, Any] = {"hosts": ("localhost:47949",)} | more
    raw = scope_headers((name.encode(), value.encode()) for name, value in headers.items())
    return Asked(method, path.encode("latin-1"), query.encode(), raw, **values)


def status(request: Asked, by: Rules = RULES) -> int:
    decision = decide(request, by)
    return decision.status if isinstance(decision, Refusal) else 200


def test_every_route_says_what_it_needs() -> None:
    assert {route.path: route.access.needs for route in ROUTES if route.access.needs != "read"} == {
        "/api/health": "nothing",
        "/metrics": "metrics",
    }
    assert {route.path for route in ROUTES if route.access.is_download} == {
        route.path for route in ROUTES if route.path.startswith("/api/export/")
    }


@pytest.mark.parametrize("path", [*(route.path for route in ROUTES), *PAGES, "/static/js/main.js"])
def test_every_route_is_let_in_and_nothing_beside_it(path: str) -> None:
    assert isinstance(decide(asked(path), RULES), Access)
    assert status(asked(path, "HEAD")) == 200
    assert status(asked(path + "x")) == (200 if path.startswith("/static/") else 404)
    assert [status(asked(path, method)) for method in ("POST", "PUT", "OPTIONS", "TRACE", "NONE")] == [405] * 5


@pytest.mark.parametrize(
    "path", ["/x", "/api", "/api/", "/api/events/", "/static", "/index.html", "/api/state;x=1", "/%20"]
)
def test_what_is_not_known_is_not_there(path: str) -> None:
    assert status(asked(path)) == 404


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/events", "/api/health", "/metrics", "/static/x", "/nothing"])
@pytest.mark.parametrize("host", ["evil.example", "", "a b", "localhost@evil.example"])
def test_e1_a_host_that_is_not_ours_is_refused_everywhere(path: str, host: str) -> None:
    decision = decide(asked(path, hosts=(host,)), RULES)

    assert isinstance(decision, Refusal)
    assert (decision.status, decision.code, decision.host) == (403, "host_not_allowed", host)


def test_e1_the_refusal_names_the_setting() -> None:
    decision = decide(asked(hosts=("evil.example",)), RULES)

    assert isinstance(decision, Refusal)
    assert '"evil.example"' in decision.message
    assert "dashboard.allowed_hosts" in decision.message
    assert isinstance(decide(asked(hosts=()), RULES), Refusal)


@pytest.mark.parametrize("host", ["Evil.example:47949", "evil.example.:80", "evil.example"])
def test_e1_the_name_to_add_is_told_as_the_setting_takes_it(host: str) -> None:
    decision = decide(asked(hosts=(host,)), RULES)

    assert isinstance(decision, Refusal)
    name = decision.message.split('"')[1]
    assert status(asked(hosts=(host,)), rules(Hosts(allowed=[allowed_name(name)]))) == 200


@pytest.mark.parametrize("hosts", [(), ("",), ("a b",), ("u@localhost",)])
def test_e1_whoever_names_no_host_is_told_of_the_setting_too(hosts: tuple[str, ...]) -> None:
    decision = decide(asked(hosts=hosts), RULES)

    assert isinstance(decision, Refusal)
    assert "dashboard.allowed_hosts" in decision.message


def test_e1_what_a_proxy_says_of_the_host_does_not_make_another_one_ours() -> None:
    assert status(asked(hosts=("127.0.0.1:47949", "cloud.example.org"))) == 200
    assert status(asked(hosts=("evil.example", "localhost"))) == 403
    assert status(asked(hosts=("127.0.0.1", "evil.example"))) == 403


NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"origin": "http://localhost:47949"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 200),
        ({"sec-fetch-site": "none", **NAVIGATION}, 200),
        ({"sec-fetch-site": "cross-site", **NAVIGATION}, 200),
        ({"sec-fetch-site": "same-site", **NAVIGATION, "sec-fetch-user": "?1"}, 200),
        ({"sec-fetch-site": "cross-site", **NAVIGATION, "sec-purpose": "prefetch;prerender"}, 403),
        # As browsers send what the speculation rules of a foreign page name.
        ({"sec-fetch-site": "none", **NAVIGATION, "sec-purpose": "prefetch"}, 403),
        ({"sec-fetch-site": "none", **NAVIGATION, "sec-purpose": "prefetch;prerender"}, 403),
        ({"sec-fetch-site": "same-origin", **NAVIGATION, "sec-purpose": "prefetch"}, 200),
        ({"sec-fetch-site": "cross-site", **NAVIGATION, "purpose": "prefetch"}, 403),
        ({"sec-fetch-site": "cross-site", **NAVIGATION, "x-moz": "prefetch"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": ""}, 403),
        ({"sec-fetch-site": "something"}, 403),
        ({"sec-fetch-site": "Same-Origin"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        *(
            ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": dest}, 403)
            for dest in ("iframe", "frame", "embed", "object", "fencedframe", "")
        ),
    ],
)
def test_e2_pages_of_other_sites_may_link_to_us_and_nothing_else(headers: dict[str, str], expected: int) -> None:
    for path in ("/", "/api/state", "/api/events", "/static/x"):
        assert status(asked(path, headers=headers)) == expected


def test_e2_who_comes_through_a_proxy_that_changes_the_name_is_told_the_cure() -> None:
    decision = decide(asked("/static/page.js", headers={"origin": "http://nas.lan:8080"}), RULES)

    assert isinstance(decision, Refusal)
    assert "pass on the Host" in decision.message


OURS = {"origin": "http://localhost:47949", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (OURS, 200),
        ({"origin": "http://localhost:47949"}, 200),
        ({}, 403),
        ({"sec-fetch-site": "same-origin"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": "https://localhost:47949"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:47949.evil.example"}, 403),
        (OURS | {"sec-fetch-site": "cross-site"}, 403),
        (OURS | {"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", **NAVIGATION, "origin": "http://evil.example"}, 403),
    ],
)
def test_e2_only_our_own_page_may_change_something(headers: dict[str, str], expected: int) -> None:
    assert status(asked("/api/control/stop", "POST", headers=headers), WITH_STEERING) == expected
    assert status(asked("/api/control/stop", "GET"), WITH_STEERING) == 405


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "expected"),
    [
        ("https://cloud.example.org", "https", "cloud.example.org", True),
        ("https://cloud.example.org", "https", "Cloud.Example.Org:443", True),
        ("https://cloud.example.org:8443", "https", "cloud.example.org:8443", True),
        ("http://[::1]:47949", "http", "[::1]:47949", True),
        ("http://[::1]", "http", "[::1]:80", True),
        ("https://cloud.example.org", "http", "cloud.example.org", False),
        ("https://cloud.example.org", "https", "other.example.org", False),
        ("https://u@cloud.example.org", "https", "cloud.example.org", False),
        ("https://cloud.example.org/x", "https", "cloud.example.org", False),
        ("cloud.example.org", "https", "cloud.example.org", False),
        ("", "https", "", False),
    ],
)
def test_our_origin_is_scheme_host_and_port(origin: str, scheme: str, host: str, expected: bool) -> None:
    assert is_our_origin(origin, asked(scheme=scheme, hosts=("127.0.0.1", host))) is expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "*",
        "api/state",
        "http://localhost/api/state",
        "http://evil.example/",
        "localhost:47949",
        "//api/state",
        "/api//state",
        "/api/state//",
        "/api/./state",
        "/api/../api/state",
        "/..",
        "/static/../config.py",
        "/static/%2e%2e/config.py",
        "/static/%2E./config.py",
        "/static/%2f/x",
        "/api%2Fstate",
        "/api%5cstate",
        "/api\\state",
        "/api/%73tate",
        "/api/%2573tate",
        "/api/state%00",
        "/api/state%0d%0aX:1",
        "/api/state%7f",
        "/api/%",
        "/api/%z1",
        "/api/%1",
        "/api/state#x",
        "/api/sta te",
        "/api/\xfc",
        '/"',
    ],
    ids=ascii,
)
def test_e6_paths_that_can_be_read_in_two_ways_are_refused(path: str) -> None:
    # Before anything else looks: the host is wrong, too.
    assert status(asked(path, hosts=("evil.example",))) == 400


@pytest.mark.parametrize(
    "headers",
    [
        [("x_forwarded_for", "1.2.3.4")],
        [("remote_user", "admin")],
        [("X_Forwarded_Host", "localhost")],
        [("cookie", "a=1"), ("cookie", "a=2")],
        [("host", "localhost"), ("host", "localhost")],
        [("authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("origin", "http://localhost"), ("origin", "http://evil.example")],
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        [(f"x-{number}", "1") for number in range(HEADERS_LIMIT + 1)],
        [("x", "y" * HEADERS_BYTES_LIMIT)],
    ],
)
def test_e6_headers_that_can_be_read_in_two_ways_are_refused(headers: list[tuple[str, str]]) -> None:
    raw = scope_headers((name.encode(), value.encode()) for name, value in headers)

    assert status(Asked("GET", b"/", headers=raw, hosts=("evil.example",))) == 400


def test_addresses_are_bounded() -> None:
    assert status(asked("/" + "x" * (PATH_LIMIT - 1))) == 404
    assert status(asked("/" + "x" * PATH_LIMIT)) == 400
    assert status(asked(query="x" * QUERY_LIMIT)) == 200
    assert status(asked(query="x" * (QUERY_LIMIT + 1))) == 400


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-length": "0"}, 200),
        ({"content-length": "00"}, 200),
        ({"content-length": "1"}, 413),
        ({"content-length": "99999999999999999999"}, 413),
        ({"content-length": "x"}, 413),
        ({"transfer-encoding": "chunked"}, 413),
    ],
)
def test_e4_no_route_takes_a_body(headers: dict[str, str], expected: int) -> None:
    assert status(asked(headers=headers)) == expected


def test_a_login_is_one_more_step_that_knows_what_the_route_needs() -> None:
    seen = []

    def login(request: Asked, access: Access) -> Refusal | None:
        seen.append((request.raw_path, access.needs))
        return None if access.needs == "nothing" else Refusal(401, "login_required", "Log in")

    by = rules(Hosts(), ROUTES, login)

    assert [status(asked(path), by) for path in ("/api/health", "/api/state", "/metrics", "/none")] == [
        200,
        401,
        401,
        404,
    ]
    assert status(asked(hosts=("evil.example",)), by) == 403
    assert seen == [(b"/api/health", "nothing"), (b"/api/state", "read"), (b"/metrics", "metrics")]


# --- whatever comes ---

BYTES = st.binary(max_size=30)
NAMES = st.one_of(
    st.sampled_from([b"host", b"cookie", b"sec-fetch-site", b"origin", b"x-forwarded-host", b"content-length", b"a_b"]),
    BYTES,
)
VALUES = st.one_of(st.sampled_from([b"localhost", b"evil.example", b"cross-site", b"0", b"[::1]:5", b""]), BYTES)
PATHS = st.one_of(
    st.sampled_from([route.path.encode() for route in ROUTES]), st.text("/.%2eaf", max_size=9).map(str.encode), BYTES
)


@st.composite
def scopes(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": draw(st.sampled_from(["GET", "HEAD", "POST", "X"])),
        "raw_path": draw(PATHS),
        "path": "/",
        "query_string": draw(BYTES),
        "scheme": draw(st.sampled_from(["http", "https"])),
        "headers": draw(st.lists(st.tuples(NAMES, VALUES), max_size=8)),
        "client": draw(st.sampled_from([None, ("127.0.0.1", 5), ("nonsense", 0), ("fe80::1%eth0", 1)])),
    }


@given(scopes())
@settings(max_examples=examples(500), deadline=None)
def test_whatever_comes_is_decided_and_what_is_denied_reaches_neither_pool_nor_stream(scope: dict[str, Any]) -> None:
    let_in: list[Asked] = []
    sent: list[Any] = []

    class Door(FrontDoor):
        async def _answer(self, access: Access, asked: Asked, *_more: Any, **_count: Any) -> Refusal | None:
            let_in.append(asked)
            return None

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    proxies = TrustedProxies(["127.0.0.1"])
    nobody: Any = SimpleNamespace(limits=Limits())
    door = Door(nobody, nobody, RULES, HostLog(Clock()), proxies, Clients(1, proxies.trusts))
    decision = decide(asked_of(scope, proxies.apply(scope)), RULES)
    asyncio.run(door(scope, receive, send))

    assert len(let_in) == (0 if isinstance(decision, Refusal) else 1)
    if isinstance(decision, Refusal):
        assert sent[0]["status"] == decision.status
        assert 400 <= decision.status < 500
        names = {name for name, _ in sent[0]["headers"]}
        assert {b"content-security-policy", b"x-content-type-options"} <= names


@pytest.mark.parametrize("gone", [True, False])
def test_e3_who_has_left_at_once_gets_no_stream(gone: bool) -> None:
    watched: list[str] = []

    async def watch(event_id: str, *_more: Any, **_confirm: Any) -> None:
        watched.append(event_id)

    class Cycle:
        disconnected = gone

        async def send(self, _message: Any) -> None: ...

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    hub: Any = SimpleNamespace(limits=Limits(), stopping=False, viewers=(), watch=watch)
    nobody: Any = SimpleNamespace()
    proxies = TrustedProxies()
    door = FrontDoor(hub, nobody, RULES, HostLog(Clock()), proxies, Clients(1, proxies.trusts))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "raw_path": b"/api/events",
        "path": "/api/events",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 5),
    }
    asyncio.run(door(scope, receive, Cycle().send))

    assert watched == ([] if gone else [""])
