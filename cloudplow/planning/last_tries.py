"""Files that failed go after all others, and a few failures never end a session that has more to do. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from cloudplow.models import Capacity, QueueFile, Return, printable_name
from cloudplow.planning.planner import Plan, PlannedStage, plan, plan_unlimited

#: Pauses after a stage without progress, in seconds; after the last of them the session ends.
BACKOFF_SECONDS: Final = (1.0, 5.0, 20.0)
#: Up to this many failures in a row, with no file arriving in between, may be the files' own fault.
FAILURES_IN_A_ROW: Final = 20


class Patience:
    """How long a session continues when nothing arrives. Owned by one session."""

    def __init__(self) -> None:
        self._pauses = 0
        self._failures = 0

    def renew(self) -> None:
        """Something arrived."""
        self._pauses = self._failures = 0

    def next_pause(self, failed_files: int, *, others_first: bool) -> float | None:
        """Seconds to wait after a stage that uploaded nothing; None to end the session.

        failed_files: how many of its files failed through their own fault; others_first: whether others go first.
        """
        self._failures += failed_files
        if failed_files and self._failures <= FAILURES_IN_A_ROW:
            return BACKOFF_SECONDS[0 if others_first else 1]
        if self._pauses >= len(BACKOFF_SECONDS):
            return None
        self._pauses += 1
        return BACKOFF_SECONDS[self._pauses - 1]


def by_failures(queue: Sequence[QueueFile], failures: Mapping[str, int]) -> tuple[Sequence[QueueFile], ...]:
    """Files that have not failed, then those that failed once, and so on. failures: how often, by name."""
    if not failures:
        return (queue,)
    groups: dict[int, list[QueueFile]] = {0: []}
    for file in queue:
        groups.setdefault(failures.get(file.name, 0), []).append(file)
    return tuple(groups[number] for number in sorted(groups))


def plan_unlimited_last(made: Plan, failed: Sequence[QueueFile]) -> Plan:
    """Without accounts: files that failed follow in their own stage."""
    return _joined(made, plan_unlimited(failed))


def plan_last(
    made: Plan,
    failed: Sequence[QueueFile],
    capacities: Sequence[Capacity],
    *,
    now: float,
    window_seconds: float,
    overdue: Collection[str] = (),
) -> Plan:
    """Add files that failed to the plan of all others: in their own stages, with what the others leave.

    While one of the others is overdue and waiting, they wait too, because it needs the room.
    """
    if not failed:
        return made
    waiting = [*(file for stage in made.later for file in stage.files), *made.unplanned]
    if overdue and any(printable_name(file.name) in overdue for file in waiting):
        why = made.unplanned_why or "files that failed before wait until overdue files have been uploaded"
        return made._replace(unplanned=(*made.unplanned, *failed), unplanned_why=why)
    left = [_left(capacity, made.stages, now + window_seconds) for capacity in capacities]
    return _joined(made, plan(failed, left, now=now, window_seconds=window_seconds))


def _left(capacity: Capacity, stages: Sequence[PlannedStage], back_at: float) -> Capacity:
    """What an account can take after these stages."""
    taken = sum(stage.bytes for stage in stages if stage.account == capacity.account)
    if not taken:
        return capacity
    returns = (*capacity.returns, Return(back_at, taken))
    return capacity._replace(free_bytes=max(0, capacity.free_bytes - taken), returns=returns)


def _joined(first: Plan, last: Plan) -> Plan:
    """Both plans, one after the other."""
    back = [one for one in (first.next_capacity, last.next_capacity) if one is not None]
    return first._replace(
        stages=first.stages + tuple(stage._replace(retry=True) for stage in last.stages),
        later=tuple(sorted(first.later + last.later, key=lambda stage: stage.starts_at)),
        unplanned=first.unplanned + last.unplanned,
        unplanned_why=first.unplanned_why or last.unplanned_why,
        next_capacity=min(back, key=lambda one: one.at, default=None),
    )
