"""Messages that wait: bounded, in order, tried twice. And the errors that the worker tells: in words, no address."""

from __future__ import annotations

import socket
import ssl
from urllib.error import HTTPError, URLError

import pytest

from cloudplow.services.notify.outbox import DEADLINE_SECONDS, QUEUE_LIMIT, RETRY_SECONDS, Outbox
from cloudplow.services.notify.worker import explained


@pytest.fixture
def box() -> Outbox:
    return Outbox()


def test_each_receiver_gets_one_at_a_time_in_order(box: Outbox) -> None:
    for receiver, key in (("a", "1"), ("a", "2"), ("b", "3")):
        box.add(receiver, {}, key, 0.0)
    first = box.take_due(0.0)
    assert [one.key for one in first] == ["1", "3"]
    assert box.take_due(0.0) == []
    box.sent(first[0].number)
    assert [one.key for one in box.take_due(0.0)] == ["2"]


def test_what_failed_is_tried_once_more_later_and_what_follows_waits_for_it(box: Outbox) -> None:
    box.add("a", {}, "1", 0.0)
    box.add("a", {}, "2", 0.0)
    (letter,) = box.take_due(0.0)
    failed = box.failed(letter.number, 1.0)
    assert failed is not None and failed.tries_left == 1
    assert box.take_due(1.0) == []
    assert box.next_at() == 1.0 + RETRY_SECONDS
    (again,) = box.take_due(1.0 + RETRY_SECONDS)
    assert again.key == "1"
    failed = box.failed(again.number, 100.0)
    assert failed is not None and failed.tries_left == 0
    assert [one.key for one in box.take_due(100.0)] == ["2"]


def test_at_the_end_nothing_waits_for_later(box: Outbox) -> None:
    box.add("a", {}, "1", 0.0)
    box.failed(box.take_due(0.0)[0].number, 0.0)
    assert len(box.take_due(0.0, hurry=True)) == 1


def test_the_same_message_waits_once(box: Outbox) -> None:
    for _ in range(5):
        box.add("a", {}, "same", 0.0)
    box.add("b", {}, "same", 0.0)
    assert len(box) == 2
    box.take_due(0.0)
    box.add("a", {}, "same", 0.0)
    assert len(box) == 3, "the first one is under way and says it for itself"


def test_the_oldest_gives_way_when_too_many_wait(box: Outbox) -> None:
    for number in range(QUEUE_LIMIT + 7):
        box.add("a", {}, str(number), 0.0)
    assert len(box) == QUEUE_LIMIT
    assert box.dropped == 7
    assert box.take_due(0.0)[0].key == "7"


def test_what_takes_too_long_is_overdue(box: Outbox) -> None:
    box.add("a", {}, "1", 0.0)
    box.take_due(5.0)
    assert box.next_at() == 5.0 + DEADLINE_SECONDS
    assert box.overdue(5.0 + DEADLINE_SECONDS - 1) == []
    assert len(box.overdue(5.0 + DEADLINE_SECONDS)) == 1


def test_a_number_that_is_not_there_is_ignored(box: Outbox) -> None:
    box.sent(5)
    assert box.failed(5, 0.0) is None
    assert box.next_at() is None


SECRET = "https://host/s3cr3t"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (HTTPError(SECRET, 503, SECRET, {}, None), "it answered with HTTP 503"),  # type: ignore[arg-type]
        (URLError(ConnectionRefusedError(111, SECRET)), "the connection was refused"),
        (URLError(socket.gaierror(-2, SECRET)), "the name of its host cannot be resolved"),
        (TimeoutError(SECRET), "no answer"),
        (URLError(ssl.SSLCertVerificationError(1, SECRET)), "its certificate cannot be verified"),
        (ConnectionResetError(104, SECRET), "the connection broke"),
        (OSError(113, SECRET), "No route to host"),
        (ImportError(SECRET), "apprise cannot be loaded; run pip install 'cloudplow[notify]'"),
        (ValueError(SECRET), "it cannot be sent (ValueError)"),
    ],
)
def test_an_error_is_told_in_words_and_never_with_an_address(fault: BaseException, told: str) -> None:
    assert explained(fault) == told
