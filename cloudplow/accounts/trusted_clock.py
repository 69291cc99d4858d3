"""The time by which quota comes back: it goes on steadily when the machine's clock leaps.

Charges are dated and expire by this clock. Within a boot it follows the time since boot, which nobody can set
(CLOCK_BOOTTIME goes on during suspend, too). When the wall clock differs from it by more than a minute and nothing
explains that, nothing expires early: the clock goes on at its own pace for one quota window, and adopts the wall clock
after that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

log = logging.getLogger("cloudplow.ledger")

#: A smaller difference is the usual correction of a clock, in seconds.
LEAP_SECONDS: Final = 60.0
#: How old a confirmation may be, besides the time that has passed since the last look, in seconds.
_CONFIRMED_WITHIN_SECONDS: Final = 5.0
#: systemd-timesyncd touches it whenever it has set the clock.
_SYNCHRONIZED: Final = Path("/run/systemd/timesync/synchronized")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Reading(NamedTuple):
    """The machine's clocks. wall: epoch seconds; since_boot: seconds; boot_id: which boot, "" when unknown.

    confirmed_at: epoch seconds at which a time server last confirmed the wall clock; 0 when unknown.
    """

    wall: float
    since_boot: float
    boot_id: str = ""
    confirmed_at: float = 0.0


class Anchor(NamedTuple):
    """What a later process needs to go on. at: the clock at that moment, epoch seconds.

    held_since: by this clock, since when it has differed from the wall clock without an explanation; 0 if it does not.
    began_at: since when it has only gone on steadily; 0 when unknown.
    """

    boot_id: str
    since_boot: float
    at: float
    held_since: float = 0.0
    began_at: float = 0.0


def _read_text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class MachineClock:
    """Reads this machine's clocks."""

    def __init__(self) -> None:
        self._boot_id = _read_text(_BOOT_ID)

    def __call__(self) -> Reading:
        """The clocks now."""
        wall = time.time()
        return Reading(wall, time.clock_gettime(time.CLOCK_BOOTTIME), self._boot_id)


def _confirmed_at() -> float:
    try:
        return _SYNCHRONIZED.stat().st_mtime
    except OSError:
        return 0.0


class TrustedClock:
    """Any thread may read it. window_seconds: the longest quota window."""

    def __init__(
        self,
        read: Callable[[], Reading] | None = None,
        *,
        window_seconds: float = 86_400.0,
        confirmed_at: Callable[[], float] = _confirmed_at,
    ) -> None:
        self._read = read or MachineClock()
        self._confirmed_at = confirmed_at
        self._lock = threading.Lock()
        self.window_seconds = window_seconds
        #: Called with (from when on, seconds) when the clock adopts a wall clock: what was dated since then moves too.
        self.on_adopted: Callable[[float, float], None] = lambda _since, _seconds: None
        reading = self._read()
        self._at, self._since_boot = reading.wall, reading.since_boot
        self._began_at = reading.wall
        self._held_since = 0.0

    def resume(self, anchor: Anchor | None) -> None:
        """Go on from what an earlier process saved; None: from the wall clock."""
        reading = self._read()
        with self._lock:
            self._at, self._since_boot, self._held_since = reading.wall, reading.since_boot, 0.0
            self._began_at = reading.wall
            if anchor is None:
                return
            if _same_boot(anchor, reading):
                self._at, self._since_boot, self._held_since = anchor.at, anchor.since_boot, anchor.held_since
                # What an earlier process dated in this boot moves along with what this one dates.
                self._began_at = anchor.began_at or anchor.at
            elif anchor.held_since or not self._is_plausible(reading, anchor):
                # No later than both clocks allow: the file may also have been moved here from another machine, and
                # then the time since this one's boot says nothing.
                self._at = max(anchor.at, min(reading.wall, anchor.at + reading.since_boot))
                self._began_at = (anchor.began_at or anchor.held_since) if anchor.held_since else self._at
                if abs(reading.wall - self._at) > LEAP_SECONDS:
                    self._held_since = anchor.held_since or self._at
                    _warn(reading.wall - self._at)

    def _is_plausible(self, reading: Reading, anchor: Anchor) -> bool:
        """Whether the wall clock may be right after a reboot."""
        gap = reading.wall - anchor.at
        if reading.since_boot - LEAP_SECONDS <= gap <= self.window_seconds:
            return True
        return gap > 0 and self._is_confirmed(reading, min(gap, reading.since_boot))

    def _is_confirmed(self, reading: Reading, elapsed_seconds: float) -> bool:
        """Whether a time server confirmed the wall clock since the last look."""
        age = reading.wall - (reading.confirmed_at or self._confirmed_at())
        return -_CONFIRMED_WITHIN_SECONDS <= age <= elapsed_seconds + _CONFIRMED_WITHIN_SECONDS

    def now(self) -> float:
        """Epoch seconds."""
        reading = self._read()
        with self._lock:
            elapsed = max(0.0, reading.since_boot - self._since_boot)
            expected = self._at + elapsed
            leap = reading.wall - expected
            if -LEAP_SECONDS <= leap <= LEAP_SECONDS:
                # Asked for every file and account: as short as it can be.
                self._at, self._since_boot, self._held_since = reading.wall, reading.since_boot, 0.0
                if reading.wall < self._began_at:  # corrected a little, soon after the start
                    self._began_at = reading.wall
                return reading.wall
            self._set(expected, reading)
            if not self._held_since:
                self._held_since = expected
                _warn(leap)
            adopts = expected - self._held_since >= self.window_seconds or self._is_confirmed(reading, elapsed)
            if not adopts:
                return expected
            began_at = self._began_at
            self._set(reading.wall, reading)
            self._held_since, self._began_at = 0.0, began_at + leap
        log.warning("The machine's clock counts again: quota comes back by it from now on")
        self.on_adopted(began_at, leap)
        return reading.wall

    def _set(self, at: float, reading: Reading) -> None:
        self._at, self._since_boot = at, reading.since_boot

    def anchor(self) -> Anchor:
        """What to save, so that a later process can go on."""
        self.now()
        boot_id = self._read().boot_id
        with self._lock:
            return Anchor(boot_id, self._since_boot, self._at, self._held_since, self._began_at)


def _same_boot(anchor: Anchor, reading: Reading) -> bool:
    """Where boots have no names, time since boot that has gone on is taken for the same: the clock is never ahead."""
    return anchor.boot_id == reading.boot_id and (bool(anchor.boot_id) or reading.since_boot >= anchor.since_boot)


def _warn(leap_seconds: float) -> None:
    way = "forward" if leap_seconds > 0 else "back"
    log.warning(
        "The machine's clock leapt %s by %s, and nothing confirms that: until it is right again, or for one "
        "quota window, quota comes back by the time that really passes",
        way,
        _span(abs(leap_seconds)),
    )


def _span(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
