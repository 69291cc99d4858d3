"""Delivery to receivers that work, raise, hang or vanish. Threads are waited for with events, never with sleeps."""

from __future__ import annotations

import gc
import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudplow import delivery, events
from cloudplow.delivery import EventBus
from cloudplow.events import Event
from tests.unit.helpers import FakeClock

WAIT_SECONDS = 20.0


class Receiver:
    """Keeps what it gets; may be made to hang at its first event until it is let go."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.events: list[Event] = []
        self.threads: list[threading.Thread] = []
        self.called = threading.Event()
        self._arrived = threading.Semaphore(0)
        self.go_on = threading.Event()
        if not hangs:
            self.go_on.set()

    def on_event(self, _sender: str, *, event: Event, **_extra: Any) -> None:
        self.threads.append(threading.current_thread())
        self.called.set()
        assert self.go_on.wait(WAIT_SECONDS)
        self.events.append(event)
        self._arrived.release()

    def wait_for(self, count: int) -> None:
        """Come back when so many events more have arrived."""
        for _ in range(count):
            assert self._arrived.acquire(timeout=WAIT_SECONDS)

    def seqs(self) -> list[int]:
        return [event.seq for event in self.events]

    def hang_now(self, bus: EventBus) -> None:
        """Have it called, and come back while the call lasts."""
        bus.publish(fact())
        assert self.called.wait(WAIT_SECONDS)


def fact(name: str = "a", uploader: str = "google") -> events.FileFailed:
    return events.FileFailed(uploader=uploader, name=name, error="", account="1.json", stage=1)


def progress(number: int, uploader: str = "google") -> events.TransferProgress:
    return events.TransferProgress(
        uploader=uploader, bytes=number, total_bytes=0, speed=0, eta=None, files=0, total_files=0, errors=0
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def bus(clock: FakeClock) -> Iterator[EventBus]:
    made = EventBus(now=FakeClock(), clock=clock)
    yield made
    clock.move(delivery.CLOSE_SECONDS)
    made.close()


@pytest.fixture
def make_receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes receivers of facts and progress; disconnects and lets go of them after the test."""
    made: list[Receiver] = []

    def make(*, hangs: bool = False) -> Receiver:
        receiver = Receiver(hangs=hangs)
        made.append(receiver)
        events.file_failed.connect(receiver.on_event)
        events.transfer_progress.connect(receiver.on_event)
        return receiver

    yield make
    for receiver in made:
        receiver.go_on.set()
        for signal in events.SIGNALS.values():
            signal.disconnect(receiver.on_event)


def test_numbers_are_gapless_and_in_order_whoever_publishes(
    bus: EventBus, make_receiver: Callable[..., Receiver]
) -> None:
    receiver = make_receiver()

    def publish() -> None:
        for _ in range(200):
            bus.publish(fact())

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bus.flush()
    assert receiver.seqs() == list(range(1, 1601))


def test_publish_returns_the_event_with_number_and_time(bus: EventBus) -> None:
    event = bus.publish(fact())
    assert (event.seq, event.at) == (1, FakeClock().at)


def test_an_event_that_is_emitted_by_its_fields_is_the_same(bus: EventBus) -> None:
    bus.publish(fact())
    fields: dict[str, Any] = {"uploader": "google", "name": "a", "error": "", "account": "1.json", "stage": 1}
    event = bus.emit(events.FileFailed, **fields)
    assert event == events.FileFailed(seq=2, at=FakeClock().at, **fields)


def test_fields_that_make_no_event_use_up_no_number(bus: EventBus) -> None:
    with pytest.raises(TypeError):
        bus.emit(events.FileFailed, nonsense=1)
    assert bus.publish(fact()).seq == 1


def test_receiver_is_called_one_event_at_a_time_on_a_thread_of_its_own(
    bus: EventBus, make_receiver: Callable[..., Receiver]
) -> None:
    first, second = make_receiver(), make_receiver()
    for number in range(50):
        bus.publish(fact())
        bus.publish(progress(number))
    assert bus.flush()
    assert len(set(first.threads)) == len(set(second.threads)) == 1
    assert {*first.threads, *second.threads}.isdisjoint({threading.current_thread()})
    assert first.threads[0] is not second.threads[0]
    assert first.threads[0].daemon


def test_plain_function_is_a_receiver_too(bus: EventBus) -> None:
    seen: list[str] = []

    def receive(sender: str, *, event: events.FileFailed, **_extra: Any) -> None:
        seen.append(f"{sender} {event.name}")

    with events.file_failed.connected_to(receive):
        bus.publish(fact("x", "other"))
        assert bus.flush()
    assert seen == ["other x"]


