"""What `cloudplow status`, `accounts` and `plan` print, asked beside a running cloudplow."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.agreement.comparing import book
from tests.agreement.reading import Figures, Reading

#: Between two commands, in seconds.
PAUSE_SECONDS: Final = 3.0
_TIMEOUT_SECONDS: Final = 60.0


def status(answer: Mapping[str, Any]) -> Figures:
    """Of `cloudplow status --json`."""
    found: Figures = {("", "limit"): answer["limit_bytes_per_second"] or 0}
    for name, one in answer["uploaders"].items():
        found[name, "state"] = one["state"]
        if one["state"] == "uploading" and one["files_left"] is not None:
            found[name, "files_left"], found[name, "bytes_left"] = one["files_left"], one["bytes_left"]
    return found


def plan(answer: Mapping[str, Any]) -> Figures:
    """Of `cloudplow plan --json`: files on their way still wait, as a whole."""
    found: Figures = {}
    for name, one in answer.items():
        found |= {(name, "files_not_whole"): one["queue_files"], (name, "bytes_not_whole"): one["queue_bytes"]}
    return found


_COMMANDS: Final[Mapping[str, Callable[[Any], Figures]]] = {"status": status, "accounts": book, "plan": plan}


class Asker:
    """Asks in turn on a thread of its own. command: what runs cloudplow with these words; note: gets each answer."""

    def __init__(self, command: Callable[..., Sequence[str]], note: Callable[[Reading], None]) -> None:
        self._command = command
        self._note = note
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        #: By command, how long it took at most, in seconds.
        self.longest: dict[str, float] = {}
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, whatever is being asked."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                self._process.kill()
        self._thread.join(_TIMEOUT_SECONDS)

    def _ask(self) -> None:
        for word, read in itertools.cycle(_COMMANDS.items()):
            if self._stopping.wait(PAUSE_SECONDS):
                return
            began = time.time()
            answer = self._answer(word)
            self.longest[word] = max(self.longest.get(word, 0.0), time.time() - began)
            if answer.startswith("{"):
                self._note(Reading(f"cloudplow {word}", began, time.time(), read(json.loads(answer))))

    def _answer(self, word: str) -> str:
        """What a command prints; "" for one that has nothing to say, as where nothing runs."""
        with self._lock:
            if self._stopping.is_set():
                return ""
            self._process = subprocess.Popen(
                self._command(word, "--json"),
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        with self._process as process:
            printed, _ = process.communicate()
        return printed if process.returncode >= 0 else ""
