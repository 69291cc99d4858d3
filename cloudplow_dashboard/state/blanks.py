"""Parts of the state document before anything is known."""

from __future__ import annotations

from cloudplow_dashboard.state.document import Suspension
from cloudplow_dashboard.state.document_quota import Queue
from cloudplow_dashboard.state.document_session import Eta, Progress, Session


def new_session() -> Session:
    """The session part before any session."""
    return {
        "id": "",
        "run_id": "",
        "started_at": 0,
        "ended_at": 0,
        "outcome": "",
        "reason": "",
        "dry_run": False,
        "folder": "",
        "remote": "",
        "stage": 0,
        "stages_total": 0,
        "account": "",
        "account_index": -1,
        "accounts_total": 0,
        "accounts_used": [],
        "switch_reason": "",
        "files_done": 0,
        "bytes_done": 0,
        "files_total": 0,
        "bytes_total": 0,
        "files_failed": 0,
        "files_left": 0,
        "bytes_left": 0,
        "next_capacity_at": 0,
        "would_go_files": 0,
        "would_go_bytes": 0,
        "bytes_in_flight": 0,
        "recovered": False,
    }


def new_progress() -> Progress:
    """The progress part when nothing is being transferred."""
    return {
        "at": 0,
        "bytes": 0,
        "total_bytes": 0,
        "speed": 0,
        "eta_seconds": -1,
        "files": 0,
        "total_files": 0,
        "errors": 0,
        "transferring_count": 0,
        "checking_count": 0,
        "silent_since": 0,
        "transferring": {},
        "checking": [],
    }


def new_eta() -> Eta:
    """The eta part when nothing is known."""
    return {"speed_at": 0, "quotas_at": 0}


def new_queue() -> Queue:
    """The queue part before a listing."""
    return {
        "available": False,
        "files": 0,
        "bytes": 0,
        "listed_files": 0,
        "listed_bytes": 0,
        "source": "",
        "confidence": "",
        "duration_seconds": 0,
        "learned_at": 0,
        "distribution": {},
    }


def new_suspension() -> Suspension:
    """The suspension part when nothing is suspended."""
    return {"active": False, "reason": "", "until": 0}
