"""When an upload will be done: at the present speed, and given the quotas and when they come back. Pure."""

from __future__ import annotations

from typing import NamedTuple

from cloudplow.planning.planner import Plan


class FinishTimes(NamedTuple):
    """Epoch seconds; None when nobody can know.

    at_speed: if nothing but speed mattered; with_quotas: when the last byte will really be there.
    """

    at_speed: float | None
    with_quotas: float | None


def finish_times(made: Plan, *, bytes_left: int, speed: float, now: float) -> FinishTimes:
    """Both times of completion.

    bytes_left: of the whole queue, waiting ones included; speed: bytes per second, 0 when unknown.
    With quotas, uploading goes on whenever there is capacity: each waiting stage begins when its quota is back, or when
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
