"""`decide`: what an uploader or syncer that is not running must do now, why, and when it is looked at next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum
from typing import Final, NamedTuple

from cloudplow.events import UploaderState
from cloudplow.events.sentences import count, local_time
from cloudplow.scheduling.windows import Window, is_open, next_open
from cloudplow.units import format_bytes

#: After a plugin has said no, it is asked again after so many seconds.
VETO_SECONDS: Final = 60.0


class Step(StrEnum):
    """What to do now."""

    NOTHING = "nothing"
    #: Measure what is to be uploaded.
    CHECK = "check"
    #: Upload, or copy from remote to remote.
    START = "start"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says. interval_seconds: between checks; threshold_bytes: an upload is due from there on.

    window: None for always. measures: False for what begins whenever its interval has passed, as a syncer does.
    """

    interval_seconds: float
    threshold_bytes: int
    window: Window | None = None
    measures: bool = True


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing starts. until: epoch seconds, None until somebody resumes it. by: who asked for it, "" if unknown."""

    since: float
    until: float | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Sleep:
    """A trigger fired. since, until: epoch seconds."""

    since: float
    until: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Cooling:
    """All quota is used. until: when it helps to go on, in epoch seconds of the book's clock; bytes: what comes back
    until then; accounts: how many there are. run_id: of the sessions that go on with the same files.
    """

    until: float
    bytes: int = 0
    accounts: int = 0
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an uploader that is not running. Times are epoch seconds.

    last_end: when its last check or upload ended; None if there was none. measured_bytes: what was to be uploaded at
    the last check that did not lead to an upload. last: a sentence about its last upload if that failed.
    vetoed: why a plugin does not want it to upload, with the time at which that was asked.
    """

    last_end: float | None = None
    pause: Pause | None = None
    sleep: Sleep | None = None
    cooling: Cooling | None = None
    measured_bytes: int | None = None
    last: str = ""
    vetoed: tuple[float, str] | None = None


class Decision(NamedTuple):
    """state, why, until: what is told meanwhile. next_at: when it is due next, None for never or unknown."""

    step: Step
    state: UploaderState = UploaderState.WAITING
    why: str = ""
    until: float | None = None
    next_at: float | None = None


def as_of(standing: Standing, now: float) -> Standing:
    """The standing without what is over. What lies in the future, because the clock was set back, begins now."""
    last_end, pause, sleep = standing.last_end, standing.pause, standing.sleep
    if last_end is not None:
        last_end = min(last_end, now)
    if pause is not None and pause.since > now:
        pause = replace(pause, since=now, until=None if pause.until is None else now + pause.until - pause.since)
    if pause is not None and pause.until is not None and pause.until <= now:
        pause = None
    if sleep is not None and sleep.since > now:
        sleep = replace(sleep, since=now, until=now + sleep.until - sleep.since)
    if sleep is not None and sleep.until <= now:
        sleep = None
    vetoed = standing.vetoed
    if vetoed is not None and vetoed[0] > now:
        vetoed = now, vetoed[1]
    return replace(standing, last_end=last_end, pause=pause, sleep=sleep, vetoed=vetoed)


def decide(
    rules: Rules, standing: Standing, now: float, *, quota_now: float | None = None, zone: tzinfo | None = None
) -> Decision:
    """What to do now. now: epoch seconds; quota_now: the same by the book's clock, None if they agree.

    standing: as `as_of` left it. zone: None for the time zone of this machine.
    """
    cools_until = None
    if standing.cooling is not None:
        cools_until = now + standing.cooling.until - (now if quota_now is None else quota_now)
    due_at = cools_until if cools_until is not None else _next_check(rules, standing, now)
    if standing.vetoed is not None:
        due_at = max(due_at, standing.vetoed[0] + VETO_SECONDS)
    ready_at = due_at if standing.sleep is None else max(due_at, standing.sleep.until)
    if standing.pause is not None:
        return _paused(rules, standing.pause, ready_at, now, zone)
    next_at = next_open(rules.window, max(ready_at, now), zone)
    if not is_open(rules.window, now, zone):
        return _outside(rules.window, next_at, now, zone)
    if standing.sleep is not None:
        until = standing.sleep.until
        because = f": {standing.sleep.why}" if standing.sleep.why else ""
        return Decision(
            Step.NOTHING, UploaderState.ASLEEP, f"asleep until {local_time(until, now)}{because}", until, next_at
        )
    if now < due_at:
        return _waiting(rules, standing, now, due_at, next_at)
    starts = standing.cooling is not None or not rules.measures
    return Decision(Step.START if starts else Step.CHECK, next_at=next_at)


