"""What happened in a running stage since the book was last written: one short record for each fact, without fsync.

A killed process loses nothing of it, so that no file is told twice; after a power cut the last second may be missing,
and then the destination is asked.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Collection, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.state.ownership import like_the_folder

_RECORD: Final = struct.Struct("<IIqd")
_CHECK: Final = struct.Struct("<I")
_SIZE: Final = _RECORD.size + _CHECK.size
_SUFFIX: Final = ".facts"
#: So many bytes are written at the latest.
_WAITING_LIMIT: Final = 16 * _SIZE


class Kind(IntEnum):
    """SENT: a file was uploaded; DONE: that was told; WASTED: no file came of an upload; ENDED: rclone has ended."""

    SENT = 1
    DONE = 2
    WASTED = 3
    ENDED = 4


_KINDS: Final = frozenset(Kind)


class Fact(NamedTuple):
    """place: 0-based, in the stage's list; bytes: what it took of the quota; at: epoch seconds.

    WASTED: place 0, and bytes is the sum of all so far. ENDED: place is the landing time in seconds, rounded up.
    """

    kind: Kind
    place: int
    bytes: int
    at: float


class StageJournal:
    """The journals of all stages in one state folder; that of the running stage is open. One thread writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "stages"
        self._open: dict[str, int] = {}
        self._waiting: dict[str, bytes] = {}

    def begin(self, stage: str) -> None:
        """Start the journal of a stage, or go on with it. Without one nothing is lost: the destination is asked."""
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._open[stage] = os.open(self._folder / f"{stage}{_SUFFIX}", flags, 0o600)
            like_the_folder(self._folder / f"{stage}{_SUFFIX}")

    def note(self, stage: str, kind: Kind, place: int, size_bytes: int, at: float) -> None:
        """Add a fact. Costs a few microseconds.

        That a file was uploaded is written with the next fact, mostly that it is done: if it gets lost in between, the
        destination is asked about the file.
        """
        record = _RECORD.pack(kind, place, size_bytes, at)
        record += _CHECK.pack(zlib.crc32(record))
        waiting = self._waiting.pop(stage, b"") + record
        if kind == Kind.SENT and len(waiting) < _WAITING_LIMIT:
            self._waiting[stage] = waiting
        else:
            self._write(stage, waiting)

    def _write(self, stage: str, records: bytes) -> None:
        if stage not in self._open:
            self.begin(stage)
        fd = self._open.get(stage)
        if fd is None:
            return
        try:
            os.write(fd, records)
        except OSError:  # no space: reading ends at the half of a record that may have been written
            self.end(stage)

    def end(self, stage: str) -> None:
        """No more facts follow."""
        self._waiting.pop(stage, None)
        fd = self._open.pop(stage, None)
        if fd is not None:
            os.close(fd)

    def read(self, stage: str) -> Iterator[Fact]:
        """The facts of a stage, up to the first record that is not complete."""
        try:
            data = (self._folder / f"{stage}{_SUFFIX}").read_bytes()
        except OSError:
            return
        for start in range(0, len(data) - _SIZE + 1, _SIZE):
            record, check = data[start : start + _RECORD.size], data[start + _RECORD.size : start + _SIZE]
            if _CHECK.unpack(check)[0] != zlib.crc32(record):
                return
            kind, place, size_bytes, at = _RECORD.unpack(record)
            if kind not in _KINDS:
                return  # written by a newer version
            yield Fact(Kind(kind), place, size_bytes, at)

    def keep_only(self, stages: Collection[str]) -> None:
        """Remove the journals of all stages but these."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob(f"*{_SUFFIX}"):
                if path.name.removesuffix(_SUFFIX) not in stages:
                    self.end(path.name.removesuffix(_SUFFIX))
                    path.unlink()
