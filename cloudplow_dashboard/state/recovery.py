"""Fills the state from the cache files of an earlier run, also of older programs; after that nothing is read.

The files are material that anybody may have written: every value is checked, what does not fit is passed over.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.account_table import DEFAULT_LIMIT_BYTES
from cloudplow_dashboard.state.sessions import update_left
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import ACCOUNTS_USED_LIMIT, UploaderState, new_session

log = logging.getLogger("cloudplow.dashboard")

LEDGER_FILE: Final = "sa_quota_cache.json"
LEARNED_FILE: Final = "learned_sizes_cache.json"
SESSION_FILE: Final = "dashboard_session_state.json"

#: Charges of one account that are read.
CHARGES_LIMIT: Final = 2000

Read = Callable[[str], Any]


def recover(state: DashboardState, read: Read) -> None:
    """Show what the last run left behind.

    read: gives the content of a cache file by its name, None when there is none. A file that makes trouble costs one
    warning, never the start.
    """
    steps = ((LEDGER_FILE, _ledger), (LEARNED_FILE, _learned), (SESSION_FILE, _sessions))
    for name, step in steps:
        try:
            content = read(name)
            if isinstance(content, Mapping):
                step(state, content)
        except Exception:  # whatever an old file holds, the dashboard starts
            log.warning("The dashboard cannot use %s and starts without it", name, exc_info=True)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts "2.json" before "10.json"."""
    pieces = re.split(r"(\d{1,18})", name)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece]


def _objects(content: Mapping[Any, Any]) -> list[tuple[str, Mapping[Any, Any]]]:
    """The members that are objects themselves, by name."""
    return [(str(name), member) for name, member in content.items() if isinstance(member, Mapping)]


def _ledger(state: DashboardState, content: Mapping[Any, Any]) -> None:
    now = state.clock()
    for uploader, entries in _objects(content):
        accounts = sorted(_objects(entries), key=lambda item: natural_key(clean.base_name(item[0])))

        def fill(u: UploaderState, accounts: list[tuple[str, Mapping[Any, Any]]] = accounts) -> None:
            for path, entry in accounts:
                _account(u, clean.base_name(path), entry, now)
            u.accounts_changed()

        if accounts:
            state.edit(uploader, fill)


def _account(u: UploaderState, name: str, entry: Mapping[Any, Any], now: float) -> None:
    """One account of the ledger; what has come back by now counts as free."""
    # What was planned with last; an older record says at most what was learned.
    known = (clean.whole(entry.get(key)) for key in ("limit_bytes", "learned_limit_bytes"))
    values: dict[str, Any] = {"limit_bytes": next(filter(None, known), DEFAULT_LIMIT_BYTES)}
    denied_until = clean.number(entry.get("denied_until"))
    if denied_until > now:
        values |= {"state": "denied", "why": clean.redact(entry.get("denied_why")), "until": denied_until}
    u.accounts.recover(name, tuple(one for one in _returns(entry) if one[0] > now), **values)


def _returns(entry: Mapping[Any, Any]) -> list[tuple[float, int]]:
    """What an account spent: (epoch seconds at which it comes back, bytes), in order of time.

    The old form knows one sum and one time; the present one lists charges beside them, the last of which comes back
    at that time. The length of the window follows from the two.
    """
    reset_time, used = clean.number(entry.get("reset_time")), clean.whole(entry.get("bytes"))
    stored = entry.get("charges")
    pairs = [one for one in stored if isinstance(one, list) and len(one) == 2] if isinstance(stored, list) else []
    charges = sorted((clean.number(at), clean.whole(size)) for at, size in pairs)
    if not charges or not reset_time:
        return [(reset_time, used)] if used else []
    window = max(0.0, reset_time - charges[-1][0])
    return [(at + window, size) for at, size in charges[-CHARGES_LIMIT:] if size]


