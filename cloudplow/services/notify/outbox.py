"""Messages that wait to be sent: bounded, in order, each receiver on its own. Pure; times are of a steady clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cloudplow.services.notify.requests import Job

#: So many messages wait at most; the oldest one gives way.
QUEUE_LIMIT: Final = 100
#: How long a receiver may take, in seconds.
DEADLINE_SECONDS: Final = 15.0
#: After this many seconds what failed is tried once more.
RETRY_SECONDS: Final = 60.0
TRIES: Final = 2


@dataclass(slots=True)
class Letter:
    """One message for one receiver. key: two with the same one say the same. started_at: None while it waits."""

    number: int
    receiver: str
    job: Job
    key: str
    tries_left: int
    due_at: float
    started_at: float | None = None


class Outbox:
    """Not thread-safe. One message at a time is under way for each receiver, so that all come in order."""

    def __init__(self) -> None:
        self._letters: dict[int, Letter] = {}
        self._numbers = itertools.count(1)
        #: How many were dropped because too many waited.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, receiver: str, job: Job, key: str, now: float, *, tries: int = TRIES) -> None:
        """One more, unless the same one waits already."""
        waiting = [one for one in self._letters.values() if one.started_at is None]
        if any(one.key == key and one.receiver == receiver for one in waiting):
            return
        if len(self._letters) >= QUEUE_LIMIT and waiting:
            del self._letters[waiting[0].number]
            self.dropped += 1
        letter = Letter(next(self._numbers), receiver, job, key, tries, now)
        self._letters[letter.number] = letter

    def take_due(self, now: float, *, hurry: bool = False) -> list[Letter]:
        """What can be sent now, which then is under way. hurry: there is no later, so what is to be repeated is due."""
        busy = {one.receiver for one in self._under_way()}
        taken: list[Letter] = []
        for letter in self._letters.values():
            if letter.receiver in busy:
                continue
            # Later ones wait for an earlier one that is to be repeated.
            busy.add(letter.receiver)
            if hurry or letter.due_at <= now:
                letter.started_at = now
                letter.tries_left -= 1
                taken.append(letter)
        return taken

    def _under_way(self) -> Iterator[Letter]:
        return (one for one in self._letters.values() if one.started_at is not None)

    def under_way(self) -> list[Letter]:
        """What has been given out and has not been answered."""
        return list(self._under_way())

    def left(self) -> list[Letter]:
        """Everything that was not sent."""
        return list(self._letters.values())

    def sent(self, number: int) -> None:
        """It has arrived."""
        self._letters.pop(number, None)

    def failed(self, number: int, now: float) -> Letter | None:
        """It did not arrive, and is repeated later if that was its first try. None if it is not there (any more)."""
        letter = self._letters.get(number)
        if letter is None:
            return None
        letter.started_at, letter.due_at = None, now + RETRY_SECONDS
        if letter.tries_left <= 0:
            del self._letters[number]
        return letter

    def overdue(self, now: float) -> list[Letter]:
        """What has been under way for too long."""
        return [one for one in self._under_way() if now - (one.started_at or 0.0) >= DEADLINE_SECONDS]

    def next_at(self) -> float | None:
        """When something is to be done next; None if nothing waits."""
        times: dict[str, float] = {
            one.receiver: (one.started_at or 0.0) + DEADLINE_SECONDS for one in self._under_way()
        }
        for one in self._letters.values():
            # Later ones of the same receiver wait for the first.
            times.setdefault(one.receiver, one.due_at)
        return min(times.values(), default=None)
