"""The answers of the first dashboard: its names and types, read from the state. Fields are added, never removed.

Everything here runs under the state's lock and is pure apart from the time that it is given. Unknown numbers are 0,
unknown texts "": no answer holds null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cloudplow.events import AccountState
from cloudplow.units import GIB, format_bytes, format_duration
from cloudplow_dashboard.state import figures
from cloudplow_dashboard.state.account_table import spent_bytes
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document_quota import Account
from cloudplow_dashboard.state.document_session import TransferringFile
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.uploader_state import Uploaders, UploaderState, focus_of
from cloudplow_dashboard.web.answers import (
    AccountRow,
    Distributions,
    FileRow,
    QueueStatus,
    RcloneStats,
    SessionFigures,
    SessionStats,
    SpeedAndEta,
    Status,
)

#: From this share of its quota on an account counts as "complete", in percent.
COMPLETE_PERCENT: Final = 95

_BLANK: Final = UploaderState("")


def local_time(at: float) -> str:
    """Epoch seconds as local time, "2026-01-31 14:05:00"; "" for 0 and for what no calendar holds."""
    if at <= 0:
        return ""
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return ""


def _percent(part: int, total: int) -> float:
    """To one decimal; 100 only where it is all of it, however little is missing."""
    if total <= 0:
        return 0.0
    return min(round(100 * part / total, 1), 99.9) if part < total else 100.0


def focus(uploaders: Uploaders) -> UploaderState | None:
    """The uploader that an answer about "the" upload means: `focus` of the state document."""
    return uploaders.get(focus_of(uploaders.values()))


def _message(u: UploaderState) -> str:
    if u.active:
        return ""
    if u.phase == Phase.INTERRUPTED:
        return "The last upload was interrupted"
    return "No active upload session"


def status(u: UploaderState | None) -> Status:
    """`/api/status`."""
    u = u or _BLANK
    session = u.session_document()
    return {
        "active": u.active,
        "message": _message(u),
        "uploader": u.name,
        "current_sa": session["account"],
        "sa_index": max(0, session["account_index"]),
        "total_sas": session["accounts_total"],
        "stage": session["stage"],
        "total_stages": session["stages_total"],
        "session_start": local_time(session["started_at"]),
        "upload_folder": session["folder"],
        "phase": u.phase,
        "outcome": session["outcome"],
        "upload_remote": session["remote"],
        "recovered": session["recovered"],
    }


def session_stats(u: UploaderState | None, now: float) -> SessionStats:
    """`/api/session_stats`. now: epoch seconds."""
    u = u or _BLANK
    session, told = u.session_document(), u.figures(now)
    duration = _session_seconds(u, now)
    done, total, left = session["bytes_done"], session["bytes_total"], session["bytes_left"]
    eta, speed = figures.seconds_left(told["finish_at"], now), told["average_speed"]
    data: SessionFigures = {
        "total_files": session["files_total"],
        "transferred_files": session["files_done"],
        "remaining_files": session["files_left"],
        "file_percentage": _percent(session["files_done"], session["files_total"]),
        "total_bytes": total,
        "total_bytes_human": format_bytes(total),
        "transferred_bytes": done,
        "transferred_bytes_human": format_bytes(done),
        "in_flight_bytes": session["bytes_in_flight"],
        "remaining_bytes": left,
        "remaining_bytes_human": format_bytes(left),
        "byte_percentage": max(0.0, told["percentage"]),
        "duration_seconds": round(duration, 1),
        "duration_human": format_duration(duration),
        "avg_speed": speed,
        "avg_speed_human": f"{format_bytes(speed)}/s",
        "eta_seconds": eta,
        "eta_human": format_duration(eta),
        "finish_at": told["finish_at"],
        "stale_since": told["stale_since"],
        "session_start": local_time(session["started_at"]),
        "sas_used": session["accounts_used"],
        "failed_files": session["files_failed"],
        "uploader": u.name,
    }
    return {"available": bool(session["started_at"]), "data": data}


def _session_seconds(u: UploaderState, now: float) -> float:
    """How long the session has lasted; 0 for an interrupted one, of which nobody knows the end."""
    started = u.session["started_at"]
    ended = u.session["ended_at"] or (now if u.active else started)
    return max(0.0, ended - started) if started else 0.0


def account_row(uploader: str, name: str, row: Account, now: float) -> AccountRow:
    """One account of `/api/service_accounts`. row: of the table of accounts; now: epoch seconds."""
    used, limit = row["used_bytes"], row["limit_bytes"]
    percentage = _percent(spent_bytes(row), limit)
    active, complete = row["state"] == AccountState.ACTIVE, percentage >= COMPLETE_PERCENT
    resets_at = row["resets_at"]
    minutes = int(max(0.0, resets_at - now) // 60)
    return {
        "sa_file": name,
        "status": "active" if active else "complete" if complete else "ready",
        "used_bytes": used,
        "in_flight_bytes": row["in_flight_bytes"],
        "unsettled_bytes": row["unsettled_bytes"],
        "free_bytes": row["free_bytes"],
        "quota_bytes": limit,
        "used_gb": round(used / GIB, 2),
        "quota_gb": round(limit / GIB, 2),
        "percentage": percentage,
        "reset_time": resets_at,
        "reset_in": f"{minutes // 60}h {minutes % 60}m" if used and resets_at > now else "Ready",
        "uploader": uploader,
        "index": row["index"],
        "state": row["state"],
        "why": row["why"],
        "until": row["until"],
    }


def rclone_stats(u: UploaderState | None) -> RcloneStats:
    """`/api/rclone_stats`: rclone's own statistics of the running stage."""
    u = u or _BLANK
    progress = u.progress
    return {
        "available": u.active and progress["at"] > 0,
        "data": {
            "bytes": progress["bytes"],
            "bytes_human": format_bytes(progress["bytes"]),
            **_speed_and_eta(progress["speed"], progress["eta_seconds"]),
            "transfers": progress["files"],
            "errors": progress["errors"],
            "checking": list(progress["checking"]),
            "transferring": [file_row(file) for file in progress["transferring"].values()],
            "total_bytes": progress["total_bytes"],
            "total_transfers": progress["total_files"],
            "uploader": u.name,
        },
    }


