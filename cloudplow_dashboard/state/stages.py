"""The plan of one uploader as a row of stages: done, running, next, waiting for capacity. Not thread-safe."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from cloudplow.events import StageOutcome
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document_quota import Plan, PlanSums, Stage
from cloudplow_dashboard.state.document_words import StageState
from cloudplow_dashboard.state.measures import Nothing

#: Stages in each of the two lists of the state document; of those that are done the latest, at most half of them.
STAGES_SHOWN: Final = 100
DONE_SHOWN: Final = STAGES_SHOWN // 2


def _stage(values: Mapping[Any, Any], state: StageState, number: int = 0) -> Stage:
    """One stage; number: 0 when it has none yet."""
    return {
        "stage": number,
        "account": clean.base_name(values.get("account")),
        "files": clean.whole(values.get("files")),
        "bytes": clean.whole(values.get("bytes")),
        "starts_at": clean.number(values.get("starts_at")),
        "oversized": values.get("oversized") is True,
        "state": state,
        "outcome": "",
    }


def _stages(values: object, state: StageState) -> list[Stage]:
    if not isinstance(values, list | tuple):
        return []
    return [_stage(one, state) for one in values[:STAGES_SHOWN] if isinstance(one, Mapping)]


def _sums(plan: Mapping[str, Any]) -> PlanSums:
    return {
        "files": clean.whole(plan.get("files")),
        "bytes": clean.whole(plan.get("bytes")),
        "waiting_files": clean.whole(plan.get("waiting_files")),
        "waiting_bytes": clean.whole(plan.get("waiting_bytes")),
        "unplanned_files": clean.whole(plan.get("unplanned_files")),
        "unplanned_bytes": clean.whole(plan.get("unplanned_bytes")),
        "unplanned_why": clean.redact(plan.get("unplanned_why")),
        "next_capacity_at": clean.number(plan.get("next_capacity_at")),
    }


class StageBoard:
    """What was planned, and how far it has got."""

    def __init__(self) -> None:
        self._sums = _sums({})
        self._made_at: float = 0
        self._done: deque[Stage] = deque(maxlen=DONE_SHOWN)
        self._done_total = 0
        self._running: Stage | None = None
        self._next: list[Stage] = []
        self._later: list[Stage] = []
        self._next_total = 0
        self._later_total = 0

    def plan(self, plan: Mapping[str, Any], at: float) -> int:
        """Replace the plan of what is still to come; returns how many stages can run now. at: epoch seconds."""
        stages, later = plan.get("stages"), plan.get("later")
        self._made_at = at
        self._next, self._later = _stages(stages, StageState.NEXT), _stages(later, StageState.WAITING)
        self._next_total = len(stages) if isinstance(stages, list | tuple) else clean.whole(stages)
        self._later_total = len(later) if isinstance(later, list | tuple) else 0
        self._sums = _sums(plan)
        return self._next_total

    def start(self, number: int, account: str, files: int, size: int, at: float) -> None:
        """A stage runs: the next one of its account. size: planned bytes; at: epoch seconds."""
        self._end_running("")
        place = next((i for i, one in enumerate(self._next) if one["account"] == account), -1)
        planned = self._next.pop(place) if place >= 0 else _stage({"account": account}, StageState.NEXT)
        self._next_total = max(len(self._next), self._next_total - (place >= 0))
        self._running = planned | {
            "stage": number,
            "files": files,
            "bytes": size,
            "starts_at": at,
            "state": StageState.RUNNING,
        }

    def finish(self, number: int, account: str, files: int, size: int, outcome: StageOutcome | Nothing) -> None:
        """A stage ended. files, size: what it uploaded, size in bytes."""
        running = self._running
        if running is None or running["stage"] != number:
            running = _stage({"account": account}, StageState.RUNNING, number)
        self._running = running | {"account": account or running["account"], "files": files, "bytes": size}
        self._end_running(outcome)

    def end(self) -> None:
        """The session ended: nothing is running any more."""
        self._end_running("")

    def _end_running(self, outcome: StageOutcome | Nothing) -> None:
        if self._running is not None:
            self._done.append(self._running | {"state": StageState.DONE, "outcome": outcome})
            self._done_total += 1
            self._running = None

    def document(self) -> Plan:
        """The `plan` part of the state document."""
        running = [self._running] if self._running is not None else []
        return {
            "made_at": self._made_at,
            **self._sums,
            "stages": [*self._done, *running, *self._next][:STAGES_SHOWN],
            "later": list(self._later),
            "done_total": self._done_total,
            "next_total": self._next_total,
            "later_total": self._later_total,
        }
