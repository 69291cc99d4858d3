"""What an earlier process left in the cache files, old programs' files included -> events, after a start.

So plugins that show it need no parser for these files. Every value is checked: an invalid one is lost, but never stops
the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from cloudplow.events import Event, QueueLearned, SessionOutcome, SessionRecovered, TransfersRecovered
from cloudplow.state.loose import mapping, number, text, whole
from cloudplow.state.state_files import LEARNED_FILE, SESSION_FILE

#: At most this many uploaders of one file, and used accounts of one session, are recovered.
UPLOADERS_LIMIT: Final = 64
ACCOUNTS_LIMIT: Final = 1000

Read = Callable[[str], Mapping[str, Any] | None]


def recovered_events(read: Read) -> Iterator[Event]:
    """Sessions, queues and sizes of transfers. read: returns the content of a cache file by its name."""
    yield from _sessions(mapping(read(SESSION_FILE)))
    for uploader, entry in _objects(mapping(read(LEARNED_FILE))):
        queue = mapping(entry.get("queue_distribution"))
        if queue:
            yield _queue(uploader, queue)
        history = mapping(entry.get("transfer_history"))
        if history:
            folder = text(mapping(history.get("metadata")).get("upload_folder"))
            yield TransfersRecovered(uploader=uploader, distribution=history, upload_folder=folder)


def _objects(content: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The members that are themselves objects, by name."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    found += ((name, value) for name, value in content.items() if isinstance(value, dict))
    return found[:UPLOADERS_LIMIT]


def _queue(uploader: str, distribution: Mapping[str, Any]) -> QueueLearned:
    statistics, metadata = mapping(distribution.get("statistics")), mapping(distribution.get("metadata"))
    return QueueLearned(
        uploader=uploader,
        files=whole(statistics.get("total_files")),
        bytes=whole(statistics.get("total_bytes")),
        distribution=distribution,
        source=text(metadata.get("source")),
        confidence=text(metadata.get("confidence")),
        duration_seconds=number(metadata.get("checking_duration_seconds")),
        learned_at=number(metadata.get("last_updated")),
    )


def _sessions(content: Mapping[str, Any]) -> Iterator[SessionRecovered]:
    """The latest session, in the old form; those of other uploaders are beside it under "uploaders"."""
    found = _objects(mapping(content.get("uploaders")))
    if text(content.get("uploader")):
        found.append((text(content["uploader"]), content))
    for uploader, entry in found:
        if number(entry.get("session_start_time")):
            yield _session(uploader, entry)


def _session(uploader: str, entry: Mapping[str, Any]) -> SessionRecovered:
    interrupted = entry.get("active") is True
    files, size = whole(entry.get("transferred_files")), whole(entry.get("transferred_bytes"))
    files_total, bytes_total = whole(entry.get("total_files")), whole(entry.get("total_bytes"))
    used, index = entry.get("sas_used"), entry.get("sa_index")
    known = not interrupted and "files_left" in entry
    left, bytes_left = whole(entry.get("files_left")), whole(entry.get("bytes_left"))
    if known:
        files_total, bytes_total = files + left, size + bytes_left
    elif not files_total or files_total < files or bytes_total < size:
        files_total = bytes_total = 0  # it was never known: what was transferred is not all that there was
    if not known:
        left, bytes_left = max(0, files_total - files), max(0, bytes_total - size)
    return SessionRecovered(
        uploader=uploader,
        started_at=number(entry.get("session_start_time")),
        # A killed one ended soon after it was heard of last.
        ended_at=number(entry.get("heard_at" if interrupted else "session_end_time")) or None,
        outcome=SessionOutcome.INTERRUPTED if interrupted else _outcome(entry.get("outcome")),
        reason="cloudplow ended before the upload did" if interrupted else text(entry.get("reason")),
        upload_folder=text(entry.get("upload_folder")),
        upload_remote=text(entry.get("upload_remote")),
        stage=whole(entry.get("stage")),
        stages_total=whole(entry.get("total_stages")),
        account=_base_name(entry.get("current_sa")),
        account_index=index if isinstance(index, int) and index >= 0 else -1,
        accounts_total=whole(entry.get("total_sas")),
        accounts_used=tuple(filter(None, map(_base_name, used[:ACCOUNTS_LIMIT]))) if isinstance(used, list) else (),
        files=files,
        bytes=size,
        files_total=files_total,
        bytes_total=bytes_total,
        files_left=left,
        bytes_left=bytes_left,
        next_capacity_at=None if interrupted else number(entry.get("next_capacity_at")) or None,
        stage_params=mapping(entry.get("stage_params")),
        run_id=text(entry.get("run_id")),
        dry_run=entry.get("dry_run") is True,
        would_go_files=whole(entry.get("would_go_files")),
        would_go_bytes=whole(entry.get("would_go_bytes")),
    )


def _base_name(value: object) -> str:
    return PurePath(text(value)).name


def _outcome(value: object) -> SessionOutcome | None:
    """None when an older program did not record it."""
    try:
        return SessionOutcome(text(value))
    except ValueError:
        return None
