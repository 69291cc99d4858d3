"""The plan of one uploader as a row of stages: done, running, next, waiting for capacity. Not thread-safe."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from cloudplow.events import StageOutcome
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document_quota import Plan, PlanSums, Stage
from cloudplow_dashboard.state.document_session import Session
from cloudplow_dashboard.state.document_words import StageState
from cloudplow_dashboard.state.measures import Nothing
from cloudplow_dashboard.state.plan_accounts import by_account

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
        "ended_at": 0,
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
        self.sums = _sums({})
        #: When the plan was made, in epoch seconds; 0 without one.
        self.made_at: float = 0
        self._done: deque[Stage] = deque(maxlen=DONE_SHOWN)
        self._done_total = 0
        #: What all finished stages of an account uploaded: stages, files, bytes.
        self._done_sums: dict[str, tuple[int, int, int]] = {}
        #: What had arrived in the session when the running stage began, in bytes.
        self._begun_with = 0
        self._running: Stage | None = None
        self._next: list[Stage] = []
        self._later: list[Stage] = []
        self._next_total = 0
        self._later_total = 0

    def plan(self, plan: Mapping[str, Any], at: float) -> int:
        """Replace the plan of what is still to come; returns how many stages can run now. at: epoch seconds."""
        stages, later = plan.get("stages"), plan.get("later")
        self.made_at = at
        self._next, self._later = _stages(stages, StageState.NEXT), _stages(later, StageState.WAITING)
        self._next_total = len(stages) if isinstance(stages, list | tuple) else clean.whole(stages)
        self._later_total = len(later) if isinstance(later, list | tuple) else 0
        self.sums = _sums(plan)
        return self._next_total

    def start(self, number: int, account: str, files: int, size: int, at: float, begun_with: int = 0) -> None:
        """A stage runs: the next one of its account. size: planned bytes; at: epoch seconds; begun_with: bytes that the
        session has uploaded before it.
        """
        self._end_running("", at)
        self._begun_with = begun_with
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

    def shift(self, size: int) -> None:
        """So many bytes more of the session were uploaded before the running stage."""
        self._begun_with += size

    @property
    def account(self) -> str:
        """The account of the running stage; "" for none."""
        return self._running["account"] if self._running is not None else ""

    @property
    def planned(self) -> tuple[int, int]:
        """Files and bytes that the running stage is to upload."""
        return (self._running["files"], self._running["bytes"]) if self._running is not None else (0, 0)

    def finish(
        self, number: int, account: str, files: int, size: int, outcome: StageOutcome | Nothing, at: float = 0
    ) -> None:
        """A stage ended. files, size: what it uploaded, size in bytes; at: epoch seconds."""
        running = self._running
        if running is None or running["stage"] != number:
            running = _stage({"account": account}, StageState.RUNNING, number)
        self._running = running | {"account": account or running["account"], "files": files, "bytes": size}
        self._end_running(outcome, at, told=True)

    def end(self, at: float = 0) -> None:
        """The session ended: nothing runs or comes next, but what waits for quota still does. at: epoch seconds."""
        self._end_running("", at)
        self._next, self._next_total = [], 0

    def _end_running(self, outcome: StageOutcome | Nothing, at: float, *, told: bool = False) -> None:
        if self._running is not None:
            done: Stage = self._running | {"state": StageState.DONE, "outcome": outcome, "ended_at": at}
            if not told:
                done["files"] = done["bytes"] = 0  # nobody said what it uploaded: what was planned is no result
            self._done.append(done)
            self._done_total += 1
            stages, files, size = self._done_sums.get(done["account"], (0, 0, 0))
            self._done_sums[done["account"]] = stages + 1, files + done["files"], size + done["bytes"]
            self._running = None

    def document(self, speed_at: float = 0, session: Session | None = None, at: float = 0) -> Plan:
        """The `plan` part of the state document.

        speed_at: when all would be done if only the speed mattered, in epoch seconds, 0 when unknown; session: as it is
        shown, and as of `at`.
        """
        running = [self._running] if self._running is not None else []
        rate, done = 0.0, 0
        if session is not None:
            done = session["bytes_done"] - self._begun_with
            rate = session["bytes_left"] / (speed_at - at) if speed_at > at else 0.0
        stages = [*self._done, *running, *self._next][:STAGES_SHOWN]
        return {
            "made_at": self.made_at,
            **self.sums,
            "stages": stages,
            "later": list(self._later),
            "accounts": by_account([*stages, *self._later], self._done_sums, rate=rate, running_done=done, now=at),
            "done_total": self._done_total,
            "next_total": self._next_total,
            "later_total": self._later_total,
        }
