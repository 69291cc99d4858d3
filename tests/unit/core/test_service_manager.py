"""What systemd is told, as datagrams that a socket of the test gets."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from cloudplow.commands.run import status_line
from cloudplow.dispatch.dispatcher import LOOK_SECONDS, Dispatcher
from cloudplow.events import UploaderState
from cloudplow.models import UploaderStatus
from cloudplow.service_manager import LONGEST_TICK_SECONDS, ServiceManager
from tests.unit.dispatch.simulated import SimulatedHost, Simulation, World


class Listening:
    """What systemd is to a service. name: as `NOTIFY_SOCKET` has it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """Every message since the last call."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, runtime_dir: Path) -> Iterator[Listening]:
    name = uuid.uuid4().hex
    listening = Listening(f"@cloudplow-{name}" if request.param == "abstract" else str(runtime_dir / name))
    yield listening
    listening.socket.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(name: str, clock: Clock | None = None, **more: str) -> ServiceManager:
    return ServiceManager({"NOTIFY_SOCKET": name, **more}, clock=clock or Clock())


def test_the_first_tick_says_that_it_is_ready_and_what_it_does(systemd: Listening) -> None:
    manager = made(systemd.name)

    manager.ticked("google: waiting")
    manager.ticked("google: waiting")
    manager.ticked("google: uploading")

    assert systemd.heard() == ["READY=1\nSTATUS=google: waiting", "STATUS=google: uploading"]


def test_a_reload_is_told_with_its_time_and_its_end(systemd: Listening) -> None:
    manager = made(systemd.name)
    manager.ticked("x")
    systemd.heard()

    with pytest.raises(ZeroDivisionError), manager.reloading():
        (begun,) = systemd.heard()
        raise ZeroDivisionError

    reloading, _, usec = begun.partition("\nMONOTONIC_USEC=")
    assert reloading == "RELOADING=1" and int(usec) > 0
    assert systemd.heard() == ["READY=1"]


def test_a_reload_before_it_is_ready_does_not_say_that_it_is(systemd: Listening) -> None:
    manager = made(systemd.name)

    with manager.reloading():
        pass

    assert systemd.heard() == []


def test_the_end_is_told_once_and_nothing_is_ready_after_it(systemd: Listening) -> None:
    manager = made(systemd.name)
    manager.stopping()
    manager.stopping()
    with manager.reloading():
        pass
    manager.ticked("google: stopping")

    assert systemd.heard() == ["STOPPING=1\nSTATUS=stopping on request", "STATUS=google: stopping"]


@pytest.mark.parametrize("seconds", [10, 60, 180, 3600])
def test_the_watchdog_is_petted_before_half_of_its_time_or_with_every_tick(systemd: Listening, seconds: int) -> None:
    clock = Clock()
    manager = made(systemd.name, clock, WATCHDOG_USEC=str(seconds * 1_000_000), WATCHDOG_PID=str(os.getpid()))
    petted = []

    for _ in range(400):
        manager.ticked("x")
        if any("WATCHDOG=1" in message for message in systemd.heard()):
            petted.append(clock.now)
        clock.now += LONGEST_TICK_SECONDS

    gaps = [after - before for before, after in pairwise(petted)]
    assert petted[0] == 1000.0
    assert max(gaps) <= max(LONGEST_TICK_SECONDS, seconds / 2)


def test_the_loop_ticks_as_often_as_the_watchdog_counts_on_and_only_after_a_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert LOOK_SECONDS == LONGEST_TICK_SECONDS
    happened: list[str] = []
    looks = iter([0.0, 0.0, None])

    def step(_self: Dispatcher) -> float | None:
        happened.append("look")
        return next(looks)

    monkeypatch.setattr(Dispatcher, "step", step)
    host = SimulatedHost(World(0.0), {})

    def ticked() -> float:
        happened.append("tick")
        return 30.0

    Simulation(host).dispatcher.serve(ticked)

    assert happened == ["look", "tick", "look", "tick", "look"]


def test_many_ticks_pet_the_watchdog_once_a_second_at_most(systemd: Listening) -> None:
    clock = Clock()
    manager = made(systemd.name, clock, WATCHDOG_USEC="2000000")

    for _ in range(100):
        manager.ticked("x")
        clock.now += 0.01

    assert sum("WATCHDOG=1" in message for message in systemd.heard()) == 1


@pytest.mark.parametrize(
    "more",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "1"}],
)
def test_without_a_watchdog_of_ours_none_is_petted(systemd: Listening, more: dict[str, str]) -> None:
    ServiceManager({"NOTIFY_SOCKET": systemd.name, **more}).ticked("x")

    assert systemd.heard() == ["READY=1\nSTATUS=x"]


def test_what_is_told_is_one_short_line_whatever_names_hold(systemd: Listening) -> None:
    made(systemd.name).ticked("a\nWATCHDOG=1\udcff" + "é" * 1000)

    (message,) = systemd.heard()
    assert message.startswith("READY=1\nSTATUS=a WATCHDOG=1 é")
    assert len(message) < 420 and message.endswith(" ...")


@pytest.mark.parametrize(
    "name", ["", "/no/such/socket", "vsock:2:1", "relative", "@nobody-listens-here", "/" + "x" * 200]
)
def test_nobody_who_listens_is_no_fault(name: str) -> None:
    manager = made(name, WATCHDOG_USEC="1000000")

    manager.ticked("x")
    with manager.reloading():
        pass
    manager.stopping()


def test_a_socket_that_takes_nothing_does_not_delay_and_is_told_later(systemd: Listening) -> None:
    manager = made(systemd.name)
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filler.setblocking(False)
    with filler, pytest.raises(BlockingIOError):
        while True:
            filler.sendto(b"x", "\0" + systemd.name[1:] if systemd.name.startswith("@") else systemd.name)

    manager.ticked("x")
    assert not any("READY" in message for message in systemd.heard())
    manager.ticked("x")
    assert systemd.heard() == ["READY=1\nSTATUS=x"]


def test_programs_that_we_start_cannot_speak_for_us() -> None:
    environ = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/root"}

    assert ServiceManager(environ).listens
    assert environ == {"HOME": "/root"}
    assert not ServiceManager({}).listens


def test_the_status_says_of_every_uploader_what_it_does_and_why() -> None:
    said = status_line(
        {
            "google": UploaderStatus(UploaderState.WAITING, "waiting: 212.0 GB of 400.0 GB, next check 14:30"),
            "movies": UploaderStatus(UploaderState.FAILED, "the upload folder does not exist"),
            "backup": UploaderStatus(UploaderState.IDLE),
        }
    )

    assert said == (
        "google: waiting: 212.0 GB of 400.0 GB, next check 14:30; movies: failed: the upload folder does not exist; "
        "backup: idle"
    )