def test_receiver_of_one_uploader_gets_only_its_events(bus: EventBus) -> None:
    receiver = Receiver()
    with events.file_failed.connected_to(receiver.on_event, sender="google"):
        bus.publish(fact(uploader="other"))
        bus.publish(fact(uploader="google"))
        assert bus.flush()
    assert [event.uploader for event in receiver.events] == ["google"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_receiver_that_raises_goes_on_and_is_counted(
    bus: EventBus,
    make_receiver: Callable[..., Receiver],
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
) -> None:
    other = make_receiver()
    seen: list[int] = []

    def receive(_sender: str, *, event: Event, **_extra: Any) -> None:
        seen.append(event.seq)
        raise error

    with events.file_failed.connected_to(receive):
        for _ in range(3):
            bus.publish(fact())
        assert bus.flush()
    assert seen == other.seqs() == [1, 2, 3]
    assert re.findall(r"receive failed on file_failed \((\d) so far\)", caplog.text) == ["1", "2", "3"]


def test_hung_receiver_delays_neither_publish_nor_the_others(
    bus: EventBus, make_receiver: Callable[..., Receiver]
) -> None:
    hung, other = make_receiver(hangs=True), make_receiver()
    hung.hang_now(bus)
    for _ in range(99):
        bus.publish(fact())
    other.wait_for(100)
    assert hung.events == []
    hung.go_on.set()
    assert bus.flush()
    assert hung.seqs() == other.seqs() == list(range(1, 101))


def test_hung_receiver_is_disconnected_after_the_bound_and_the_log_says_so(
    bus: EventBus, clock: FakeClock, make_receiver: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    hung, other = make_receiver(hangs=True), make_receiver()
    hung.hang_now(bus)
    other.wait_for(1)
    clock.move(delivery.HUNG_SECONDS - 1)
    bus.publish(fact())
    bus.publish(fact())
    assert "is hung" not in caplog.text
    clock.move(2)
    bus.publish(fact())
    assert "on_event is hung (its current call has lasted 301 s, waiting events: 2) and is disconnected" in caplog.text
    assert len(list(events.file_failed.receivers_for("google"))) == 1
    assert len(list(events.transfer_progress.receivers_for("google"))) == 1
    bus.publish(fact())
    hung.go_on.set()
    assert bus.flush()
    assert other.seqs() == [1, 2, 3, 4, 5]
    hung.threads[0].join(WAIT_SECONDS)
    assert not hung.threads[0].is_alive()
    assert hung.seqs() == [1]


def test_receiver_that_is_too_far_behind_is_disconnected(
    bus: EventBus,
    make_receiver: Callable[..., Receiver],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "BACKLOG_LIMIT", 10)
    hung = make_receiver(hangs=True)
    hung.hang_now(bus)
    for _ in range(10):
        bus.publish(fact())
    assert "is hung" not in caplog.text
    bus.publish(fact())
    assert "waiting events: 10" in caplog.text
    assert not events.file_failed.receivers


def test_slow_receiver_gets_every_fact_but_only_the_newest_progress(
    bus: EventBus, make_receiver: Callable[..., Receiver]
) -> None:
    slow = make_receiver(hangs=True)
    slow.hang_now(bus)
    for number in range(500):
        bus.publish(progress(number))
        bus.publish(progress(number, "other"))
        bus.publish(fact(str(number)))
    slow.go_on.set()
    assert bus.flush()
    names = [event.name for event in slow.events if isinstance(event, events.FileFailed)]
    assert names == ["a", *map(str, range(500))]
    for uploader in ("google", "other"):
        numbers = [
            event.bytes
            for event in slow.events
            if isinstance(event, events.TransferProgress) and event.uploader == uploader
        ]
        assert numbers == sorted(numbers)
        assert numbers[-1] == 499
        assert len(numbers) <= delivery.COALESCE_FROM
    assert slow.seqs() == sorted(slow.seqs())


def test_receiver_without_pressure_gets_all_progress(bus: EventBus, make_receiver: Callable[..., Receiver]) -> None:
    receiver = make_receiver(hangs=True)
    receiver.hang_now(bus)
    for number in range(delivery.COALESCE_FROM // 2):
        bus.publish(progress(number))
    receiver.go_on.set()
    assert bus.flush()
    assert len(receiver.events) == 1 + delivery.COALESCE_FROM // 2


def test_one_receiver_is_waited_for_while_another_one_hangs(
    bus: EventBus, make_receiver: Callable[..., Receiver]
) -> None:
    hung, working = make_receiver(hangs=True), make_receiver()
    hung.hang_now(bus)
    for number in range(100):
        bus.publish(fact(str(number)))

    assert bus.flush_receiver(working.on_event)
    assert len(working.events) == 101
    assert hung.events == []


def test_a_receiver_that_hangs_is_waited_for_in_vain(
    bus: EventBus, clock: FakeClock, make_receiver: Callable[..., Receiver]
) -> None:
    hung = make_receiver(hangs=True)
    hung.hang_now(bus)
    clock.move(delivery.CLOSE_CALL_SECONDS)

    assert not bus.flush_receiver(hung.on_event)


def test_a_receiver_that_never_got_anything_is_not_waited_for(bus: EventBus) -> None:
    assert bus.flush_receiver(Receiver().on_event)


def test_receiver_that_nobody_keeps_vanishes(bus: EventBus) -> None:
    receiver = Receiver()
    seen = receiver.events
    events.file_failed.connect(receiver.on_event)
    bus.publish(fact())
    assert bus.flush()
    del receiver
    gc.collect()
    bus.publish(fact())
    assert bus.flush()
    assert [event.seq for event in seen] == [1]
    assert not list(events.file_failed.receivers_for("google"))


def test_receiver_that_cannot_be_referenced_weakly_is_kept_when_connected_so(bus: EventBus) -> None:
    class Odd:
        __slots__ = ("seen",)

        def __init__(self) -> None:
            self.seen: list[int] = []

        def __call__(self, _sender: str, *, event: Event, **_extra: Any) -> None:
            self.seen.append(event.seq)

    odd = Odd()
    events.file_failed.connect(odd, weak=False)
    try:
        for _ in range(3):
            bus.publish(fact())
        assert bus.flush()
    finally:
        events.file_failed.disconnect(odd)
    assert odd.seen == [1, 2, 3]


def test_new_receiver_in_the_place_of_a_vanished_one_starts_afresh(bus: EventBus) -> None:
    for _ in range(20):
        receiver = Receiver()
        with events.file_failed.connected_to(receiver.on_event):
            event = bus.publish(fact())
            assert bus.flush()
        assert receiver.seqs() == [event.seq]
        del receiver


def test_close_delivers_everything_first_and_nothing_afterwards(make_receiver: Callable[..., Receiver]) -> None:
    bus = EventBus()
    receiver = make_receiver()
    for _ in range(1000):
        bus.publish(fact())
    bus.close()
    assert receiver.seqs() == list(range(1, 1001))
    assert bus.publish(fact()).seq == 1001
    bus.close()
    assert len(receiver.events) == 1000


def test_close_leaves_a_hung_receiver_behind_and_says_so(
    clock: FakeClock, make_receiver: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    bus = EventBus(clock=clock)
    hung, other = make_receiver(hangs=True), make_receiver()
    hung.hang_now(bus)
    for _ in range(5):
        bus.publish(fact())
    other.wait_for(6)
    clock.move(delivery.CLOSE_CALL_SECONDS)
    bus.close()
    assert "did not return in time; undelivered events: 5" in caplog.text
    assert other.seqs() == [1, 2, 3, 4, 5, 6]
    hung.go_on.set()
    hung.threads[0].join(WAIT_SECONDS)
    assert not hung.threads[0].is_alive()
    assert hung.seqs() == [1]


def test_flush_gives_up_at_its_time(bus: EventBus, clock: FakeClock, make_receiver: Callable[..., Receiver]) -> None:
    hung = make_receiver(hangs=True)
    hung.hang_now(bus)
    assert not bus.flush(0.0)


def test_a_few_events_after_each_other_are_delivered_without_a_rest(
    bus: EventBus, make_receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "REST_SECONDS", 3600.0)
    receiver = make_receiver()

    for _ in range(delivery.WITHOUT_REST):
        bus.publish(fact())
        receiver.wait_for(1)

    assert receiver.seqs() == [*range(1, delivery.WITHOUT_REST + 1)]


def test_what_comes_while_a_receiver_rests_is_delivered_at_once_when_somebody_waits_for_it(
    bus: EventBus, make_receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "REST_SECONDS", 3600.0)
    monkeypatch.setattr(delivery, "WITHOUT_REST", 0)
    receiver = make_receiver()
    bus.publish(fact())
    receiver.wait_for(1)

    for _ in range(3):
        bus.publish(fact())

    assert bus.flush(WAIT_SECONDS)
    assert receiver.seqs() == [1, 2, 3, 4]


def test_a_receiver_that_rests_delays_the_end_no_more_than_others(
    make_receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "REST_SECONDS", 3600.0)
    monkeypatch.setattr(delivery, "WITHOUT_REST", 0)
    bus, receiver = EventBus(), make_receiver()
    bus.publish(fact())
    receiver.wait_for(1)
    bus.publish(fact())

    bus.close()

    assert receiver.seqs() == [1, 2]
    receiver.threads[-1].join(WAIT_SECONDS)
    assert not receiver.threads[-1].is_alive()


def test_idle_thread_ends_and_a_new_one_takes_over(
    bus: EventBus, make_receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "IDLE_SECONDS", 0.0)
    receiver = make_receiver()
    for number in (1, 2):
        bus.publish(fact())
        assert bus.flush()
        receiver.threads[-1].join(WAIT_SECONDS)
        assert not receiver.threads[-1].is_alive()
        assert len(set(receiver.threads)) == number
    assert receiver.seqs() == [1, 2]


def test_system_without_threads_delays_events_but_breaks_nothing(
    bus: EventBus,
    make_receiver: Callable[..., Receiver],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver = make_receiver()

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", refuse)
        bus.publish(fact())
    assert "waits, as no thread can be started" in caplog.text
    bus.publish(fact())
    assert bus.flush()
    assert receiver.seqs() == [1, 2]


def test_log_of_a_failing_receiver_carries_its_traceback(bus: EventBus, caplog: pytest.LogCaptureFixture) -> None:
    def receive(_sender: str, **_extra: Any) -> None:
        raise LookupError("where it broke")

    with caplog.at_level(logging.ERROR), events.file_failed.connected_to(receive):
        bus.publish(fact())
        assert bus.flush()
    assert "where it broke" in caplog.text
