"""Reads page, routes, metrics, stream, events and book of a cloudplow that comes and goes, twice a second."""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError
from cloudplow_dashboard.state.patches import merge
from tests.agreement import asking, comparing, page_judge, page_known, page_said, reading, said_twice, told
from tests.agreement.asking import Asker
from tests.agreement.page_judge import Outage, Silence
from tests.agreement.page_said import Look
from tests.agreement.past import Happened
from tests.agreement.past_watch import Answer, PastWatch
from tests.agreement.reading import Figures, Reading
from tests.agreement.routes import JSON, OF_UPLOADER

#: How often everything is read, in seconds.
PERIOD_SECONDS: Final = 0.5
#: How long before and after a reading a document may say the same: one publication, and what the way takes. The
#: statistics of an account are told once a second.
EARLIER_SECONDS: Final = 3.0
LATER_SECONDS: Final = 2.0
_TIMEOUT_SECONDS: Final = 5.0

_GONE: Final = (OSError, http.client.HTTPException, urllib.error.URLError)


#: What reads the texts of a page: None where there is nothing to read yet.
Sight = Callable[[], Mapping[str, Any] | None]


class Watcher:
    """Watches one address and one state folder until it is stopped. sight: reads a page too; command: what runs
    cloudplow with some words, to ask it too.
    """

    def __init__(
        self,
        address: str,
        state_dir: Path,
        sight: Sight | None = None,
        command: Callable[..., Sequence[str]] | None = None,
    ) -> None:
        self._address = address
        self._state_dir = state_dir
        self._sight = sight
        self._stopping = threading.Event()
        self._tally = comparing.Tally()
        self._events_read = 0
        self._events: list[Mapping[str, Any]] = []
        self._runs = told.Runs()
        self._told = told.Told()
        self._killed: list[float] = []
        self.past = PastWatch(self._fetch)
        self.asker = Asker(command, self._note_loose) if command is not None else None
        #: Readings that belong to a version, documents in order, and readings of sources without versions.
        self.versioned: list[Reading] = []
        self.documents: list[Reading] = []
        self.loose: list[Reading] = []
        self.looks: list[Look] = []
        self.outages: list[Outage] = []
        self.silences: list[Silence] = []
        self.faults: list[str] = []
        self.rounds = 0
        #: Looks at a page that was behind, and at documents that came to nobody else.
        self.late = 0
        self.unknown = 0
        self._known: dict[str, Figures] = {}
        self._lock = threading.Lock()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._follower.start()
        self._reader.start()
        if self.asker is not None:
            self.asker.start()

    def stop(self) -> None:
        """End, and judge nothing yet."""
        self._stopping.set()
        self._reader.join(20)
        self._read_events()  # the last of them
        if self.asker is not None:
            self.asker.stop()

    def wait(self, seconds: float) -> None:
        """Let time pass. A page can be read only by the thread that opened it, which is this one."""
        until = time.monotonic() + seconds
        while self._sight is not None and (left := until - time.monotonic()) > 0:
            self._look(self._sight)
            time.sleep(min(left, PERIOD_SECONDS))
        time.sleep(max(0.0, until - time.monotonic()))

    def note_gone(self) -> None:
        """From now on nobody answers, until somebody does."""
        with self._lock:
            if not self.outages or self.outages[-1].back_at < math.inf:
                self.outages.append(Outage(time.time()))

    def note_back(self) -> None:
        """Somebody answers again."""
        with self._lock:
            if self.outages and self.outages[-1].back_at == math.inf:
                self.outages[-1] = replace(self.outages[-1], back_at=time.time())

    def note_killed(self) -> None:
        """A process was killed: what it had not written is gone."""
        self._killed.append(time.time())

    @contextmanager
    def silent(self, uploader: str) -> Iterator[None]:
        """While inside, the rclone of an uploader does nothing."""
        began = time.time()
        try:
            yield
        finally:
            self.silences.append(Silence(began, time.time(), uploader))

    def judged(self) -> list[str]:
        """Everything that does not agree."""
        found = [*self.faults, *self._tally.faults, *comparing.disagreements(self.versioned)]
        for one in self.loose:
            if any(0 < outage.gone_at - one.began < LATER_SECONDS for outage in self.outages):
                continue  # what is published a moment later is not seen any more
            found += comparing.within(one, self.documents, earlier=EARLIER_SECONDS, later=LATER_SECONDS)
        documents = page_judge.in_order(self.documents)
        found += page_judge.behind(self.versioned, documents)
        found += page_judge.hushed(self.documents, self.silences)
        found += self._told.judged(self._events, self._killed, [(one.gone_at, one.back_at) for one in self.outages])
        found += self.past.judged(Happened(self._events, self._killed), self.looks)
        pages = page_judge.Documents(documents, lambda one: self._known[one.version] | one.figures, self.outages)
        found += page_judge.disagreements(self.looks, pages)
        found += page_judge.lags(self.looks, pages)
        self.late = len(page_judge.late(self.looks, pages))
        self.unknown = len(page_judge.unknown(self.looks, pages))
        return [*found, *page_judge.unsaid(self.looks, self.outages), *page_judge.moved(self.looks)]

    def keep(self, path: Path) -> None:
        """Write what was seen, in the order of time, for who looks for the cause of a fault."""
        seen = [(one.ended, f"{one.version} from {one.source}") for one in self.documents]
        seen += [(one.ended, f"page, {json.dumps(dict(one.texts))}") for one in self.looks]
        seen += [(one.gone_at, f"gone until {one.back_at:.1f}") for one in (*self.outages, *self.silences)]
        path.write_text("".join(f"{at:.2f} {what}\n" for at, what in sorted(seen)))

    # --- each round --------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                self.read_once()
            except Exception as error:  # who reads nothing finds nothing
                self.faults.append(f"nothing is read any more: {error!r}")
                raise
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

    def _look(self, sight: Sight) -> None:
        began = time.time()
        texts = sight()
        if texts is None:
            return
        try:
            self.looks.append(page_said.look(texts, began, time.time()))
        except ValueError as error:
            self.faults.append(f"page, {began:.1f}: {error}")

    def _read_routes(self) -> None:
        document, one = self._get("api/state")
        self._note_document(document, "api/state", one)
        names = list(document["uploaders"])
        for path, read in JSON.items():
            answer, about = self._get(path)
            self.versioned.append(self._reading(path, about, read(answer)))
        for name in names:
            for path, read in {**OF_UPLOADER, "api/queue_status": reading.queue_status(name)}.items():
                answer, about = self._get(f"{path}?uploader={name}")
                self.versioned.append(self._reading(f"{path}?uploader={name}", about, read(answer)))
        text, version, began, ended = self._fetch("metrics")
        self.versioned.append(Reading("metrics", began, ended, reading.metrics(text.decode()), version))
        self.versioned += self.past.versioned(names)
        if names:
            self.past.over_time(document["boot"], names, self.looks[-1] if self.looks else None)

    def _fetch(self, path: str) -> Answer:
        began = time.time()
        with urllib.request.urlopen(f"{self._address}{path}", timeout=_TIMEOUT_SECONDS) as response:
            return response.read(), response.headers["X-State-Version"] or "", began, time.time()

    def _get(self, path: str) -> tuple[Any, tuple[float, float, str]]:
        body, version, began, ended = self._fetch(path)
        answer = json.loads(body)
        self.faults += said_twice.faults(path, answer, began, ended) if path != "api/state" else ()
        return answer, (began, ended, version)

    @staticmethod
    def _reading(source: str, about: tuple[float, float, str], figures: Figures) -> Reading:
        began, ended, version = about
        return Reading(source, began, ended, figures, version)

    def _note_document(self, document: Any, source: str, about: tuple[float, float, str]) -> None:
        figures = comparing.whole_files(reading.state(document)) | told.past(document)
        one = self._reading(source, about, figures)
        with self._lock:
            self.versioned.append(one)
            self.documents.append(one)
            self.faults += comparing.sums(document)
            self._told.take(document, one.ended)
            if source != "stream":
                self.faults += comparing.aged(document["ts"], one)
            if self._sight is not None and one.version not in self._known:
                self._known[one.version] = page_known.known(document)

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
                event = json.loads(line)
                self._events.append(event)
                self._tally.take(event)
                self._runs.take(event)
        self._note_loose(
            Reading("events", began, time.time(), self._tally.figures() | self._runs.figures(self._killed))
        )

    def _read_book(self) -> None:
        for source, request, read in (
            ("the book", {"do": "accounts", "names": []}, lambda answer: comparing.book(answer["accounts"])),
            ("the status", {"do": "status"}, asking.status),
        ):
            began = time.time()
            try:
                answer = ask(self._state_dir, request, _TIMEOUT_SECONDS)
            except CloudplowError:
                return
            self._note_loose(Reading(source, began, time.time(), read(answer)))

    # --- the stream --------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                with urllib.request.urlopen(f"{self._address}api/events", timeout=20) as response:
                    self._take_stream(response)
            except _GONE:
                time.sleep(0.2)

    def _take_stream(self, lines: Iterator[bytes]) -> None:
        self.note_back()
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
