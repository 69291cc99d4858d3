"""Waiting while something does not work."""

from __future__ import annotations

from typing import Any

import pytest

from cloudplow.events import UploaderState
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.outage import LIMIT_SECONDS, Outage


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, patient: bool = False) -> None:
        self.now = 1_000_000.0
        self.pauses: list[float] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.controls = SessionControls()
        monkeypatch.setattr(self.controls, "wait", self._wait)
        self.outage = Outage(self.controls, self._emit, lambda: self.now, patient=patient)

    def _wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return self.controls.should_stop()

    def _emit(self, event_type: type, **fields: Any) -> None:
        self.told.append((event_type.__name__, fields))


def test_pauses_grow_and_say_since_when_and_until_when(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    assert [world.outage.wait("no network") for _ in range(8)] == [""] * 8

    assert world.pauses == [5, 15, 60, 120, 240, 480, 600, 600]
    names = [name for name, _ in world.told]
    status = "UploaderStatusChanged"
    assert names[:4] == ["UploaderSuspended", status, status, "UploaderResumed"]
    offline, over = world.told[1][1], world.told[2][1]
    assert offline == {"state": UploaderState.OFFLINE, "why": world.told[0][1]["reason"], "until": 1_000_005.0}
    assert over == {"state": UploaderState.UPLOADING, "why": ""}
    first = world.told[0][1]
    assert first["until"] == 1_000_005.0
    assert first["reason"].startswith("no network (since ")
    assert ", next try " in first["reason"]
    assert world.controls.status().state is UploaderState.OFFLINE


def test_it_gives_up_after_two_hours_unless_it_was_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    hasty, patient = World(monkeypatch), World(monkeypatch, patient=True)
    answers = [hasty.outage.wait("no network") for _ in range(60)]
    assert all(patient.outage.wait("no network") == "" for _ in range(60))

    first = next(number for number, answer in enumerate(answers) if answer)
    assert "no network (since " in answers[first]
    assert LIMIT_SECONDS <= sum(hasty.pauses[:first]) < LIMIT_SECONDS + 600


def test_when_it_works_again_the_pauses_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    for _ in range(3):
        world.outage.wait("x")
    world.outage.over()
    world.outage.wait("x")

    assert world.pauses == [5, 15, 60, 5]


def test_stopped_while_it_waits_nothing_has_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.controls.stop()
    world.outage.wait("x")

    assert [name for name, _ in world.told] == ["UploaderSuspended", *2 * ["UploaderStatusChanged"]]
    assert world.told[-1][1]["why"] == ""
