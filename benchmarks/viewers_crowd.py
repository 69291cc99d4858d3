"""A crowd of viewers as a process of its own, and how to talk with it. The process itself: `viewers_client`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, Any, Final

#: A thousand connections need more descriptors than a shell gives.
FILES_WANTED: Final = 8192


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who watches: viewers that read, viewers that never read, connections that ask for nothing."""

    viewers: int
    deaf: int
    idle: int

    def __str__(self) -> str:
        return f"{self.viewers:,} viewers, {self.deaf} that never read, {self.idle} idle connections"


def raise_file_limit() -> None:
    """For this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class Child:
    """A process of `viewers_client` that is told what to do and answers in JSON, line by line."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "benchmarks.viewers_client", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in: IO[str] = self._process.stdin
        self._out: IO[str] = self._process.stdout

    @classmethod
    def of_viewers(cls, crowd: Crowd) -> Child:
        """A crowd that is ready to `connect PORT`."""
        return cls("viewers", str(crowd.viewers), str(crowd.deaf), str(crowd.idle))

    @classmethod
    def of_plain_requests(cls) -> Child:
        """One that asks again and again, once it has been told to `connect PORT`."""
        return cls("probe")

    def tell(self, word: str) -> None:
        """Say a word without waiting for the answer."""
        self._in.write(word + "\n")
        self._in.flush()

    def answer(self) -> Any:
        """The answer to the first word that has had none."""
        return json.loads(self._out.readline() or "null")

    def ask(self, word: str) -> Any:
        """Say a word; returns the answer."""
        self.tell(word)
        return self.answer()

    def close(self) -> None:
        self._in.close()
        self._process.wait(20)
        self._out.close()
