"""A small server for the page alone: any document, a stream that does as it is told, and the real policy headers.

`PageServer` is for tests; `documents` makes state documents to look at.
"""

from __future__ import annotations

import _thread
import copy
import json
import mimetypes
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader

from cloudplow.events import FileTransferred, TransferProgress
from cloudplow_dashboard.state import figures
from cloudplow_dashboard.state.blanks import new_eta, new_progress, new_session
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.history import History, Metric
from cloudplow_dashboard.state.patches import difference, encode_json, frame, merge
from cloudplow_dashboard.state.plan_accounts import by_account
from cloudplow_dashboard.state.status import Status
from cloudplow_dashboard.state.uploader_state import PARTS, UploaderState
from cloudplow_dashboard.web.account_list import account_list
from cloudplow_dashboard.web.assets import MADE
from cloudplow_dashboard.web.security import response_headers

PACKAGE: Final = Path(__file__).parents[2] / "cloudplow_dashboard"
Document = dict[str, Any]
#: The keys of what an account has spent.
SPENT: Final = ("used_bytes", "in_flight_bytes", "unsettled_bytes")
#: Before the page's own scripts: what is said against it, also by browsers that tell no one else.
_NOTES: Final = b"""window.said = [];
for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"]) {
  addEventListener(kind, ({ message, reason, blockedURI }) => {
    window.said.push(kind + ": " + (message ?? reason ?? blockedURI));
  });
}
for (const kind of ["error", "warn"]) {
  const real = console[kind];
  console[kind] = (...texts) => { window.said.push(kind + ": " + texts.join(" ")); real.apply(console, texts); };
}
"""
#: What ends a stream that waits for its next frame.
_HANG_UP: Final = b""


def complete(document: Document) -> Document:
    """A document with what the server computes from the rest of it, where the rest is there."""
    whole = copy.deepcopy(document)
    uploaders = whole.get("uploaders")
    for uploader in uploaders.values() if isinstance(uploaders, dict) else ():
        if isinstance(uploader, dict) and isinstance(uploader.get("session"), dict) and "active" in uploader:
            _complete(uploader, whole.get("ts", 0))
    if isinstance(uploaders, dict) and "focus" not in document:
        running = [name for name, one in uploaders.items() if isinstance(one, dict) and one.get("active")]
        whole["focus"] = min(running or uploaders, default="")
    return whole


