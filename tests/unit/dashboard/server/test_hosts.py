"""E1: the names that are ours, and everything else that may stand in a Host header."""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.server.host_log import LINES_LIMIT, PERIOD_SECONDS, REMEMBERED_LIMIT, HostLog
from cloudplow_dashboard.server.hosts import ALLOWED_LIMIT, HOST_LIMIT, Hosts, allowed_name, host_of
from cloudplow_dashboard.server.names import own_names
from tests.unit.dashboard.helpers import Clock

HOSTS = Hosts(["nas.example.net", "nas"], ["cloudplow.example.org", "*.example.com", "Bücher.example"])

OURS = [
    "localhost",
    "localhost:47949",
    "LOCALHOST:1",
    "localhost.",
    "app.localhost",
    "ip6-localhost",
    "127.0.0.1",
    "127.0.0.1:47949",
    "192.168.1.5",
    "203.0.113.9:65535",
    "[::1]",
    "[::1]:47949",
    "[FE80::1]:80",
    "[fe80::1%25eth0]:80",
    "[::ffff:127.0.0.1]",
    "nas",
    "NAS:47949",
    "cloudplow",
    "cloudplow:",
    "my_cloudplow_1:47949",
    "nas.example.net",
    "NAS.Example.NET.:80",
    "nas.local",
    "a.b.lan",
    "x.home.arpa",
    "x.internal.",
    "cloudplow.example.org",
    "Cloudplow.Example.Org.:443",
    "a.example.com",
    "a.b.example.com:8443",
    "xn--bcher-kva.example",
]
STRANGE = [
    "evil.example",
    "evil.example:47949",
    "example.com",
    "notexample.com",
    "example.com.evil.org",
    "cloudplow.example.org.evil.org",
    "evilcloudplow.example.org",
    "a.cloudplow.example.org",
    "local.evil.org",
    "127.0.0.1.evil.org",
    "127.0.0.1.nip.io",
    "localhost.evil.org",
    "nas.local.evil.org",
    "home.arpa",
    "evil.localdomain",
]
MALFORMED = [
    "",
    " ",
    ":80",
    ".",
    "..",
    ".localhost",
    "localhost..",
    "a..lan",
    "localhost:x",
    "localhost:-1",
    "localhost:65536",
    "localhost:123456",
    "localhost:80:80",
    "user@localhost",
    "user:pw@localhost",
    "localhost@evil.example",
    "localhost/",
    "localhost/evil",
    "http://localhost",
    "localhost,evil.example",
    "localhost evil.example",
    "localhost\tx",
    "localhost\x00",
    "localhost\n",
    "localhost%00",
    "localhos%74",
    "-x.lan",
    "x-.lan",
    "*.lan",
    "*",
    "bücher.example",
    "b\xc3\xbccher.lan",
    "ｌocalhost",
    "١٢٧.0.0.1",
    "127.1",
    "10.0.0.256",
    "1.2.3.4.5",
    "0x7f.0.0.1",
    "x.1",
    "::1",
    "[::1",
    "::1]",
    "[]",
    "[:]",
    "[127.0.0.1]",
    "[localhost]",
    "[::1]x",
    "[::1]:x",
    "[::1]:99999",
    "[::1%]",
    "[v1.x]",
    "[::g]",
    "x" * 64 + ".lan",
    "x." * 200 + "lan",
    "x" * 5000,
]


@pytest.mark.parametrize("host", OURS)
def test_e1_names_that_are_ours_are_allowed(host: str) -> None:
    assert HOSTS.allows(host)


@pytest.mark.parametrize("host", [*STRANGE, *MALFORMED], ids=ascii)
def test_e1_other_names_and_malformed_ones_are_not(host: str) -> None:
    assert not HOSTS.allows(host)


@pytest.mark.parametrize("host", MALFORMED, ids=ascii)
def test_e1_a_malformed_host_is_neither_name_nor_address(host: str) -> None:
    assert host_of(host) is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("A.Example.:80", "a.example"),
        ("[::1]:80", ipaddress.ip_address("::1")),
        ("[fe80::1%25eth0]", ipaddress.ip_address("fe80::1")),
        ("127.0.0.1.", ipaddress.ip_address("127.0.0.1")),
        ("x" * 63 + ".lan", "x" * 63 + ".lan"),
    ],
)
def test_a_host_is_read_without_case_dot_and_port(text: str, host: object) -> None:
    assert host_of(text) == host


