"""What happens in a stage, as charges and events."""

from __future__ import annotations

import os
from typing import Any

import pytest

from cloudplow import events
from cloudplow.events import Transferring
from cloudplow.models import QueueFile
from cloudplow.rclone.log import Stats
from cloudplow.upload.stage_events import QUOTA_EVENT_SECONDS, StageReporter
from tests.unit.helpers import FakeClock


class Told:
    """A reporter, and everything it tells."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []
        self.clock = FakeClock(100.0)
        self.reporter = StageReporter(
            stage=3,
            account="1.json",
            emit=lambda event_type, **fields: self.log.append(("event", event_type(**fields))),
            charge=lambda size: self.log.append(("charge", size)),
            quota_changed=lambda: self.log.append(("quota", None)),
            forget=lambda file, already_there: self.log.append(("forget", (file, already_there))),
            outlook=lambda stats: {"bytes_left": stats.total_bytes - stats.bytes, "done_at": 5.0},
            clock=self.clock,
        )


@pytest.fixture
def told() -> Told:
    return Told()


FILE = QueueFile(os.fsdecode(b"a\xffb"), 10)


def test_uploaded_bytes_are_charged_at_once(told: Told) -> None:
    told.reporter.on_uploaded(FILE)
    assert told.log == [("charge", 10)]


def test_state_of_the_account_comes_at_most_once_a_second(told: Told) -> None:
    for _ in range(30):
        told.reporter.on_uploaded(FILE)
        told.clock.move(QUOTA_EVENT_SECONDS / 10)
    assert [what for what, _ in told.log].count("quota") == 2


def test_transferred_file_leaves_the_queue_before_anybody_hears_of_it(told: Told) -> None:
    told.reporter.on_transferred(FILE, already_there=True)
    event = events.FileTransferred(name="a\ufffdb", size=10, account="1.json", stage=3, already_there=True)
    assert told.log == [("forget", (FILE, True)), ("event", event)]


def test_failed_file_is_told_with_account_and_stage(told: Told) -> None:
    told.reporter.on_failed("a", "no")
    assert told.log == [("event", events.FileFailed(name="a", error="no", account="1.json", stage=3))]


def test_progress_carries_the_outlook_on_the_whole_queue(told: Told) -> None:
    under_way = Transferring(name="a", size=10, bytes=5, speed=1.0, eta=5.0, percentage=50)
    stats = Stats(
        bytes=5,
        total_bytes=20,
        speed=1.0,
        eta=None,
        files=1,
        total_files=2,
        errors=0,
        transferring=(under_way,),
        checking=("b",),
    )
    told.reporter.on_progress(stats)
    ((_, event),) = told.log
    assert isinstance(event, events.TransferProgress)
    assert (event.bytes, event.total_bytes, event.eta, event.files, event.total_files) == (5, 20, None, 1, 2)
    assert (event.transferring, event.checking) == ((under_way,), ("b",))
    assert (event.bytes_left, event.done_at, event.done_with_quotas_at) == (15, 5.0, None)
