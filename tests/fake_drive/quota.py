"""How much an account may upload, and what it has used of it, over a rolling window."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """When an account that has used up its quota is denied.

    WOULD_EXCEED: before the upload starts, when it would not fit (running uploads are counted in).
    AT_LIMIT: running uploads finish, a new one is denied once used >= limit. Nearest to what people report.
    MID_FILE: in the middle of the upload, with the chunk that goes beyond the limit.
    """

    WOULD_EXCEED = "would_exceed"
    AT_LIMIT = "at_limit"
    MID_FILE = "mid_file"


@dataclass(frozen=True, slots=True)
class Quota:
    """The rule for an account.

    limit_bytes: None is no limit. window_seconds: bytes come back this long after they were spent.
    counts_received: bytes are spent when they arrive, even of uploads that fail; otherwise when an upload is finished.
    """

    limit_bytes: int | None = None
    mode: Mode = Mode.AT_LIMIT
    window_seconds: float = 86_400.0
    counts_received: bool = False


class Meter:
    """What one account has spent. Times are seconds of whatever clock the caller uses."""

    def __init__(self) -> None:
        self.committed_bytes = 0
        self.received_bytes = 0
        self.uploads = 0
        self.denials = 0
        self._spent: deque[tuple[float, int]] = deque()
        self._in_window = 0

    def spend(self, size_bytes: int, now: float) -> None:
        """Count bytes against the quota."""
        if size_bytes > 0:
            self._spent.append((now, size_bytes))
            self._in_window += size_bytes

    def used_bytes(self, now: float, window_seconds: float) -> int:
        """What counts against the quota now; what is older than the window is forgotten."""
        while self._spent and self._spent[0][0] <= now - window_seconds:
            self._in_window -= self._spent.popleft()[1]
        return self._in_window

    def denies_start(self, quota: Quota, now: float, size_bytes: int | None, running_bytes: int) -> bool:
        """Whether a new upload is refused.

        size_bytes: None when it is not known beforehand. running_bytes: full sizes of the uploads that are under way.
        """
        if quota.limit_bytes is None:
            return False
        used = self.used_bytes(now, quota.window_seconds)
        if quota.mode is Mode.WOULD_EXCEED:
            return used + running_bytes + (size_bytes or 0) > quota.limit_bytes
        return used >= quota.limit_bytes

    def denies_more(self, quota: Quota, now: float, arrived_bytes: int) -> bool:
        """Whether an upload under way is refused; arrived_bytes: of unfinished uploads, as far as not spent yet."""
        if quota.limit_bytes is None or quota.mode is not Mode.MID_FILE:
            return False
        return self.used_bytes(now, quota.window_seconds) + arrived_bytes > quota.limit_bytes
