"""`cloudplow upload` beside a running instance: that one does the work, and this process shows it."""

from __future__ import annotations

import argparse
import logging
import queue
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudplow import signals
from cloudplow.app import worst_status
from cloudplow.commands.options import config_path, state_dir
from cloudplow.commands.steer import user
from cloudplow.control.client import ask
from cloudplow.control.follower import Follower
from cloudplow.errors import CloudplowError, ConfigError, ExitStatus, NotRunningError
from cloudplow.events import (
    SIGNALS,
    Event,
    SessionFinished,
    SessionOutcome,
    SessionStarted,
    UploaderState,
    UploaderStatusChanged,
    sentence,
)
from cloudplow.terminal import logs
from cloudplow.terminal.display import LineDisplay
from cloudplow.uploads import not_started

log = logging.getLogger("cloudplow")

#: The longest time between two looks whether the instance still runs, in seconds.
_LOOK_SECONDS = 1.0


class PausedError(CloudplowError):
    """Somebody has paused what is to be uploaded."""

    status = ExitStatus.FILES_LEFT


def running_instance(options: argparse.Namespace) -> Mapping[str, Any] | None:
    """What the instance with the same state folder says of itself; None if none answers.

    One that may not be asked, or hangs, holds the lock of the state folder: the upload says so when it begins.
    """
    try:
        return ask(state_dir(options), {"do": "status"})
    except CloudplowError as error:
        log.debug("no running instance is asked: %s", error)
        return None


def upload_beside(options: argparse.Namespace, instance: Mapping[str, Any], display: LineDisplay) -> int:
    """Have the running instance upload, and follow it to the end. Raises CloudplowError when it refuses."""
    names = _names(options, instance)
    folder, pid = state_dir(options), instance.get("pid")
    events: queue.Queue[tuple[Event, bool]] = queue.Queue()

    def receive(event: Event, *, past: bool, **_others: object) -> None:
        events.put((event, past))

    with Follower(folder, receive):
        answer = ask(folder, {"do": "start", "names": names, "unless_paused": True, "who": user()})
        for name, said in answer["said"].items():
            log.info("%s: %s (process %s)", name, said, pid)
        attending = Attending(answer["run_ids"], wait=options.wait)
        try:
            _attend(folder, attending, events, display)
        except KeyboardInterrupt:
            display.stop()
            stop = f'"cloudplow stop {" ".join(names) if len(names) == 1 else ""}'.rstrip() + '"'
            print(f"\nLeft: the upload goes on in process {pid}. {stop} ends it.", file=sys.stderr)
            return int(ExitStatus.INTERRUPTED)
    display.stop()
    for event in attending.ended.values():
        if event.outcome is SessionOutcome.FAILED:
            print(logs.escape_control(f"cloudplow: {event.uploader}: {sentence(event)}"), file=sys.stderr)
    status = worst_status([event.outcome for event in attending.ended.values()])
    signals.settle(status)
    return int(status)


def _names(options: argparse.Namespace, instance: Mapping[str, Any]) -> Sequence[str]:
    """Whom to upload. Raises ConfigError for what a running instance cannot be asked for."""
    pid, theirs = instance.get("pid"), (instance.get("config") or {}).get("path")
    ours = config_path(options).absolute()
    if theirs is not None and Path(theirs) != ours and not _same(Path(theirs), ours):
        raise ConfigError(
            [
                f"cloudplow runs already (process {pid}) with {theirs}, and {ours} has the same state folder; "
                "use another one with --cachefile, or stop it first"
            ]
        )
    if options.dry_run:
        raise ConfigError(
            [f'cloudplow runs already (process {pid}), which cannot be asked for a dry run; use "cloudplow plan"']
        )
    known = instance.get("uploaders") or {}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise ConfigError([f'there is no uploader "{name}"; the running instance has: {there}' for name in unknown])
    paused = [f"{name} is {known[name]['why']}" for name in options.names or known if known[name]["state"] == "paused"]
    if paused:
        raise PausedError(f'{"; ".join(paused)} ("cloudplow resume" ends that, "cloudplow start" too)')
    return options.names or [name for name, one in known.items() if not one.get("left_out")]


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _attend(folder: Path, attending: Attending, events: queue.Queue[tuple[Event, bool]], display: LineDisplay) -> None:
    display.start()
    gone = False
    while not attending.is_over:
        try:
            event, past = events.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            if gone:  # what its end leaves has been told by now
                raise CloudplowError("the running instance has ended before the upload did") from None
            gone = not _runs(folder)
            continue
        why = attending.take(event, past=past)
        if why:
            log.info("%s: %s", event.uploader, why)
        signal = SIGNALS.get(event.signal_name)
        if signal is not None and attending.shows(event) and (not past or display.shows_past):
            signal.send(event.uploader, event=event)


def _runs(folder: Path) -> bool:
    try:
        ask(folder, {"do": "status"})
    except NotRunningError:
        return False
    return True


class Attending:
    """Which of the uploads that were asked for have ended, and how. run_ids: of each, by uploader.

    wait: sessions that end because all quota is used are not the end.
    """

    def __init__(self, run_ids: Mapping[str, str], *, wait: bool) -> None:
        self._run_ids = dict(run_ids)
        self._wait = wait
        self.ended: dict[str, SessionFinished] = {}

    @property
    def is_over(self) -> bool:
        """Whether all have ended."""
        return self.ended.keys() >= self._run_ids.keys()

    def shows(self, event: Event) -> bool:
        """Whether an event is of one of them."""
        return event.uploader in self._run_ids

    def take(self, event: Event, *, past: bool = False) -> str:
        """Take note of an event; returns what it is waited for, if that is new. past: from before we came."""
        name = event.uploader
        if name not in self._run_ids or name in self.ended:
            return ""
        match event:
            case SessionFinished() if event.run_id == self._run_ids[name] or not (event.run_id or past):
                if not (self._wait and event.outcome is SessionOutcome.QUOTA_USED):
                    self.ended[name] = event
            case SessionStarted():
                self._run_ids[name] = self._run_ids[name] or event.run_id
            case UploaderStatusChanged(state=UploaderState.VETOED | UploaderState.PAUSED):
                self.ended[name] = not_started(name, SessionOutcome.SUSPENDED, event.why)
            case UploaderStatusChanged(state=UploaderState.WAITING | UploaderState.COOLING):
                return event.why
            case _:
                pass
        return ""
