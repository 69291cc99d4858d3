"""The other side of `benchmarks.viewers`: many viewers on one thread, or plain requests; told what to do on stdin."""

from __future__ import annotations

import http.client
import json
import re
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.viewers_crowd import Crowd, raise_file_limit

REQUEST: Final = b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n"
PROBES_PER_SECOND: Final = 20
#: How long viewers may take to get their snapshot, or the end of the stream, in seconds.
PATIENCE_SECONDS: Final = 30.0
#: So that a viewer that never reads is felt by the server and not only by the kernel, in bytes.
DEAF_BUFFER: Final = 4096
_FRAME: Final = re.compile(rb"^id: [^:\n]*:(\d+)\nevent: (\w+)$", re.MULTILINE)
_FACT: Final = re.compile(rb'"at":([0-9.]+),"uploader":"[^"]*","kind":"throttle_changed"')
#: Frames end so, and chunks of frames.
_FRAME_END: Final = b"\n\n"
_CHUNK_END: Final = b"\n\n\r\n"
#: A patch that says so ends an upload of one uploader.
_FINISHED: Final = b'"phase":"finished"'
_LAST_CHUNK: Final = b"0\r\n\r\n"


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


@dataclass(slots=True)
class Parsed:
    """What whole frames hold: their ids, each with whether it is a snapshot, and times at which facts were sent.

    finished: they tell of the end of the upload.
    """

    frames: list[tuple[int, bool]]
    sent: list[float]
    finished: bool


def parse(data: bytes) -> Parsed:
    frames = [(int(number), kind == b"snapshot") for number, kind in _FRAME.findall(data)]
    # A snapshot holds old facts.
    old = any(snapshot for _, snapshot in frames)
    return Parsed(frames, [] if old else [float(one) for one in _FACT.findall(data)], _FINISHED in data)


@dataclass(slots=True)
class Viewer:
    """One stream. rest: what came of a frame that is not whole yet."""

    connection: socket.socket
    last_id: int = 0
    rest: bytes = b""
    patches: int = 0
    finished: bool = False
    open: bool = True
    ended_well: bool = False


@dataclass(slots=True)
class Report:
    """What happened since the last `begin`. snapshots: those in place of patches."""

    since: float = field(default_factory=time.monotonic)
    bytes: int = 0
    delays: list[float] = field(default_factory=list)
    gaps: int = 0
    snapshots: int = 0


class Viewers:
    """Connections that read, that never read, and that ask for nothing."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._lock = threading.Lock()
        self._report = Report()
        self._selector = selectors.DefaultSelector()
        self.viewers: list[Viewer] = []
        self._deaf: list[socket.socket] = []
        self._idle: list[socket.socket] = []
        self._cache: dict[bytes, Parsed] = {}

    def connect(self, port: int) -> dict[str, Any]:
        """Returns when every viewer has its snapshot, or will not get one; says how many have, after how long."""
        started = time.monotonic()
        try:
            self._deaf = [_connect(port, ask=True, buffer=DEAF_BUFFER) for _ in range(self._crowd.deaf)]
            self._idle = [_connect(port, ask=False) for _ in range(self._crowd.idle)]
            for _ in range(self._crowd.viewers):
                viewer = Viewer(_connect(port, ask=True))
                viewer.connection.setblocking(False)
                self._selector.register(viewer.connection, selectors.EVENT_READ, viewer)
                self.viewers.append(viewer)
        except OSError as error:
            print(f"Viewer {len(self.viewers) + 1} could not connect: {error}", file=sys.stderr)
        threading.Thread(target=self._read, daemon=True).start()
        self._wait(lambda: all(viewer.last_id or not viewer.open for viewer in self.viewers))
        return {
            "watching": sum(viewer.last_id > 0 for viewer in self.viewers),
            "seconds": time.monotonic() - started,
        }

    def begin(self) -> None:
        with self._lock:
            self._report = Report()

    def end(self) -> dict[str, Any]:
        """The figures since `begin`."""
        with self._lock:
            report, viewers = self._report, max(1, len(self.viewers))
            return {
                "viewers": sum(viewer.open for viewer in self.viewers),
                "events": len(report.delays) / viewers,
                "p50_ms": percentile(report.delays, 0.5) * 1e3,
                "p99_ms": percentile(report.delays, 0.99) * 1e3,
                "worst_ms": max(report.delays, default=0.0) * 1e3,
                "gaps": report.gaps,
                "snapshots": report.snapshots,
                "bytes_per_second": report.bytes / (time.monotonic() - report.since) / viewers,
            }

    def finish(self) -> dict[str, Any]:
        """Waits until the server has ended every stream. last_ids: on how many different versions the viewers ended."""
        self._wait(lambda: not any(viewer.open for viewer in self.viewers))
        with self._lock:
            return {
                "gaps": self._report.gaps,
                "snapshots": self._report.snapshots,
                "patches": sum(viewer.patches for viewer in self.viewers) / max(1, len(self.viewers)),
                "finished": sum(viewer.finished for viewer in self.viewers),
                "ended_well": sum(viewer.ended_well for viewer in self.viewers),
                "last_ids": len({viewer.last_id for viewer in self.viewers}),
                "cpu_seconds": time.process_time(),
            }

    def _wait(self, question: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not question() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read(self) -> None:
        while True:
            for key, _ in self._selector.select(1.0):
                try:
                    data = key.data.connection.recv(1 << 18)
                except OSError:
                    data = b""
                now = time.time()
                with self._lock:
                    self.take(key.data, data, now)
                if not data:
                    self._selector.unregister(key.fileobj)

    def take(self, viewer: Viewer, data: bytes, now: float) -> None:
        """What a viewer read, b"" at the end of its connection."""
        report = self._report
        report.bytes += len(data)
        if not data:
            viewer.open = False
            viewer.ended_well = viewer.rest.endswith(_LAST_CHUNK)
            return
        if viewer.rest or not data.endswith(_CHUNK_END):
            whole, end, viewer.rest = (viewer.rest + data).rpartition(_FRAME_END)
            data = whole + end
            if viewer.rest == _CHUNK_END.removeprefix(_FRAME_END):
                viewer.rest = b""
        parsed = self._cache.get(data)
        if parsed is None:
            if len(self._cache) > 100:
                self._cache.clear()
            parsed = self._cache[data] = parse(data)
        for number, snapshot in parsed.frames:
            if viewer.last_id and snapshot:
                report.snapshots += 1
            elif viewer.last_id:
                report.gaps += number != viewer.last_id + 1
            viewer.last_id = number
            viewer.patches += not snapshot
        viewer.finished |= parsed.finished
        report.delays += [now - sent for sent in parsed.sent]


def _connect(port: int, *, ask: bool, buffer: int = 0) -> socket.socket:
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    if ask:
        connection.sendall(REQUEST)
    return connection


class Probe:
    """Plain requests, some each second, each on a connection of its own."""

    def __init__(self) -> None:
        self._port = 0
        self._times: list[float] = []
        self._running = threading.Event()

    def connect(self, port: int) -> None:
        self._port = port
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
    raise_file_limit()
    kind, *numbers = sys.argv[1:]
    client: Any = Viewers(Crowd(*(int(number) for number in numbers))) if kind == "viewers" else Probe()
    for line in sys.stdin:
        word, *arguments = line.split()
        print(json.dumps(getattr(client, word)(*(int(one) for one in arguments))), flush=True)


if __name__ == "__main__":
    main()
