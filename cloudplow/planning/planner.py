"""Distributes a queue over accounts and stages, by exact sizes. Pure: no clock, no process, no file.

The rules: a stage never plans more than its account has left; each account is filled as far as sizes allow
(`cloudplow.planning.packing`); a file larger than what one account has left goes to the next that can take it; a file
larger than a whole quota goes alone, on an account with its whole quota left, because Google lets a running upload
finish. What does not fit now is planned onto the quota that comes back, in order of time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, NamedTuple

from cloudplow.models import Capacity, QueueFile, Return, printable_name
from cloudplow.planning.overdue import Reserved, reserve
from cloudplow.planning.packing import SizePool, fill

#: How many later stages are planned one by one; what comes after them is only summed up.
LATER_STAGES_LIMIT: Final = 500


class PlannedStage(NamedTuple):
    """One run of rclone with one account. starts_at: epoch seconds for a stage that waits for capacity, else 0.

    retry: its files failed before in this session.
    """

    account: str
    files: tuple[QueueFile, ...]
    bytes: int
    starts_at: float = 0.0
    oversized: bool = False
    retry: bool = False


class Plan(NamedTuple):
    """Stages that can run now, stages that wait for capacity, and the files beyond the planned stages.

    pool_bytes_per_second: what all accounts together can take in the long run. next_capacity: when an account first has
    room for one of the waiting files, and how much room it has then. reserved: an account that is kept until then.
    """

    stages: tuple[PlannedStage, ...] = ()
    later: tuple[PlannedStage, ...] = ()
    unplanned: tuple[QueueFile, ...] = ()
    unplanned_why: str = ""
    pool_bytes_per_second: float = 0.0
    next_capacity: Return | None = None
    reserved: Reserved | None = None

    @property
    def next_capacity_at(self) -> float | None:
        """Epoch seconds at which the next waiting file can go; None when nothing waits, or unknown."""
        return None if self.next_capacity is None else self.next_capacity.at

    @property
    def planned_bytes(self) -> int:
        """What the stages that can run now upload, in bytes."""
        return sum(stage.bytes for stage in self.stages)

    @property
    def waiting_files(self) -> int:
        """How many files cannot go now."""
        return sum(len(stage.files) for stage in self.later) + len(self.unplanned)

    @property
    def waiting_bytes(self) -> int:
        """The size of what cannot go now, in bytes."""
        return sum(stage.bytes for stage in self.later) + sum(file.size for file in self.unplanned)


@dataclass(slots=True)
class _Queue:
    """The queue by ascending size, and which files are still unassigned."""

    files: list[QueueFile]
    pool: SizePool = field(init=False)

    def __post_init__(self) -> None:
        # Two stable sorts: by size, then by name among equals, without creating a tuple for each file.
        self.files.sort(key=attrgetter("name"))
        self.files.sort(key=attrgetter("size"))
        self.pool = SizePool([file.size for file in self.files])

    def stage(
        self, account: str, indices: Sequence[int], *, starts_at: float = 0.0, oversized: bool = False
    ) -> PlannedStage:
        files = tuple(self.files[index] for index in indices)
        return PlannedStage(account, files, sum(file.size for file in files), starts_at, oversized)

    def largest_of(self, printable_names: Collection[str]) -> int | None:
        """The index of the largest unassigned file with one of those names; None when there is none."""
        if not printable_names:
            return None
        indices = reversed(self.pool.remaining())
        return next((i for i in indices if printable_name(self.files[i].name) in printable_names), None)

    def take_oversized(self, limit_bytes: int) -> int | None:
        """Take the largest unassigned file if it exceeds the limit."""
        if not self.pool.count:
            return None
        index = self.pool.largest_at_most(self.pool.sizes[-1])
        if index is None or self.pool.sizes[index] <= limit_bytes:
            return None
        self.pool.take(index)
        return index


def plan_unlimited(queue: Sequence[QueueFile]) -> Plan:
    """Without accounts: everything in one stage."""
    if not queue:
        return Plan()
    return Plan(stages=(PlannedStage("", tuple(queue), sum(file.size for file in queue)),))


def plan(
    queue: Sequence[QueueFile],
    capacities: Sequence[Capacity],
    *,
    now: float,
    window_seconds: float = 86_400.0,
    overdue: Collection[str] = (),
) -> Plan:
    """Assign the queue to the accounts, in the order given (the first is used first).

    now: epoch seconds. window_seconds: how long after being spent bytes come back. overdue: printable names of files
    that have waited so long that the largest of them goes first, or has capacity reserved for it.
    """
    waiting = _Queue(list(queue))
    usable = [capacity for capacity in capacities if capacity.usable_from <= now]
    largest_limit = max((capacity.limit_bytes for capacity in capacities), default=0)
    stages = _oversized_stages(waiting, usable, largest_limit)
    taken = {stage.account for stage in stages}
    first = waiting.largest_of(overdue)
    reserved = None
    if first is not None:
        reserved = reserve(waiting.pool.sizes[first], [one for one in usable if one.account not in taken])
    for capacity in usable:
        if capacity.account in taken or not waiting.pool.count:
            continue
        room = capacity.free_bytes
        if reserved is not None and reserved.account == capacity.account:
            room = min(room, reserved.spare_bytes)
        indices = []
        if first is not None and waiting.pool.sizes[first] <= room:
            waiting.pool.take(first)
            room -= waiting.pool.sizes[first]
            indices, first = [first], None
        indices += fill(waiting.pool, room)
        if indices:
            stages.append(waiting.stage(capacity.account, indices))
    later = _later_stages(waiting, capacities, stages, now, window_seconds)
    rest = tuple(waiting.files[index] for index in waiting.pool.remaining())
    pool_bytes = sum(capacity.limit_bytes for capacity in capacities if not math.isinf(capacity.usable_from))
    waiting_sizes = [file.size for file in rest]
    waiting_sizes += [file.size for stage in later for file in stage.files]
    open_to_all = capacities if reserved is None else reserved.open(capacities)
    next_capacity = _next_capacity(min(waiting_sizes), open_to_all, now) if waiting_sizes else None
    if next_capacity is None and later:
        # Nothing is spent yet: what the current stages use comes back first.
        next_capacity = Return(later[0].starts_at, largest_limit)
    return Plan(
        stages=tuple(stages),
        later=tuple(later),
        unplanned=rest,
        unplanned_why=_why_unplanned(rest, capacities),
        pool_bytes_per_second=pool_bytes / max(1e-9, window_seconds),
        next_capacity=next_capacity,
        reserved=reserved,
    )


def _oversized_stages(waiting: _Queue, usable: Sequence[Capacity], largest_limit: int) -> list[PlannedStage]:
    """Files larger than a whole quota: one for each account with its whole quota left."""
    stages = []
    for capacity in usable:
        if not capacity.is_fresh or capacity.limit_bytes < largest_limit:
            continue
        index = waiting.take_oversized(largest_limit)
        if index is None:
            break
        stages.append(waiting.stage(capacity.account, [index], oversized=True))
    return stages


def _next_capacity(smallest_bytes: int, capacities: Sequence[Capacity], now: float) -> Return | None:
    """When an account first has room for a file of that size, and how much room it has then."""
    found: list[Return] = []
    for capacity in capacities:
        free = capacity.free_bytes
        wanted = min(smallest_bytes, capacity.limit_bytes)
        times = [Return(capacity.usable_from, 0), *capacity.returns] if capacity.usable_from > now else capacity.returns
        at = capacity.usable_from
        for back in sorted(times, key=lambda one: one.at):
            free += back.bytes
            at = max(at, back.at)
            if free >= wanted and now < at < math.inf:
                found.append(Return(at, free))
                break
    return min(found, key=lambda one: one.at, default=None)


def _later_stages(
    waiting: _Queue, capacities: Sequence[Capacity], stages: Sequence[PlannedStage], now: float, window: float
) -> list[PlannedStage]:
    """What waits, assigned to whole quotas in the order in which they come back, window after window.

    The time that the uploads themselves take is not counted here (`cloudplow.planning.finish_times` does that).
    """
    planned = {stage.account: stage.bytes for stage in stages}
    free_again: list[tuple[float, int, Capacity]] = []
    for order, capacity in enumerate(capacities):
        ready_at = max([capacity.usable_from, *(back.at for back in capacity.returns)], default=0.0)
        if planned.get(capacity.account):
            ready_at = max(ready_at, now + window)
        if now < ready_at < math.inf:
            free_again.append((ready_at, order, capacity))
    heapq.heapify(free_again)
    later: list[PlannedStage] = []
    largest_limit = max((capacity.limit_bytes for capacity in capacities), default=0)
    while free_again and waiting.pool.count and len(later) < LATER_STAGES_LIMIT:
        ready_at, order, capacity = heapq.heappop(free_again)
        oversized = waiting.take_oversized(largest_limit) if capacity.limit_bytes == largest_limit else None
        indices = [oversized] if oversized is not None else fill(waiting.pool, capacity.limit_bytes, exact=False)
        if indices:
            later.append(waiting.stage(capacity.account, indices, starts_at=ready_at, oversized=oversized is not None))
            heapq.heappush(free_again, (ready_at + window, order, capacity))
    return later


def _why_unplanned(rest: Sequence[QueueFile], capacities: Sequence[Capacity]) -> str:
    if not rest:
        return ""
    if not capacities:
        return "no account can be used"
    if all(math.isinf(capacity.usable_from) for capacity in capacities):
        return "every account is set aside"
    return "the quota needed comes back only after the next return of every account"


def plan_document(result: Plan, account_names: Mapping[str, str]) -> dict[str, Any]:
    """The plan as JSON for `cloudplow plan --json`, `plan_made` and `/api/plan`: totals, no file names.

    account_names: the public name of each account (the base name of its key file).
    """
    planned_files = sum(len(stage.files) for stage in result.stages)
    return {
        "queue_files": planned_files + result.waiting_files,
        "queue_bytes": result.planned_bytes + result.waiting_bytes,
        "stages": [_stage_document(stage, account_names) for stage in result.stages],
        "later": [_stage_document(stage, account_names) for stage in result.later],
        "files": planned_files,
        "bytes": result.planned_bytes,
        "waiting_files": result.waiting_files,
        "waiting_bytes": result.waiting_bytes,
        "unplanned_files": len(result.unplanned),
        "unplanned_bytes": sum(file.size for file in result.unplanned),
        "unplanned_why": result.unplanned_why,
        "next_capacity_at": result.next_capacity_at or 0,
        "next_capacity_bytes": result.next_capacity.bytes if result.next_capacity else 0,
    }


def _stage_document(stage: PlannedStage, account_names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "account": account_names.get(stage.account, ""),
        "files": len(stage.files),
        "bytes": stage.bytes,
        "starts_at": stage.starts_at,
        "oversized": stage.oversized,
    }
