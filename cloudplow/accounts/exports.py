"""`sa_quota_cache.json`: what people and older programs read of the book, and what they wrote into it since. Pure.

The old form, with more fields: {uploader: {path of the key file: {"bytes", "reset_time", "first_upload", ...}}}. Older
programs count in one fixed window from the first upload on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cloudplow.accounts.booked_stage import Stage
from cloudplow.accounts.contents import Contents
from cloudplow.accounts.entry import Charge, Entry, denied_until, join, live
from cloudplow.accounts.identity import BY_NAME, identity_by_name
from cloudplow.state.loose import mapping, number, text, whole

#: The fact that says what was exported last, or read elsewhere:
#: {place: {uploader: {key file: [bytes, written at, generation]}}}.
EXPORTED: Final = "exported"

#: At most this many accounts that one key file has named are read.
_ACCOUNTS_OF_A_KEY: Final = 8


def place_of(folder: Path) -> str:
    """The name of a folder in that fact."""
    return str(folder.resolve())


class Record(NamedTuple):
    """One record of the file. generation: of the book when we wrote it, 0 if we did not.

    open_stages: what stages that were not settled had reserved, by number; used_bytes: the record's own sum;
    exported_bytes: what that was when we wrote it.
    """

    uploader: str
    key: str
    accounts: tuple[str, ...]
    entry: Entry
    used_bytes: int
    exported_bytes: int
    first_upload: float
    generation: int
    open_stages: Mapping[int, int]


def export_document(
    content: Contents, *, now: float, window_of: Callable[[str], float], limit_of: Callable[[str], int]
) -> dict[str, Any]:
    """The content of the file. limit_of: an uploader's limit for an account in bytes, 0 when unknown."""
    stages: dict[tuple[str, str], list[Stage]] = {}
    for stage in content.stages.values():
        stages.setdefault((stage.uploader, stage.account), []).append(stage)
    limits = {uploader: limit_of(uploader) for uploader in {name for name, _ in content.entries}}
    document: dict[str, Any] = {}
    for (uploader, account), entry in content.entries.items():
        if entry.is_empty() and (uploader, account) not in stages:
            continue
        key = entry.key or account.removeprefix(BY_NAME)
        record = _record(entry, stages.get((uploader, account), []), now, window_of(uploader))
        # The book is written together with it: one that is older lacks something.
        record |= {"account": account, "generation": content.generation + 1}
        if limit := limits[uploader]:
            record["limit_bytes"] = limit
        keys = document.setdefault(uploader, {})
        # Of two accounts, a key file may hold the one after the other.
        keys[key if key not in keys else f"{key} ({account})"] = record
    return document


def _record(entry: Entry, stages: list[Stage], now: float, window: float) -> dict[str, Any]:
    charges: list[Charge] = list(live(entry.charges, now, window))[::-1]
    for stage in stages:
        join(charges, live(stage.charges, now, window))
    # For older programs, what is in doubt is spent, too.
    in_doubt = [
        Charge(stage.opened_at, stage.arrived_by(now), stage.outstanding_bytes())
        for stage in stages
        if stage.ended_at is not None and stage.outstanding_bytes() and stage.arrived_by(now) + window > now
    ]
    used = sum(charge.bytes for charge in [*charges, *in_doubt])
    made: dict[str, Any] = {
        "bytes": used,
        "exported_bytes": used,
        "reset_time": max([charge.back_at(window) for charge in [*charges, *in_doubt]], default=0.0),
        "first_upload": min([charge.since for charge in [*charges, *in_doubt]], default=0.0),
        # One that is still to come counts as spent when that was noticed.
        "charges": sorted([charge.back_at(window) - window, charge.bytes] for charge in charges),
        "total_bytes": entry.total_bytes + sum(charge.bytes for stage in stages for charge in stage.charges),
        "last_used": entry.last_used,
    }
    if stages:
        made["open_stages"] = {str(stage.number): stage.outstanding_bytes() for stage in stages}
    if (until := denied_until(entry, now)) > now:
        made |= {"denied_until": until, "denied_why": entry.denied_why, "denied_at": entry.denied_at}
    if entry.learned_limit_bytes:
        made["learned_limit_bytes"] = entry.learned_limit_bytes
        made["learned_for_limit_bytes"] = entry.learned_for_limit_bytes
    return made


def read_records(
    document: object, identity_of: Callable[[str], str], window_of: Callable[[str], float], *, now: float
) -> Iterator[Record]:
    """Every record of a file that we, an earlier version or an older program wrote; invalid values count as 0.

    now: epoch seconds, for what is spent at an unknown time.
    """
    for uploader, keys in mapping(document).items():
        for key, stored in mapping(keys).items():
            if isinstance(stored, dict):
                yield _read(str(uploader), str(key), stored, identity_of, window_of(str(uploader)), now)


