"""What signals do outside of an upload, and how a watch carries them to a thread."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from cloudplow import signals
from cloudplow.commands.stopping import stop_on_signals


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    saved = {number: signal.getsignal(number) for number in signals.ENDING}
    # Whoever started the tests may have done so under nohup, and another test may have run a command in this process.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signals.settle(signals.INTERRUPTED)
    vars(signals)["_mode"].raised_at = None
    yield
    for number, handler in saved.items():
        signal.signal(number, handler)
    signals.settle(signals.INTERRUPTED)
    vars(signals)["_mode"].raised_at = None


def test_a_signal_ends_the_process_after_what_must_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    done: list[str] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(signals, "before_end", [lambda: 1 / 0, lambda: done.append("killed")])
    signals.take_over()
    for number in signals.ENDING:
        signal.raise_signal(number)
    signals.settle(3)
    signal.raise_signal(signal.SIGTERM)

    assert ended == [130, 130, 130, 130, 3]
    assert done == ["killed"] * 5


def test_commands_that_clean_up_are_interrupted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    signals.take_over()
    signals.raise_interrupts()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)

    assert ended == []


def test_an_ignored_hang_up_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.take_over()
    with stop_on_signals(lambda: None):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN

    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_while_an_upload_runs_signals_interrupt_nothing_and_ask_for_the_end() -> None:
    asked = threading.Semaphore(0)
    lock = threading.Lock()
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals(lambda: asked.release()), lock:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
            assert asked.acquire(timeout=5)

    assert signal.getsignal(signal.SIGTERM) == before


def test_who_waits_for_a_person_is_interrupted() -> None:
    with stop_on_signals(lambda: None) as watch:
        assert watch is not None
        with watch.interrupting(), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