def _complete(uploader: Document, now: float) -> None:
    session, progress = new_session() | uploader["session"], new_progress() | uploader.get("progress", {})
    active, eta, told = uploader["active"], uploader.get("eta", new_eta()), uploader.get("plan") or {}
    if active and session["bytes_total"]:
        session["bytes_done"] = session["bytes_total"] - session["bytes_left"]
        uploader["session"]["bytes_done"] = session["bytes_done"]
    sums = dict.fromkeys(("waiting_files", "waiting_bytes", "next_capacity_at"), 0) | told
    pool = {"limit_bytes": 0, "free_bytes": 0} | uploader.get("capacity", {})
    free = pool["free_bytes"] if pool["limit_bytes"] > 0 else -1
    waits = figures.waiting(session, sums, told.get("made_at", 0), free, active=active)  # type: ignore[arg-type]
    heard_at = progress["at"] or now
    uploader["figures"] = figures.figures(
        session,
        Status().document(active=active, phase=Phase.IDLE, session=session) | uploader.get("status", {}),
        eta,
        waits,
        active=active,
        quota_until=figures.outlook(eta, session, waits[1], heard_at),
        plan_next_at=sums["next_capacity_at"] if waits[1] else 0,
        heard_at=heard_at,
        stale_since=0,
        now=now,
    )
    if isinstance(told.get("stages"), list):
        rate = session["bytes_left"] / (eta["speed_at"] - now) if eta["speed_at"] > now else 0
        stages = [*told["stages"], *told["later"]]
        done: dict[str, tuple[int, int, int]] = {}
        for one in stages:
            if one["state"] == "done":
                before = done.get(one["account"], (0, 0, 0))
                done[one["account"]] = before[0] + 1, before[1] + one["files"], before[2] + one["bytes"]
                one.setdefault("ended_at", one["starts_at"] + 2800)
        told["accounts"] = by_account(stages, done, rate=rate, running_done=progress["bytes"], now=now)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def process_request(self, request: Any, client_address: Any) -> None:
        """On a thread that coverage does not trace: it loses one now and then ("another trace function is being
        installed"), and the page then waits for an answer that never comes.
        """
        _thread.start_new_thread(self.process_request_thread, (request, client_address))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about browsers that hang up; report everything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class PageServer:
    """Serves the page below `prefix`. Every method may be called from any thread.

    notes_complaints: the page notes in `window.said` what is said against it.
    stream_mode: "works"; "refused" (503); "silent" (opens and says nothing, as behind a proxy that holds back).
    """

    def __init__(self, document: Document, prefix: str = "/") -> None:
        self.document = complete(document)
        self.prefix = prefix
        self.stream_mode = "works"
        self.reachable = True
        self.notes_complaints = False
        self.requests: list[tuple[str, str, int]] = []
        #: All accounts by uploader, for pools that are larger than what the document holds.
        self.pools: dict[str, UploaderState] = {}
        self.history = History()
        self._lock = threading.Lock()
        self._streams: list[queue.Queue[bytes]] = []
        self._templates = Environment(loader=FileSystemLoader(PACKAGE / "templates"), autoescape=True)
        self._server = _QuietServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.prefix}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End every stream and the server."""
        self.drop_streams()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def patch(self, patch: Document, *, send: bool = True) -> None:
        """Change the document; send: also tell every stream."""
        with self._lock:
            version = self.document.get("version", 0) + 1
            whole = {**patch, "version": version, "ts": time.time()}
            before = self.document
            self.document = complete(merge(before, whole))
            whole = {**difference(before, self.document), "version": version, "ts": whole["ts"]}
            if send:
                data = frame("patch", self.document.get("boot", "b"), version, encode_json(whole))
                for stream in self._streams:
                    stream.put(data)

    def send_raw(self, data: bytes) -> None:
        """Put bytes on every stream."""
        with self._lock:
            for stream in self._streams:
                stream.put(data)

    def drop_streams(self) -> None:
        """Hang up on every stream."""
        with self._lock:
            for stream in self._streams:
                stream.put(_HANG_UP)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        with self._lock:
            return len(self._streams)

    def count(self, path: str, status: int | None = None) -> int:
        """How many requests for a path were answered, with that status."""
        with self._lock:
            return sum(1 for _, seen, code in self.requests if seen == path and status in (None, code))

    def note(self, method: str, path: str, status: int) -> None:
        """Remember a request."""
        with self._lock:
            self.requests.append((method, path, status))

    def page(self) -> bytes:
        """The rendered template."""
        template = self._templates.get_template("index.html")
        document = self.document
        interval = document.get("refresh_interval", 1)
        return template.render(version="3.0.0", refresh_interval=interval, document=document).encode()

    def open_stream(self) -> tuple[queue.Queue[bytes], bytes]:
        """A new stream and the snapshot that it begins with."""
        with self._lock:
            stream: queue.Queue[bytes] = queue.Queue()
            self._streams.append(stream)
            document = {**self.document, "ts": time.time()}
            boot, version = document.get("boot", "b"), document.get("version", 0)
            return stream, b"retry: 300\n\n" + frame("snapshot", boot, version, encode_json(document))

    def close_stream(self, stream: queue.Queue[bytes]) -> None:
        """Forget a stream."""
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)


def _handler_for(page_server: PageServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "page-fixture"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self.query = dict(parse_qsl(query))
            if not page_server.reachable:
                page_server.note("GET", path, 0)
                self.close_connection = True
                return
            if not path.startswith(page_server.prefix):
                self._answer(path, 404, b"not found", "text/plain")
                return
            self._route("/" + path[len(page_server.prefix) :])

        def _route(self, path: str) -> None:
            if path == "/":
                self._answer(path, 200, page_server.page(), "text/html; charset=utf-8")
            elif path == "/api/state":
                self._state(path)
            elif path == "/api/events":
                self._events(path)
            elif path == "/api/service_accounts":
                self._accounts(path)
            elif path == "/api/history":
                query = self.query
                given = Metric(query["metric"]), query.get("uploader"), float(query["since"]), int(query["step"])
                self._answer(path, 200, encode_json(page_server.history.query(*given)), "application/json")
            else:
                self._static(path)

        def _state(self, path: str) -> None:
            document = {**page_server.document, "ts": time.time()}
            etag = f'"{document.get("boot", "b")}-{document.get("version", 0)}"'
            if self.headers.get("If-None-Match") == etag:
                self._answer(path, 304, b"", "application/json", {"ETag": etag})
            else:
                self._answer(path, 200, encode_json(document), "application/json", {"ETag": etag})

        def _accounts(self, path: str) -> None:
            choice: dict[str, Any] = {key: self.query[key] for key in ("state", "q", "sort") if key in self.query}
            choice |= {key: int(self.query[key]) for key in ("offset", "limit")}
            name = self.query["uploader"]
            pool = {name: page_server.pools.get(name) or UploaderState(name)}
            page, total = account_list(pool, time.time(), **choice)
            self._answer(path, 200, encode_json(page), "application/json", {"X-Total-Count": str(total)})

        def _static(self, path: str) -> None:
            made = MADE.get(path.removeprefix("/static/"))
            if made is not None:
                self._answer(path, 200, made[1](), made[0])
                return
            file = (PACKAGE / path.lstrip("/")).resolve()
            if not file.is_relative_to(PACKAGE / "static") or not file.is_file():
                self._answer(path, 404, b"not found", "text/plain")
                return
            kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0] or "text/plain"
            before = _NOTES if page_server.notes_complaints and path == "/static/js/theme.js" else b""
            self._answer(path, 200, before + file.read_bytes(), kind)

        def _answer(
            self, path: str, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
        ) -> None:
            page_server.note("GET", path, status)
            self.send_response(status)
            for name, value in {**response_headers("page"), **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _events(self, path: str) -> None:
            if page_server.stream_mode == "refused":
                self._answer(path, 503, b"{}", "application/json", {"Retry-After": "5"})
                return
            page_server.note("GET", path, 200)
            self.send_response(200)
            for name, value in response_headers("stream").items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            stream, data = page_server.open_stream()
            try:
                self.wfile.flush()
                while page_server.stream_mode == "silent":
                    if stream.get() == _HANG_UP:
                        return
                self.wfile.write(data)
                while data := stream.get():
                    self.wfile.write(data)
            except OSError:
                pass  # the browser went away
            finally:
                page_server.close_stream(stream)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def serve_page(document: Document, prefix: str = "/") -> Iterator[PageServer]:
    """A running server for one document."""
    server = PageServer(document, prefix)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# --- documents to look at ----------------------------------------------------------------------------------------

GIB: Final = 1 << 30
ACCOUNT_QUOTA: Final = 750 * GIB

FILES: Final = (
    "Movies/The Long Voyage Home (1940)/The.Long.Voyage.Home.1940.2160p.UHD.BluRay.REMUX.HDR10.DTS-HD.MA.5.1.mkv",
    "TV/Harbour Lights/Season 04/Harbour.Lights.S04E07.The.Second.Tide.1080p.WEB-DL.DDP5.1.H.264.mkv",
    "TV/Harbour Lights/Season 04/Harbour.Lights.S04E08.1080p.WEB-DL.mkv",
    "Music/Various/2019 - Field Recordings/07 - Rain on the Tin Roof.flac",
)


def transfer(name: str, size_gib: float, fraction: float, speed_mib: float) -> Document:
    """One file on its way."""
    size = int(size_gib * GIB)
    done = int(size * fraction)
    speed = speed_mib * (1 << 20)
    return {
        "name": name,
        "size": size,
        "bytes": done,
        "speed": speed,
        "eta_seconds": round((size - done) / speed) if speed else -1,
        "percentage": int(100 * fraction),
    }


def plan(rows: Document, done: int, running: int, now: float) -> Document:
    """A plan over a pool: accounts that are done, one that works, some that are next, and what waits for tomorrow.

    done: how many; running: the index of the account that works, -1 for none.
    """
    names = list(rows)

    def stage(index: int, state: str, files: int, gib: float, starts_at: float) -> Document:
        outcome = "done" if state == "done" else ""
        return {
            "stage": index + 1 if state in ("done", "running") else 0,
            "account": names[index],
            "files": files,
            "bytes": int(gib * GIB),
            "starts_at": starts_at,
            "oversized": False,
            "state": state,
            "outcome": outcome,
        }

    stages = [stage(i, "done", 388 - 97 * i, 749.8 - 0.2 * i, now - 8078 + 2889 * i) for i in range(done)]
    upcoming = done
    if running >= 0:
        stages.append(stage(running, "running", 305, 749.9, now - 1589))
        upcoming = running + 1
    following = names[upcoming : upcoming + 2]
    stages += [stage(names.index(name), "next", 108, 214.5, 0) for name in following]
    later = [stage(i, "waiting", 61, 301.2, now + 3600 * (5 + 3 * i) + 500) for i in range(min(done, 2))]
    return {
        "made_at": now - 1590,
        "files": 521,
        "bytes": 1179 * GIB,
        "waiting_files": 0,
        "waiting_bytes": 0,
        "unplanned_files": 0,
        "unplanned_bytes": 0,
        "unplanned_why": "",
        "next_capacity_at": 0,
        "stages": stages,
        "later": later,
        "done_total": done,
        "next_total": len(following),
        "later_total": len(later),
    }


def capacity(summary: Document, now: float) -> Document:
    """What a pool has left, and when what was spent comes back."""
    start = now // 600 * 600
    returns = {4: 63, 5: 687, 8: 410, 9: 340, 19: 12, 22: 315} if summary["used_bytes"] else {}
    first = min(returns, default=0)
    return {
        "free_bytes": summary["limit_bytes"] - sum(summary[key] for key in SPENT),
        **{key: summary[key] for key in SPENT},
        "limit_bytes": summary["limit_bytes"],
        "next_return_at": start + 3600 * first + 1500 if returns else 0,
        "next_return_bytes": returns.get(first, 0) * GIB,
        "strip_from": start,
        "strip": [returns.get(hour, 0) * GIB for hour in range(24)],
        "later_bytes": 0,
    }


def past_sessions(now: float) -> list[Document]:
    """Sessions of the last days, oldest first."""
    outcomes = ("done", "interrupted", "quota_used", "failed", "done", "suspended", "quota_used", "done")
    reasons = {"failed": "every account was denied", "suspended": "a trigger was hit"}
    return [
        {
            "id": f"p{i}",
            "started_at": now - 86400 * (9 - i) - 777 * i,
            "ended_at": now - 86400 * (9 - i) - 777 * i + 3000 + 1711 * i,
            "outcome": outcome,
            "reason": reasons.get(outcome, ""),
            "dry_run": i == 4,
            "folder": "Media",
            "remote": "gdrive:Media",
            "stage": i,
            "files_done": 31 + 117 * i,
            "bytes_done": int((90 + 211.4 * i) * GIB),
            "files_failed": i % 3,
            "files_left": 0 if outcome == "done" else 40,
            "bytes_left": 0 if outcome == "done" else 80 * GIB,
            "next_capacity_at": 0,
            "accounts_used": i,
        }
        for i, outcome in enumerate(outcomes)
    ]


def fill(history: History, name: str, hours: int = 30 * 24, until: float = 0) -> None:
    """Give a history something to show: some hours of each day, with a pause of a day. until: epoch seconds, 0: now."""
    now = until or time.time()
    for ago in range(hours * 12, 0, -1):
        at = now - 300 * ago
        hour = int(at // 3600)
        if hour % 24 < 5 or hour // 24 % 9 == 0:
            continue
        history.clock = lambda at=at: at  # type: ignore[misc]
        speed = (40 + (hour * 37) % 60 + ago % 7) * 1e6
        moving = TransferProgress(
            uploader=name, speed=speed, eta=None, bytes=0, total_bytes=0, files=0, total_files=0, errors=0
        )
        history.receive(name, event=moving)
        size, account = int(speed * 300), f"{hour // 24 % 12 + 1}.json"
        history.receive(name, event=FileTransferred(uploader=name, name=str(ago), size=size, account=account, stage=1))
    history.clock = time.time


def fill_minutes(history: History, name: str, seconds: int = 240, speed: float = 230e6) -> None:
    """Give a history the speeds of the last minutes; speed: the usual one, in bytes per second."""
    usual = speed
    now = time.time()
    for ago in range(seconds, 0, -1):
        history.clock = lambda at=now - ago: at  # type: ignore[misc]
        speed = usual * (215 + (ago * 13) % 31 - (60 if 90 < ago < 110 else 0)) / 230
        moving = TransferProgress(
            uploader=name, speed=speed, eta=None, bytes=0, total_bytes=0, files=0, total_files=0, errors=0
        )
        history.receive(name, event=moving)
    history.clock = time.time


def accounts(total: int, used_up: int, active: int) -> Document:
    """A pool in which some accounts are used up, one works and the rest is ready.

    Of the working one a part is on its way, and another part was cut off.
    """
    now = time.time()
    rows: Document = {}
    for index in range(total):
        state, used, resets = "ready", 0, 0.0
        sent, unsettled = (int(0.12 * ACCOUNT_QUOTA), int(0.08 * ACCOUNT_QUOTA)) if index == active else (0, 0)
        if index < used_up:
            state, used, resets = "cooling", ACCOUNT_QUOTA, now + 3600 * (5 + 3 * index) + 500
        elif index == active:
            state, used, resets = "active", int(0.42 * ACCOUNT_QUOTA), now + 3600 * 22.3
        rows[f"{index + 1}.json"] = {
            "index": index,
            "state": state,
            "why": "",
            "used_bytes": used,
            "in_flight_bytes": sent,
            "unsettled_bytes": unsettled,
            "limit_bytes": ACCOUNT_QUOTA,
            "resets_at": resets,
            "until": resets if state == "cooling" else 0,
        }
    return rows


def summary_of(rows: Document, total: int | None = None) -> Document:
    """The totals of a pool."""
    states: dict[str, int] = {}
    for row in rows.values():
        states[row["state"]] = states.get(row["state"], 0) + 1
    return {
        "total": len(rows) if total is None else total,
        **{key: sum(row[key] for row in rows.values()) for key in SPENT},
        "limit_bytes": sum(row["limit_bytes"] for row in rows.values()),
        "states": states,
    }


def distribution() -> Document:
    """The sizes of a queue of films and episodes."""
    counts = (212, 618, 341, 29, 4)
    sizes = (9, 402, 1310, 601, 243)
    names = ("0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+")
    small = (0, 0, 0, 0, 3, 18, 61, 44, 9, 12, 20, 7, 2, 4, 6, 9, 11)  # below 64 MiB: subtitles and pictures
    large = (20, 90, 200, 314, 60, 150, 100, 45, 4, 13, 2, 0, 0, 0, 0)
    assert sum(small + large) == sum(counts)
    return {
        "max_file_size": 78 * GIB,
        "percentiles": {
            "p50": int(0.71 * GIB),
            "p75": int(2.4 * GIB),
            "p90": int(6.8 * GIB),
            "p95": int(11.2 * GIB),
            "p99": int(48.5 * GIB),
        },
        "size_buckets": {
            name: {"count": count, "total_bytes": size * GIB, "percentage": round(100 * count / sum(counts), 1)}
            for name, count, size in zip(names, counts, sizes, strict=True)
        },
        "size_histogram": {"from_bytes": 1024, "counts": [*small, *large]},
        "oldest_modified_at": time.time() - 86400 * 500,
        "oldest_file": FILES[0],
        "statistics": {"total_files": sum(counts), "total_bytes": sum(sizes) * GIB, "mean": 2.13 * GIB},
        "metadata": {"sample_count": sum(counts), "confidence": "exact"},
    }


def facts(uploader: str, now: float) -> Document:
    """What happened so far."""
    told = (
        (8100, "session_started", "Upload of Media to gdrive:Media began, with 12 accounts"),
        (8080, "queue_learned", "1,204 files, 2.5 TB to upload"),
        (8079, "sa_switched", "1.json begins (1 of 12)"),
        (8078, "stage_started", "Stage 1 began on 1.json: 388 files, 750.0 GB"),
        (5200, "stage_finished", "Stage 1 ended (done): 388 files, 749.8 GB in 48m 0s"),
        (5190, "sa_switched", "2.json takes over from 1.json (2 of 12): its quota is used up"),
        (5189, "stage_started", "Stage 2 began on 2.json: 291 files, 749.9 GB"),
        (4100, "throttle_changed", "Limited to 30.0 MB/s while 2 streams play"),
        (3300, "throttle_changed", "Full speed again"),
        (2900, "file_failed", "TV/Old Tapes/tape 03.avi failed on 2.json: the file changed while it was read"),
        (1600, "stage_finished", "Stage 2 ended (done): 290 files, 749.6 GB in 59m 50s"),
        (1590, "sa_switched", "3.json takes over from 2.json (3 of 12): its quota is used up"),
        (1589, "stage_started", "Stage 3 began on 3.json: 305 files, 749.9 GB"),
    )
    return {
        str(seq): {"seq": seq, "at": now - ago, "uploader": uploader, "kind": kind, "text": text}
        for seq, (ago, kind, text) in enumerate(told, start=1)
    }


def uploading(name: str = "google") -> Document:
    """An upload in its third stage."""
    now = time.time()
    rows = accounts(total=12, used_up=2, active=2)
    total = 2565 * GIB
    moving = {
        "1": transfer(FILES[0], 61.4, 0.38, 88.1),
        "2": transfer(FILES[1], 3.9, 0.71, 71.4),
        "3": transfer(FILES[2], 3.6, 0.12, 62.0),
        "4": transfer(FILES[3], 0.031, 0.94, 9.6),
    }
    done = int((749.8 + 749.6 + 290) * GIB)
    left = total - done - sum(file["bytes"] for file in moving.values())
    speed = 231.1 * (1 << 20)
    finish = now + left / speed
    return {
        "version": 17,
        "boot": "k3f9",
        "ts": now,
        "refresh_interval": 1,
        "app_version": "3.0.0",
        "engine": "uploading",
        "recovered": False,
        "uploaders": {
            name: {
                "active": True,
                "phase": "uploading",
                "session": {
                    "id": "s1",
                    "started_at": now - 8100,
                    "ended_at": 0,
                    "outcome": "",
                    "reason": "",
                    "dry_run": False,
                    "folder": "Media",
                    "remote": "gdrive:Media",
                    "stage": 3,
                    "stages_total": 4,
                    "account": "3.json",
                    "account_index": 2,
                    "accounts_total": 12,
                    "accounts_used": ["1.json", "2.json", "3.json"],
                    "switch_reason": "quota_used",
                    "files_done": 791,
                    "bytes_done": done,
                    "files_total": 1204,
                    "bytes_total": total,
                    "files_failed": 1,
                    "files_left": 413,
                    "bytes_left": left,
                    "next_capacity_at": 0,
                    "recovered": False,
                },
                "progress": {
                    "at": now,
                    "bytes": 314 * GIB,
                    "total_bytes": 749 * GIB,
                    "speed": speed,
                    "eta_seconds": 3400,
                    "files": 113,
                    "total_files": 305,
                    "errors": 1,
                    "transferring_count": len(moving),
                    "checking_count": 0,
                    "transferring": moving,
                    "checking": [],
                },
                "eta": {"speed_at": finish, "quotas_at": finish},
                "plan": plan(rows, done=2, running=2, now=now),
                "queue": {
                    "available": True,
                    "files": 1204,
                    "bytes": total,
                    "source": "lsf",
                    "confidence": "exact",
                    "duration_seconds": 7.4,
                    "learned_at": now - 8080,
                    "distribution": distribution(),
                },
                "accounts": rows,
                "accounts_summary": summary_of(rows),
                "capacity": capacity(summary_of(rows), now),
                "throttle": {"active": False, "limit": 0, "streams": 0},
                "suspension": {"active": False, "reason": "", "until": 0},
                "failures": {
                    "1": {
                        "at": now - 2900,
                        "name": "TV/Old Tapes/tape 03.avi",
                        "error": "the file changed while it was read",
                        "account": "2.json",
                        "stage": 2,
                    }
                },
                "failure_kinds": {
                    "1": {
                        "at": now - 2900,
                        "name": "TV/Old Tapes/tape 03.avi",
                        "error": "the file changed while it was read",
                        "account": "2.json",
                        "stage": 2,
                        "count": 1,
                    }
                },
                "sessions": past_sessions(now),
            }
        },
        "facts": facts(name, now),
    }


def _ended(outcome: str, phase: str, **changes: Any) -> Document:
    document = uploading()
    uploader = document["uploaders"]["google"]
    uploader["active"] = False
    uploader["phase"] = phase
    uploader["progress"] |= {"speed": 0, "transferring": {}, "transferring_count": 0, "eta_seconds": -1}
    session = uploader["session"]
    session |= {"outcome": outcome, "ended_at": document["ts"] - 1500, **changes}
    session["bytes_left"] = session["bytes_total"] - session["bytes_done"]
    for row in uploader["accounts"].values():
        if row["state"] == "active":
            row["state"] = "ready"
    uploader["accounts_summary"] = summary_of(uploader["accounts"])
    for stage in uploader["plan"]["stages"]:
        if stage["state"] == "running":
            stage |= {"state": "done", "outcome": outcome}
    document["engine"] = "idle"
    return document


def finished() -> Document:
    """An upload that used up its quota."""
    return _ended("quota_used", "finished", next_capacity_at=time.time() + 3600 * 4.2)


def interrupted() -> Document:
    """An upload that was killed, found again at the next start."""
    document = _ended("interrupted", "interrupted", recovered=True)
    document["recovered"] = True
    document["facts"] = {}
    return document


def idle() -> Document:
    """Nothing has happened yet."""
    document = uploading()
    return {**document, "engine": "idle", "uploaders": {}, "facts": {}}


def first_use_of(name: str) -> Document:
    """An uploader that is known, as the service knows it before its first session."""
    fresh = UploaderState(name)
    parts = {part: fresh.part(part, time.time()) for part in PARTS}
    return {**idle(), "uploaders": {name: parts}}


def hostile_names() -> tuple[str, ...]:
    """File names that a page must show as text and survive."""
    return (
        "<img src=x onerror=alert(1)>.mkv",
        "</script><script>alert(2)</script>.mkv",
        "x" * 3990 + "<b>.mkv",
        "أفلام/فيلم طويل جدا عن البحر والريح والسفر البعيد 2019.mkv",
        "right\u202egpj.to.left override.mkv",
        "👩‍👩‍👧‍👦👨‍👩‍👧 family 🏴‍☠️ pirates 👩‍👩‍👧‍👦👨‍👩‍👧👩‍👩‍👧‍👦👨‍👩‍👧👩‍👩‍👧‍👦👨‍👩‍👧👩‍👩‍👧‍👦👨‍👩‍👧.mkv",
        "line one\nline two\ttab.mkv",
        "Z̴͎̀á̷̹l̵͓̈g̷̟̽o̶̡̊ ̵̱͝t̸̪́e̸͔͝x̷̪̀t̵͖̂ ̷̫̎n̷̳̈a̴͙̋m̶̠̌e̷̞͂.mkv",
        "__proto__",
        "constructor",
        " leading and trailing  spaces .mkv",
        "{{ 7 * 7 }}{% raw %}.mkv",
    )


def hostile() -> Document:
    """Hostile texts wherever the document has one."""
    document = uploading("<b>google</b>")
    uploader = document["uploaders"]["<b>google</b>"]
    evil = "<img src=x onerror=alert(3)>" + "wide" * 300
    moving = {str(i): transfer(name, 2, 0.4, 10) for i, name in enumerate(hostile_names(), start=1)}
    uploader["progress"] |= {"transferring": moving, "transferring_count": len(moving)}
    uploader["session"] |= {"remote": evil, "account": evil, "folder": evil}
    uploader["accounts"][evil] = {"index": 0, "state": evil, "why": evil, "used_bytes": 1, "limit_bytes": 2}
    uploader["failures"] = {"1": {"at": 1, "name": evil, "error": evil, "account": evil, "stage": 1}}
    uploader["failure_kinds"] = {"1": uploader["failures"]["1"] | {"count": 1}}
    uploader["queue"] |= {"confidence": evil, "source": evil}
    uploader["queue"]["distribution"]["size_buckets"][evil] = {"count": 3, "total_bytes": 4, "percentage": 5}
    for one in (*uploader["plan"]["stages"], *uploader["plan"]["later"]):
        one["account"] = evil + str(one["bytes"])
    uploader["plan"] |= {"unplanned_why": evil, "unplanned_files": 2, "waiting_files": 2}
    uploader["queue"]["distribution"]["oldest_file"] = evil
    for one in uploader["sessions"]:
        one |= {"outcome": evil, "reason": evil, "folder": evil, "remote": evil}
    document["facts"]["99"] = {"seq": 99, "at": time.time(), "uploader": evil, "kind": evil, "text": evil}
    document["uploaders"]["second"] = {}
    return document


def _changed(**parts: Any) -> Document:
    """An upload in which some parts are otherwise; a mapping changes members, anything else replaces the part."""
    document = uploading()
    uploader = document["uploaders"]["google"]
    for name, value in parts.items():
        uploader[name] = uploader[name] | value if isinstance(uploader.get(name), dict) else value
    return document


_NOTHING_MOVES: Final[Document] = {"speed": 0, "transferring": {}, "transferring_count": 0, "eta_seconds": -1}


def scanning() -> Document:
    """The queue is being listed; nothing is known of it."""
    document = _changed(
        phase="scanning",
        progress=_NOTHING_MOVES | {"bytes": 0, "total_bytes": 0, "files": 0, "total_files": 0},
        eta={"speed_at": 0, "quotas_at": 0},
        queue={"available": False, "files": 0, "bytes": 0, "distribution": {}, "learned_at": 0, "confidence": ""},
    )
    google = document["uploaders"]["google"]
    google["plan"] = {"made_at": 0, "stages": [], "later": []}
    sums = ("stage", "stages_total", "files_done", "bytes_done", "files_total", "bytes_total", "files_left")
    google["session"] |= dict.fromkeys((*sums, "bytes_left", "files_failed"), 0)
    google["session"] |= {"account": "", "account_index": -1, "accounts_used": [], "started_at": time.time() - 4}
    google["failures"] = google["failure_kinds"] = {}
    return document


def switching() -> Document:
    """Between two accounts."""
    return _changed(phase="switching", progress=_NOTHING_MOVES)


def throttled() -> Document:
    """Held back while somebody watches."""
    limit = 30 << 20
    return _changed(
        phase="throttled", throttle={"active": True, "limit": limit, "streams": 2}, progress={"speed": limit}
    )


def all_cooling() -> Document:
    """No account has anything left; the rest waits."""
    now = time.time()
    document = _ended("quota_used", "finished", next_capacity_at=now + 3600 * 4.2)
    google = document["uploaders"]["google"]
    rows = accounts(total=12, used_up=12, active=-1)
    google |= {"accounts": rows, "accounts_summary": summary_of(rows), "plan": plan(rows, 3, -1, now)}
    google["capacity"] = capacity(google["accounts_summary"], now)
    google["plan"] |= {"waiting_files": 413, "waiting_bytes": 775 * GIB, "next_capacity_at": now + 3600 * 4.2}
    google["plan"] |= {"unplanned_files": 2, "unplanned_bytes": 180 * GIB}
    google["plan"] |= {"unplanned_why": "it waits for quota beyond the next return of every account"}
    google["plan"]["stages"] = [one for one in google["plan"]["stages"] if one["state"] == "done"]
    return document


def failed() -> Document:
    """Every account was denied, and ten thousand files failed; the document holds the last fifty of them."""
    document = _ended("failed", "finished", reason="every account was denied", files_failed=10_000)
    google = document["uploaders"]["google"]
    for row in google["accounts"].values():
        row |= {"state": "denied", "why": "403: the user does not have sufficient permissions for this file"}
    google["accounts"]["12.json"] |= {"state": "failed", "why": "the key was revoked"}
    google["accounts_summary"] = summary_of(google["accounts"])
    google["failures"] = {
        str(seq): {
            "at": document["ts"] - 1500 - (10_000 - seq) / 10,
            "name": f"TV/A very long running series with a long name/Season {seq % 40:02}/Episode {seq}.mkv",
            "error": "googleapi: Error 403: The user does not have sufficient permissions for this file.",
            "account": f"{seq % 12 + 1}.json",
            "stage": 3,
        }
        for seq in range(9951, 10_001)
    }
    google["failure_kinds"] = {"1": google["failures"]["10000"] | {"count": 10_000}}
    return document


def suspended() -> Document:
    """Stopped by a trigger, until a time."""
    now = time.time()
    return _changed(
        phase="suspended",
        progress=_NOTHING_MOVES,
        suspension={"active": True, "reason": "Failed to copy: userRateLimitExceeded", "until": now + 5 * 3600},
    )


def several() -> Document:
    """Four uploaders, of which two run at once."""
    document = uploading()
    known = document["uploaders"]
    known["photos"] = finished()["uploaders"]["google"]
    known["music"] = throttled()["uploaders"]["google"]
    known["a backup with quite a long name that does not fit anywhere"] = interrupted()["uploaders"]["google"]
    known["new"] = {"active": False, "phase": "idle"}
    return document


def status(state: str, why: str, next_in: float = 0, *, left: tuple[int, int] = (212, 212 * GIB)) -> Document:
    """The part that says what an uploader waits for. next_in: seconds; left: files and bytes."""
    now = time.time()
    return {
        "state": state,
        "why": why,
        "until": now + next_in if next_in else 0,
        "next_check_at": now + next_in if next_in else 0,
        "threshold_bytes": 400 * GIB,
        "waiting_files": left[0],
        "waiting_bytes": left[1],
        "checked_at": now - 900,
    }


def waits() -> Document:
    """Idle between two checks, after a run of several sessions."""
    document = _ended("done", "finished", files_done=1204, bytes_done=2565 * GIB, files_left=0)
    google = document["uploaders"]["google"]
    google["status"] = status("waiting", "waiting: 212.0 GB of 400.0 GB, next check 18:40", 1234)
    google["sessions"][-1] |= {"sessions": 7}
    document["facts"]["98"] = {
        "seq": 98,
        "at": document["ts"] - 60,
        "uploader": "google",
        "kind": "control_used",
        "text": "limited to 5.0 MB/s (asked for by anna)",
    }
    return document


def paused() -> Document:
    """Paused by somebody, before any session."""
    document = _ended("done", "idle")
    google = document["uploaders"]["google"]
    google["session"] = google["session"] | {"id": "", "started_at": 0, "ended_at": 0, "outcome": ""}
    why = "paused by somebody with quite a long name until Tue 2026-01-31 14:05"
    google["status"] = status("paused", why, 90_000)
    return document


def cooling() -> Document:
    """A run that goes on when quota comes back."""
    document = all_cooling()
    why = "all 12 accounts are cooling, 63.0 GB come back at 16:05"
    told = status("cooling", why, 3600 * 4.2, left=(413, 775 * GIB))
    document["uploaders"]["google"] |= {"phase": "suspended", "status": told}
    return document


def every_wait() -> Document:
    """Uploaders that wait for different things, and two in trouble."""
    document = waits()
    known = document["uploaders"]
    told = {
        "hours": ("outside_window", "outside 01:00-06:00, opens at 01:00", 7000),
        "cool": ("cooling", "the account is cooling, quota comes back at 16:05", 8000),
        "asleep": ("asleep", "asleep until 20:10: Failed to copy: userRateLimitExceeded", 9000),
        "paused": ("paused", "paused by cli until somebody resumes it", 0),
        "vetoed": ("vetoed", "not now: a backup of the whole machine runs", 60),
        "failed": ("failed", "left out: its folder is not there", 0),
        "measured": ("scanning", "measuring what is to be uploaded", 0),
    }
    for name, (state, why, next_in) in told.items():
        known[name] = waits()["uploaders"]["google"] | {"status": status(state, why, next_in)}
    for name, state, why in (
        ("offline", "offline", "no network; looked for again every 30 s"),
        ("stalled", "stalled", "rclone has said nothing for 12 minutes"),
        ("stopping", "stopping", "stopping on request"),
    ):
        known[name] = uploading()["uploaders"]["google"] | {"status": status(state, why)}
    return document


def done() -> Document:
    """Idle after a session that uploaded everything."""
    document = _ended("done", "finished", files_done=1204, bytes_done=2565 * GIB, files_left=0)
    google = document["uploaders"]["google"]
    google["plan"] |= {
        "stages": [
            one | {"state": "done", "starts_at": one["starts_at"] or document["ts"] - 4400}
            for one in google["plan"]["stages"]
        ],
        "later": [],
    }
    return document


def widest() -> Document:
    """Numbers as wide as they get."""
    tib = 1 << 40
    document = _changed(
        session={
            "files_done": 1_234_567,
            "files_total": 8_888_888,
            "files_failed": 100_000,
            "files_left": 7_654_321,
            "bytes_total": 1023 * tib,
            "bytes_left": 1000 * tib,
            "accounts_total": 2850,
            "account_index": 2848,
            "stage": 2849,
            "stages_total": 2850,
        },
        progress={"speed": 1023.9 * (1 << 20)},
        queue={"files": 8_888_888, "bytes": 1023 * tib},
    )
    google = document["uploaders"]["google"]
    for place, row in enumerate(google["accounts"].values()):
        row |= {"used_bytes": 1023 * tib // 1024, "in_flight_bytes": 0, "unsettled_bytes": 0}
        row |= {"limit_bytes": 1023 * tib // 1024 + place * GIB}
    for bucket in google["queue"]["distribution"]["size_buckets"].values():
        bucket |= {"count": 8_888_888, "total_bytes": 1023 * tib}
    google["queue"]["distribution"]["percentiles"] = dict.fromkeys(("p50", "p75", "p90", "p95", "p99"), 1023 * GIB)
    google["accounts_summary"] |= {"used_bytes": 1023 * tib, "limit_bytes": 1023 * tib + 1}
    google["capacity"] |= {"used_bytes": 1023 * tib, "limit_bytes": 1023 * tib, "free_bytes": 1023 * tib}
    google["capacity"] |= {"next_return_bytes": 1023 * GIB, "later_bytes": 1023 * tib}
    for one in google["sessions"]:
        one |= {"files_done": 1_234_567, "bytes_done": 1023 * tib, "files_left": 7_654_321, "files_failed": 100_000}
    return document


BIG_POOL: Final = 2850


def big_pool() -> Document:
    """2,850 accounts; the document holds 200 of them."""
    rows = accounts(total=BIG_POOL, used_up=640, active=640)
    rows["7.json"] |= {"state": "failed", "why": "the key was revoked"}
    shown = dict(sorted(rows.items(), key=lambda item: (item[1]["state"] != "active", -item[1]["used_bytes"]))[:200])
    document = _changed(accounts_summary=summary_of(rows), session={"accounts_total": BIG_POOL, "account_index": 640})
    google = document["uploaders"]["google"]
    google["accounts"] = shown
    google["capacity"] = capacity(google["accounts_summary"], time.time())
    return document


def big_pool_rows() -> UploaderState:
    """The accounts of `big_pool`, for the API."""
    uploader = UploaderState("google")
    rows = accounts(total=BIG_POOL, used_up=640, active=640)
    rows["7.json"] |= {"state": "failed", "why": "the key was revoked"}
    for name, row in rows.items():
        uploader.accounts.change(name, **row)
    return uploader


DOCUMENTS: Final = {
    "scanning": scanning,
    "switching": switching,
    "throttled": throttled,
    "suspended": suspended,
    "all_cooling": all_cooling,
    "failed": failed,
    "several": several,
    "big_pool": big_pool,
    "uploading": uploading,
    "finished": finished,
    "done": done,
    "widest": widest,
    "interrupted": interrupted,
    "idle": idle,
    "waits": waits,
    "paused": paused,
    "cooling": cooling,
    "every_wait": every_wait,
    "hostile": hostile,
}


def load(text: str) -> Any:
    """A value from JSON."""
    return json.loads(text)


def dump(value: object) -> str:
    """A value as JSON."""
    return json.dumps(value)
