"""What each control does: start, stop, pause, resume, limit. Each returns, by uploader, what is now so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cloudplow.dispatch.dispatcher import Dispatcher
from cloudplow.dispatch.entry import Entry, Phase
from cloudplow.errors import CloudplowError
from cloudplow.events.sentences import local_time
from cloudplow.rclone.steering import LOWEST_BYTES_PER_SECOND
from cloudplow.scheduling.due import Pause
from cloudplow.units import format_bytes
from cloudplow.upload.controls import Reach


class SteeringError(CloudplowError):
    """What was asked for cannot be done; the message says why."""


def _known(dispatcher: Dispatcher, uploader: str | None) -> list[Entry]:
    """The named entry, or all. Raises SteeringError."""
    if uploader is None:
        return list(dispatcher.entries.values())
    if uploader not in dispatcher.entries:
        known = ", ".join(dispatcher.entries) or "none"
        raise SteeringError(f'there is no uploader "{uploader}"; the configuration has: {known}')
    return [dispatcher.entries[uploader]]


def start(dispatcher: Dispatcher, uploaders: Sequence[str], *, unless_paused: bool = False) -> Mapping[str, str]:
    """Upload as soon as possible. Raises SteeringError for an uploader that is unknown, left out, or stays paused."""
    said = {}
    with dispatcher.changed:
        entries = [_known(dispatcher, name)[0] for name in uploaders]
        for entry in entries:
            if entry.fault:
                raise SteeringError(f"{entry.name} cannot upload: {entry.fault}")
            if unless_paused and entry.standing.pause is not None:
                why = _pause_sentence(entry.standing.pause, dispatcher.wall())
                raise SteeringError(f'{entry.name} is {why}; "cloudplow resume {entry.name}" ends that')
        for entry in entries:
            paused = entry.standing.pause is not None
            entry.standing = replace(entry.standing, pause=None, vetoed=None)
            dispatcher.keep(entry, now=paused)
            ended = "the pause has ended, and " if paused else ""
            if entry.phase is Phase.UPLOADING:
                said[entry.name] = f"{ended}it is uploading already"
            else:
                said[entry.name] = f"{ended}an upload starts as soon as there is a place for it"
        dispatcher.ask([entry.name for entry in entries])
    return said


def stop(dispatcher: Dispatcher, uploader: str | None = None, *, now: bool = False) -> Mapping[str, str]:
    """End uploads, those that wait for quota too. Raises SteeringError."""
    said = {}
    with dispatcher.changed:
        for entry in _known(dispatcher, uploader):
            done = _stop(dispatcher, entry, now=now)
            if done:
                said[entry.name] = done
        dispatcher.poke()
    return said


def _stop(dispatcher: Dispatcher, entry: Entry, *, now: bool) -> str:
    """Returns what is now so; "" if there was nothing to stop."""
    waited = entry.end_wait(dispatcher.wall())
    if waited:
        dispatcher.keep(entry)
    if entry.controls is None:
        return "it does not wait any more" if waited else ""
    dispatcher.will_stop(entry)
    if entry.phase is Phase.CHECKING:
        entry.controls.stop()
        return "stopping"
    if now:
        entry.controls.stop()
        return "stopping at once; files that were being uploaded start again next time"
    match entry.controls.finish():
        case Reach.RC:
            return "stopping after the files that are being uploaded"
        case Reach.STAGE:
            return "stopping after the stage that is running"
        case Reach.NOW:
            return "stopping"


def stop_all(dispatcher: Dispatcher, *, now: bool) -> None:
    """End the program: ask every rclone to stop. now: kill it."""
    with dispatcher.changed:
        for entry in dispatcher.entries.values():
            if entry.controls is not None:
                dispatcher.will_stop(entry)
                entry.controls.stop(now=now)
        dispatcher.poke()


def pause(
    dispatcher: Dispatcher, uploader: str | None, *, seconds: float | None = None, by: str = ""
) -> Mapping[str, str]:
    """Stop, and start nothing for so many seconds; None until it is resumed. Raises SteeringError."""
    said = {}
    with dispatcher.changed:
        wall = dispatcher.wall()
        made = Pause(wall, None if seconds is None else wall + seconds, by)
        for entry in _known(dispatcher, uploader):
            running = _stop(dispatcher, entry, now=False)
            entry.standing = replace(entry.standing, pause=made)
            dispatcher.keep(entry, now=True)
            said[entry.name] = _pause_sentence(made, wall) + (f"; {running}" if running and entry.is_busy else "")
        dispatcher.poke()
    return said


def _pause_sentence(made: Pause, now: float) -> str:
    by = f" by {made.by}" if made.by else ""
    return f"paused{by} until {local_time(made.until, now) if made.until is not None else 'somebody resumes it'}"


def resume(dispatcher: Dispatcher, uploader: str | None) -> Mapping[str, str]:
    """End a pause. Raises SteeringError."""
    said = {}
    with dispatcher.changed:
        for entry in _known(dispatcher, uploader):
            paused = entry.standing.pause is not None
            if paused:
                entry.standing = replace(entry.standing, pause=None)
                dispatcher.keep(entry, now=True)
            if paused or uploader is not None:
                said[entry.name] = "the pause has ended" if paused else "it was not paused"
        dispatcher.poke()
    return said


def limit(dispatcher: Dispatcher, bytes_per_second: int | None) -> Mapping[str, str]:
    """Upload no faster than that, each uploader."""
    what = "no limit of speed"
    if bytes_per_second is not None:
        lifted = max(bytes_per_second, LOWEST_BYTES_PER_SECOND)
        what = f"limited to {format_bytes(lifted)}/s"
        if lifted > bytes_per_second:
            what += " (rclone cannot be slower and stay steerable)"
        bytes_per_second = lifted
    with dispatcher.changed:
        dispatcher.limit_bytes = bytes_per_second
        said = {}
        for name, entry in dispatcher.entries.items():
            later = entry.controls is not None and entry.controls.limit(bytes_per_second) is Reach.STAGE
            said[name] = f"{what}, from the next stage on" if later else what
        return said