def _next_check(rules: Rules, standing: Standing, now: float) -> float:
    return now if standing.last_end is None else standing.last_end + rules.interval_seconds


def _paused(rules: Rules, pause: Pause, ready_at: float, now: float, zone: tzinfo | None) -> Decision:
    by = f" by {pause.by}" if pause.by else ""
    if pause.until is None:
        return Decision(Step.NOTHING, UploaderState.PAUSED, f"paused{by} until somebody resumes it")
    next_at = next_open(rules.window, max(ready_at, pause.until), zone)
    why = f"paused{by} until {local_time(pause.until, now)}"
    return Decision(Step.NOTHING, UploaderState.PAUSED, why, pause.until, next_at)


def _outside(window: Window | None, next_at: float | None, now: float, zone: tzinfo | None) -> Decision:
    opens_at = next_open(window, now, zone)
    if window is None or opens_at is None:
        never = "its schedule never opens: correct it, or upload with `cloudplow start`"
        return Decision(Step.NOTHING, UploaderState.OUTSIDE_WINDOW, never)
    why = f"outside {window}, opens at {local_time(opens_at, now)}"
    return Decision(Step.NOTHING, UploaderState.OUTSIDE_WINDOW, why, opens_at, next_at)


def _waiting(rules: Rules, standing: Standing, now: float, due_at: float, next_at: float | None) -> Decision:
    """The window is open now, though it may be closed when the time comes."""
    at = local_time(next_at, now) or "never"
    if standing.vetoed is not None:
        return Decision(Step.NOTHING, UploaderState.VETOED, vetoed_sentence(standing.vetoed[1]), None, next_at)
    if standing.cooling is not None:
        return Decision(Step.NOTHING, UploaderState.COOLING, _cooling(standing.cooling, due_at, now), due_at, next_at)
    upcoming = f"next {'check' if rules.measures else 'sync'} {at}"
    if standing.last:
        return Decision(Step.NOTHING, UploaderState.FAILED, f"{standing.last}; {upcoming}", next_at, next_at)
    if standing.measured_bytes is None or not rules.measures:
        return Decision(Step.NOTHING, UploaderState.WAITING, f"waiting: {upcoming}", next_at, next_at)
    measured = of_threshold(standing.measured_bytes, rules.threshold_bytes)
    return Decision(Step.NOTHING, UploaderState.WAITING, f"waiting: {measured}, {upcoming}", next_at, next_at)


def vetoed_sentence(reason: str) -> str:
    """Why it does not upload although it is due."""
    return f"not now: {reason}"


def _cooling(cooling: Cooling, at: float, now: float) -> str:
    who = f"all {count(cooling.accounts, 'account')}" if cooling.accounts > 1 else "the account"
    back = f"{format_bytes(cooling.bytes)} come back" if cooling.bytes else "quota comes back"
    return f"{who} {'are' if cooling.accounts > 1 else 'is'} cooling, {back} at {local_time(at, now)}"


def of_threshold(size_bytes: int, threshold_bytes: int) -> str:
    """ "212.0 GB of 400.0 GB", "nothing to upload"."""
    if not size_bytes:
        return "nothing to upload"
    if not threshold_bytes:
        return f"{format_bytes(size_bytes)} to upload"
    return f"{format_bytes(size_bytes)} of {format_bytes(threshold_bytes)}"