def _learned(state: DashboardState, content: Mapping[Any, Any]) -> None:
    for uploader, entry in _objects(content):

        def fill(u: UploaderState, entry: Mapping[Any, Any] = entry) -> None:
            _queue(u, entry.get("queue_distribution"))
            history = entry.get("transfer_history")
            if isinstance(history, Mapping):
                u.earlier_history = clean.mapping(history)
                u.history_folder_path = _folder_of(history)

        state.edit(uploader, fill)


def _part(document: Mapping[Any, Any], name: str) -> Mapping[Any, Any]:
    member = document.get(name)
    return member if isinstance(member, Mapping) else {}


def _folder_of(distribution: Mapping[Any, Any]) -> str:
    return clean.folder_path(_part(distribution, "metadata").get("upload_folder"))


def _queue(u: UploaderState, distribution: object) -> None:
    if not isinstance(distribution, Mapping):
        return
    statistics, metadata = _part(distribution, "statistics"), _part(distribution, "metadata")
    u.queue = {
        "available": True,
        "files": clean.whole(statistics.get("total_files")),
        "bytes": clean.whole(statistics.get("total_bytes")),
        "source": clean.text(metadata.get("source")),
        "confidence": clean.text(metadata.get("confidence")),
        "duration_seconds": clean.number(metadata.get("checking_duration_seconds")),
        "learned_at": clean.number(metadata.get("last_updated")),
        "distribution": clean.mapping(distribution),
    }
    u.queue_folder_path = _folder_of(distribution)
    u.dirty.add("queue")


def _sessions(state: DashboardState, content: Mapping[Any, Any]) -> None:
    """The latest session, as in the old form; those of further uploaders lie beside it under "uploaders"."""
    for name, entry in _objects(_part(content, "uploaders")):
        _session(state, name, entry)
    name = clean.text(content.get("uploader"))
    if name:
        _session(state, name, content)


def _session(state: DashboardState, name: str, entry: Mapping[Any, Any]) -> None:
    started_at = clean.number(entry.get("session_start_time"))
    if not started_at:
        return
    interrupted = entry.get("active") is True
    ended_at = 0 if interrupted else clean.number(entry.get("session_end_time"))
    used = entry.get("sas_used")
    accounts_used = [clean.base_name(item) for item in used[:ACCOUNTS_USED_LIMIT]] if isinstance(used, list) else []
    index = entry.get("sa_index")
    session = new_session() | {
        "id": clean.text(entry.get("session_id")),
        "started_at": started_at,
        "ended_at": ended_at,
        "outcome": "interrupted" if interrupted else clean.text(entry.get("outcome")),
        "reason": "The program ended before the upload did" if interrupted else clean.redact(entry.get("reason")),
        "folder": clean.base_name(entry.get("upload_folder")),
        "remote": clean.remote(entry.get("upload_remote")),
        "stage": clean.whole(entry.get("stage")),
        "stages_total": clean.whole(entry.get("total_stages")),
        "account": clean.base_name(entry.get("current_sa")),
        "account_index": index if isinstance(index, int) and index >= 0 else -1,
        "accounts_total": clean.whole(entry.get("total_sas")),
        "accounts_used": [account for account in accounts_used if account],
        "files_done": clean.whole(entry.get("transferred_files")),
        "bytes_done": clean.whole(entry.get("transferred_bytes")),
        "files_total": clean.whole(entry.get("total_files")),
        "bytes_total": clean.whole(entry.get("total_bytes")),
        "recovered": True,
    }
    update_left(session)
    if not interrupted:
        for field in ("files_left", "bytes_left"):
            session[field] = clean.whole(entry.get(field, session[field]))
        session["next_capacity_at"] = clean.number(entry.get("next_capacity_at"))

    def fill(u: UploaderState) -> None:
        u.session = session
        u.sessions.add(session)
        u.dirty.add("sessions")
        u.folder_path = clean.folder_path(entry.get("upload_folder"))
        u.stage_params = clean.mapping(entry.get("stage_params"))
        u.set_phase("interrupted" if interrupted else "finished")
        u.dirty.add("session")

    state.edit(name, fill)
