"""Reads page, routes, metrics, stream, events and book of a cloudplow that comes and goes, twice a second."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError
from cloudplow_dashboard.state.patches import merge
from tests.agreement import comparing, reading
from tests.agreement.reading import Figures, Reading

#: How often everything is read, in seconds.
PERIOD_SECONDS: Final = 0.5
#: How long before and after a reading a document may say the same: one publication, and what the way takes. The
#: statistics of an account are told once a second.
EARLIER_SECONDS: Final = 3.0
LATER_SECONDS: Final = 2.0
_TIMEOUT_SECONDS: Final = 5.0

_JSON: Final[Mapping[str, Callable[[Any], Figures]]] = {
    "api/uploaders": reading.uploaders,
    "api/summary": reading.summary,
    "api/session_stats": reading.session_stats,
    "api/status": reading.status,
    "api/service_accounts": reading.service_accounts,
    "api/rclone_stats": reading.rclone_stats,
    "api/export/session.json": reading.export,
}
_GONE: Final = (OSError, http.client.HTTPException, urllib.error.URLError)


class Watcher:
    """Watches one address and one state folder until it is stopped. look: reads one source more, for example a page."""

    def __init__(
        self, address: str, state_dir: Path, uploader: str, look: Callable[[], Figures | None] | None = None
    ) -> None:
        self._address = address
        self._state_dir = state_dir
        self._uploader = uploader
        self._look = look
        self._stopping = threading.Event()
        self._tally = comparing.Tally()
        self._events_read = 0
        #: Readings that belong to a version, documents in order, and readings of sources without versions.
        self.versioned: list[Reading] = []
        self.documents: list[Reading] = []
        self.loose: list[Reading] = []
        self.faults: list[str] = []
        self.rounds = 0
        self._lock = threading.Lock()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._follower.start()
        if self._look is None:
            self._reader.start()

    def stop(self) -> None:
        """End, and judge nothing yet."""
        self._stopping.set()
        if self._look is None:
            self._reader.join(20)

    def wait(self, seconds: float) -> None:
        """Let time pass. A page can be read only by the thread that opened it, which is this one."""
        until = time.monotonic() + seconds
        while self._look is not None and time.monotonic() < until:
            self.read_once()
            time.sleep(PERIOD_SECONDS)
        time.sleep(max(0.0, until - time.monotonic()))

    def judged(self) -> list[str]:
        """Everything that does not agree."""
        found = [*self.faults, *self._tally.faults, *comparing.disagreements(self.versioned)]
        for one in self.loose:
            found += comparing.within(one, self.documents, earlier=EARLIER_SECONDS, later=LATER_SECONDS)
        return found

    # --- each round --------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._stopping.is_set():
            self.read_once()
            self._stopping.wait(PERIOD_SECONDS)

    def read_once(self) -> None:
        """Read everything once; what does not answer is not there."""
        try:
            self._read_routes()
            self.rounds += 1
        except _GONE:
            pass
        self._read_events()
        self._read_book()
        if self._look is not None:
            began = time.time()
            told = self._look()
            if told:
                self._note_loose(Reading("page", began, time.time(), told))

    def _read_routes(self) -> None:
        document, one = self._get("api/state")
        self._note_document(document, "api/state", one)
        for path, read in _JSON.items():
            answer, about = self._get(path)
            self.versioned.append(self._reading(path, about, read(answer)))
        if self._uploader in document["uploaders"]:
            path = f"api/queue_status?uploader={self._uploader}"
            answer, about = self._get(path)
            self.versioned.append(self._reading(path, about, reading.queue_status(self._uploader)(answer)))
        began = time.time()
        with urllib.request.urlopen(f"{self._address}metrics", timeout=_TIMEOUT_SECONDS) as response:
            text, version = response.read().decode(), response.headers["X-State-Version"]
        self.versioned.append(Reading("metrics", began, time.time(), reading.metrics(text), version))

    def _get(self, path: str) -> tuple[Any, tuple[float, float, str]]:
        began = time.time()
        with urllib.request.urlopen(f"{self._address}{path}", timeout=_TIMEOUT_SECONDS) as response:
            answer = json.load(response)
            return answer, (began, time.time(), response.headers["X-State-Version"] or "")

    @staticmethod
    def _reading(source: str, about: tuple[float, float, str], figures: Figures) -> Reading:
        began, ended, version = about
        return Reading(source, began, ended, figures, version)

    def _note_document(self, document: Any, source: str, about: tuple[float, float, str]) -> None:
        figures = comparing.whole_files(reading.state(document))
        one = self._reading(source, about, figures)
        with self._lock:
            self.versioned.append(one)
            self.documents.append(one)
            self.faults += comparing.sums(document)

    def _note_loose(self, one: Reading) -> None:
        with self._lock:
            self.loose.append(one)

    def _read_events(self) -> None:
        path = self._state_dir / "events.jsonl"
        if not path.exists():
            return
        began = time.time()
        with path.open("rb") as file:
            file.seek(self._events_read)
            complete = file.read().rpartition(b"\n")[0]
        if complete:
            self._events_read += len(complete) + 1
            for line in complete.splitlines():
                self._tally.take(json.loads(line))
        self._note_loose(Reading("events", began, time.time(), self._tally.figures()))

    def _read_book(self) -> None:
        began = time.time()
        try:
            answer = ask(self._state_dir, {"do": "accounts", "names": []}, _TIMEOUT_SECONDS)
        except CloudplowError:
            return
        self._note_loose(Reading("the book", began, time.time(), comparing.book(answer["accounts"])))

    # --- the stream --------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                with urllib.request.urlopen(f"{self._address}api/events", timeout=20) as response:
                    self._take_stream(response)
            except _GONE:
                time.sleep(0.2)

    def _take_stream(self, lines: Iterator[bytes]) -> None:
        document: Any = {}
        kind = ""
        for line in lines:
            if self._stopping.is_set():
                return
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                data = json.loads(line[6:])
                document = data if kind == "snapshot" else merge(document, data)
                now = time.time()
                version = f"{document['boot']}:{document['version']}"
                self._note_document(document, "stream", (now, now, version))
