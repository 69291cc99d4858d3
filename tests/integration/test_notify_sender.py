"""The process that sends notifications, with receivers that work, fail, hang and drip. No rclone."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cloudplow.services.notify import outbox, sender
from cloudplow.services.notify.config import Receiver
from cloudplow.services.notify.levels import Level, Message
from cloudplow.services.notify.process import Worker
from cloudplow.services.notify.requests import Job, message_job
from cloudplow.services.notify.sender import Sender
from tests.harness.receivers import Receivers, receivers
from tests.tools import free_port

SECRET: Final = "s3cr3tT0ken"
#: What the end may take more than it says, on a machine that is busy, in seconds.
SLACK_SECONDS: Final = 2.0


@pytest.fixture
def there() -> Iterator[Receivers]:
    with receivers() as found:
        yield found


class Told:
    """What the sender says."""

    def __init__(self) -> None:
        self.results: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def failed(self, receiver: str, error: str, _again: bool) -> None:
        self.results.put((receiver, error))

    def sent(self, receiver: str) -> None:
        self.results.put((receiver, ""))

    def next(self) -> tuple[str, str]:
        return self.results.get(timeout=30)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def sending(told: Told, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    monkeypatch.setattr(outbox, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.3)
    made = Sender(told.failed, on_sent=told.sent)
    yield made
    if made._thread is not None and made._thread.is_alive():
        made.stop()


def slack(url: str, text: str = "hello") -> Job:
    return message_job(Receiver(service="slack", webhook_url=url), Message(Level.INFO, text))


def apprise(url: str) -> Job:
    return message_job(Receiver(service="apprise", url=url), Message(Level.WARNING, "hello"))


def worker_of(one: Sender) -> Worker:
    worker = one._worker
    assert isinstance(worker, Worker)
    return worker


def test_a_receiver_that_works_gets_messages_in_order(there: Receivers, told: Told, sending: Sender) -> None:
    for number in range(5):
        sending.submit("chat", slack(there.url("works", "order"), f"message {number}"), str(number))
    assert [told.next() for _ in range(5)] == [("chat", "")] * 5

    texts = [one.text for one in there.of("works") if one.path.endswith("order")]
    assert [text.split()[-1] for text in texts] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("way", "error"),
    [("fails", "it answered with HTTP 500"), ("hangs", sender.NO_ANSWER), ("drips", sender.NO_ANSWER)],
)
def test_a_receiver_that_does_not_is_tried_twice_while_others_get_theirs(
    there: Receivers, told: Told, sending: Sender, way: str, error: str
) -> None:
    sending.submit("bad", slack(there.url(way, SECRET)), "x")
    sending.submit("good", slack(there.url("works")), "x")

    results = [told.next() for _ in range(3)]

    assert results.count(("bad", error)) == 2
    assert results.index(("good", "")) < 2
    assert sending.stop() == []


def test_a_receiver_that_is_not_there_is_told_in_words_without_its_address(told: Told, sending: Sender) -> None:
    sending.submit("nobody", slack(f"http://127.0.0.1:{free_port()}/{SECRET}"), "x")

    assert told.next() == ("nobody", "the connection was refused")


def test_apprise_sends_and_fails_in_the_worker(
    there: Receivers, told: Told, sending: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loading it takes longer than the short deadline of these tests.
    monkeypatch.setattr(outbox, "DEADLINE_SECONDS", 20.0)
    sending.submit("good", apprise(f"json://127.0.0.1:{there.port}/works/apprise"), "x", tries=1)
    sending.submit("bad", apprise(f"json://127.0.0.1:{there.port}/fails/{SECRET}"), "x", tries=1)
    sending.submit("none", apprise(f"nosuchscheme://{SECRET}"), "x", tries=1)

    assert {told.next() for _ in range(3)} == {
        ("good", ""),
        ("bad", "the service refused it, or did not answer"),
        ("none", "apprise cannot read address 1"),
    }


def test_ending_with_a_receiver_that_hangs_takes_two_seconds_and_the_others_get_theirs(
    there: Receivers, told: Told, sending: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "DEADLINE_SECONDS", 15.0)
    sending.submit("bad", slack(there.url("hangs", "end")), "1")
    there.wait_for("hangs", 1)
    sending.submit("bad", slack(there.url("hangs", "end")), "2")
    sending.submit("good", slack(there.url("works", "end")), "3")

    before = time.monotonic()
    left = sending.stop()

    assert time.monotonic() - before < sender.END_SECONDS + SLACK_SECONDS
    assert [letter.receiver for letter in left] == ["bad", "bad"]
    assert told.next() == ("good", "")


def test_a_worker_that_dies_is_followed_by_another(there: Receivers, told: Told, sending: Sender) -> None:
    sending.submit("bad", slack(there.url("hangs", "dies")), "x", tries=1)
    there.wait_for("hangs", 1)
    first = worker_of(sending).pid
    os.kill(first, signal.SIGKILL)

    assert told.next() == ("bad", "the process that sends ended")
    sending.submit("good", slack(there.url("works")), "x")
    assert told.next() == ("good", "")
    assert worker_of(sending).pid != first


def test_a_worker_that_hangs_is_replaced(there: Receivers, told: Told, sending: Sender) -> None:
    sending.submit("good", slack(there.url("works")), "1")
    told.next()
    first = worker_of(sending).pid
    os.kill(first, signal.SIGSTOP)
    sending.submit("good", slack(there.url("works")), "2")

    assert told.next() == ("good", sender.NO_ANSWER)
    assert told.next() == ("good", "")
    assert not Path(f"/proc/{first}").exists()


def test_a_worker_ends_with_its_input(there: Receivers) -> None:
    worker = Worker()
    worker.send(1, slack(there.url("hangs", "input")))
    there.wait_for("hangs", 1)
    assert worker._popen.stdin is not None
    worker._popen.stdin.close()

    assert worker._popen.wait(10) == 0
    worker.close()


def test_no_secret_is_in_a_list_of_processes(there: Receivers, told: Told, sending: Sender) -> None:
    sending.submit("chat", slack(there.url("hangs", SECRET)), "x")
    there.wait_for("hangs", 1)

    listed = subprocess.run(["ps", "-ww", "-e", "-o", "args"], capture_output=True, text=True, check=True).stdout

    assert "cloudplow.services.notify.worker" in listed
    assert SECRET not in listed


def test_a_function_of_a_plugin_that_hangs_or_raises_fails_and_delays_nobody(
    there: Receivers, told: Told, sending: Sender
) -> None:
    ended = threading.Event()

    def raises() -> None:
        raise RuntimeError(SECRET)

    sending.submit("hangs", {"call": lambda: ended.wait(30)}, "x", tries=1)
    sending.submit("raises", {"call": raises}, "x", tries=1)
    sending.submit("works", {"call": lambda: None}, "x")
    results = {told.next() for _ in range(3)}

    assert results == {("works", ""), ("raises", "it cannot be sent (RuntimeError)"), ("hangs", sender.NO_ANSWER)}
    sending.submit("hangs", {"call": lambda: None}, "y", tries=1)
    assert told.next() == ("hangs", "an earlier message has not returned")
    ended.set()
