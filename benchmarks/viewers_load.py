"""The first part of `benchmarks.viewers`: how the dashboard bears many viewers while a (made-up) upload runs.

The server runs in this process, the viewers in a second one, plain requests in a third.
"""

from __future__ import annotations

import gc
import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from benchmarks.common import BenchmarkError
from benchmarks.viewers_crowd import Child, Crowd
from cloudplow import events
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.dashboard import Dashboard
from cloudplow_dashboard.server.limits import limits_of_this_process
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState

GIB: Final = 1 << 30
TRANSFERS: Final = 8
UPLOADER: Final = "google"
REDUCER_EVENTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Load:
    """Who watches, and for how many seconds without and with an upload. Comment lines come every 15 seconds."""

    crowd: Crowd
    idle_seconds: float
    busy_seconds: float


class FakeUpload:
    """Sends what a real upload sends: each second statistics of 8 files and one account's quota, every other second a
    file that has arrived; and each second a fact that carries the time at which it was sent."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._second = 0

    def __enter__(self) -> FakeUpload:
        send(
            events.SessionStarted, upload_folder="/m/Media", upload_remote="g:Media", accounts_total=100, dry_run=False
        )
        quotas = tuple(_quota(number) for number in range(100))
        send(events.AccountsLearned, accounts=quotas)
        queue: dict[str, Any] = {"distribution": {}, "source": "lsf", "confidence": "exact", "duration_seconds": 1.0}
        send(events.QueueLearned, files=3000, bytes=3000 * GIB, **queue)
        stage: dict[str, Any] = {"account_index": 0, "accounts_total": 100, "quota_remaining_bytes": 750 * GIB}
        send(events.StageStarted, stage=1, account="1.json", planned_files=700, planned_bytes=700 * GIB, **stage)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            self._second += 1
            self._progress()
            if self._second % 2 == 0:
                name = f"Shows/Some Show/Season 01/Some Show - S01E{self._second:03}.mkv"
                send(events.FileTransferred, name=name, size=GIB, account="1.json", stage=1)
            used = self._second * 100 * 1_000_000
            send(
                events.QuotaChanged,
                account="1.json",
                used_bytes=used,
                limit_bytes=750 * GIB,
                resets_at=time.time() + 80_000,
                state=events.AccountState.ACTIVE,
                returns=((time.time() + 86_400, used),),
            )
            self._stop.wait(0.5)
            send(events.ThrottleChanged, limit=None, streams=self._second % 7)

    def _progress(self) -> None:
        second = self._second
        files = tuple(
            events.Transferring(
                name=f"Shows/Some Show/Season 01/Some Show - S01E{second // 2 + place:03}.mkv",
                size=GIB,
                bytes=(second * 12_345_678 + place * 1_111_111) % GIB,
                speed=12_345_678.9 + second * 1234.5 + place,
                eta=float(90 - second % 60),
                percentage=second % 100,
            )
            for place in range(TRANSFERS)
        )
        left = 3000 * GIB - second * 98_765_432
        send(
            events.TransferProgress,
            bytes=second * 98_765_432,
            total_bytes=700 * GIB,
            speed=98_765_432.1 + second * 1000,
            eta=7000.0 - second,
            files=second // 2,
            total_files=700,
            errors=0,
            transferring=files,
            bytes_left=left,
            done_at=time.time() + left / 98e6,
            done_with_quotas_at=time.time() + left / 98e6 + 86_400,
        )


def _quota(number: int) -> events.AccountQuota:
    return events.AccountQuota(
        account=f"{number + 1}.json",
        used_bytes=0,
        limit_bytes=750 * GIB,
        resets_at=None,
        state=events.AccountState.READY,
        why="",
        until=None,
    )


def send(kind: type[events.Event], **fields: Any) -> None:
    """Hand an event to the receivers, as the delivery threads do."""
    event = kind(uploader=UPLOADER, at=time.time(), **fields)
    events.SIGNALS[kind.signal_name].send(UPLOADER, event=event)


@contextmanager
def running_dashboard() -> Iterator[tuple[Dashboard, int]]:
    files = SimpleNamespace(read=lambda _n: None, register=lambda *_: None, mark_dirty=lambda _n: None)
    app: Any = SimpleNamespace(events=events, state_files=files, version="benchmark", services={})
    section = DashboardSection(enabled=True, port=0, refresh_interval=1)
    dashboard = Dashboard(app, section, limits_of_this_process())
    if not dashboard.start():
        raise SystemExit("The dashboard did not start")
    try:
        yield dashboard, int(app.services["dashboard_url"].rstrip("/").rpartition(":")[2])
    finally:
        dashboard.stop()


def memory_mb() -> float:
    """What this process holds in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_share(during: Callable[[], None]) -> float:
    """How much of a core this process used meanwhile, in percent."""
    cpu, wall = time.process_time(), time.monotonic()
    during()
    return 100 * (time.process_time() - cpu) / (time.monotonic() - wall)


