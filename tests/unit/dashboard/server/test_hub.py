"""When the stream is published, with a loop whose time only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cloudplow_dashboard.server import hub as hub_module
from cloudplow_dashboard.server.hub import Hub, Viewer
from cloudplow_dashboard.server.limits import ACCEPTING_ROUNDS, ENGINE_DESCRIPTORS, Limits, limits_of_this_process
from cloudplow_dashboard.server.pacing import BURST, PER_SECOND, Pacer
from cloudplow_dashboard.state.patches import KEEP_ALIVE, Ring
from cloudplow_dashboard.state.state import DashboardState
from tests.unit.dashboard.helpers import file_failed, file_transferred, make_state, progress, session_started


class FakeLoop:
    """The part of an event loop that the hub uses; `pass_time` calls what is due."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.crossings = 0
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_soon_threadsafe(self, function: Callable[..., None], *arguments: Any) -> None:
        self.crossings += 1
        function(*arguments)

    def call_later(self, seconds: float, function: Callable[..., None], *arguments: Any) -> None:
        self.timers.append((self.now + seconds, function, arguments))

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((timer for timer in self.timers if timer[0] <= end), key=lambda timer: timer[0]):
            timer = due[0]
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1](*timer[2])
        self.now = end


async def _send(_message: Any) -> None: ...


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def state() -> DashboardState:
    state = make_state(refresh_interval=3.0)
    state.apply(session_started())
    state.apply(progress())
    state.publish()
    return state


def opened(state: DashboardState, loop: FakeLoop) -> Hub:
    hub = Hub(state)
    anything: Any = loop
    hub.open(anything)
    return hub


def with_viewer(hub: Hub) -> Viewer:
    viewer = Viewer(_send, hub_time(hub) + 15)
    viewer.position = hub.state.version
    hub.viewers.add(viewer)
    return viewer


def hub_time(hub: Hub) -> float:
    assert hub._loop is not None
    return hub._loop.time()


def test_a_fact_is_published_within_the_coalescing_time(state: DashboardState, loop: FakeLoop) -> None:
    hub = opened(state, loop)
    viewer = with_viewer(hub)
    before = state.version

    state.apply(file_transferred())
    state.apply(file_transferred("b"))
    loop.pass_time(0.021)

    assert state.version == before + 1
    assert viewer.wake.is_set()
    assert b'"files_done":2' in hub._due(viewer)


def test_many_facts_cross_into_the_loop_once(state: DashboardState, loop: FakeLoop) -> None:
    with_viewer(opened(state, loop))

    for _ in range(1000):
        state.apply(file_failed())

    assert loop.crossings == 1


def test_statistics_come_once_in_each_refresh_interval(state: DashboardState, loop: FakeLoop) -> None:
    with_viewer(opened(state, loop))
    versions = []
    for second in range(10):
        state.apply(progress(speed=float(second + 100)))
        loop.pass_time(1.0)
        versions.append(state.version)

    assert versions[-1] - versions[0] == 3


def test_statistics_follow_even_when_a_fact_came_with_them(state: DashboardState, loop: FakeLoop) -> None:
    with_viewer(opened(state, loop))
    state.apply(progress(speed=1.0))
    loop.pass_time(0.1)
    state.apply(file_transferred())
    state.apply(progress(speed=2.0))
    loop.pass_time(3.1)

    assert b'"speed":2' in (state.ring.since(state.version - 1, state.version) or (b"", 0))[0]


def test_a_reader_of_the_state_brings_no_statistics_to_viewers_early(state: DashboardState, loop: FakeLoop) -> None:
    hub = opened(state, loop)
    viewer = with_viewer(hub)
    state.apply(progress(speed=1.0))
    loop.pass_time(0.1)
    hub._due(viewer)
    viewer.wake.clear()
    state.apply(progress(speed=2.0))

    state.snapshot()
    loop.pass_time(1.0)

    assert not viewer.wake.is_set()
    assert hub._due(viewer) == b""
    loop.pass_time(2.0)
    assert viewer.wake.is_set()
    assert b'"speed":2' in hub._due(viewer)


