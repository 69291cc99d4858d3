"""The other side of `benchmarks.viewers`: many viewers on one thread, or plain requests; told what to do on stdin."""

from __future__ import annotations

import http.client
import json
import re
import resource
import selectors
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

REQUEST: Final = b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n"
PROBES_PER_SECOND: Final = 20
_ID: Final = re.compile(rb"^id: [^:\n]*:(\d+)$", re.MULTILINE)
_FACT: Final = re.compile(rb'"at":([0-9.]+),"uploader":"[^"]*","kind":"throttle_changed"')
FILES_WANTED: Final = 8192


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


@dataclass(slots=True)
class Parsed:
    """What a piece of the stream holds: ids, times at which facts were sent, whether it has a snapshot."""

    ids: list[int]
    sent: list[float]
    snapshot: bool


def parse(data: bytes) -> Parsed:
    return Parsed(
        [int(one) for one in _ID.findall(data)], [float(one) for one in _FACT.findall(data)], b"event: snapshot" in data
    )


@dataclass(slots=True)
class Viewer:
    connection: socket.socket
    last_id: int = 0


@dataclass(slots=True)
class Report:
    since: float = field(default_factory=time.monotonic)
    bytes: int = 0
    delays: list[float] = field(default_factory=list)
    gaps: int = 0
    snapshots: int = 0
    ended: int = 0

    def document(self, viewers: int) -> dict[str, Any]:
        seconds = time.monotonic() - self.since
        return {
            "viewers": viewers - self.ended,
            "events": len(self.delays) / max(1, viewers),
            "p50_ms": percentile(self.delays, 0.5) * 1e3,
            "p99_ms": percentile(self.delays, 0.99) * 1e3,
            "worst_ms": max(self.delays, default=0.0) * 1e3,
            "gaps": self.gaps,
            "snapshots": self.snapshots,
            "bytes_per_second": self.bytes / seconds / max(1, viewers),
        }


class Viewers:
    """Connections that read, that never read, and that ask for nothing."""

    def __init__(self, port: int, reading: int, deaf: int, idle: int) -> None:
        self._lock = threading.Lock()
        self._report = Report()
        self._selector = selectors.DefaultSelector()
        self.viewers = []
        self._others = [self._connect(port, ask=kind == "deaf") for kind in ["deaf"] * deaf + ["idle"] * idle]
        self._cache: dict[bytes, Parsed] = {}
        for _ in range(reading):
            viewer = Viewer(self._connect(port, ask=True))
            viewer.connection.setblocking(False)
            self._selector.register(viewer.connection, selectors.EVENT_READ, viewer)
            self.viewers.append(viewer)
        threading.Thread(target=self._read, daemon=True).start()

    @staticmethod
    def _connect(port: int, *, ask: bool) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), 20)
        if ask:
            connection.sendall(REQUEST)
        return connection

    def wait_until_all_have_a_snapshot(self) -> None:
        while not all(viewer.last_id for viewer in self.viewers):
            time.sleep(0.05)

    def _read(self) -> None:
        while True:
            for key, _ in self._selector.select():
                data = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
                now = time.time()
                with self._lock:
                    self._take(key.data, data, now)

    def _take(self, viewer: Viewer, data: bytes, now: float) -> None:
        report = self._report
        report.bytes += len(data)
        if not data:
            report.ended += 1
            self._selector.unregister(viewer.connection)
            return
        parsed = self._cache.get(data)
        if parsed is None:
            if len(self._cache) > 100:
                self._cache.clear()
            parsed = self._cache[data] = parse(data)
        report.snapshots += parsed.snapshot
        for number in parsed.ids:
            if viewer.last_id and number != viewer.last_id + 1 and not parsed.snapshot:
                report.gaps += 1
            viewer.last_id = number
        report.delays += [now - sent for sent in parsed.sent] if not parsed.snapshot else []

    def begin(self) -> None:
        with self._lock:
            self._report = Report()

    def end(self) -> dict[str, Any]:
        with self._lock:
            return self._report.document(len(self.viewers))


class Probe:
    """Plain requests, some each second, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._times: list[float] = []
        self._running = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._running.wait()
            started = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            connection.request("GET", "/api/status")
            connection.getresponse().read()
            connection.close()
            self._times.append(time.perf_counter() - started)
            time.sleep(1 / PROBES_PER_SECOND)

    def begin(self) -> None:
        self._times = []
        self._running.set()

    def end(self) -> dict[str, Any]:
        self._running.clear()
        times = list(self._times)
        return {"p50_ms": percentile(times, 0.5) * 1e3, "p99_ms": percentile(times, 0.99) * 1e3}


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    kind, *numbers = sys.argv[1:]
    client: Viewers | Probe
    if kind == "viewers":
        client = Viewers(*(int(number) for number in numbers))
        client.wait_until_all_have_a_snapshot()
    else:
        client = Probe(int(numbers[0]))
    for line in sys.stdin:
        answer: Any = None
        if line.strip() == "begin":
            client.begin()
        elif line.strip() == "end":
            answer = client.end()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
