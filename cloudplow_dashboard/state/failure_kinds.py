"""Failed files by their reason: thousands of failures are a few kinds. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

import re
from typing import Final

from cloudplow_dashboard.state.document_session import Failure, FailureKind

#: Kinds that are told apart; what comes after them is one more, whose error is "".
KINDS_LIMIT: Final = 20
#: Files whose kind is remembered, so that each counts once; beyond it every failure counts.
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

    def add(self, failure: Failure) -> None:
        """A file failed, perhaps once more: it then counts for its last reason only."""
        self.settle(failure["name"])
        kind = kind_of(failure["name"], failure["error"])
        known = kind in self._numbers or len(self._numbers) < KINDS_LIMIT
        number = self._numbers.setdefault(kind if known else "", str(len(self._numbers) + 1))
        count = self._kinds[number]["count"] if number in self._kinds else 0
        error = failure["error"] if known else ""
        self._kinds[number] = {**failure, "error": error, "count": count + 1}
        if len(self._names) < NAMES_LIMIT:
            self._names[failure["name"]] = number

    def settle(self, name: str) -> None:
        """A file that had failed has arrived, or fails anew."""
        number = self._names.pop(name, None)
        if number is None:
            return
        kind = self._kinds[number]
        self._kinds[number] = kind | {"count": kind["count"] - 1}

    def clear(self) -> None:
        """Forget all of it."""
        for known in (self._numbers, self._kinds, self._names):
            known.clear()

    def document(self) -> dict[str, FailureKind]:
        """The `failure_kinds` part of the state document."""
        return {number: kind for number, kind in self._kinds.items() if kind["count"] > 0}
