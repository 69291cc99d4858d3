"""The rounds of the thread that sends, with a worker that is none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cloudplow.services.notify.outbox import RETRY_SECONDS
from cloudplow.services.notify.process import Answer
from cloudplow.services.notify.requests import Job
from cloudplow.services.notify.sender import IDLE_SECONDS, Sender
from tests.unit.helpers import FakeClock


class FakeWorker:
    """Answers as it is told: `answers` None means that it has ended."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.answers: list[Answer] | None = []
        self.got: list[int] = []
        self.prepared = self.closed = False
        self.output, self._end = os.pipe()
        os.write(self._end, b"x")  # there is always something to read

    def prepare(self) -> None:
        self.prepared = True

    def send(self, number: int, _job: Job) -> None:
        if self.refuses:
            raise BrokenPipeError(32, "Broken pipe")
        self.got.append(number)

    def read(self) -> list[Answer] | None:
        answers, self.answers = self.answers, [] if self.answers is not None else None
        return answers

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self.output)
            os.close(self._end)


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.workers: list[FakeWorker] = []
        self.failed: list[tuple[str, str, bool]] = []
        self.sent: list[str] = []
        self.next_is_dead = self.next_refuses = False
        self.sender = Sender(
            lambda *told: self.failed.append(told),
            on_sent=self.sent.append,
            needs_apprise=True,
            start_worker=self._start,
            clock=self.clock,
        )
        # The rounds are played by the test.
        self.sender.wake = lambda: None  # type: ignore[method-assign]

    def _start(self) -> FakeWorker:
        worker = FakeWorker(refuses=self.next_refuses)
        worker.answers = None if self.next_is_dead else []
        self.workers.append(worker)
        return worker

    def round(self) -> bool:
        return self.sender.step()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    for worker in made.workers:
        worker.close()
    made.sender.stop()


def test_a_worker_is_started_for_a_message_and_prepared(bench: Bench) -> None:
    bench.sender.submit("chat", {}, "x")
    bench.round()
    (worker,) = bench.workers
    assert worker.prepared and len(worker.got) == 1
    worker.answers = [Answer(worker.got[0], "")]
    bench.round()
    assert bench.sent == ["chat"]


def test_a_worker_that_nobody_needs_is_ended_after_a_while_but_not_while_an_upload_runs(bench: Bench) -> None:
    bench.sender.keep_ready(True)
    bench.round()
    bench.clock.move(10 * IDLE_SECONDS)
    bench.round()
    assert not bench.workers[0].closed
    bench.sender.keep_ready(False)
    bench.round()
    bench.clock.move(IDLE_SECONDS)
    bench.round()
    assert bench.workers[0].closed


def test_a_worker_that_always_ends_at_once_is_not_started_for_ever(bench: Bench) -> None:
    bench.next_is_dead = True
    bench.sender.keep_ready(True)
    for _ in range(10):
        bench.sender.submit("chat", {}, "x") if not bench.workers else None
        if len(bench.workers) < 3 or not bench.workers[-1].closed:
            bench.round()
    assert len(bench.workers) == 3
    assert bench.failed == [("chat", "the process that sends ended", True)]


def test_a_worker_that_takes_nothing_fails_what_it_was_given_and_that_is_tried_again(bench: Bench) -> None:
    bench.next_refuses = True
    bench.sender.submit("chat", {}, "x")
    bench.sender.submit("mail", {}, "x")
    bench.sender._take(bench.clock())
    bench.sender._send_due(bench.clock())
    assert [name for name, _, again in bench.failed if again] == ["chat", "mail"]

    bench.next_refuses = False
    bench.clock.move(RETRY_SECONDS)
    bench.round()
    assert len(bench.workers[-1].got) == 2


def test_beats_come_at_once_and_then_regularly(bench: Bench) -> None:
    bench.sender._beat, bench.sender.beat_seconds = (lambda: [("kuma", {})]), 45.0
    bench.round()
    (worker,) = bench.workers
    worker.answers = [Answer(worker.got[0], "")]
    bench.round()
    bench.clock.move(45.0)
    bench.round()
    assert len(worker.got) == 2