def _speed_and_eta(speed: float, eta_seconds: float) -> SpeedAndEta:
    eta = max(0, eta_seconds)
    return {
        "speed": speed,
        "speed_human": f"{format_bytes(speed)}/s",
        "eta": eta,
        "eta_human": format_duration(eta),
    }


def file_row(file: TransferringFile) -> FileRow:
    """One file that is being transferred, in `/api/rclone_stats`."""
    return {
        "name": file["name"],
        "size": file["size"],
        "size_human": format_bytes(file["size"]),
        "bytes": file["bytes"],
        "bytes_human": format_bytes(file["bytes"]),
        **_speed_and_eta(file["speed"], file["eta_seconds"]),
        "percentage": file["percentage"],
    }


def queue_distribution(uploaders: Uploaders) -> dict[str, Distribution]:
    """The distribution of what waits, by uploader; only those that know one."""
    return {name: u.queue["distribution"] for name, u in uploaders.items() if u.queue["distribution"]}


def transfer_history(uploaders: Uploaders, now: float) -> dict[str, Distribution]:
    """The distribution of what was transferred, by uploader; only those that know one."""
    documents = {name: u.history_document(now) for name, u in uploaders.items()}
    return {name: document for name, document in documents.items() if document}


def distributions(documents: dict[str, Distribution], uploader: str | None) -> Distributions:
    """data: that uploader's document, or all of them by name."""
    data = documents.get(uploader, {}) if uploader is not None else documents
    return {"available": bool(data), "data": data}


#: Every key that a stage of the first dashboard was told.
_STAGE_PARAMS: Final[Mapping[str, Any]] = {
    "strategy": "",
    "max_transfer": "",
    "max_size": "",
    "order_by": "",
    "transfers": 0,
    "max_backlog": 0,
}


def queue_status(u: UploaderState | None) -> QueueStatus:
    """`/api/queue_status`: with what the running stage was started, and how far it has got."""
    u = u or _BLANK
    progress, queue = u.progress, u.queue_document()
    return {
        "available": u.active,
        "data": {
            "stage_params": {**_STAGE_PARAMS, **u.stage_params},
            "queue_stats": {
                "listed": queue["listed_files"],
                "left": queue["files"],
                "left_bytes": queue["bytes"],
                "checks": 0,
                "totalChecks": progress["checking_count"],
                "totalTransfers": progress["total_files"],
                "checking": list(progress["checking"]),
                "checking_count": progress["checking_count"],
                "transferring_count": progress["transferring_count"],
            },
        },
    }
