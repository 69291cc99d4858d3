"""When an rclone counts as stalled."""

from __future__ import annotations

from cloudplow.events import Transferring
from cloudplow.rclone.log import Message, Note, Plain, Stats
from cloudplow.rclone.stalls import StallWatch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def stats(sent: int = 0, *, transferring: bool = True, checking: bool = False) -> Stats:
    there = (Transferring(name="a", size=100, bytes=sent, speed=0.0, eta=None, percentage=0),) if transferring else ()
    return Stats(sent, 100, 0.0, None, 0, 1, 0, there, ("b",) if checking else ())


def after(seconds: int, *messages: Message, limit: float = 60) -> str:
    """The fault after that many seconds in which the messages come again and again, one of them a second."""
    clock = Clock()
    watch = StallWatch(limit, clock)
    for second in range(seconds):
        clock.now += 1
        if messages:
            watch.take(messages[second % len(messages)])
    return watch.fault()


def test_silence_is_a_stall_after_the_limit() -> None:
    assert after(59) == ""
    assert after(60) == "rclone said nothing for 1m 0s, so it was ended (stall_minutes)"


def test_lines_that_are_not_rclones_are_silence() -> None:
    assert "said nothing" in after(60, Plain("zzz"))


def test_a_file_that_does_not_move_is_a_stall_although_rclone_reports() -> None:
    assert after(50, stats(5)) == ""
    assert "nothing was uploaded" in after(62, stats(5))
    assert "nothing was uploaded" in after(62, stats(5), Note("a", "low level retry 1/10"))


def test_progress_is_no_stall() -> None:
    assert after(600, stats(1), stats(2)) == ""


def test_listing_and_comparing_may_take_their_time() -> None:
    assert after(600, stats(transferring=False)) == ""
    assert after(600, stats(checking=True)) == ""


def test_no_limit_is_never() -> None:
    assert after(10_000, limit=0) == ""