@given(st.one_of(st.text(max_size=60), st.text("a.:[]%@-*0189_", max_size=40), st.text(min_size=HOST_LIMIT)))
def test_no_host_brings_the_check_down(text: str) -> None:
    host = host_of(text)

    assert HOSTS.allows(text) in (True, False)
    if isinstance(host, str):
        assert host == host.lower()
        assert host.isascii()
        assert HOSTS.allows(host) == HOSTS.allows(text)
    if HOSTS.allows(text):
        assert host is not None


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("Cloudplow.Example.Org.", "cloudplow.example.org"),
        (" a.example ", "a.example"),
        ("*.Example.org", "*.example.org"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        # As browsers send them; of 2003 is "strasse.example", which may be somebody else's.
        ("Straße.example", "xn--strae-oqa.example"),
        ("*.straße.example", "*.xn--strae-oqa.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("nas", "nas"),
        ("192.168.1.5", "192.168.1.5"),
        ("[::1]", "::1"),
        ("::1", "::1"),
    ],
)
def test_entries_of_the_setting_are_read_generously(entry: str, name: str) -> None:
    assert allowed_name(entry) == name
    assert DashboardSection(allowed_hosts=[entry]).allowed_hosts == [name]


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "*",
        "*.",
        "**.x.org",
        "a.*.org",
        "*x.org",
        "https://a.example",
        "a.example/x",
        "a.example:443",
        "*.1.2.3.4",
        "a b.example",
        "a,b.example",
        "u@a.example",
        "a..example",
        "x" * 300,
        "[::1]:80",
        "ü" * 80,
        "ß" * 80,
        "ß b.example",
    ],
    ids=ascii,
)
def test_a_bad_entry_is_told_with_its_place_and_an_example(entry: str) -> None:
    with pytest.raises(ValidationError, match=r'must be a name .* for example "cloudplow\.example\.org"') as caught:
        DashboardSection(allowed_hosts=["good.example", entry])

    assert caught.value.errors()[0]["loc"] == ("allowed_hosts", 1)


def test_the_setting_is_bounded() -> None:
    names = [f"h{number}.example" for number in range(ALLOWED_LIMIT)]

    assert Hosts(allowed=DashboardSection(allowed_hosts=names).allowed_hosts).allows(names[-1])
    with pytest.raises(ValidationError):
        DashboardSection(allowed_hosts=[*names, "one.more.example"])


def test_a_wildcard_is_for_what_is_below_it_only() -> None:
    hosts = Hosts(allowed=["*.example.org"])

    assert [hosts.allows(one) for one in ("a.example.org", "a.b.example.org", "example.org", "xexample.org")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_names_of_the_machine_are_read_from_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "nas")
    hosts, resolver = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text(
        "127.0.0.1 localhost\n127.0.1.1 nas.example.net nas # this one\n10.0.0.9 other.example.net other\n"
    )
    resolver.write_text("# made\nnameserver 10.0.0.1\nsearch fritz.box. example.org\noptions edns0\n")

    assert own_names(hosts, resolver) == ("nas", "nas.example.net", "nas.fritz.box", "nas.example.org")
    assert own_names(tmp_path / "none", tmp_path) == ("nas",)


def host_log(clock: Clock, caplog: pytest.LogCaptureFixture, *allowed: str) -> HostLog:
    caplog.set_level(logging.WARNING, "cloudplow.dashboard")
    return HostLog(clock, allowed)


def test_e1_a_refused_name_is_said_once_with_what_to_paste(caplog: pytest.LogCaptureFixture) -> None:
    log = host_log(Clock(), caplog, "old.example")

    for host in ("cloud.example.org:443", "Cloud.Example.org", "cloud.example.org."):
        log.refused(host)

    (message,) = caplog.messages
    pasted = json.loads(message.partition("config.json: ")[2])
    assert pasted == {"dashboard": {"allowed_hosts": ["old.example", "cloud.example.org"]}}
    assert '"cloud.example.org"' in message


def test_e1_a_malformed_host_is_said_escaped_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    log = host_log(Clock(), caplog)

    log.refused("\x1b[31m\n\u202e" + "x" * 5000)
    log.refused("another \n one")

    (message,) = caplog.messages
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 300


def test_e1_made_up_names_fill_neither_log_nor_memory(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = host_log(clock, caplog)

    for hour in range(20):
        for number in range(500):
            log.refused(f"h{number}.{hour}.example")
        clock.now += PERIOD_SECONDS

    assert len(caplog.messages) == 20 * LINES_LIMIT
    assert len(log._said) == REMEMBERED_LIMIT
