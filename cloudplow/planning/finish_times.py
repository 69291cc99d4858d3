"""When an upload will finish: at the current speed, and given the quotas and when they come back. Pure."""

from __future__ import annotations

from typing import NamedTuple

from cloudplow.planning.planner import Plan


class FinishTimes(NamedTuple):
    """Epoch seconds; None when unknown.

    at_speed: if only speed mattered; with_quotas: when the last byte will really have arrived.
    """

    at_speed: float | None
    with_quotas: float | None


def finish_times(made: Plan, *, bytes_left: int, speed: float, now: float) -> FinishTimes:
    """Both finish times.

    bytes_left: of the whole queue, including what waits; speed: bytes per second, 0 when unknown.
    With quotas, uploading continues whenever there is capacity: each waiting stage starts when its quota is back or
    the stage before it is done, whichever is later.
    """
    if bytes_left <= 0:
        return FinishTimes(now, now)
    if speed <= 0:
        return FinishTimes(None, None)
    at_speed = now + bytes_left / speed
    done_at = now + max(0, bytes_left - made.waiting_bytes) / speed
    for stage in made.later:
        done_at = max(done_at, stage.starts_at) + stage.bytes / speed
    beyond_bytes = sum(file.size for file in made.unplanned)
    if beyond_bytes:
        rate = min(speed, made.pool_bytes_per_second)
        if rate <= 0:
            return FinishTimes(at_speed, None)
        done_at += beyond_bytes / rate
    return FinishTimes(at_speed, done_at)
