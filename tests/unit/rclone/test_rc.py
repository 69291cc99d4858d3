"""What a remote control answers, good or not. In place of the network: bytes."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from cloudplow.events import Event, TransferProgress
from cloudplow.rclone import rc
from cloudplow.rclone.rc import LIMIT_BYTES, RcAnswer, RcClient, RcWatch, read_answer

GOOD = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n{"bytes": 42}'


def answer(status: str, body: bytes = b"", head: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """In place of the network."""

    def __init__(self, received: bytes | Exception) -> None:
        self.received = received
        self.sent: list[bytes] = []

    def __call__(self, request: bytes, timeout_seconds: float) -> bytes:
        self.sent.append(request)
        assert timeout_seconds > 0
        if isinstance(self.received, Exception):
            raise self.received
        return self.received


def test_a_call_is_one_post_with_the_password_in_its_head() -> None:
    line = Line(GOOD)
    client = RcClient("http://us%40er:pa%3Ass@127.0.0.1:5572/rc/", exchange=line)

    assert client.call("core/stats", {"short": True}) == RcAnswer({"bytes": 42})
    head, _, body = line.sent[0].decode().partition("\r\n\r\n")
    assert head.splitlines()[0] == "POST /rc/core/stats HTTP/1.1"
    assert f"Authorization: Basic {base64.b64encode(b'us@er:pa:ss').decode()}" in head.splitlines()
    assert {"Host: 127.0.0.1:5572", "Connection: close", f"Content-Length: {len(body)}"} <= {*head.splitlines()}
    assert body == '{"short": true}'


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[::1]:5572", "[::1]:5572"),
        ("http://nas", "nas:80"),
        ("https://nas", "nas:443"),
    ],
)
def test_the_host_is_named_as_http_wants_it(url: str, host: str) -> None:
    line = Line(GOOD)
    RcClient(url, exchange=line).call("core/stats")
    assert f"Host: {host}\r\n".encode() in line.sent[0]
    assert b"Authorization" not in line.sent[0]


@pytest.mark.parametrize("url", ["", "127.0.0.1:5572", "ftp://nas", "http://", "http://nas:port", "http://nas:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        RcClient(url)


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        (b"", "does not answer"),
        (answer("401 Unauthorized", b"Unauthorized\n"), "does not accept the password"),
        (answer("404 Not Found", b"Not Found"), "answers with status 404"),
        (
            answer("500 Oh", b'{"error": "bad bwlimit: empty string"}'),
            "answers with status 500: bad bwlimit: empty string",
        ),
        (answer("500 Oh", b'{"error": "\\u001b[2J"}'), "answers with status 500"),
        (answer("500 Oh", b'{"error": ["a"]}'), "answers with status 500: ['a']"),
        (answer("302 Found", head="Location: http://evil.invalid/\r\n"), "answers with status 302"),
        (answer("200 OK", b"<html>"), "answers something that is not JSON"),
        (answer("200 OK", b"[]"), "answers something that is not JSON"),
        (answer("200 OK", b"[" * 100_000), "answers something that is not JSON"),
        (answer("200 OK", b"\xff\xfe"), "answers something that is not JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "answers something that is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "answers something that is not HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "answers something that is not HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answers something that is not HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "answers something that is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000, "answers something that is not HTTP"),
        (b"\x00" * 1000, "answers something that is not HTTP"),
        (b"x" * (LIMIT_BYTES + 1), "answers without an end"),
    ],
)
def test_every_bad_answer_is_a_sentence(received: bytes, fault: str) -> None:
    assert read_answer(received) == RcAnswer({}, fault)


@pytest.mark.parametrize("error", [ConnectionResetError(), ConnectionRefusedError(), TimeoutError(), ValueError()])
def test_no_answer_is_a_sentence_too(error: Exception) -> None:
    assert RcClient("http://127.0.0.1:1", exchange=Line(error)).call("core/pid") == RcAnswer({}, "does not answer")


def test_the_watch_publishes_statistics_and_says_once_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    line = Line(GOOD)
    made = RcClient("http://a:secret@127.0.0.1:1", exchange=line)
    monkeypatch.setattr(rc, "RcClient", lambda _url: made)
    told: list[Event] = []
    watch: Any = RcWatch("http://a:secret@127.0.0.1:1", 1, told.append)

    for received in (GOOD, GOOD, answer("401 No"), answer("401 No"), GOOD):
        line.received = received
        watch._poll()

    assert [(type(event), event.uploader) for event in told] == [(TransferProgress, "rclone")] * 3
    said = [record.message for record in caplog.records]
    assert len(said) == 3
    assert "does not accept the password" in said[1]
    assert "secret" not in caplog.text


@pytest.mark.parametrize(("expected", "level"), [(True, "WARNING"), (False, "INFO")])
def test_nobody_is_warned_of_an_rclone_that_was_hardly_expected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, expected: bool, level: str
) -> None:
    caplog.set_level(logging.INFO)
    line = Line(b"")
    made = RcClient("http://127.0.0.1:1", exchange=line)
    monkeypatch.setattr(rc, "RcClient", lambda _url: made)
    watch: Any = RcWatch("http://127.0.0.1:1", 1, print, place="plex.rclone.url", expected=expected)

    for received in (b"", GOOD, b""):
        line.received = received
        watch._poll()

    assert [record.levelname for record in caplog.records] == [level, "INFO", "WARNING"]
    assert "check plex.rclone.url" in caplog.messages[0]
