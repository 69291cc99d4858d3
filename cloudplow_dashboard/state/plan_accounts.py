"""The plan by account: what is done, what runs, what is to come, and when. Pure; times are epoch seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cloudplow_dashboard.state.document_quota import PlanAccount, Stage
from cloudplow_dashboard.state.document_words import StageState

#: The state that an account with several stages is said to be in: the first of these.
_ORDER: Final = (StageState.RUNNING, StageState.NEXT, StageState.WAITING, StageState.DONE)


def by_account(
    stages: Iterable[Stage],
    done_sums: Mapping[str, tuple[int, int, int]],
    *,
    rate: float,
    running_done: int,
    now: float,
) -> dict[str, PlanAccount]:
    """One row for each account, in the order in which their stages come.

    stages: in the order in which they run. done_sums: stages, files and bytes that are done, by account. rate: bytes
    per second, 0 when unknown, and then no time is known but that at which quota comes back. running_done: bytes that
    have arrived of the running stage.
    """
    rows: dict[str, PlanAccount] = {}
    at = now
    for stage in stages:
        row = rows.get(stage["account"])
        if row is None:
            row = rows[stage["account"]] = _row(done_sums.get(stage["account"], (0, 0, 0)))
        if _ORDER.index(stage["state"]) < _ORDER.index(row["state"]):
            row["state"] = stage["state"]
        if stage["state"] == StageState.RUNNING:
            row["now_files"], row["now_bytes"] = stage["files"], stage["bytes"]
            at = row["now_until"] = _after(at, stage["bytes"] - running_done, rate)
        elif stage["state"] != StageState.DONE:
            begins = max(at, stage["starts_at"]) if at else stage["starts_at"]
            at = _after(begins, stage["bytes"], rate)
            row["to_come_from"] = row["to_come_from"] if row["to_come_stages"] else round(begins)
            row["to_come_until"] = at
            row["to_come_stages"] += 1
            row["to_come_files"] += stage["files"]
            row["to_come_bytes"] += stage["bytes"]
    return rows


def _after(begins: float, size: int, rate: float) -> float:
    """When so many bytes are done that begin to be uploaded at that time; 0 when unknown."""
    return round(begins + max(0, size) / rate) if begins and rate > 0 else 0


def _row(done: tuple[int, int, int]) -> PlanAccount:
    return {
        "state": StageState.DONE,
        "done_stages": done[0],
        "done_files": done[1],
        "done_bytes": done[2],
        "now_files": 0,
        "now_bytes": 0,
        "now_until": 0,
        "to_come_stages": 0,
        "to_come_files": 0,
        "to_come_bytes": 0,
        "to_come_from": 0,
        "to_come_until": 0,
    }
