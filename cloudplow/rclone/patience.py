"""How long a command may take, how long it may print nothing, and how much it may print."""

from __future__ import annotations

import re
import time
from typing import Final

from cloudplow.errors import RcloneError

#: More than any answer has: a listing of ten million files, in bytes. Whatever prints more is no rclone.
OUTPUT_LIMIT_BYTES: Final = 1 << 30
#: The same for an answer that must come within a time.
ANSWER_LIMIT_BYTES: Final = 64 << 20
#: What a listing, or a line of rclone's log, has in it; anything else is no sign of life.
_SENSE: Final = re.compile(rb"\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d[\t ]")


class Patience:
    """With one running command. Seconds: None for ever."""

    def __init__(self, command: str, timeout_seconds: float | None, silence_seconds: float | None) -> None:
        self._command = command
        self._timeout_seconds, self._silence_seconds = timeout_seconds, silence_seconds
        self._started = self._heard = time.monotonic()
        self._left_bytes = OUTPUT_LIMIT_BYTES if timeout_seconds is None else ANSWER_LIMIT_BYTES

    def heard(self, chunk: bytes) -> None:
        """It printed something."""
        self._left_bytes -= len(chunk)
        if self._silence_seconds is None or _SENSE.search(chunk):
            self._heard = time.monotonic()

    def check(self) -> None:
        """Raises RcloneError once it has taken too long, or printed too much."""
        now = time.monotonic()
        if self._timeout_seconds is not None and now - self._started > self._timeout_seconds:
            raise RcloneError(f"{self._command} did not end within {self._timeout_seconds:.0f} s, so it was ended")
        if self._silence_seconds is not None and now - self._heard > self._silence_seconds:
            raise RcloneError(
                f"{self._command} printed nothing that makes sense for {self._silence_seconds:.0f} s, so it was ended"
            )
        if self._left_bytes < 0:
            raise RcloneError(f"{self._command} prints without an end, so it was ended")
