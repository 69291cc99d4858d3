"""What one uploader spent on one key file: the charges in its window, and its record in the ledger file. No clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloudplow.state.loose import number, whole

#: Charges closer together than this share of the window are kept as one, dated by the latest: none comes back
#: earlier than it would on its own.
MERGE_SHARE: Final = 1 / 288
#: At most this many accounts that one key file has named are remembered.
ACCOUNT_IDS_LIMIT: Final = 8


@dataclass(slots=True)
class Charge:
    """Bytes that were spent between `since` and `at` (epoch seconds)."""

    since: float
    at: float
    bytes: int


@dataclass(slots=True)
class Entry:
    """What one uploader spent on one key file.

    ahead_bytes: what was charged for files of an interrupted stage before it is known whether they arrived.
    account_ids: the accounts that the key file has named (`cloudplow.accounts.same_account`); more than one if it was
        replaced.
    """

    charges: list[Charge] = field(default_factory=list)
    reserved_bytes: int = 0
    open_stage: dict[str, Any] | None = None
    aborted: bool = False
    ahead_bytes: int = 0
    total_bytes: int = 0
    last_used: float = 0.0
    account_ids: set[str] = field(default_factory=set)
    denied_until: float = 0.0
    denied_why: str = ""
    learned_limit_bytes: int = 0
    learned_for_limit_bytes: int = 0


def expire(entry: Entry, now: float, window: float) -> list[Charge]:
    """Drop the charges that have come back by now; returns the rest."""
    if entry.charges and entry.charges[0].at + window <= now:
        entry.charges = [charge for charge in entry.charges if charge.at + window > now]
    return entry.charges


def book(entry: Entry, now: float, size_bytes: int, window: float) -> None:
    """Charge bytes as spent now."""
    entry.total_bytes += size_bytes
    entry.last_used = now
    charges = expire(entry, now, window)
    if charges and now - charges[-1].since < window * MERGE_SHARE:
        charges[-1].at = max(now, charges[-1].at)
        charges[-1].bytes += size_bytes
    else:
        charges.append(Charge(now, max(now, charges[-1].at if charges else now), size_bytes))


def write_entry(entry: Entry, now: float, window: float) -> dict[str, Any]:
    """The record in the ledger file."""
    charges = expire(entry, now, window)
    used = sum(charge.bytes for charge in charges)
    record: dict[str, Any] = {
        "bytes": used,
        "reset_time": charges[-1].at + window if charges else 0.0,
        "first_upload": charges[0].since if charges else 0.0,
        "charges": [[charge.at, charge.bytes] for charge in charges],
        "total_bytes": entry.total_bytes,
        "last_used": entry.last_used,
    }
    if entry.open_stage is not None:
        record["open_stage"] = dict(entry.open_stage)
    if entry.aborted:
        record["aborted"] = True
    if entry.account_ids:
        record["account_ids"] = sorted(entry.account_ids)
    if entry.ahead_bytes:
        record["ahead_bytes"] = entry.ahead_bytes
    if entry.denied_until > now:
        record |= {"denied_until": entry.denied_until, "denied_why": entry.denied_why}
    if entry.learned_limit_bytes:
        record |= {
            "learned_limit_bytes": entry.learned_limit_bytes,
            "learned_for_limit_bytes": entry.learned_for_limit_bytes,
        }
    return record


def read_charges(record: Mapping[str, Any], window: float) -> list[tuple[float, int]]:
    """When bytes were spent, and how many; invalid values count as 0. The old format has one sum and one window."""
    stored = record.get("charges")
    if isinstance(stored, list):
        return [(number(one[0]), whole(one[1])) for one in stored if isinstance(one, list) and len(one) == 2]
    reset_at = number(record.get("reset_time"))
    spent_at = reset_at - window if reset_at else number(record.get("first_upload"))
    return [(spent_at, whole(record.get("bytes")))]


def read_entry(record: Mapping[str, Any], charges: Iterable[tuple[float, int]], now: float, window: float) -> Entry:
    """Read one record in the new or the old format; invalid values count as 0, a time in the future as now."""
    entry = Entry(
        total_bytes=whole(record.get("total_bytes", record.get("bytes"))),
        aborted=record.get("aborted") is True,
        ahead_bytes=whole(record.get("ahead_bytes")),
        last_used=min(now, number(record.get("last_used", record.get("first_upload")))),
        denied_until=number(record.get("denied_until")),
        denied_why=str(record.get("denied_why", "")),
        learned_limit_bytes=whole(record.get("learned_limit_bytes")),
        learned_for_limit_bytes=whole(record.get("learned_for_limit_bytes")),
    )
    for at, size_bytes in sorted((min(at, now), size) for at, size in charges):
        if size_bytes > 0 and at + window > now:
            entry.charges.append(Charge(at, at, size_bytes))
    opened = record.get("open_stage")
    if isinstance(opened, dict):
        planned, charged = whole(opened.get("planned_bytes")), whole(opened.get("charged_bytes"))
        entry.open_stage = {"planned_bytes": planned, "charged_bytes": charged}
        entry.reserved_bytes = max(0, planned - charged)
    known = record.get("account_ids")
    if isinstance(known, list) and (entry.charges or entry.reserved_bytes or entry.denied_until > now):
        entry.account_ids = {one for one in known[:ACCOUNT_IDS_LIMIT] if isinstance(one, str)}
    return entry


def give_up_stage(entry: Entry, now: float, window: float) -> None:
    """Count an open stage's reservation as spent: nothing will settle it once its uploader is not configured."""
    if entry.reserved_bytes and entry.last_used + window > now:
        entry.charges.append(Charge(entry.last_used, entry.last_used, entry.reserved_bytes))
        entry.charges.sort(key=lambda charge: charge.at)
    entry.reserved_bytes = 0
    entry.open_stage = None
