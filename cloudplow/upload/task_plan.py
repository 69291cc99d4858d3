"""Plans a task's queue with what its accounts have left, in sizes as stored at the destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType

from cloudplow.accounts.pool import AccountPool
from cloudplow.models import QueueFile
from cloudplow.planning.last_tries import by_failures, plan_last, plan_unlimited_last
from cloudplow.planning.planner import Plan, PlannedStage, plan, plan_unlimited
from cloudplow.upload.context import Context
from cloudplow.upload.listing import opened_now, without_open_files
from cloudplow.upload.task import UploadTask


def plan_task(
    context: Context,
    task: UploadTask,
    pool: AccountPool | None,
    queue: Sequence[QueueFile],
    failures: Mapping[str, int] = MappingProxyType({}),
) -> Plan:
    """The plan for a queue, in the files' own sizes. Without a pool everything goes in one stage.

    failures: how often files failed, by name: they go after all others.
    """
    if pool is None:
        first, *rest = by_failures(queue, failures)
        return reduce(plan_unlimited_last, rest, plan_unlimited(first))
    capacities = pool.capacities()
    chosen = context.choose_account(task.name, capacities, queue)
    # A plugin may choose the next account; the active one is used up first.
    if chosen is not None:
        capacities.sort(key=lambda capacity: (capacity.account != pool.active, capacity.account != chosen))
    overdue = context.waiting.overdue(task.name, task.window_seconds)
    now, window = context.now(), task.window_seconds
    destination = context.destination(task.job.destination)
    stored: Sequence[QueueFile] = queue
    # What an earlier stage has uploaded already costs nothing.
    arrived = context.book.arrived(task.name)
    differs = bool(arrived) or not destination.stores_as_is
    if differs:
        stored = [
            QueueFile(file.name, 0 if file.name in arrived else destination.stored_bytes(file.size)) for file in queue
        ]
    first, *rest = by_failures(stored, failures)
    made = plan(first, capacities, now=now, window_seconds=window, overdue=overdue)
    for last in rest:
        made = plan_last(made, last, capacities, now=now, window_seconds=window, overdue=overdue)
    if not differs:
        return made
    return _all_in_own_sizes(made, {file.name: file.size for file in queue})


def _all_in_own_sizes(made: Plan, own_size: dict[str, int]) -> Plan:
    return made._replace(
        stages=tuple(_in_own_sizes(stage, own_size) for stage in made.stages),
        later=tuple(_in_own_sizes(stage, own_size) for stage in made.later),
        unplanned=tuple(QueueFile(file.name, own_size[file.name]) for file in made.unplanned),
    )


def _in_own_sizes(stage: PlannedStage, own_size: dict[str, int]) -> PlannedStage:
    files = tuple(QueueFile(file.name, own_size[file.name]) for file in stage.files)
    return stage._replace(files=files, bytes=sum(file.size for file in files))


def without_opened(made: Plan, task: UploadTask) -> Plan:
    """The plan without files of its first stage that a program has opened since they were listed."""
    first, *others = made.stages
    kept = without_open_files(first.files, task.folder, opened_now(task))
    if len(kept) == len(first.files):
        return made
    first = first._replace(files=tuple(kept), bytes=sum(file.size for file in kept))
    return made._replace(stages=(first, *others))
