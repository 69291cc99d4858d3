"""The client of remote controls against programs that answer badly, on loopback."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cloudplow.rclone.rc import RcAnswer, RcClient

#: How long an answer may take here, in seconds, and how long a test waits for it at most.
SHORT, DEADLINE = 0.4, 20.0
Speak = Callable[[socket.socket, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


def silent(_line: socket.socket, over: threading.Event) -> None:
    over.wait(DEADLINE)


def resetting(line: socket.socket, _over: threading.Event) -> None:
    line.recv(10)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(line: socket.socket, over: threading.Event) -> None:
    for byte in HEAD * 1000:
        line.sendall(bytes([byte]))
        if over.wait(0.02):
            return


def endless(line: socket.socket, over: threading.Event) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        line.sendall(b"x" * (1 << 20))


def good_at_last(line: socket.socket, _over: threading.Event) -> None:
    line.recv(1 << 16)
    for piece in (HEAD[:10], HEAD[10:], b"\r\n{", b"}"):
        line.sendall(piece)
        time.sleep(0.01)


@contextmanager
def listening(speak: Speak) -> Iterator[str]:
    """A program that speaks so to whoever connects; gives its address."""
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            line, _ = server.accept()
            with line:
                speak(line, over)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://a:b@127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join(DEADLINE)


@pytest.mark.parametrize(
    ("speak", "answer"),
    [
        (silent, RcAnswer({}, "does not answer")),
        (resetting, RcAnswer({}, "does not answer")),
        (dripping, RcAnswer({}, "does not answer")),
        (endless, RcAnswer({}, "answers without an end")),
        (good_at_last, RcAnswer({})),
    ],
)
def test_whatever_answers_the_client_says_so_in_time(speak: Speak, answer: RcAnswer) -> None:
    timeout = DEADLINE if speak in (endless, good_at_last) else SHORT
    with listening(speak) as url:
        assert RcClient(url).call("core/stats", timeout_seconds=timeout) == answer


def test_where_nobody_listens_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert RcClient(f"http://127.0.0.1:{port}").call("core/stats") == RcAnswer({}, "does not answer")


def test_a_proxy_of_the_environment_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with listening(good_at_last) as url:
        assert RcClient(url).call("core/stats", timeout_seconds=DEADLINE) == RcAnswer({})
