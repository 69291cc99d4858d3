"""A stage in the book: the exact list of its files, and what is known of each, until all of it is settled. No clock."""

from __future__ import annotations

import json
import os
import zlib
from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple

from cloudplow.accounts.entry import Charge, charges_document, read_charges
from cloudplow.state.loose import mapping, number, text, whole

_LEVEL: Final = 1


class FileState(IntEnum):
    """What is known of a file of a stage.

    WAITING: nothing, so it counts whole; SENT: it was uploaded and charged; DONE: that was told, and for a move it left
    the source; FREE: it was not uploaded; RENAMED: like WAITING, but it is in the folder under another name.
    """

    WAITING = 0
    SENT = 1
    DONE = 2
    FREE = 3
    RENAMED = 4


#: Nothing final is known.
IN_DOUBT: Final = (FileState.WAITING, FileState.RENAMED)
#: Nothing was charged.
UNCHARGED: Final = (*IN_DOUBT, FileState.FREE)
#: By value: asking the class takes longer than all else that is done for a file.
_STATES: Final = tuple(FileState)


class StageFile(NamedTuple):
    """A file as it was when its stage opened.

    name: relative to the source; size: bytes; cost: what uploading it takes of the account's quota, in bytes (0 if the
    destination was known to have it already); modified_ns: its modification time; inode: its number on the disk; both 0
    when unknown.
    """

    name: str
    size: int
    cost: int
    modified_ns: int = 0
    inode: int = 0


@dataclass(slots=True)
class Stage:
    """One run of rclone, kept until each of its files is settled. Times are epoch seconds of the book's clock.

    number: counts up over all stages; account: the identity, "" without accounts; account_name: for people;
    destination, folder: rclone path and source folder at that time; waiting_bytes: cost of the files in WAITING.
    in_flight_bytes: what rclone has sent of files that have not arrived, while it runs. owed_bytes: what it is known to
    have spent in all, without knowing by which files; sent_of: by the place of a file in doubt, what was sent of it and
    is no part of that unless it has arrived. wasted_bytes: of its charges, those for which no file came.
    journal_name: what its journal is called.
    seen_at: when it was last known to run; ended_at: when rclone had ended, None while it runs; landing_seconds: how
    long after that a file that rclone had sent may still appear. charges: what it has spent so far.
    """

    number: int
    uploader: str
    account: str
    account_name: str
    destination: str
    folder: str
    moving: bool
    files: Sequence[StageFile]
    opened_at: float
    seen_at: float
    states: bytearray = field(default_factory=bytearray)
    ended_at: float | None = None
    landing_seconds: float = 0.0
    charges: list[Charge] = field(default_factory=list)
    waiting_bytes: int = 0
    in_flight_bytes: int = 0
    owed_bytes: int = 0
    sent_of: dict[int, int] = field(default_factory=dict)
    wasted_bytes: int = 0
    journal_name: str = field(init=False, default="")
    _places: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.states) != len(self.files):
            self.states = bytearray(len(self.files))
        self.waiting_bytes = sum(file.cost for file in self.in_state(*IN_DOUBT))
        # A number alone might be used again after an older copy of the book came back.
        self.journal_name = f"{self.number}-{int(self.opened_at * 1000):x}"

    def in_state(self, *states: FileState) -> Iterator[StageFile]:
        """The files in one of these states."""
        return (file for file, state in zip(self.files, self.states, strict=True) if state in states)

    def place(self, name: str) -> int | None:
        """Where a file stands in the list; None for a name that is not in it."""
        if not self._places:
            self._places = {file.name: place for place, file in enumerate(self.files)}
        return self._places.get(name)

    def set_state(self, name: str, state: FileState) -> FileState | None:
        """Note what is known of a file now; returns what was before, None for a name that is not in the stage."""
        place = self.place(name)
        if place is None:
            return None
        before = _STATES[self.states[place]]
        self.states[place] = state
        if before in IN_DOUBT and state not in IN_DOUBT:
            self._out_of_doubt(place, arrived=state is not FileState.FREE)
        return before

    def _out_of_doubt(self, place: int, *, arrived: bool) -> None:
        self.waiting_bytes -= self.files[place].cost
        sent_bytes = self.sent_of.pop(place, 0)
        self.owed_bytes += sent_bytes if arrived else 0

    def free_all_but(self, names: Collection[str]) -> None:
        """All waiting files except these were not uploaded."""
        for place, file in enumerate(self.files):
            if self.states[place] in IN_DOUBT and file.name not in names:
                self.states[place] = FileState.FREE
                self._out_of_doubt(place, arrived=False)

    def arrived_by(self, now: float) -> float:
        """The latest time, up to now, at which what it has sent can have arrived; now is by the book's clock."""
        return now if self.ended_at is None else min(now, self.ended_at + self.landing_seconds)

    def outstanding_bytes(self) -> int:
        """What it may have spent beyond its charges."""
        if not self.owed_bytes:
            return self.waiting_bytes
        spent = self.owed_bytes + sum(self.sent_of.values())
        return max(self.waiting_bytes, spent - sum(charge.bytes for charge in self.charges))

    def owed_beyond_charges(self) -> int:
        """What it has spent beyond its charges, in bytes, whatever becomes of its files in doubt."""
        return max(0, self.owed_bytes - sum(charge.bytes for charge in self.charges))

    def is_settled(self) -> bool:
        """Whether nothing is left to find out."""
        return not any(state in self.states for state in (*IN_DOUBT, FileState.SENT))

    def document(self) -> dict[str, Any]:
        """All but the files, as JSON."""
        return {
            "uploader": self.uploader,
            "account": self.account,
            "account_name": self.account_name,
            "destination": self.destination,
            "folder": self.folder,
            "moving": self.moving,
            "opened_at": self.opened_at,
            "seen_at": self.seen_at,
            "ended_at": self.ended_at,
            "landing_seconds": self.landing_seconds,
            "waiting_bytes": self.outstanding_bytes(),
            "owed_bytes": self.owed_bytes,
            "sent_of": {str(place): sent_bytes for place, sent_bytes in self.sent_of.items()},
            "wasted_bytes": self.wasted_bytes,
            "charges": charges_document(self.charges),
        }


