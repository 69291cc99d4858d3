"""What one client can take from the others: the dashboard's bounds, as they are for users.

    python -m benchmarks.door

The server is a process of its own with 1,024 open files, as a shell gives it, and 2,850 accounts.
See docs/benchmarks.md.
"""

from __future__ import annotations

import http.client
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from benchmarks.common import BenchmarkError, print_table
from benchmarks.viewers_client import percentile
from benchmarks.viewers_crowd import raise_file_limit
from benchmarks.viewers_load import GIB, running_dashboard, send
from cloudplow import events

ACCOUNTS: Final = 2850
FILES: Final = 4000
FILES_LIMIT: Final = 1024
ABANDONED: Final = 400
HELD: Final = 512
#: As long as held connections may live.
HELD_SECONDS: Final = 12.0
READERS: Final = 150
PATIENCE_SECONDS: Final = 30.0


def serve() -> int:
    """The server's process: prints its port, ends with its input."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_LIMIT, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with running_dashboard() as (_, port):
        send(events.AccountsLearned, accounts=tuple(_quota(number) for number in range(ACCOUNTS)))
        for number in range(FILES):
            send(events.FileTransferred, name=f"{number} {'x' * 700}.mkv", size=1, account="1.json", stage=1)
        print(port, flush=True)
        sys.stdin.read()
    return 0


def _quota(number: int) -> events.AccountQuota:
    return events.AccountQuota(
        account=f"{number + 1}.json",
        used_bytes=number,
        limit_bytes=750 * GIB,
        resets_at=None,
        state=events.AccountState.READY,
        why="",
        until=None,
    )


class Door:
    """A server and its process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.door", "serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate("", PATIENCE_SECONDS)

    def connect(self, small: bool = False) -> socket.socket:
        client = socket.socket()
        client.settimeout(PATIENCE_SECONDS)
        if small:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.port))
        return client

    def ask(self, path: str) -> float:
        """Milliseconds that an answer takes on a connection of its own."""
        started = time.monotonic()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise BenchmarkError(f"{path} answers {response.status}")
        return 1000 * (time.monotonic() - started)

    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * resource.getpagesize() / 1e6


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def abandoned(door: Door) -> list[tuple[str, str]]:
    """Requests that are sent and left at once; then health, again and again."""
    for _ in range(ABANDONED):
        with closing(door.connect()) as client:
            client.sendall(request("/api/service_accounts"))
    took = [door.ask("/api/health") for _ in range(100)]
    return [(f"{ABANDONED} requests sent and abandoned: health, longest of 100", f"{max(took):.1f} ms")]


def held(door: Door) -> list[tuple[str, str]]:
    """Connections that hold half of a second request, while others ask."""
    with ExitStack() as stack:
        clients = []
        began = time.monotonic()
        for _ in range(HELD):
            client = stack.enter_context(closing(door.connect()))
            client.sendall(request("/api/health"))
            client.recv(4096)
            client.sendall(b"GET /api/health HTTP/1.1\r\nHo")
            clients.append(client)
        last, took = time.monotonic(), []
        while time.monotonic() - last < HELD_SECONDS:
            took.append(door.ask("/api/summary"))
            time.sleep(0.02)
        open_still = sum(map(is_open, clients))
        return [
            (
                f"{HELD} held second requests, made in {last - began:.1f} s: others served, p50",
                f"{statistics.median(took):.1f} ms",
            ),
            ("others served, p99", f"{percentile(took, 0.99):.1f} ms"),
            ("others served, longest", f"{max(took):.1f} ms"),
            (f"still held {HELD_SECONDS:.0f} s later", str(open_still)),
        ]


def is_open(client: socket.socket) -> bool:
    """Whether the other side has not ended the connection."""
    client.setblocking(False)
    try:
        while client.recv(1 << 16):
            pass
    except BlockingIOError:
        return True
    except ConnectionResetError:
        pass
    return False


def slow_readers(door: Door) -> list[tuple[str, str]]:
    """Readers of an export of 3 MB that do not read."""
    before = door.memory_mb()
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(door.connect(small=True))) for _ in range(READERS)]
        for client in clients:
            client.sendall(request("/api/export/session.csv"))
        heads = [client.recv(12, socket.MSG_PEEK) for client in clients]
        time.sleep(1)
        more = door.memory_mb() - before
        health = door.ask("/api/health")
    return [
        (f"{READERS} slow readers of 3 MB: downloads at once", str(heads.count(b"HTTP/1.1 200"))),
        ("asked to come back", str(heads.count(b"HTTP/1.1 503"))),
        ("extra memory", f"{more:.0f} MB"),
        ("health meanwhile", f"{health:.1f} ms"),
    ]


def one_connection(door: Door) -> list[tuple[str, str]]:
    """Requests one after the other on one connection."""
    took = []
    with closing(http.client.HTTPConnection("127.0.0.1", door.port, timeout=PATIENCE_SECONDS)) as connection:
        for _ in range(200):
            started = time.monotonic()
            connection.request("GET", "/api/summary")
            connection.getresponse().read()
            took.append(1000 * (time.monotonic() - started))
    return [("200 requests on one connection, median", f"{statistics.median(took):.1f} ms")]


PARTS: Final[tuple[Callable[[Door], list[tuple[str, str]]], ...]] = (one_connection, abandoned, held, slow_readers)


def main() -> int:
    raise_file_limit()
    door = Door()
    try:
        door.ask("/api/summary")
        rows = [row for part in PARTS for row in part(door)]
    finally:
        door.close()
    print_table([("", "measured"), *rows])
    return 0


if __name__ == "__main__":
    sys.exit(serve() if sys.argv[1:] == ["serve"] else main())
