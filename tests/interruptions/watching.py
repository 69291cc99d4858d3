"""Waits for the moment that a step aims at, by looking at processes, files and the Drive, many times a second."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.interruptions.place import Place
from tests.interruptions.processes import Upload
from tests.interruptions.scenario import Aim, Step

_LOOK_SECONDS: Final = 0.004
#: An upload at these places takes some seconds; pauses of cloudplow or of rclone may come on top.
PATIENCE_SECONDS: Final = 150.0


def wait_for_moment(step: Step, upload: Upload, place: Place) -> bool:
    """Wait for the moment of an interruption; False when the upload ended before it came."""
    reached = _question(step, upload, place)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if not upload.running or time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    time.sleep(step.after_seconds)
    return upload.running


def _question(step: Step, upload: Upload, place: Place) -> Callable[[], bool]:
    """What to ask until it is so."""
    arrived, received, denied = _counts(place)
    begun, ended = upload.stages_begun, upload.stages_ended

    def stage_opens() -> bool:
        upload.look()
        return upload.stages_begun >= begun + step.number

    def stage_ends() -> bool:
        upload.look()
        return upload.stages_ended >= ended + step.number

    match step.aim:
        case Aim.STAGE_OPENS:
            return stage_opens
        case Aim.STAGE_ENDS:
            return stage_ends
        case Aim.FIRST_FILE:
            # Requests without a body are not counted; those of folders have some hundred bytes.
            return lambda: _counts(place)[1] >= received + 20_000
        case Aim.FILE_ARRIVED:
            return lambda: _counts(place)[0] >= arrived + step.number
        case Aim.DENIAL:
            return lambda: _counts(place)[2] > denied
        case Aim.BOOK_WRITTEN:
            return _Changes(place.state, step.number).have_come
        case _:
            return lambda: True


def _counts(place: Place) -> tuple[int, int, int]:
    """Files that arrived, bytes that did, denials: of all accounts."""
    usages = place.drive.usages().values()
    return (
        sum(usage.uploads for usage in usages),
        sum(usage.received for usage in usages),
        sum(usage.denials for usage in usages),
    )


class _Changes:
    """Counts how often files of the state folder have changed."""

    def __init__(self, folder: Path, wanted: int) -> None:
        self._folder = folder
        self._left = wanted
        self._seen = self._look()

    def have_come(self) -> bool:
        """Whether as many as wanted were seen."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            self._left -= 1
        return self._left <= 0

    def _look(self) -> frozenset[tuple[str, int, int]]:
        found = set()
        for folder, _, names in os.walk(self._folder):
            for name in names:
                try:
                    status = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - many times a second
                except OSError:
                    continue
                found.add((name, status.st_mtime_ns, status.st_size))
        return frozenset(found)
