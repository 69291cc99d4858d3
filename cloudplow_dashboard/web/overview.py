"""Answers that look at every uploader at once: `/api/uploaders`, `/api/summary`, `/api/plan`. Pure, under the lock."""

from __future__ import annotations

from typing import Any

from cloudplow.units import format_bytes, format_duration
from cloudplow_dashboard.state.uploader_state import UploaderState
from cloudplow_dashboard.web.compat import Uploaders, focus, session_stats


def uploaders_side_by_side(uploaders: Uploaders, now: float) -> dict[str, Any]:
    """Every uploader by name, with the figures that fit on one line. now: epoch seconds."""
    return {"uploaders": {name: line(u, now) for name, u in uploaders.items()}}


def line(u: UploaderState, now: float) -> dict[str, Any]:
    """One uploader in `/api/uploaders`. now: epoch seconds."""
    stats = session_stats(u, now)["data"]
    session, summary = u.session, u.accounts.summary()
    return {
        "active": u.active,
        "phase": u.phase,
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
        "next_capacity_at": session["next_capacity_at"],
        "suspended_until": u.suspension["until"],
        "throttle_limit": u.throttle["limit"],
        "recovered": session["recovered"],
        "accounts_total": summary["total"],
        "quota_used_bytes": summary["used_bytes"],
        "quota_limit_bytes": summary["limit_bytes"],
    }


def summary(u: UploaderState | None, health: dict[str, Any], now: float) -> dict[str, Any]:
    """One flat object, every key always there, for Homepage, Home Assistant and the like."""
    u = u or UploaderState("")
    figures = line(u, now)
    eta = figures["eta_seconds"]
    readable = {
        "bytes_done_human": format_bytes(figures["bytes_done"]),
        "bytes_total_human": format_bytes(figures["bytes_total"]),
        "bytes_left_human": format_bytes(figures["bytes_left"]),
        "speed_human": f"{format_bytes(figures['speed'])}/s",
        "eta_human": format_duration(eta),
        "quota_used_human": format_bytes(figures["quota_used_bytes"]),
        "quota_limit_human": format_bytes(figures["quota_limit_bytes"]),
    }
    states = u.accounts.summary()["states"]
    accounts = {
        f"accounts_{state}": states.get(state, 0) for state in ("ready", "active", "cooling", "denied", "failed")
    }
    whole = {key: health[key] for key in ("status", "version", "engine", "uptime_seconds", "last_event_age_seconds")}
    return whole | {"uploader": u.name} | figures | readable | accounts


def plans(uploaders: Uploaders) -> dict[str, dict[str, Any]]:
    """The plan of each uploader that has one."""
    return {name: u.plan for name, u in uploaders.items() if u.plan}


def pick(uploaders: Uploaders, name: str | None) -> UploaderState | None:
    """The named uploader, or the one that "the" upload means."""
    return uploaders[name] if name is not None else focus(uploaders)
