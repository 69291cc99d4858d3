"""Answers that look at every uploader at once: `/api/uploaders`, `/api/summary`, `/api/plan`. Pure, under the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudplow.events import AccountState
from cloudplow.units import format_bytes, format_duration
from cloudplow_dashboard.state import figures
from cloudplow_dashboard.state.document import Head, Health
from cloudplow_dashboard.state.uploader_state import Uploaders, UploaderState
from cloudplow_dashboard.web.answers import Plans
from cloudplow_dashboard.web.answers_overview import Summary, Totals, UploaderLine, UploaderLines
from cloudplow_dashboard.web.compat import focus


def uploaders_side_by_side(uploaders: Uploaders, now: float) -> UploaderLines:
    """Every uploader by name, with the figures that fit on one line. now: epoch seconds."""
    lines = {name: line(u, now) for name, u in uploaders.items()}
    return {"uploaders": lines, "totals": totals([one for one in lines.values() if one["active"]])}


def totals(lines: Sequence[UploaderLine]) -> Totals:
    """The sums of those that upload."""
    done, total = sum(one["bytes_done"] for one in lines), sum(one["bytes_total"] for one in lines)
    files_done, files_total = sum(one["files_done"] for one in lines), sum(one["files_total"] for one in lines)
    ends = [one["finish_at"] for one in lines]
    return {
        "active": len(lines),
        "files_done": files_done,
        "files_total": files_total,
        "files_left": sum(one["files_left"] for one in lines),
        "bytes_done": done,
        "bytes_total": total,
        "bytes_left": sum(one["bytes_left"] for one in lines),
        "bytes_in_flight": sum(one["bytes_in_flight"] for one in lines),
        "byte_percentage": max(0.0, figures.share_of((done, total), (files_done, files_total))),
        "speed": sum(one["speed"] for one in lines),
        "finish_at": max(ends, default=0) if all(ends) else 0,
        "stale": any(one["stale_since"] for one in lines),
    }


def line(u: UploaderState, now: float) -> UploaderLine:
    """One uploader in `/api/uploaders`. now: epoch seconds."""
    session, told, pool, queue = u.session_document(), u.figures(now), u.accounts.capacity(now), u.queue_document()
    return {
        "active": u.active,
        "phase": u.phase,
        **u.status_document(),
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
        "bytes_in_flight": session["bytes_in_flight"],
        "byte_percentage": max(0.0, told["percentage"]),
        "speed": u.progress["speed"],
        "average_speed": told["average_speed"],
        "eta_seconds": figures.seconds_left(told["finish_at"], now),
        "finish_at": told["finish_at"],
        "quota_until": told["quota_until"],
        "quota_waiting_files": told["waiting_files"],
        "quota_waiting_bytes": told["waiting_bytes"],
        "queue_files": queue["files"],
        "queue_bytes": queue["bytes"],
        "dry_run": session["dry_run"],
        "would_go_files": session["would_go_files"],
        "would_go_bytes": session["would_go_bytes"],
        "stale_since": told["stale_since"],
        "next_capacity_at": told["next_capacity_at"],
        "suspended_until": u.suspension["until"],
        "throttle_limit": u.throttle["limit"],
        "recovered": session["recovered"],
        "accounts_total": u.accounts.summary()["total"],
        "quota_used_bytes": pool["used_bytes"],
        "quota_in_flight_bytes": pool["in_flight_bytes"],
        "quota_unsettled_bytes": pool["unsettled_bytes"],
        "quota_spent_bytes": pool["used_bytes"] + pool["in_flight_bytes"] + pool["unsettled_bytes"],
        "quota_free_bytes": pool["free_bytes"],
        "quota_limit_bytes": pool["limit_bytes"],
    }


def summary(u: UploaderState | None, health: Health, head: Head, now: float) -> Summary:
    """One flat object, every key always there, for Homepage, Home Assistant and the like."""
    u = u or UploaderState("")
    told = line(u, now)
    states = u.accounts.summary()["states"]
    return {
        "status": health["status"],
        "version": health["version"],
        "engine": health["engine"],
        "program": head["program"],
        "program_ended_at": head["program_ended_at"],
        "limit": head["limit"],
        "notifications_failed": head["notifications_failed"],
        "uptime_seconds": health["uptime_seconds"],
        "last_event_age_seconds": health["last_event_age_seconds"],
        "uploader": u.name,
        **told,
        "bytes_done_human": format_bytes(told["bytes_done"]),
        "bytes_total_human": format_bytes(told["bytes_total"]),
        "bytes_left_human": format_bytes(told["bytes_left"]),
        "speed_human": f"{format_bytes(told['speed'])}/s",
        "eta_human": format_duration(told["eta_seconds"]),
        "quota_used_human": format_bytes(told["quota_spent_bytes"]),
        "quota_limit_human": format_bytes(told["quota_limit_bytes"]),
        "accounts_ready": states.get(AccountState.READY, 0),
        "accounts_active": states.get(AccountState.ACTIVE, 0),
        "accounts_cooling": states.get(AccountState.COOLING, 0),
        "accounts_denied": states.get(AccountState.DENIED, 0),
        "accounts_failed": states.get(AccountState.FAILED, 0),
    }


def plans(uploaders: Uploaders, uploader: str | None) -> Plans:
    """The plan of each uploader that has one, or that of one uploader."""
    known = {name: _plan(u) for name, u in uploaders.items() if u.plan}
    data = known.get(uploader, {}) if uploader is not None else known
    return {"available": bool(data), "data": data}


def _plan(u: UploaderState) -> dict[str, Any]:
    """A plan with what `cloudplow plan --json` says beside: the speed, here that of now, and what follows from it."""
    eta = u.eta
    times = {"speed": u.progress["speed"], "done_at": eta["speed_at"], "done_with_quotas_at": eta["quotas_at"]}
    return {**times, **u.plan}


def pick(uploaders: Uploaders, name: str | None) -> UploaderState | None:
    """The named uploader, or the one that "the" upload means."""
    return uploaders[name] if name is not None else focus(uploaders)
