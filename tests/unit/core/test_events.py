"""The facts that plugins rely on: which there are, what they carry, that nobody can change them."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import pytest
from blinker import NamedSignal

from cloudplow import events
from cloudplow.events import Event

#: The promise to plugins: signals and the fields that are never renamed or removed.
PROMISED: Final = {
    "session_started": "upload_folder upload_remote accounts_total dry_run",
    "queue_learned": "files bytes distribution source confidence duration_seconds",
    "stage_started": "stage account account_index accounts_total planned_files planned_bytes quota_remaining_bytes",
    "sa_switched": "previous current account_index accounts_total reason",
    "transfer_progress": "bytes total_bytes speed eta files total_files errors transferring checking",
    "file_transferred": "name size account stage",
    "file_failed": "name error account stage",
    "quota_changed": "account used_bytes limit_bytes resets_at",
    "stage_finished": "stage account outcome files bytes duration_seconds",
    "uploader_suspended": "reason until",
    "uploader_resumed": "reason until",
    "throttle_changed": "limit streams",
    "session_finished": "outcome files bytes files_left bytes_left next_capacity_at",
}
COMMON: Final = {"seq", "at", "session_id", "uploader"}


def event_types() -> dict[str, type[Event]]:
    return {one.signal_name: one for one in Event.__subclasses__()}


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_signal_has_its_promised_fields(name: str) -> None:
    signal = getattr(events, name)
    assert isinstance(signal, NamedSignal)
    assert events.SIGNALS[name] is signal
    fields = {field.name for field in dataclasses.fields(event_types()[name])}
    assert set(PROMISED[name].split()) | COMMON <= fields


def test_every_event_has_a_signal_and_every_signal_an_event_but_what_other_processes_left_or_do() -> None:
    left = events.SessionRecovered, events.TransfersRecovered
    followed = events.ProgramFollowed, events.SessionJoined, events.ProgramEnded
    others = {one.signal_name for one in (*left, *followed)}
    assert set(events.SIGNALS) | others == set(event_types())
    assert not set(events.SIGNALS) & others
    assert all(getattr(events, name) is signal for name, signal in events.SIGNALS.items())


@pytest.mark.parametrize("event_type", event_types().values(), ids=lambda one: str(one.signal_name))
def test_no_receiver_can_change_what_the_next_one_sees(event_type: type[Event]) -> None:
    required = [
        field.name
        for field in dataclasses.fields(event_type)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    fields: dict[str, Any] = dict.fromkeys(required, 0)
    event = event_type(**fields)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.seq = 7  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        event.anything = 7  # type: ignore[attr-defined]


@pytest.mark.parametrize("event_type", event_types().values(), ids=lambda one: str(one.signal_name))
def test_docstring_of_an_event_names_its_signal(event_type: type[Event]) -> None:
    assert f"`{event_type.signal_name}`" in (event_type.__doc__ or "")


def test_connecting_with_a_sender_selects_one_uploader() -> None:
    seen: list[str] = []

    def receive(sender: str, *, event: Event, **_extra: Any) -> None:
        seen.append(event.uploader)

    with events.throttle_changed.connected_to(receive, sender="google"):
        for uploader in ("google", "other", "google"):
            event = events.ThrottleChanged(uploader=uploader, limit=None, streams=0)
            events.throttle_changed.send(uploader, event=event)
    assert seen == ["google", "google"]
