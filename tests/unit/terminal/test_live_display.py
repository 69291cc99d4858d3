"""The live view: what its bar counts. Nothing is drawn."""

from __future__ import annotations

import logging

import pytest

from cloudplow import events
from cloudplow.terminal.live_display import LiveDisplay


def shown(*happened: events.Event) -> list[tuple[float | None, float | None]]:
    """Bytes done, and bytes in all, after each event."""
    display = LiveDisplay()
    found: list[tuple[float | None, float | None]] = []
    for event in happened:
        display.on_event("google", event=event)
        task = display._progress_view.tasks[0]
        found.append((task.completed, task.total))
    return found


def file(size: int, *, found_later: bool = False) -> events.FileTransferred:
    return events.FileTransferred(
        uploader="google", name="a.mkv", size=size, account="1.json", stage=0, found_later=found_later
    )


def test_a_file_that_was_found_later_counts_but_was_not_in_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    steps = shown(
        events.SessionStarted(
            uploader="google", upload_folder="/m", upload_remote="g:", accounts_total=1, dry_run=False
        ),
        file(5, found_later=True),
        events.QueueLearned(
            uploader="google",
            files=2,
            bytes=100,
            distribution={},
            source="lsf",
            confidence="exact",
            duration_seconds=0.1,
        ),
        file(30),
        file(7, found_later=True),
    )

    assert steps == [(0, None), (5, None), (5, 105), (35, 105), (42, 112)]
    told = [one.message for one in caplog.records if "a.mkv" in one.message]
    assert told == [
        "google: a.mkv arrived after all (found at the destination): 5.0 B with 1.json",
        "google: a.mkv arrived after all (found at the destination): 7.0 B with 1.json",
    ]
