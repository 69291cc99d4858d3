"""What the made-up uploads do, as scripts: they send events, and yield how many seconds they wait.

Four uploaders: a pool that goes through every phase, a larger one than the page's document holds, one without
accounts, and one that never does anything.
"""

from __future__ import annotations

import itertools
import math
import time
from typing import Final

from benchmarks.page_events import MANY_TRANSFERS, REMOTE, TICK_SECONDS, Script, Session, send
from cloudplow import events

UPLOADER: Final = "google"
PHOTOS: Final = "photos"
LONER: Final = '<img src=x onerror=alert(1)> & "co"'
IDLER: Final = "waits"
ACCOUNTS: Final = 100
MANY_ACCOUNTS: Final = 250
#: In a quick cycle statistics come more often.
TICKS_OF_CYCLE: Final = 30

_numbers = itertools.count(1)


def _session(uploader: str, accounts: int, tick: float = TICK_SECONDS, remote: str = REMOTE) -> Session:
    return Session(uploader, next(_numbers), accounts, tick, remote)


def endless() -> tuple[Script, ...]:
    """An upload in its midst that never ends, beside one that is over."""

    def run() -> Script:
        session = _session(UPLOADER, ACCOUNTS)
        session.begin()
        session.learn()
        session.switch(0, "first")
        session.begin_stage()
        session.fail(4)
        yield from session.move(math.inf)

    def over() -> Script:
        session = _session(PHOTOS, 12)
        session.begin()
        session.learn()
        session.end("done")
        yield 0.0

    return run(), over()


def cycle(number: int, seconds: float, outcome: str) -> tuple[Script, ...]:
    """Everything once, in so many seconds; outcome: how it ends."""
    tick = min(TICK_SECONDS, seconds / TICKS_OF_CYCLE)
    part = seconds / 100
    return (
        _everything(_session(UPLOADER, ACCOUNTS, tick), part, outcome),
        _pool(_session(PHOTOS, MANY_ACCOUNTS, tick, "photos:<b>All</b>"), part, "done" if number % 2 else "quota_used"),
        _alone(_session(LONER, 0, tick, "sftp:<script>alert(9)</script>"), part),
        _idle(number),
    )


def _everything(session: Session, part: float, outcome: str) -> Script:
    """part: a hundredth of the time."""
    yield 4 * part
    session.begin()
    yield 8 * part
    session.learn()
    session.switch(0, "first")
    yield 5 * part
    session.begin_stage()
    yield from session.move(12 * part)
    session.throttle(25e6, 2)
    yield from session.move(8 * part, speed=25e6)
    session.throttle(None, 0)
    session.fail(30)
    yield from session.move(6 * part)
    session.account_is(0, "denied", "the Drive said: <b>userRateLimitExceeded</b>", time.time() + 20_000)
    session.end_stage("denied", "too many uploads")
    yield 3 * part
    session.switch(6, "denied")
    yield 4 * part
    session.begin_stage()
    yield from session.move(14 * part, MANY_TRANSFERS)
    session.end_stage("quota_used")
    for index in range(session.accounts):
        session.account_is(index, "cooling", "its quota is used up", time.time() + 600)
    session.send(events.UploaderSuspended, reason="every account is <i>cooling</i>", until=time.time() + 600)
    yield 10 * part
    session.send(events.UploaderResumed, reason="every account is <i>cooling</i>", until=time.time())
    for index in range(session.accounts):
        session.account_is(index, "failed" if index == 9 else "ready")
    session.switch(2, "trigger")
    yield 3 * part
    session.begin_stage()
    yield from session.move(14 * part)
    session.end_stage("done" if outcome == "done" else "failed")
    session.end(outcome)


def _pool(session: Session, part: float, outcome: str) -> Script:
    yield 20 * part
    session.begin()
    yield 5 * part
    session.learn()
    for index in range(3):
        session.switch(index, "quota_used" if index else "first")
        yield 4 * part
        session.begin_stage()
        yield from session.move(11 * part)
        session.end_stage("done")
    session.end(outcome)


def _alone(session: Session, part: float) -> Script:
    yield 10 * part
    session.begin()
    yield 10 * part
    session.learn()
    session.begin_stage()
    yield from session.move(60 * part, 4)
    session.fail(1)
    session.end_stage("interrupted")
    session.end("interrupted")


def _idle(number: int) -> Script:
    yield 0.0
    if number == 0:
        send(IDLER, "", events.ThrottleChanged, limit=None, streams=0)
