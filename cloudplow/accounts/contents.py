"""The content of a book in memory, and its rows on disk. No clock, no file."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloudplow.accounts.booked_stage import Stage, StageFile, pack_files, pack_states, read_stage, unpack_files
from cloudplow.accounts.entry import Charge, Entry, entry_document, join, read_charges, read_entry
from cloudplow.accounts.trusted_clock import Anchor
from cloudplow.state.book_file import Rows
from cloudplow.state.loose import mapping, number, text, whole

log = logging.getLogger("cloudplow.ledger")

Changes = dict[tuple[str, str], bytes | None]

#: The fact that counts the book's transactions, and the one that says what time it was.
GENERATION: Final = "generation"
ANCHOR: Final = "clock"


@dataclass(slots=True)
class Contents:
    """entries: by uploader and account identity; arrived: by uploader and file name; generation: of transactions."""

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    stages: dict[int, Stage] = field(default_factory=dict)
    arrived: dict[str, dict[str, StageFile]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    last_stage: int = 0

    @property
    def generation(self) -> int:
        """How many transactions the book had when this was written."""
        return whole(self.facts.get(GENERATION))

    @property
    def anchor(self) -> Anchor | None:
        """The clock when this was written."""
        stored = mapping(self.facts.get(ANCHOR))
        if not stored:
            return None
        return Anchor(
            text(stored.get("boot_id")),
            number(stored.get("since_boot")),
            number(stored.get("at")),
            number(stored.get("held_since")),
            number(stored.get("began_at")),
        )


def entry_key(uploader: str, account: str) -> tuple[str, str]:
    """The row of an entry."""
    return "account", json.dumps([uploader, account])


def entry_row(entry: Entry) -> bytes:
    """The value of an entry's row."""
    return json.dumps(entry_document(entry)).encode()


def stage_rows(number_: int, stage: Stage | None, *, with_files: bool) -> Changes:
    """The rows of a stage; None removes them. with_files: its list too, which never changes."""
    key = str(number_)
    if stage is None:
        return {("stage", key): None, ("files", key): None, ("states", key): None}
    rows: Changes = {
        ("stage", key): json.dumps(stage.document()).encode(),
        ("states", key): pack_states(stage.states),
    }
    if with_files:
        rows["files", key] = pack_files(stage.files)
    return rows


def arrived_row(files: Mapping[str, StageFile]) -> bytes | None:
    """The value of the row of files that arrived and are still at the source."""
    return pack_files(list(files.values())) if files else None


def fact_row(value: Any) -> bytes | None:
    """The value of a fact's row."""
    return None if value is None else json.dumps(value).encode()


def warn(message: str) -> None:
    """Say it in the log."""
    log.warning("%s", message)


def written_keys(rows: Rows) -> tuple[set[tuple[str, str]], set[str]]:
    """Of which entries and of which uploaders' files that arrived there are rows."""
    entries: set[tuple[str, str]] = set()
    for kind, key in rows:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            if kind == "account":
                uploader, account = json.loads(key)
                entries.add((str(uploader), str(account)))
    return entries, {key for kind, key in rows if kind == "arrived"}


def read_rows(rows: Rows, say: Callable[[str], None] = warn, spare: Callable[[], Rows] = dict) -> Contents:
    """Read all rows. What cannot be read is taken from a copy, or else left out, with a warning.

    A stage without its list counts as spent. spare: the rows of the copy, read only when one is needed.
    """
    made = Contents()
    for (kind, key), value in rows.items():
        if kind in ("account", "arrived", "fact"):
            _read_row(made, kind, key, value, say, spare)
    made.last_stage = whole(made.facts.get("last_stage"))
    for (kind, key), value in rows.items():
        if kind == "stage" and key.isdecimal():
            _take_stage(made, int(key), value, rows, say, spare)
    return made


def _read_row(
    made: Contents, kind: str, key: str, value: bytes, say: Callable[[str], None], spare: Callable[[], Rows]
) -> None:
    try:
        _take_row(made, kind, key, value)
    except (ValueError, TypeError, RecursionError) as error:
        copied = spare().get((kind, key))
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            if copied is not None:
                _take_row(made, kind, key, copied)
                say(f"cloudplow.db: the row {kind} {key} cannot be read ({error}); taken from the backup copy")
                return
        say(f"cloudplow.db: the row {kind} {key} cannot be read, so it is ignored: {error}")


def _take_row(made: Contents, kind: str, key: str, value: bytes) -> None:
    match kind:
        case "account":
            uploader, account = json.loads(key)
            made.entries[str(uploader), str(account)] = read_entry(_object(value))
        case "arrived":
            made.arrived[key] = {file.name: file for file in unpack_files(value)}
        case "fact":
            made.facts[key] = json.loads(value)


def _object(value: bytes) -> dict[str, Any]:
    """Raises ValueError for anything else."""
    stored = json.loads(value)
    if not isinstance(stored, dict):
        raise ValueError("it is no object")
    return stored


def _take_stage(
    made: Contents,
    number_: int,
    document: bytes,
    rows: Rows,
    say: Callable[[str], None],
    spare: Callable[[], Rows],
) -> None:
    key = str(number_)
    made.last_stage = max(made.last_stage, number_)
    with contextlib.suppress(ValueError, RecursionError):
        made.stages[number_] = read_stage(number_, document, rows.get(("files", key)), rows.get(("states", key)))
        return
    # Its list never changes, and what the rest says too little is asked at the destination.
    copies = spare()
    with contextlib.suppress(ValueError, RecursionError):
        documents = [one for one in (document, copies.get(("stage", key))) if one is not None and _is_object(one)]
        if documents:
            states = rows.get(("states", key), copies.get(("states", key)))
            made.stages[number_] = read_stage(number_, documents[0], _list_of(key, rows, copies), states)
            say(f"cloudplow.db: what it says of stage {key} cannot be read; taken from the backup copy")
            return
    stored = _object(document) if _is_object(document) else {}
    spend_whole(made, stored, say)


def _is_object(value: bytes) -> bool:
    try:
        _object(value)
    except (ValueError, RecursionError):
        return False
    return True


def _list_of(key: str, rows: Rows, copies: Rows) -> bytes | None:
    """The list of a stage: the first that can be read."""
    for source in (rows, copies):
        packed = source.get(("files", key))
        with contextlib.suppress(ValueError):
            if packed is not None:
                unpack_files(packed)
                return packed
    return None


def spend_whole(made: Contents, stored: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """A stage whose list is lost: what it spent and what it reserved counts as spent."""
    uploader, account = text(stored.get("uploader")), text(stored.get("account"))
    say(
        f"{uploader}: the list of an interrupted stage is lost, so all that it planned counts as used for account "
        f"{text(stored.get('account_name'))}"
    )
    at = number(stored.get("ended_at")) or number(stored.get("seen_at"))
    entry = made.entries.setdefault((uploader, account), Entry())
    charges = read_charges(stored.get("charges"))
    join(entry.charges, [*charges, Charge(at, at, whole(stored.get("waiting_bytes")))])
