"""Which ends an upload beside a running instance takes for its own."""

from __future__ import annotations

from typing import Any

from cloudplow.commands.beside import Attending
from cloudplow.events import SessionFinished, SessionOutcome, UploaderState, UploaderStatusChanged


def ended(name: str = "google", outcome: SessionOutcome = SessionOutcome.DONE, **more: Any) -> SessionFinished:
    fields = {"files": 1, "bytes": 1, "files_left": 0, "bytes_left": 0, "next_capacity_at": None} | more
    return SessionFinished(uploader=name, outcome=outcome, **fields)


def waits(state: UploaderState, why: str) -> UploaderStatusChanged:
    return UploaderStatusChanged(uploader="google", state=state, why=why)


def test_only_the_end_of_the_same_run_counts() -> None:
    attending = Attending({"google": "mine"}, wait=False)
    for other in (ended(run_id="another"), ended("movies", run_id="mine")):
        attending.take(other)
        assert not attending.is_over
    attending.take(ended(run_id="mine"))
    assert attending.is_over


def test_an_end_without_a_run_counts_unless_it_is_from_before() -> None:
    attending = Attending({"google": "mine"}, wait=False)
    attending.take(ended(outcome=SessionOutcome.FAILED), past=True)
    assert not attending.is_over
    attending.take(ended(outcome=SessionOutcome.INTERRUPTED))  # that of an instance that was killed
    assert attending.ended["google"].outcome is SessionOutcome.INTERRUPTED


def test_used_up_quota_is_the_end_only_for_who_does_not_wait() -> None:
    for wait in (False, True):
        attending = Attending({"google": "mine"}, wait=wait)
        attending.take(ended(outcome=SessionOutcome.QUOTA_USED, run_id="mine"))
        assert attending.is_over is not wait


def test_what_is_paused_or_vetoed_meanwhile_ends_it_and_other_waits_are_shown() -> None:
    attending = Attending({"google": "mine"}, wait=False)
    assert attending.take(waits(UploaderState.WAITING, "waits until movies has finished")) == (
        "waits until movies has finished"
    )
    attending.take(waits(UploaderState.VETOED, "not now: a film"))
    assert attending.ended["google"].outcome is SessionOutcome.SUSPENDED
