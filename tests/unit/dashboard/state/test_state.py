"""The document, its versions and its patches."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow import events
from cloudplow_dashboard.state import facts as facts_module
from cloudplow_dashboard.state import state as state_module
from cloudplow_dashboard.state.patches import merge
from cloudplow_dashboard.state.state import DashboardState
from tests.examples import examples
from tests.unit.dashboard.helpers import (
    EVENTS,
    NOW,
    Clock,
    file_failed,
    file_transferred,
    make_state,
    progress,
    quota_changed,
    session_finished,
    session_started,
    suspended,
)


def patches_since(state: DashboardState, version: int) -> list[dict[str, Any]]:
    """The data of the frames after a version."""
    patches = []
    while version < state.version:
        part = state.ring.since(version, state.version)
        assert part is not None
        data, version = part
        patches += [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: ")]
    return patches


def body(state: DashboardState) -> Any:
    return json.loads(state.snapshot().body)


def assert_fit_for_json(value: Any) -> None:
    """No null anywhere, no number that JSON cannot hold."""
    assert value is not None
    if isinstance(value, dict):
        for member in value.values():
            assert_fit_for_json(member)
    elif isinstance(value, list):
        for member in value:
            assert_fit_for_json(member)


STEPS = st.lists(st.one_of(EVENTS, st.sampled_from(["publish", "facts only", "expire"])), max_size=25)


@settings(max_examples=examples(150))
@given(steps=STEPS, cut=st.integers(0, 25))
def test_patches_lead_from_any_snapshot_exactly_to_the_present_document(steps: list[Any], cut: int) -> None:
    clock = Clock()
    state = make_state(clock)
    early = body(state)
    middle = early
    for number, step in enumerate(steps):
        if number == cut:
            middle = body(state)
        if step == "publish":
            state.publish()
        elif step == "facts only":
            state.publish(slow=False)
        elif step == "expire":
            clock.now += 1e9
            state.expire(clock.now)
        else:
            state.apply(step)

    latest = body(state)

    for document in (early, middle):
        for patch in patches_since(state, document["version"]):
            assert patch["ts"] > 0
            document = merge(document, patch)
        assert document | {"ts": 0} == latest | {"ts": 0}
    assert_fit_for_json(latest)
    assert json.loads(json.dumps(state.document())) | {"ts": 0} == latest | {"ts": 0}


@given(sizes=st.lists(st.integers(0, 1 << 50), max_size=40))
def test_totals_are_the_exact_sums_of_files_since_the_session_started(sizes: list[int]) -> None:
    state = make_state()
    state.apply(file_transferred(size=999))
    state.apply(session_started())
    for size in sizes:
        state.apply(file_transferred(size=size))

    session = state.document()["uploaders"]["google"]["session"]

    assert (session["files_done"], session["bytes_done"]) == (len(sizes), sum(sizes))


def test_an_unknown_event_is_ignored() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Novelty(events.Event):
        signal_name: ClassVar[str] = "novelty"

    state = make_state()
    state.apply(Novelty(uploader="google"))

    assert state.document()["uploaders"] == {}


def test_events_sent_by_hand_need_no_number_no_time_and_no_name() -> None:
    state = make_state()
    quota = events.QuotaChanged(account="/keys/1.json", used_bytes=5, limit_bytes=10, resets_at=None)

    with events.quota_changed.connected_to(state.receive):
        events.quota_changed.send("google", event=quota)

    google = state.document()["uploaders"]["google"]
    assert google["accounts"]["1.json"]["used_bytes"] == 5
    assert google["active"] is False
    assert state.health()["last_event_age_seconds"] == 0


def test_an_event_that_cannot_be_taken_in_is_logged_and_the_next_one_is_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = make_state()
    broken: Any = SimpleNamespace(signal_name="file_failed", at=0.0, uploader="google", session_id="")

    state.receive("google", event=broken)
    state.receive("google", event=file_transferred())

    assert "could not process file_failed" in caplog.text
    assert state.document()["uploaders"]["google"]["session"]["files_done"] == 1


def test_nothing_changed_makes_no_version() -> None:
    state = make_state()
    state.apply(session_started())
    version = state.publish()
    state.apply(quota_changed())
    second = state.publish()
    state.apply(quota_changed())

    assert (version, second, state.publish()) == (2, 3, 3)


def test_statistics_wait_when_only_facts_are_published() -> None:
    state = make_state()
    state.apply(session_started())
    state.publish()
    state.apply(progress(speed=77.0))
    state.apply(file_transferred())

    state.publish(slow=False)
    before = patches_since(state, 2)
    state.publish()
    after = patches_since(state, 3)

    assert "progress" not in before[0]["uploaders"]["google"]
    assert after[0]["uploaders"] == {"google": {"progress": {"speed": 77.0, **_rest(after)}}}


def _rest(patches: list[dict[str, Any]]) -> dict[str, Any]:
    part = dict(patches[0]["uploaders"]["google"]["progress"])
    part.pop("speed")
    return part


def test_the_end_of_a_stage_clears_the_statistics_at_once() -> None:
    state = make_state()
    state.apply(session_started())
    state.apply(progress(events.Transferring(name="a", size=1, bytes=0, speed=1.0, eta=None, percentage=0)))
    state.publish()
    state.apply(session_finished())

    state.publish(slow=False)

    assert patches_since(state, 2)[-1]["uploaders"]["google"]["progress"]["transferring"] == {"1": None}


def test_the_snapshot_says_when_it_was_made_though_nothing_changed() -> None:
    clock = Clock()
    state = make_state(clock)
    first = body(state)
    clock.now += 100

    second = body(state)

    assert second["ts"] - first["ts"] == 100
    assert second["version"] == first["version"]


def test_sentences_are_bounded_and_numbered_upwards_whatever_events_say() -> None:
    state = make_state()
    for _ in range(facts_module.FACTS_LIMIT + 20):
        state.apply(suspended())

    facts = state.document()["facts"]

    assert len(facts) == facts_module.FACTS_LIMIT
    assert [fact["seq"] for fact in facts.values()] == list(range(21, facts_module.FACTS_LIMIT + 21))


def test_uploaders_are_bounded_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    state = make_state()
    for number in range(state_module.UPLOADERS_LIMIT + 5):
        state.apply(events.ThrottleChanged(uploader=f"u{number}", limit=None, streams=0))

    assert len(state.document()["uploaders"]) == state_module.UPLOADERS_LIMIT
    assert len(caplog.records) == 1


def test_a_listener_hears_of_facts_and_of_statistics() -> None:
    heard: list[bool] = []
    state = make_state()
    state.apply(session_started())
    state.apply(progress())
    state.publish()
    state.listen(heard.append)

    state.apply(progress())
    state.apply(file_failed())
    state.apply(events.Event(uploader="google"))

    assert heard == [False, True, False]


def test_engine_and_recovered_follow_the_sessions() -> None:
    state = make_state()
    idle = state.health()
    state.apply(session_started())
    uploading = state.health()
    state.stop()

    assert (idle["engine"], idle["last_event_age_seconds"]) == ("idle", -1)
    assert uploading["engine"] == "uploading"
    assert state.document()["engine"] == "stopped"


def test_an_account_whose_time_has_come_is_ready_again() -> None:
    state = make_state()
    state.apply(quota_changed(state="denied", why="Google said no", until=NOW + 60))
    state.publish()

    state.expire(NOW + 59)
    still = state.publish()
    state.expire(NOW + 60)

    assert state.publish() == still + 1
    row = state.document()["uploaders"]["google"]["accounts"]["1.json"]
    assert (row["state"], row["why"], row["until"], row["used_bytes"]) == ("ready", "", 0, 300)


def test_threads_that_feed_and_read_at_once_lose_nothing() -> None:
    state = make_state()
    state.apply(session_started())

    def feed() -> None:
        for _ in range(500):
            state.apply(file_transferred(size=3))

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    document = body(state)
    for _ in range(50):
        state.publish(slow=False)
    for thread in threads:
        thread.join()
    state.publish()

    for patch in patches_since(state, document["version"]):
        document = merge(document, patch)
    assert document["uploaders"]["google"]["session"]["bytes_done"] == 6000


def test_notifications_that_failed_are_counted_and_belong_to_no_uploader() -> None:
    state = make_state()
    for _ in range(3):
        state.receive("", event=events.NotificationFailed(receiver="chat", error="no answer"))

    document = state.document()

    assert document["notifications_failed"] == 3
    assert document["uploaders"] == {}