def test_without_viewers_nothing_is_made(state: DashboardState, loop: FakeLoop) -> None:
    opened(state, loop)
    before = state.version
    for _ in range(5):
        state.apply(file_transferred())
        state.apply(progress())
        loop.pass_time(5.0)

    assert state.version == before


def test_a_storm_of_facts_is_published_sparingly(state: DashboardState, loop: FakeLoop) -> None:
    with_viewer(opened(state, loop))
    before = state.version
    for _ in range(1000):
        state.apply(file_failed())
        loop.pass_time(0.01)

    assert 50 < state.version - before <= BURST + 10 * PER_SECOND + 1


def test_a_viewer_that_the_ring_has_passed_gets_a_snapshot(loop: FakeLoop) -> None:
    state = make_state(ring=Ring(max_frames=2))
    hub = opened(state, loop)
    viewer = with_viewer(hub)
    for number in range(5):
        state.apply(file_failed(f"{number}"))
        loop.pass_time(0.1)

    assert b"event: snapshot" in hub._due(viewer)
    assert viewer.position == state.version
    assert hub._due(viewer) == b""


def test_comment_lines_come_every_fifteen_seconds(state: DashboardState, loop: FakeLoop) -> None:
    hub = opened(state, loop)
    viewer = with_viewer(hub)
    beats = []
    for _ in range(46):
        loop.pass_time(1.0)
        hub.sweep()
        beats.append(hub._due(viewer))

    assert beats.count(KEEP_ALIVE) == 3


def test_a_send_that_lasts_too_long_ends_the_connection(
    state: DashboardState, loop: FakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[Any] = []
    monkeypatch.setattr(hub_module, "abort", cut.append)
    hub = opened(state, loop)
    viewer = with_viewer(hub)
    viewer.sending_since = loop.time()

    loop.pass_time(10.0)
    hub.sweep()
    patient = list(cut)
    loop.pass_time(0.1)
    hub.sweep()

    assert (patient, cut) == ([], [_send])


def test_a_connection_that_cannot_be_found_is_left_alone() -> None:
    assert hub_module.abort(_send) is False


@pytest.mark.parametrize(("closing", "disconnected"), [(False, False), (True, False), (False, True)])
def test_who_has_left_is_known_as_soon_as_the_connection_is_closing(closing: bool, disconnected: bool) -> None:
    class Transport(asyncio.Transport):
        def is_closing(self) -> bool:
            return closing

    class Cycle:
        def __init__(self) -> None:
            self.transport, self.disconnected = Transport(), disconnected

        async def send(self, _message: Any) -> None: ...

    assert hub_module.has_left(Cycle().send) is (closing or disconnected)


def test_a_closed_loop_does_not_disturb_the_one_who_feeds(state: DashboardState) -> None:
    hub = Hub(state)
    closed = asyncio.new_event_loop()
    closed.close()
    hub.open(closed)

    state.apply(file_transferred())

    assert state.document()["uploaders"]["google"]["session"]["files_done"] == 1


def test_half_of_the_file_descriptors_stay_with_the_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _which: (1024, 4096))
    few = limits_of_this_process()
    monkeypatch.setattr("resource.getrlimit", lambda _which: (-1, -1))
    many = limits_of_this_process()

    assert (few.connections, few.viewers) == (512, 460)
    assert many == Limits()


@pytest.mark.parametrize("soft_limit", [64, 96, 128, 200, 256, 512, 1024, 4096])
def test_what_an_upload_opens_finds_a_descriptor_also_where_there_are_few(
    monkeypatch: pytest.MonkeyPatch, soft_limit: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _which: (soft_limit, soft_limit))
    limits = limits_of_this_process()

    # Those that wait to be looked at have descriptors, too.
    taken = limits.connections + ACCEPTING_ROUNDS * limits.accepted_at_once
    assert soft_limit - taken >= ENGINE_DESCRIPTORS
    assert 0 < limits.viewers < limits.connections


def test_pacing_gives_credit_back_with_time() -> None:
    pacer = Pacer()
    for _ in range(int(BURST)):
        assert pacer.delay(10.0) == 0.0
        pacer.spend(10.0, 0)

    assert pacer.delay(10.0) == pytest.approx(1 / PER_SECOND)
    assert pacer.delay(10.0 + 1 / PER_SECOND) == pytest.approx(0.0)
