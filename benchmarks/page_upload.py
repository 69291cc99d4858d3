"""A dashboard with made-up uploads, as a process of its own: what `benchmarks.page` looks at.

    python -m benchmarks.page_upload PORT

It is told by words on its input and answers each in JSON, line by line: `upload` (an upload runs until told
otherwise), `fill` (some cycles in a hurry, so that lists are as long as they get), `cycle SECONDS` (each uploader goes
through everything once), `resting` (whether a cycle is over).
"""

from __future__ import annotations

import heapq
import json
import math
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import IO, Any, Final

from benchmarks import page_story
from benchmarks.page_events import GIB, Script
from benchmarks.page_story import ACCOUNTS, UPLOADER
from cloudplow import events
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.dashboard import Dashboard
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.history_file import FILE_NAME

#: What an earlier run left: days of history, sessions that are over.
PAST_DAYS: Final = 30
PAST_SESSIONS: Final = 50
#: So many cycles of so many seconds fill the lists.
FILLING_CYCLES: Final = 4
FILLING_SECONDS: Final = 0.3
OUTCOMES: Final = ("done", "quota_used", "interrupted", "failed", "suspended")


class Uploads:
    """Plays scripts on a thread: each yields how many seconds it waits before it goes on."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def play(self, *scripts: Script) -> None:
        """Play these instead of what is played now."""
        self.stop()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(scripts,))
        self._thread.start()

    @property
    def resting(self) -> bool:
        """Whether everything has been played."""
        return self._thread is None or not self._thread.is_alive()

    def wait(self) -> None:
        """Until everything has been played."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Leave everything as it is."""
        self._stop.set()
        self.wait()

    def _run(self, scripts: tuple[Script, ...]) -> None:
        now = time.monotonic()
        waiting = [(now, place, script) for place, script in enumerate(scripts)]
        while waiting:
            due, place, script = waiting[0]
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            pause = next(script, None)
            if pause is None:
                heapq.heappop(waiting)
            else:
                heapq.heapreplace(waiting, (due + pause, place, script))


def past() -> dict[str, Any]:
    """What `dashboard_history.json` holds after a month of uploads."""
    now = time.time()
    at = now - PAST_DAYS * 86_400
    numbers = random.Random(1)
    history = History(lambda: at)
    while at < now:
        # A night's upload, an hour at a time, then a minute at a time for the last day.
        if math.sin(at / 86_400 * math.tau) > 0 or now - at < 7200:
            account = f"{int(at / 7200) % ACCOUNTS + 1}.json"
            step: dict[str, Any] = {"uploader": UPLOADER, "at": at}
            size = numbers.randrange(GIB, 40 * GIB)
            arrived = events.FileTransferred(name="film.mkv", size=size, account=account, stage=1, **step)
            history.receive(UPLOADER, event=arrived)
            speed: dict[str, Any] = dict.fromkeys(("bytes", "total_bytes", "files", "total_files", "errors"), 0)
            speed |= {"speed": numbers.uniform(30e6, 110e6), "eta": None}
            history.receive(UPLOADER, event=events.TransferProgress(**speed, **step))
        at += 60 if now - at < 86_400 else 3600
    at = now
    sessions = [_past_session(number, now) for number in range(PAST_SESSIONS)]
    return {"version": 1, "history": history.document(), "sessions": {UPLOADER: sessions}}


def _past_session(number: int, now: float) -> dict[str, Any]:
    started_at = now - (PAST_SESSIONS - number) * 50_000
    outcome = OUTCOMES[number % len(OUTCOMES)]
    return {
        "id": f"past-{number}",
        "started_at": started_at,
        "ended_at": started_at + 20_000,
        "outcome": outcome,
        "reason": "" if outcome == "done" else "rclone ended with status 7: <b>fatal</b> error",
        "folder": "Media",
        "remote": "gdrive:Media",
        "stage": 3,
        "files_done": 400 + number,
        "bytes_done": (900 + number) * GIB,
        "files_failed": number % 3,
        "files_left": number % 7,
        "bytes_left": number % 7 * GIB,
        "accounts_used": ["1.json", "2.json", "3.json"],
    }


def serve(port: int, words: Iterator[str], answer: Callable[[Any], None]) -> None:
    """A dashboard until there are no more words; port: 0 for any."""
    files = SimpleNamespace(
        read=lambda name: past() if name == FILE_NAME else None,
        register=lambda *_: None,
        mark_dirty=lambda _name: None,
    )
    app: Any = SimpleNamespace(events=events, state_files=files, version="3.0.0", services={})
    dashboard = Dashboard(app, DashboardSection(enabled=True, port=port, refresh_interval=1))
    if not dashboard.start():
        raise SystemExit("The dashboard did not start")
    uploads = Uploads()
    cycles = 0
    answer({"address": app.services["dashboard_url"]})
    for line in words:
        word, *arguments = line.split()
        if word == "upload":
            uploads.play(*page_story.endless())
        elif word == "fill":
            for number in range(FILLING_CYCLES):
                uploads.play(*page_story.cycle(number, FILLING_SECONDS, OUTCOMES[number]))
                uploads.wait()
        elif word == "cycle":
            uploads.play(*page_story.cycle(cycles, float(arguments[0]), OUTCOMES[cycles % len(OUTCOMES)]))
            cycles += 1
        answer({"resting": uploads.resting})
    uploads.stop()
    dashboard.stop()


class MadeUp:
    """That process, from outside. port: 0 for any; a later one may take the port of one that has ended."""

    def __init__(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "benchmarks.page_upload", str(port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in: IO[str] = self._process.stdin
        self._out: IO[str] = self._process.stdout
        self.address: str = self._answer()["address"]

    def __enter__(self) -> MadeUp:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def port(self) -> int:
        return int(self.address.rstrip("/").rpartition(":")[2])

    @property
    def resting(self) -> bool:
        """Whether a cycle is over."""
        return bool(self.ask("resting")["resting"])

    def ask(self, words: str) -> Mapping[str, Any]:
        """Say something; returns the answer."""
        self._in.write(words + "\n")
        self._in.flush()
        return self._answer()

    def _answer(self) -> Mapping[str, Any]:
        line = self._out.readline()
        if not line:
            raise SystemExit(f"The dashboard ended with status {self._process.wait()}")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it, as a user does."""
        self._in.close()
        self._process.wait(30)
        self._out.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]), iter(sys.stdin), lambda answer: print(json.dumps(answer), flush=True))