def reducer_microseconds() -> float:
    """What one arrived file costs the state and the history, from receiver to dirty flag."""
    state, history = DashboardState(), History()
    same: dict[str, Any] = {"uploader": UPLOADER, "at": time.time(), "account": "1.json", "stage": 1}
    arrived = [events.FileTransferred(seq=n, name=f"Show/{n}.mkv", size=n, **same) for n in range(REDUCER_EVENTS)]
    started = time.perf_counter()
    for event in arrived:
        state.receive(UPLOADER, event=event)
        history.receive(UPLOADER, event=event)
    return 1e6 * (time.perf_counter() - started) / REDUCER_EVENTS


def measure(load: Load) -> dict[str, float]:
    """Run it all; returns the figures by name. Raises BenchmarkError."""
    figures: dict[str, float] = {}
    with running_dashboard() as (dashboard, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for path in ("/api/status", "/metrics", "/api/state"):
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()
        gc.collect()
        before = memory_mb()
        viewers, probe = Child.of_viewers(load.crowd), Child.of_plain_requests()
        try:
            connected = viewers.ask(f"connect {port}")
            if connected["watching"] != load.crowd.viewers:
                raise BenchmarkError(f"Only {connected['watching']} of {load.crowd.viewers} viewers got a snapshot")
            probe.ask(f"connect {port}")
            viewers.ask("begin")
            figures["cpu_idle_percent"] = cpu_share(lambda: time.sleep(load.idle_seconds))
            figures["idle_bytes_per_second"] = viewers.ask("end")["bytes_per_second"]
            with FakeUpload():
                time.sleep(2.5)
                # The requests of the probe cost too, so the first half goes without them.
                figures["cpu_busy_percent"] = cpu_share(lambda: time.sleep(load.busy_seconds / 2))
                viewers.ask("begin")
                probe.ask("begin")
                time.sleep(load.busy_seconds)
                busy, plain = viewers.ask("end"), probe.ask("end")
                figures["memory_mb"] = memory_mb() - before
                assert dashboard.server is not None
                figures["deaf_served"] = len(dashboard.server.hub.viewers) - busy["viewers"]
        finally:
            viewers.close()
            probe.close()
    figures |= {f"event_{name}": busy[name] for name in ("p50_ms", "p99_ms", "worst_ms")}
    figures |= {"get_p50_ms": plain["p50_ms"], "get_p99_ms": plain["p99_ms"]}
    figures |= {name: busy[name] for name in ("events", "gaps", "snapshots")}
    figures["viewers_lost"] = load.crowd.viewers - busy["viewers"]
    figures["busy_bytes_per_second"] = busy["bytes_per_second"]
    # Last, because what it leaves in the heap would hide what the viewers take.
    figures["reducer_microseconds"] = reducer_microseconds()
    return figures
