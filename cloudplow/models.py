"""Values shared by the planner, the ledger and the engine."""

from __future__ import annotations

from typing import NamedTuple

from cloudplow.events import UploaderState


class QueueFile(NamedTuple):
    """A waiting file. name: relative to the source, as rclone lists it; size: bytes.

    The name may contain bytes that are not UTF-8, as surrogate escapes (`os.fsencode` restores them).
    """

    name: str
    size: int


class Return(NamedTuple):
    """Bytes of quota that come back. at: epoch seconds."""

    at: float
    bytes: int


class Capacity(NamedTuple):
    """What one account can take. account: its key file; limit_bytes: its whole quota; free_bytes: what is left now.

    returns: what comes back when, in order of time. usable_from: epoch seconds before which it must not be used at all
    (denied); 0 for now; infinity when unknown.
    """

    account: str
    limit_bytes: int
    free_bytes: int
    returns: tuple[Return, ...] = ()
    usable_from: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether its whole quota is left."""
        return self.free_bytes >= self.limit_bytes


def printable_name(name: str) -> str:
    """The name as rclone's JSON log and all output show it: each byte that is not UTF-8 as U+FFFD."""
    if name.isascii():
        return name
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in name)


class UploaderStatus(NamedTuple):
    """What an uploader is doing now. why: one sentence; until: epoch seconds until which it lasts, None if unknown.

    next_check_at: epoch seconds at which it is looked at next; None while it uploads, or if nothing starts by itself.
    files_left, bytes_left: what is to be uploaded, as far as it was counted; None when unknown. left_out: its
    configuration has a fault, so it never uploads.
    """

    state: UploaderState
    why: str = ""
    until: float | None = None
    next_check_at: float | None = None
    files_left: int | None = None
    bytes_left: int | None = None
    left_out: bool = False
