"""What happened over time: fed by events on a delivery thread of its own, kept in `dashboard_history.json`.

Bounded: `series.TIERS` for each uploader; of the bytes of accounts, days and accounts per day.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from typing_extensions import TypedDict

from cloudplow.events import Event, FileFailed, FileTransferred, SessionFinished, TransferProgress
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.measures import EpochSeconds, Seconds
from cloudplow_dashboard.state.series import Series, Values, choose, value_of

log = logging.getLogger("cloudplow.dashboard")

#: Uploaders of which a history is kept.
UPLOADERS_LIMIT: Final = 64
#: For how many days the bytes of each account are kept, and of how many accounts; further ones add up as "other".
DAYS_LIMIT: Final = 31
ACCOUNTS_LIMIT: Final = 300
OTHER_ACCOUNTS: Final = "other"
#: Points of one answer.
POINTS_LIMIT: Final = 2000
DAY_SECONDS: Final = 86_400
#: How far back an answer goes by default, in seconds.
DEFAULT_REACH_SECONDS: Final = 3600


class Metric(StrEnum):
    """What can be asked for over time."""

    SPEED = "speed"
    BYTES = "bytes"
    FILES = "files"
    ERRORS = "errors"
    ACCOUNTS = "accounts"


#: What the values of a metric are.
UNITS: Final = {
    Metric.SPEED: "bytes per second",
    Metric.BYTES: "bytes",
    Metric.FILES: "files",
    Metric.ERRORS: "files",
    Metric.ACCOUNTS: "bytes",
}


class HistoryAnswer(TypedDict):
    """One metric over time. uploader: "" for the sum of all. unit: of the values, for people.

    points: [epoch seconds, value]; `speed` is the mean of a step, the others are sums. accounts: only of that metric,
    the points of each account by uploader and name.
    """

    metric: Metric
    unit: str
    uploader: str
    since: EpochSeconds
    until: EpochSeconds
    step: Seconds
    points: list[list[float]]
    accounts: dict[str, dict[str, list[list[float]]]]


class _OfUploader:
    """The history of one uploader. days: by the beginning of the day (UTC), bytes by account."""

    def __init__(self) -> None:
        self.series = Series()
        self.days: dict[int, dict[str, int]] = {}

    def charge(self, now: float, account: str, size: int) -> None:
        day = int(now // DAY_SECONDS) * DAY_SECONDS
        accounts = self.days.get(day)
        if accounts is None:
            accounts = self.days[day] = {}
            for old in sorted(self.days)[:-DAYS_LIMIT]:
                del self.days[old]
        if account not in accounts and len(accounts) >= ACCOUNTS_LIMIT:
            account = OTHER_ACCOUNTS
        accounts[account] = accounts.get(account, 0) + size


class History:
    """The owner of the series. Every method may be called from any thread.

    clock: epoch seconds; what happened is dated by it, so that a wrong time in an event does no harm.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._uploaders: dict[str, _OfUploader] = {}
        self._changed = False
        #: Before this only what a file held is known, which has no seconds. Epoch seconds.
        self._fine_from = 0.0

    def receive(self, sender: object, *, event: Event, **_extra: object) -> None:
        """Receiver of `file_transferred`, `file_failed` and `transfer_progress`; others are ignored. Never raises."""
        try:
            name = event.uploader or (sender if isinstance(sender, str) else "")
            self._take(clean.text(name, clean.NAME_LIMIT) or "default", event)
        except Exception:  # whatever an event holds, the next one must still count
            log.exception(
                "The history could not process %s and leaves it out", getattr(event, "signal_name", "an event")
            )

    def _take(self, name: str, event: Event) -> None:
        now = self.clock()
        with self._lock:
            one = self._uploader(name)
            if one is None:
                return
            if isinstance(event, FileTransferred):
                size = clean.whole(event.size)
                one.series.add(now, size, files=1)
                account = clean.base_name(event.account)
                if account and not event.already_there:
                    one.charge(now, account, size)
            elif isinstance(event, FileFailed):
                one.series.add(now, errors=1)
            elif isinstance(event, TransferProgress):
                one.series.add_speed(now, clean.number(event.speed))
            elif not isinstance(event, SessionFinished):
                return
            self._changed = True

    def _uploader(self, name: str) -> _OfUploader | None:
        known = self._uploaders.get(name)
        if known is None and len(self._uploaders) < UPLOADERS_LIMIT:
            known = self._uploaders[name] = _OfUploader()
        return known

    # --- answers ---------------------------------------------------------------------------------------------------

    def query(self, metric: Metric, uploader: str | None, since: float, step: int) -> HistoryAnswer:
        """The answer of `/api/history`.

        uploader: None for the sum of all. since: epoch seconds, or, when not positive, seconds back from now (0: an
        hour). step: seconds between two points, 0 for the finest; the answer says which step it has.
        """
        now = self.clock()
        start = self.start(since, now)
        accounts: dict[str, dict[str, list[list[float]]]] = {}
        if metric == Metric.ACCOUNTS:
            step = DAY_SECONDS
            points, accounts = self._accounts(uploader, start)
        else:
            times, step, rows = self._rows(uploader, start, now, step)
            points = [[at, value_of(metric, values)] for at, values in zip(times, rows, strict=True)]
        return {
            "metric": metric,
            "unit": UNITS[metric],
            "uploader": uploader or "",
            "since": start,
            "until": now,
            "step": step,
            "points": points,
            "accounts": accounts,
        }

    def table(self, uploader: str | None, since: float, step: int) -> tuple[int, list[tuple[int, Values]]]:
        """All metrics side by side, for export: the step in seconds, and the sums by the beginning of each step."""
        now = self.clock()
        times, step, rows = self._rows(uploader, self.start(since, now), now, step)
        return step, list(zip(times, rows, strict=True))

    @staticmethod
    def start(since: float, now: float) -> float:
        """When an answer begins, in epoch seconds; see `query`."""
        return min(now, since) if since > 0 else max(0.0, now + (since or -DEFAULT_REACH_SECONDS))

    def _rows(self, uploader: str | None, since: float, now: float, step: int) -> tuple[list[int], int, list[Values]]:
        tier, step = choose(since, now, step, POINTS_LIMIT, self._fine_from)
        since = max(since, now - tier.span)
        times = list(range(int(since) // step * step, int(now) + 1, step))
        empty = [0.0] * 5
        with self._lock:
            found = [one.series.sums(tier, times[0], now, step) for one in self._of(uploader).values()]
        if len(found) == 1:
            return times, step, [found[0].get(at, empty) for at in times]
        rows = []
        for at in times:
            parts = [sums[at] for sums in found if at in sums]
            rows.append([sum(column) for column in zip(*parts, strict=True)] if parts else empty)
            if len(parts) > 1:
                # Speeds of uploaders that run at once add up; they do not average.
                rows[-1][3] = sum(part[3] / part[4] for part in parts if part[4])
                rows[-1][4] = 1
        return times, step, rows

    def _accounts(
        self, uploader: str | None, since: float
    ) -> tuple[list[list[float]], dict[str, dict[str, list[list[float]]]]]:
        """Bytes per day (UTC), in all and of each account."""
        totals: dict[int, int] = {}
        accounts: dict[str, dict[str, list[list[float]]]] = {}
        with self._lock:
            for name, one in self._of(uploader).items():
                series = accounts.setdefault(name, {})
                for day in sorted(day for day in one.days if day + DAY_SECONDS > since):
                    for account, size in one.days[day].items():
                        series.setdefault(account, []).append([day, size])
                    totals[day] = totals.get(day, 0) + sum(one.days[day].values())
        return [[day, totals[day]] for day in sorted(totals)], accounts

    def _of(self, uploader: str | None) -> Mapping[str, _OfUploader]:
        if uploader is None:
            return self._uploaders
        return {uploader: self._uploaders[uploader]} if uploader in self._uploaders else {}

    # --- the file --------------------------------------------------------------------------------------------------

    def take_changed(self) -> bool:
        """Whether anything has happened since the last call."""
        with self._lock:
            changed, self._changed = self._changed, False
            return changed

    def document(self) -> dict[str, Any]:
        """The content for the file, by uploader."""
        now = self.clock()
        with self._lock:
            return {
                name: {
                    "series": one.series.document(now),
                    "days": {str(day): dict(accounts) for day, accounts in one.days.items()},
                }
                for name, one in self._uploaders.items()
            }

    def load(self, content: Mapping[Any, Any]) -> None:
        """Add what a file holds, which anyone may have edited."""
        now = self.clock()
        with self._lock:
            self._fine_from = now
            for name, entry in content.items():
                one = self._uploader(clean.text(str(name), clean.NAME_LIMIT) or "default")
                if one is None or not isinstance(entry, Mapping):
                    continue
                series, days = entry.get("series"), entry.get("days")
                if isinstance(series, Mapping):
                    one.series.load(series, now)
                if isinstance(days, Mapping):
                    _load_days(one, days, now)


def _load_days(one: _OfUploader, days: Mapping[Any, Any], now: float) -> None:
    for day, accounts in days.items():
        text = str(day)
        at = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
        if isinstance(accounts, Mapping) and now - DAYS_LIMIT * DAY_SECONDS < at <= now:
            for account, size in accounts.items():
                one.charge(at, clean.base_name(str(account)) or OTHER_ACCOUNTS, clean.whole(size))
