"""The worker process as its owner sees it: jobs in, answers out. Neither may ever wait.

The only place here that starts a process. It is started without a shell, in a process group of its own (Ctrl-C on the
terminal reaches only us), and ends with its input, which only we hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.services.notify.requests import Job
from cloudplow.services.notify.worker import PREPARE

_MODULE: Final = "cloudplow.services.notify.worker"
_CHUNK_BYTES: Final = 64 << 10
_END_SECONDS: Final = 0.2


class Answer(NamedTuple):
    """What came of a job; error: "" if it was sent."""

    number: int
    error: str


class Worker:
    """One process. For one thread."""

    def __init__(self) -> None:
        """Start it. Raises OSError."""
        # -P: the folder we were started in may hold anything. Where we come from ourselves, it is looked for first.
        home = str(Path(__file__).parents[3])
        path = os.pathsep.join(one for one in (home, os.environ.get("PYTHONPATH", "")) if one)
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._input, self.output = self._popen.stdin.fileno(), self._popen.stdout.fileno()
        self.pid = self._popen.pid
        self._rest = b""
        for descriptor in (self._input, self.output):
            os.set_blocking(descriptor, False)

    def prepare(self) -> None:
        """Have it load what apprise needs, before there is a message. Raises OSError."""
        self._write({"kind": PREPARE})

    def send(self, number: int, job: Job) -> None:
        """Give it a job. Raises OSError when it takes none."""
        self._write({**job, "number": number})

    def _write(self, document: Job) -> None:
        data = json.dumps(document).encode() + b"\n"
        if os.write(self._input, data) != len(data):
            raise BlockingIOError("the worker does not read")

    def read(self) -> list[Answer] | None:
        """The answers that are there; None once it has ended."""
        try:
            chunk = os.read(self.output, _CHUNK_BYTES)
        except BlockingIOError:
            return []
        if not chunk:
            return None
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        documents = [json.loads(line) for line in lines]
        return [Answer(one["number"], one["error"]) for one in documents]

    def close(self) -> None:
        """Kill it. Nothing that matters is in it."""
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_END_SECONDS)
