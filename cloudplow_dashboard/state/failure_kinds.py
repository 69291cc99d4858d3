"""Failed files by their reason: thousands of failures are a few kinds. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from cloudplow_dashboard.state.document_session import Failure, FailureKind

#: Kinds that are told apart; what comes after them is one more, whose error is "".
KINDS_LIMIT: Final = 20
#: Files whose kind is remembered, so that each counts once. Of further ones those of the stage with the most of them
#: count: a stage tells each file once, and the next one tries the same files again.
NAMES_LIMIT: Final = 10_000
#: What differs between two failures of one kind beside the name of the file: what is quoted, paths, long keys, numbers.
_PARTICULAR: Final = re.compile(r"\"[^\"]*\"|\S*/\S*|\b[\da-f]{8,}\b|\d+")


def kind_of(name: str, error: str) -> str:
    """What a failure has in common with others: its error without what belongs to this file or attempt only."""
    return _PARTICULAR.sub("#", error.replace(name, "#") if name else error)


class FailureKinds:
    """How many files failed for which reason, each with the last one as an example."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._kinds: dict[str, FailureKind] = {}
        self._names: dict[str, str] = {}
        #: Of files beyond the limit how many failed in a stage, by kind: in the present one, and in that with the most.
        self._stage = 0
        self._beyond: Counter[str] = Counter()
        self._most_beyond: Counter[str] = Counter()

    @property
    def files(self) -> int:
        """How many files have failed, and not arrived since."""
        return len(self._names) + max(self._beyond.total(), self._most_beyond.total())

    def add(self, failure: Failure) -> None:
        """A file failed, perhaps once more: it then counts for its last reason only."""
        again = self.settle(failure["name"])
        kind = kind_of(failure["name"], failure["error"])
        known = kind in self._numbers or len(self._numbers) < KINDS_LIMIT
        number = self._numbers.setdefault(kind if known else "", str(len(self._numbers) + 1))
        count = self._kinds[number]["count"] if number in self._kinds else 0
        error = failure["error"] if known else ""
        # Once files were counted without their names it is not known which of them fail again.
        remembered = again or (len(self._names) < NAMES_LIMIT and not self._beyond and not self._most_beyond)
        self._kinds[number] = {**failure, "error": error, "count": count + remembered}
        if remembered:
            self._names[failure["name"]] = number
        else:
            self._count_beyond(number, failure["stage"])

    def _count_beyond(self, number: str, stage: int) -> None:
        if stage != self._stage:
            self._most_beyond = max(self._most_beyond, self._beyond, key=Counter.total)
            self._stage, self._beyond = stage, Counter()
        self._beyond[number] += 1

    def settle(self, name: str) -> bool:
        """A file that may have failed has arrived, or fails anew; whether it is remembered as one that failed."""
        number = self._names.pop(name, None)
        if number is None:
            return False
        kind = self._kinds[number]
        self._kinds[number] = kind | {"count": kind["count"] - 1}
        return True

    def clear(self) -> None:
        """Forget all of it."""
        for known in (self._numbers, self._kinds, self._names):
            known.clear()
        self._stage, self._beyond, self._most_beyond = 0, Counter(), Counter()

    def document(self) -> dict[str, FailureKind]:
        """The `failure_kinds` part of the state document."""
        beyond = max(self._most_beyond, self._beyond, key=Counter.total)
        counts = {number: kind["count"] + beyond[number] for number, kind in self._kinds.items()}
        return {number: self._kinds[number] | {"count": count} for number, count in counts.items() if count > 0}
