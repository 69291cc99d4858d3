"""A dispatcher on a simulated machine: a clock that can leap, a machine that can sleep, uploads that take time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudplow.dispatch.dispatcher import Dispatcher
from cloudplow.dispatch.host import Ended, Measured, Resources
from cloudplow.dispatch.remembered import Remembered
from cloudplow.dispatch.telling import Telling
from cloudplow.events import Event, SessionFinished, SessionOutcome
from cloudplow.scheduling.capacity import Help
from cloudplow.scheduling.due import Rules
from cloudplow.upload.controls import SessionControls


@dataclass
class World:
    """Time since the start of the simulation, in seconds, and what the wall shows."""

    wall_ahead: float
    passed: float = 0.0
    #: What is still to happen: (time, number, action).
    due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def wall(self) -> float:
        return self.passed + self.wall_ahead

    def steady(self) -> float:
        return self.passed

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.due, (self.passed + seconds, next(self._numbers), action))


@dataclass
class Uploader:
    """grows: bytes per second that arrive in its folder."""

    rules: Rules
    grows: float = 0.0
    bytes: float = 0.0
    takes_seconds: float = 600.0
    folder: str = ""
    accounts: frozenset[str] = frozenset()
    check_seconds: float = 5.0
    fault: str = ""
    veto: str = ""
    #: How uploads end; the last one is repeated. None: everything went.
    ends: list[Callable[[SimulatedHost, str, str], Ended] | None] = field(default_factory=lambda: [None])
    counted_at: float = 0.0


class SimulatedHost:
    """Implements `cloudplow.dispatch.host.Host`; `starts` and `checks` are when things began, by the wall."""

    def __init__(self, world: World, uploaders: dict[str, Uploader]) -> None:
        self.world = world
        self.uploaders = uploaders
        #: Those that are not in the configuration any more, though they may still be running.
        self.gone: dict[str, Uploader] = {}
        self.starts: list[tuple[str, float, str]] = []
        self.checks: list[tuple[str, float]] = []
        self.ended: list[tuple[str, float]] = []
        self.mark = 0

    def names(self) -> Sequence[str]:
        return list(self.uploaders)

    def rules(self, name: str) -> Rules:
        return self.uploaders[name].rules

    def fault(self, name: str) -> str:
        return self.uploaders[name].fault

    def resources(self, name: str) -> Resources:
        one = self.uploaders[name]
        return Resources(Path(one.folder or f"/{name}"), one.accounts)

    def accounts_mark(self, name: str) -> int:
        return self.mark

    def veto(self, name: str) -> str:
        return self.uploaders[name].veto

    def size(self, name: str) -> float:
        one = self.uploaders.get(name) or self.gone[name]
        one.bytes += one.grows * (self.world.passed - one.counted_at)
        one.counted_at = self.world.passed
        return one.bytes

    def measure(self, name: str, controls: SessionControls) -> Measured:
        size = int(self.size(name))
        return Measured(1 if size else 0, size)

    def upload(self, name: str, run_id: str, controls: SessionControls) -> Ended:
        one = self.uploaders.get(name) or self.gone[name]
        end = one.ends.pop(0) if len(one.ends) > 1 else one.ends[0]
        self.ended.append((name, self.world.wall()))
        if controls.should_stop():
            return Ended(finished(name, SessionOutcome.INTERRUPTED, run_id=run_id))
        if end is not None:
            return end(self, name, run_id)
        self.size(name)
        one.bytes = 0
        return Ended(finished(name, SessionOutcome.DONE, run_id=run_id))

    def not_started(self, name: str, why: str, *, vetoed: bool) -> SessionFinished:
        return finished(name, SessionOutcome.SUSPENDED if vetoed else SessionOutcome.FAILED, reason=why)


def finished(name: str, outcome: SessionOutcome, **fields: Any) -> SessionFinished:
    values = {"files": 1, "bytes": 1, "files_left": 0, "bytes_left": 0, "next_capacity_at": None} | fields
    return SessionFinished(uploader=name, outcome=outcome, **values)


def used_up(seconds: float, size: int = 1000) -> Callable[[SimulatedHost, str, str], Ended]:
    """An upload that ends because all quota is used; some comes back after so many seconds."""

    def end(host: SimulatedHost, name: str, run_id: str) -> Ended:
        at = host.world.wall() + seconds
        event = finished(
            name, SessionOutcome.QUOTA_USED, files_left=3, bytes_left=9000, next_capacity_at=at, run_id=run_id
        )
        return Ended(event, Help(at, size), accounts=12)

    return end


def banned(seconds: float, why: str) -> Callable[[SimulatedHost, str, str], Ended]:
    """An upload that a trigger ended."""

    def end(host: SimulatedHost, name: str, run_id: str) -> Ended:
        until = host.world.wall() + seconds
        return Ended(finished(name, SessionOutcome.SUSPENDED, next_capacity_at=until, reason=why, run_id=run_id))

    return end


def failing(why: str) -> Callable[[SimulatedHost, str, str], Ended]:
    """An upload that fails."""
    return lambda _host, name, run_id: Ended(finished(name, SessionOutcome.FAILED, reason=why, run_id=run_id))


def not_begun(why: str) -> Callable[[SimulatedHost, str, str], Ended]:
    """An upload that could not begin: nobody counted what is there."""
    event = {"files": 0, "bytes": 0, "reason": why}
    return lambda _host, name, run_id: Ended(
        finished(name, SessionOutcome.FAILED, run_id=run_id, **event), counted=False
    )


class Simulation:
    """Runs a dispatcher through simulated time. events: everything it published."""

    def __init__(
        self,
        host: SimulatedHost,
        *,
        regular: bool = True,
        waits: bool = True,
        max_parallel: int = 1,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.host = host
        self.world = host.world
        self.events: list[Event] = []
        self.facts: dict[str, Any] = {} if facts is None else facts
        self.stopping = False
        self.saves = 0
        self.dispatcher = Dispatcher(
            host,
            Remembered(self.facts.get, self.facts.__setitem__, self._save, self.world.wall),
            Telling(self.events.append),
            regular=regular,
            waits=waits,
            stop_requested=lambda: self.stopping,
            max_parallel=lambda: max_parallel,
            wall=self.world.wall,
            quota_now=self.world.wall,
            clock=self.world.steady,
            spawn=self._spawn,
        )

    def _save(self) -> None:
        self.saves += 1

    def _spawn(self, thread: str, work: Callable[[], None]) -> None:
        _, phase, name = thread.split("-", 2)
        one = self.host.uploaders[name]
        if phase == "check":
            self.host.checks.append((name, self.world.wall()))
            self.world.later(one.check_seconds, work)
        else:
            self.host.starts.append((name, self.world.wall(), self.dispatcher.entries[name].run_id))
            self.world.later(one.takes_seconds, work)

    def run(self, seconds: float, sample: Callable[[], None] = lambda: None, *, every_seconds: float = 60) -> None:
        """Let time pass. sample: called so often."""
        end = self.world.passed + seconds
        while self.world.passed < end:
            wait = self.dispatcher.step()
            next_minute = (self.world.passed // every_seconds + 1) * every_seconds
            moments = [end, next_minute, self.world.passed + (30.0 if wait is None else wait)]
            moments += [self.world.due[0][0]] if self.world.due else []
            self.world.passed = max(self.world.passed, min(moments))
            while self.world.due and self.world.due[0][0] <= self.world.passed:
                heapq.heappop(self.world.due)[2]()
            if self.world.passed == next_minute:
                self.dispatcher.step()
                sample()

    def sleep(self, seconds: float) -> None:
        """The machine is suspended: the wall goes on, nothing else does."""
        self.world.wall_ahead += seconds

    def why(self, name: str) -> str:
        return self.dispatcher.status()[name].why

    def state(self, name: str) -> str:
        return self.dispatcher.status()[name].state
