"""`QuotaNews`: tells of quota that comes back while nothing uploads, so that what is shown is what the book says."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Final, NamedTuple

from cloudplow.errors import CloudplowError
from cloudplow.events import AccountQuota, Event, QuotaChanged

#: The shortest time between two looks at the accounts of an uploader, in seconds: quota may trickle back all day.
LOOK_SECONDS: Final = 1.0
#: The longest.
LONGEST_SECONDS: Final = 300.0
#: Looks take at most this share of the time: a thousand accounts take a while.
_SHARE: Final = 0.001


class _Told(NamedTuple):
    """By account, what was told of it. next_at: when something of it changes by itself, infinity for never."""

    quotas: dict[str, AccountQuota]
    next_at: float


class QuotaNews:
    """On one thread. quotas: every account of an uploader now; raises CloudplowError. now: the book's epoch seconds;
    clock: seconds that this thread has computed; what a busy machine takes beside that makes no news late.
    """

    def __init__(
        self,
        quotas: Callable[[str], Iterable[AccountQuota]],
        publish: Callable[[Event], object],
        now: Callable[[], float],
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._quotas = quotas
        self._publish = publish
        self._now = now
        self._clock = clock
        self._told: dict[str, _Told] = {}

    def look(self, uploader: str, *, uploads: bool = False) -> float:
        """Tell what has changed of an uploader; returns in how many seconds more will. The first look only remembers.

        uploads: its session tells of its accounts now, and they are looked at anew afterwards.
        """
        if uploads:
            self._told.pop(uploader, None)
            return math.inf
        told = self._told.get(uploader)
        if told is None or self._now() >= told.next_at:
            told = self._told[uploader] = self._tell(uploader, told)
        return max(LOOK_SECONDS, told.next_at - self._now())

    def look_at(self, uploaders: Iterable[str], is_uploading: Callable[[str], bool]) -> float:
        """`look` for several, the earliest of what it returns; is_uploading: whether a session of that one runs."""
        return min((self.look(name, uploads=is_uploading(name)) for name in uploaders), default=math.inf)

    def _tell(self, uploader: str, told: _Told | None) -> _Told:
        began = self._clock()
        try:
            quotas = {quota.account: quota for quota in self._quotas(uploader)}
        except (CloudplowError, OSError):  # the next upload says what is wrong
            return _Told(told.quotas if told else {}, self._now() + LONGEST_SECONDS)
        if told is not None:
            for account, quota in quotas.items():
                if told.quotas.get(account) != quota:
                    self._publish(QuotaChanged(uploader=uploader, **asdict(quota)))
        pause = max(LOOK_SECONDS, (self._clock() - began) / _SHARE)
        times = [at for quota in quotas.values() for at in (quota.resets_at, quota.until) if at is not None]
        # Somebody may correct the book, or add key files, meanwhile.
        soon = min(times, default=math.inf)
        return _Told(quotas, max(self._now() + pause, min(soon, self._now() + LONGEST_SECONDS)))
