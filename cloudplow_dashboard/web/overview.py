"""Answers that look at every uploader at once: `/api/uploaders`, `/api/summary`, `/api/plan`. Pure, under the lock."""

from __future__ import annotations

from typing import Any

from cloudplow.events import AccountState
from cloudplow.events import UploaderState as State
from cloudplow.units import format_bytes, format_duration
from cloudplow_dashboard.state.document import Health, UploaderStatus
from cloudplow_dashboard.state.document_session import Session
from cloudplow_dashboard.state.uploader_state import Uploaders, UploaderState
from cloudplow_dashboard.web.answers import Plans, Summary, UploaderLine, UploaderLines
from cloudplow_dashboard.web.compat import focus, session_stats


def uploaders_side_by_side(uploaders: Uploaders, now: float) -> UploaderLines:
    """Every uploader by name, with the figures that fit on one line. now: epoch seconds."""
    return {"uploaders": {name: line(u, now) for name, u in uploaders.items()}}


def line(u: UploaderState, now: float) -> UploaderLine:
    """One uploader in `/api/uploaders`. now: epoch seconds."""
    stats = session_stats(u, now)["data"]
    session, summary = u.session, u.accounts.summary()
    status: UploaderStatus = u.part("status", now)
    return {
        "active": u.active,
        "phase": u.phase,
        **status,
        "outcome": session["outcome"],
        "reason": session["reason"] or u.suspension["reason"],
        "folder": session["folder"],
        "remote": session["remote"],
        "account": session["account"],
        "stage": session["stage"],
        "stages_total": session["stages_total"],
        "started_at": session["started_at"],
        "ended_at": session["ended_at"],
        "files_done": session["files_done"],
        "files_total": session["files_total"],
        "files_left": session["files_left"],
        "files_failed": session["files_failed"],
        "bytes_done": session["bytes_done"],
        "bytes_total": session["bytes_total"],
        "bytes_left": session["bytes_left"],
        "byte_percentage": stats["byte_percentage"],
        "speed": u.progress["speed"],
        "eta_seconds": stats["eta_seconds"],
        "next_capacity_at": _next_capacity_at(session, status, now),
        "suspended_until": u.suspension["until"],
        "throttle_limit": u.throttle["limit"],
        "recovered": session["recovered"],
        "accounts_total": summary["total"],
        "quota_used_bytes": summary["used_bytes"],
        "quota_in_flight_bytes": summary["in_flight_bytes"],
        "quota_unsettled_bytes": summary["unsettled_bytes"],
        "quota_free_bytes": u.accounts.free,
        "quota_limit_bytes": summary["limit_bytes"],
    }


def _next_capacity_at(session: Session, status: UploaderStatus, now: float) -> float:
    """When quota comes back that helps: what the scheduler waits for, else what the last session said."""
    cooling = status["state"] == State.COOLING
    at = (status["until"] if cooling else 0) or session["next_capacity_at"]
    return at if at > now else 0


def summary(u: UploaderState | None, health: Health, now: float) -> Summary:
    """One flat object, every key always there, for Homepage, Home Assistant and the like."""
    u = u or UploaderState("")
    figures = line(u, now)
    states = u.accounts.summary()["states"]
    return {
        "status": health["status"],
        "version": health["version"],
        "engine": health["engine"],
        "uptime_seconds": health["uptime_seconds"],
        "last_event_age_seconds": health["last_event_age_seconds"],
        "uploader": u.name,
        **figures,
        "bytes_done_human": format_bytes(figures["bytes_done"]),
        "bytes_total_human": format_bytes(figures["bytes_total"]),
        "bytes_left_human": format_bytes(figures["bytes_left"]),
        "speed_human": f"{format_bytes(figures['speed'])}/s",
        "eta_human": format_duration(figures["eta_seconds"]),
        "quota_used_human": format_bytes(figures["quota_used_bytes"]),
        "quota_limit_human": format_bytes(figures["quota_limit_bytes"]),
        "accounts_ready": states.get(AccountState.READY, 0),
        "accounts_active": states.get(AccountState.ACTIVE, 0),
        "accounts_cooling": states.get(AccountState.COOLING, 0),
        "accounts_denied": states.get(AccountState.DENIED, 0),
        "accounts_failed": states.get(AccountState.FAILED, 0),
    }


def plans(uploaders: Uploaders, uploader: str | None) -> Plans:
    """The plan of each uploader that has one, or that of one uploader."""
    known: dict[str, Any] = {name: u.plan for name, u in uploaders.items() if u.plan}
    data = known.get(uploader, {}) if uploader is not None else known
    return {"available": bool(data), "data": data}


def pick(uploaders: Uploaders, name: str | None) -> UploaderState | None:
    """The named uploader, or the one that "the" upload means."""
    return uploaders[name] if name is not None else focus(uploaders)
