"""What goes into a stage and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from cloudplow.models import QueueFile
from cloudplow.rclone.log import Stats
from cloudplow.rclone.steering import Steering
from cloudplow.rclone.verdict import Verdict
from cloudplow.upload.triggers import Sleep


class StageListener(Protocol):
    """Gets everything as it happens. Called on the thread that drives rclone: return fast."""

    def on_uploaded(self, file: QueueFile) -> None:
        """The bytes of a file were spent."""

    def on_wasted(self, file: QueueFile) -> None:
        """The bytes of a file were spent, but it did not arrive."""

    def on_repeated(self, stored_bytes: int, sent_of: Mapping[str, int]) -> None:
        """So much, as stored at the destination, was sent more often than once, and perhaps spent each time.

        sent_of: of files in doubt, by name as planned, what was sent of each besides, at least; how much of
        `stored_bytes` is the rest of one of them shows when it is found. Told at the end of a stage.
        """

    def on_skipped(self, file: QueueFile) -> None:
        """A dry run would have spent the bytes of a file."""

    def on_transferred(self, file: QueueFile, *, already_there: bool) -> None:
        """A file arrived and, for a move, left the source."""

    def on_failed(self, name: str, error: str) -> None:
        """A file failed; it is still at the source."""

    def on_progress(self, stats: Stats, silent_seconds: float = 0) -> None:
        """rclone's statistics, about once a second. silent_seconds: they are the last ones, and so old."""

    def on_silence(self, seconds: float) -> None:
        """rclone has said nothing for a while; its last statistics came again, without a speed."""


class SteeredStart(NamedTuple):
    """How an rclone that can be steered, or cannot, is started. own: variables by which it listens; limit_bytes: the
    speed limit that it starts with, in bytes per second, None for the user's own.
    """

    steering: Steering
    own: Mapping[str, str]
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StageRequest:
    """What to run.

    command: the argument list; folder: the source; moving: files leave it; pass_fds: locks that rclone inherits;
    retry: the files failed before, so a refusal counts against them and not against the account. stall_seconds: rclone
    is ended if nothing happens for so long; 0: never. stored_bytes: what a file of some size takes at the destination,
    which is what rclone's statistics count; None if that is not known. steering: learns where rclone listens; own:
    variables that rclone gets besides, even those that the user may not set.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    files: Sequence[QueueFile]
    folder: Path
    moving: bool
    pass_fds: Sequence[int] = ()
    sleeps: Mapping[str, Sleep] = field(default_factory=dict)
    retry: bool = False
    stall_seconds: float = 0.0
    stored_bytes: Callable[[int], int] | None = None
    steering: Steering | None = None
    own: Mapping[str, str] = field(default_factory=dict)


class StageResult(NamedTuple):
    """The result of a stage.

    files, bytes: transferred; failed: error by name, of files that failed through their own fault; untouched: other
    planned files that are still waiting; doubtful: names, as planned, of those that may have been uploaded unreported;
    landing_seconds: how long they may take to appear; fired: the trigger that stopped it. changed: files that are not
    any more what was given to rclone, so they stay; stuck: names of those that failed because they cannot be removed.
    cannot_listen: rclone ended before it did anything, because its remote control could not start.
    """

    verdict: Verdict
    files: int
    bytes: int
    failed: Mapping[str, str]
    untouched: Sequence[QueueFile]
    doubtful: frozenset[str] = frozenset()
    landing_seconds: float = 0.0
    fired: tuple[str, Sleep] | None = None
    changed: Sequence[QueueFile] = ()
    stuck: frozenset[str] = frozenset()
    cannot_listen: bool = False
