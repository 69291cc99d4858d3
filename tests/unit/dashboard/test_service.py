"""Pages of accounts, compression, forwarded headers."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask import Request
from flask.testing import FlaskClient
from pydantic import ValidationError

from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.web.app import create_app
from cloudplow_dashboard.web.compression import MINIMUM_BYTES, accepts_gzip

from .helpers import NOW, account_quota, accounts_learned, make_state


@pytest.fixture
def client() -> FlaskClient:
    state = make_state()
    pool = (
        account_quota("1.json", 10, resets_at=NOW + 50),
        account_quota("2.json", 30, state="denied", why="Google says NO", until=NOW + 9),
        account_quota("10.json", 0),
        account_quota("3.json", 20, state="cooling", resets_at=NOW + 20, until=NOW + 20),
    )
    state.apply(accounts_learned(*pool))
    return create_app(state).test_client()


@pytest.mark.parametrize(
    ("query", "names", "total"),
    [
        ("", "1 2 10 3", 4),
        ("sort=-index", "3 10 2 1", 4),
        ("sort=name", "1 2 3 10", 4),
        ("sort=-used", "2 3 1 10", 4),
        ("sort=free", "2 3 1 10", 4),
        ("sort=reset", "3 1 2 10", 4),
        ("sort=state", "1 10 3 2", 4),
        ("limit=2", "1 2", 4),
        ("offset=1&limit=2", "2 10", 4),
        ("offset=9", "", 4),
        ("limit=0", "", 4),
        ("state=denied", "2", 1),
        ("q=says no", "2", 1),
        ("q=0.JSON", "10", 1),
        ("uploader=google&state=ready&sort=-name&limit=1", "10", 2),
    ],
)
def test_accounts_are_filtered_sorted_and_paged(client: FlaskClient, query: str, names: str, total: int) -> None:
    answer = client.get(f"/api/service_accounts?{query}")
    document: Any = answer.json

    assert [one["sa_file"].removesuffix(".json") for one in document] == names.split()
    assert answer.headers["X-Total-Count"] == str(total)


@pytest.mark.parametrize(("sort", "names"), [("-used", "2 3 1"), ("free", "2 3 1"), ("-free", "1 3 2")])
def test_accounts_are_sorted_by_all_that_is_spent(sort: str, names: str) -> None:
    state = make_state()
    pool = (
        account_quota("1.json", 50),
        account_quota("2.json", 10, in_flight_bytes=90),
        account_quota("3.json", 10, unsettled_bytes=60),
    )
    state.apply(accounts_learned(*pool))
    document: Any = create_app(state).test_client().get(f"/api/service_accounts?sort={sort}").json

    assert [one["sa_file"].removesuffix(".json") for one in document] == names.split()


def test_larger_answers_are_compressed_for_those_who_take_it(client: FlaskClient) -> None:
    plain = client.get("/api/state")
    packed = client.get("/api/state", headers={"Accept-Encoding": "br, gzip"})

    assert len(plain.data) > MINIMUM_BYTES
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.data))["version"] == json.loads(plain.data)["version"]
    assert len(packed.data) == int(packed.headers["Content-Length"]) < len(plain.data) / 2
    assert "Accept-Encoding" in plain.headers["Vary"]
    same = client.get("/api/state", headers={"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"})
    assert same.status_code == 304


def test_files_of_the_page_are_compressed_too_and_keep_their_validator(client: FlaskClient) -> None:
    path = "/static/js/main.js"
    with client.get(path) as plain, client.get(path, headers={"Accept-Encoding": "gzip"}) as packed:
        assert gzip.decompress(packed.data) == plain.data
    with client.get(path, headers={"If-None-Match": packed.headers["ETag"]}) as same:
        assert same.status_code == 304


def test_small_answers_and_downloads_stay_as_they_are(client: FlaskClient) -> None:
    for path in ("/api/health", "/api/export/session.csv"):
        assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("br, deflate", False),
        ("gzip;q=x", False),
        ("", False),
    ],
)
def test_what_accept_encoding_allows(header: str, accepted: bool) -> None:
    assert accepts_gzip(Request({"HTTP_ACCEPT_ENCODING": header}).accept_encodings) is accepted


def scope(client: str = "127.0.0.1", **headers: str) -> dict[str, Any]:
    raw = [(b"host", b"inside:1"), (b"accept", b"x")]
    raw += [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "client": (client, 5), "headers": raw}


def told(scope: dict[str, Any]) -> tuple[str, str, str]:
    return scope["scheme"], dict(scope["headers"])[b"host"].decode(), scope["client"][0]


PROXIES = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"])


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_a_trusted_proxy_is_believed(address: str) -> None:
    changed = PROXIES.apply(scope(address, proto="https", host="cloud.example", **{"for": "1.2.3.4, 10.0.0.9"}))

    assert told(changed) == ("https", "cloud.example", "1.2.3.4")
    assert all(not name.startswith(b"x-forwarded") for name, _ in changed["headers"])


@pytest.mark.parametrize("address", ["192.168.1.1", "11.0.0.1", "", "unix:", "::2"])
def test_nobody_else_is_believed(address: str) -> None:
    changed = PROXIES.apply(scope(address, proto="https", host="evil.example", **{"for": "1.2.3.4"}))

    assert told(changed) == ("http", "inside:1", address)
    assert all(not name.startswith(b"x-forwarded") for name, _ in changed["headers"])


def test_without_trusted_proxies_nobody_is() -> None:
    assert told(TrustedProxies().apply(scope(proto="https", host="evil"))) == ("http", "inside:1", "127.0.0.1")


def test_what_a_client_put_before_the_proxy_does_not_count() -> None:
    changed = PROXIES.apply(scope(proto="ftp", host="evil, real", **{"for": "6.6.6.6, 1.2.3.4"}))

    assert told(changed) == ("http", "real", "1.2.3.4")


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("1.2.3.4:5678", "1.2.3.4"),
        ("[2001:db8::1]:443, 10.0.0.9", "2001:db8::1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, unknown", "127.0.0.1"),
        ("6.6.6.6, unknown, 10.0.0.9", "10.0.0.9"),
        ("6.6.6.6, 1.2.3.4, ::1", "1.2.3.4"),
        (", ,", "127.0.0.1"),
        ("x" * 5000, "127.0.0.1"),
    ],
)
def test_the_client_is_an_address_that_a_trusted_proxy_vouches_for(value: str, client: str) -> None:
    assert told(PROXIES.apply(scope(**{"for": value})))[2] == client


def test_several_headers_of_a_name_are_one_list() -> None:
    asked = scope(**{"for": "6.6.6.6"})
    asked["headers"] += [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-host", b"a"), (b"x-forwarded-host", b"b.lan")]

    assert told(PROXIES.apply(asked)) == ("http", "b.lan", "1.2.3.4")


def test_a_request_without_such_headers_is_left_alone() -> None:
    plain = scope()

    assert PROXIES.apply(plain) is plain
    assert told(PROXIES.apply(scope(**{"for": ""})))[2] == "127.0.0.1"
    assert told(PROXIES.apply(scope(**{"for": "10.0.0.1"})))[2] == "10.0.0.1"


def test_a_proxy_that_is_not_an_address_is_refused_with_an_example() -> None:
    with pytest.raises(
        ValidationError, match=r'"proxy.local" must be an address or a network, for example "10\.0\.0\.0/8"'
    ):
        DashboardSection(trusted_proxies=["proxy.local"])
