"""How long a command may take, and how long it may print nothing."""

from __future__ import annotations

import time

from cloudplow.errors import RcloneError


class Patience:
    """How long a command may take, and how long it may be silent."""

    def __init__(self, command: str, timeout_seconds: float | None, silence_seconds: float | None) -> None:
        self._command = command
        self._timeout_seconds, self._silence_seconds = timeout_seconds, silence_seconds
        self._started = self._heard = time.monotonic()

    def heard(self) -> None:
        """It printed something."""
        self._heard = time.monotonic()

    def check(self) -> None:
        """Raises RcloneError once it has taken too long."""
        now = time.monotonic()
        if self._timeout_seconds is not None and now - self._started > self._timeout_seconds:
            raise RcloneError(f"{self._command} did not end within {self._timeout_seconds:.0f} s, so it was ended")
        if self._silence_seconds is not None and now - self._heard > self._silence_seconds:
            raise RcloneError(f"{self._command} printed nothing for {self._silence_seconds:.0f} s, so it was ended")