def pack_files(files: Sequence[StageFile]) -> bytes:
    """The list of a stage as one compressed value: 100,000 files take 0.7 MB."""
    numbers = array("q")
    for column in (1, 2, 3, 4):
        numbers.extend(map(itemgetter(column), files))
    names = os.fsencode("\0".join(map(itemgetter(0), files)))
    return zlib.compress(len(files).to_bytes(8, "little") + numbers.tobytes() + names, _LEVEL)


def unpack_files(packed: bytes) -> list[StageFile]:
    """The same, read. Raises ValueError for anything else."""
    try:
        data = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(data) < 8:
        raise ValueError("the list of a stage is empty")
    count = int.from_bytes(data[:8], "little")
    end = 8 + 4 * 8 * count
    numbers = array("q")
    numbers.frombytes(data[8:end])
    names = os.fsdecode(data[end:]).split("\0") if count else []
    if len(names) != count or len(numbers) != 4 * count:
        raise ValueError("the list of a stage is not complete")
    columns = (numbers[place * count : (place + 1) * count] for place in range(4))
    return list(map(StageFile, names, *columns))


def pack_states(states: bytearray) -> bytes:
    """What is known of each file, compressed."""
    return zlib.compress(bytes(states), _LEVEL)


def read_stage(number_: int, document: bytes, files: bytes | None, states: bytes | None) -> Stage:
    """A stage from its rows. Raises ValueError when its list cannot be read."""
    stored = mapping(json.loads(document))
    listed = unpack_files(files or b"")
    known = bytearray()
    if states is not None:
        try:
            known = bytearray(zlib.decompress(states))
        except zlib.error:
            known = bytearray()  # then every file counts as waiting
    return Stage(
        number=number_,
        uploader=text(stored.get("uploader")),
        account=text(stored.get("account")),
        account_name=text(stored.get("account_name")),
        destination=text(stored.get("destination")),
        folder=text(stored.get("folder")),
        moving=stored.get("moving") is True,
        files=listed,
        opened_at=number(stored.get("opened_at")),
        seen_at=number(stored.get("seen_at")),
        states=known if all(state <= FileState.RENAMED for state in known) else bytearray(),
        ended_at=number(stored.get("ended_at")) or None,
        landing_seconds=number(stored.get("landing_seconds")),
        charges=read_charges(stored.get("charges")),
        owed_bytes=whole(stored.get("owed_bytes")),
        sent_of={int(key): whole(sent) for key, sent in mapping(stored.get("sent_of")).items() if key.isdecimal()},
        wasted_bytes=whole(stored.get("wasted_bytes")),
    )


def waiting_document(stage: Stage) -> dict[str, Any]:
    """What `cloudplow accounts` says of a stage that is not settled."""
    waiting = list(stage.in_state(*IN_DOUBT))
    return {
        "opened_at": round(stage.opened_at),
        "ended_at": round(stage.ended_at or 0),
        "account": stage.account_name,
        "files": len(waiting),
        "bytes": stage.outstanding_bytes(),
    }
