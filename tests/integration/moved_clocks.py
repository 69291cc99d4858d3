"""Clocks that are wrong: of a whole program (a preloaded library), or of an App in this process."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from cloudplow.accounts.trusted_clock import Reading, TrustedClock

_SOURCE: Final = Path(__file__).with_name("shift_clock.c")
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY


class ShiftedPrograms:
    """The wall clock of programs that get `environment`, movable while they run."""

    def __init__(self, folder: Path) -> None:
        """Skips the test where there is no C compiler."""
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler")
        library = folder / "shift_clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl", "-lm"], check=True)
        self._place = folder / "shift_clock"
        self._place.write_bytes(struct.pack("d", 0.0))
        self.environment = {"LD_PRELOAD": str(library), "SHIFT_CLOCK": str(self._place)}

    def set(self, seconds: float) -> None:
        """The clock is so much ahead from now on."""
        with self._place.open("r+b") as file:
            file.write(struct.pack("d", seconds))


class FakeTime:
    """The clocks of a machine. passed: seconds besides those that really pass; shift: how wrong its wall clock is."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.shift = 0.0
        self.boot = 1
        self._booted = time.monotonic() - 1000.0

    def true(self) -> float:
        """Epoch seconds, as everybody else counts them."""
        return time.time() + self.passed

    def reboot(self) -> None:
        """The machine starts again, a minute ago."""
        self.boot += 1
        self._booted = time.monotonic() + self.passed - 60.0

    def read(self) -> Reading:
        """What the machine's clocks show."""
        return Reading(self.true() + self.shift, time.monotonic() + self.passed - self._booted, f"boot {self.boot}")

    def use(self, patch: pytest.MonkeyPatch) -> None:
        """Every App that is made from now on has these clocks, and no time server."""
        patch.setattr(
            "cloudplow.accounts.keeping.TrustedClock", lambda: TrustedClock(self.read, confirmed_at=lambda: 0.0)
        )
