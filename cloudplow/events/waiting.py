"""Facts about uploaders that are not uploading: what the scheduler found, and why it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cloudplow.events.facts import Event
from cloudplow.events.vocabulary import UploaderState


@dataclass(frozen=True, slots=True, kw_only=True)
class UploaderChecked(Event):
    """`uploader_checked`: it was measured what an uploader would upload, to decide whether that is due.

    bytes: what counts, without `size_excludes`; threshold_bytes: an upload is due from there on (0: from any file on).
    files: how many files would be uploaded. next_check_at: epoch seconds, None when an upload follows, or if unknown.
    """

    signal_name: ClassVar[str] = "uploader_checked"

    bytes: int
    threshold_bytes: int
    due: bool
    why: str
    next_check_at: float | None
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UploaderStatusChanged(Event):
    """`uploader_status`: an uploader does something else now, or waits for something else.

    why: one sentence for users. until: epoch seconds until which that lasts; next_check_at: epoch seconds at which it
    is looked at next; both None when unknown. files_left, bytes_left: what is to be uploaded; None when unknown.
    threshold_bytes: an upload is due from there on.
    """

    signal_name: ClassVar[str] = "uploader_status"

    state: UploaderState
    why: str
    until: float | None = None
    next_check_at: float | None = None
    files_left: int | None = None
    bytes_left: int | None = None
    threshold_bytes: int = 0