def _read(
    uploader: str,
    key: str,
    stored: Mapping[str, Any],
    identity_of: Callable[[str], str],
    window: float,
    now: float,
) -> Record:
    entry = Entry(
        charges=_read_charges(stored, window),
        total_bytes=whole(stored.get("total_bytes", stored.get("bytes"))),
        last_used=number(stored.get("last_used", stored.get("first_upload"))),
        denied_until=number(stored.get("denied_until")),
        denied_why=text(stored.get("denied_why")),
        denied_at=number(stored.get("denied_at")),
        learned_limit_bytes=whole(stored.get("learned_limit_bytes")),
        learned_for_limit_bytes=whole(stored.get("learned_for_limit_bytes")),
        key=key,
    )
    entry.denied_seconds = entry.denied_until - entry.denied_at if entry.denied_at else window
    opened = mapping(stored.get("open_stages"))
    before = mapping(stored.get("open_stage"))  # of an earlier version, which kept the list of one stage in a file
    reserved = max(0, whole(before.get("planned_bytes")) - whole(before.get("charged_bytes")))
    if reserved:
        at = entry.last_used or now
        join(entry.charges, [Charge(at, at, reserved)])
    return Record(
        uploader=uploader,
        key=key,
        accounts=_accounts(key, stored, identity_of),
        entry=entry,
        used_bytes=whole(stored.get("bytes")),
        exported_bytes=whole(stored.get("exported_bytes")),
        first_upload=number(stored.get("first_upload")),
        generation=whole(stored.get("generation")),
        open_stages={int(one): whole(size) for one, size in opened.items() if str(one).isdecimal()},
    )


def _accounts(key: str, stored: Mapping[str, Any], identity_of: Callable[[str], str]) -> tuple[str, ...]:
    """Which accounts were charged: those that the record names, else the one that the key file names now."""
    known = stored.get("account_ids")
    named = (
        [one for one in known[:_ACCOUNTS_OF_A_KEY] if isinstance(one, str) and one] if isinstance(known, list) else []
    )
    own = text(stored.get("account"))
    if own.startswith(BY_NAME):
        own = identity_of(key)
    return tuple(named) or (own or identity_of(key) or identity_by_name(key),)


def _read_charges(stored: Mapping[str, Any], window: float) -> list[Charge]:
    listed = stored.get("charges")
    found: list[Charge] = []
    if isinstance(listed, list):
        for one in listed:
            if isinstance(one, list) and len(one) == 2 and whole(one[1]):
                join(found, [Charge(number(one[0]), number(one[0]), whole(one[1]))])
        return found
    reset_at = number(stored.get("reset_time"))
    at = reset_at - window if reset_at else number(stored.get("first_upload"))
    join(found, [Charge(at, at, whole(stored.get("bytes")))])
    return found


def baseline(records: Iterator[Record], now: float) -> dict[str, dict[str, list[float]]]:
    """What a file said, to see later what others have added to it."""
    made: dict[str, dict[str, list[float]]] = {}
    for one in records:
        made.setdefault(one.uploader, {})[one.key] = [one.used_bytes, now, one.generation]
    return made


class Foreign(NamedTuple):
    """What others changed in a file. added: (record, bytes that they spent); shrunk: (uploader, key file)."""

    added: list[tuple[Record, int]]
    shrunk: list[tuple[str, str]]


def foreign_changes(records: list[Record], known: Mapping[str, Any]) -> Foreign:
    """Compare a file with what we exported last. known: the `baseline` of then."""
    added: list[tuple[Record, int]] = []
    shrunk: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()
    for one in records:
        seen.add((one.uploader, one.key))
        before, at, generation = _known(mapping(known.get(one.uploader)).get(one.key))
        if one.generation:
            # What others changed counts once, also if we have not written the file anew since.
            before = before if generation == one.generation else one.exported_bytes
            began_anew = one.used_bytes != before and 0 < at < one.first_upload
        else:
            began_anew = one.first_upload > at
        more = one.used_bytes - (0 if began_anew else before)
        if more > 0:
            added.append((one, more))
        elif more < 0:
            shrunk.append((one.uploader, one.key))
    newest = max([one.generation for one in records], default=0)
    for uploader, keys in known.items():
        for key, stored in mapping(keys).items():
            used_bytes, _, generation = _known(stored)
            # An older copy of our own lacks what came later.
            if used_bytes and (uploader, key) not in seen and not 0 < newest < generation:
                shrunk.append((uploader, key))
    return Foreign(added, shrunk)


def _known(stored: object) -> tuple[int, float, int]:
    """What a file said of a key file: bytes, when it was written, generation."""
    if not isinstance(stored, list) or len(stored) < 2:
        return 0, 0.0, 0
    return whole(stored[0]), number(stored[1]), whole(stored[2]) if len(stored) > 2 else 0
