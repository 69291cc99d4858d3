"""What one source said, in the words of all of them. Pure.

A source's answer becomes figures by (uploader, name), so that the same figure of two sources can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Figures = dict[tuple[str, str], Any]

#: Names that the state document, `/api/summary` and `/api/uploaders` have in common.
SESSION: Final = (
    "files_done",
    "files_total",
    "files_left",
    "files_failed",
    "bytes_done",
    "bytes_total",
    "bytes_left",
    "bytes_in_flight",
    "stage",
    "stages_total",
    "account",
    "outcome",
    "started_at",
    "ended_at",
    "dry_run",
    "would_go_files",
    "would_go_bytes",
    "recovered",
)
FIGURES: Final = ("average_speed", "finish_at", "quota_until", "next_capacity_at", "stale_since")
POOL: Final = ("used_bytes", "in_flight_bytes", "unsettled_bytes", "free_bytes", "limit_bytes")
PROGRAM: Final = ("program", "program_ended_at", "limit", "notifications_failed")
ACCOUNT: Final = (*POOL, "state", "index", "why", "until", "resets_at")
#: What an uploader waits for, and until when.
STATUS: Final = ("why", "until", "next_check_at", "threshold_bytes", "waiting_files", "waiting_bytes", "checked_at")
#: Sums of a plan.
PLAN: Final = (
    "files",
    "bytes",
    "waiting_files",
    "waiting_bytes",
    "unplanned_files",
    "unplanned_bytes",
    "unplanned_why",
    "next_capacity_at",
)
#: What the totals of `/api/uploaders` add up, of all uploaders that upload.
TOTALS: Final = (
    "files_done",
    "files_total",
    "files_left",
    "bytes_done",
    "bytes_total",
    "bytes_left",
    "bytes_in_flight",
    "speed",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source said. began, ended: epoch seconds between which it was read. version: "BOOT:VERSION" of the state
    document that the answer belongs to, "" if it does not say.
    """

    source: str
    began: float
    ended: float
    figures: Figures = field(default_factory=dict)
    version: str = ""


def state(document: Mapping[str, Any]) -> Figures:
    """Of the state document."""
    found: Figures = {("", name): document[name] for name in (*PROGRAM, "engine", "focus")}
    for name, u in document["uploaders"].items():
        told = {
            **{key: u["session"][key] for key in SESSION},
            **{key: u["figures"][key] for key in FIGURES},
            **{f"status {key}": u["status"][key] for key in STATUS},
            **{f"planned {key}": u["plan"][key] for key in PLAN},
            **{f"quota_{key}": u["capacity"][key] for key in POOL},
            "active": u["active"],
            "phase": u["phase"],
            "state": u["status"]["state"],
            "speed": u["progress"]["speed"],
            "percentage": max(0.0, u["figures"]["percentage"]),
            "quota_waiting_files": u["figures"]["waiting_files"],
            "quota_waiting_bytes": u["figures"]["waiting_bytes"],
            "queue_files": u["queue"]["files"],
            "queue_bytes": u["queue"]["bytes"],
            "queue_listed_files": u["queue"]["listed_files"],
            "transferring": u["progress"]["transferring_count"],
            "checking": u["progress"]["checking_count"],
            "throttle_limit": u["throttle"]["limit"],
            "suspended_until": u["suspension"]["until"],
            "accounts_total": u["accounts_summary"]["total"],
        }
        found |= {(name, key): value for key, value in told.items()}
        for account, row in u["accounts"].items():
            found |= {(name, f"account {account} {key}"): row[key] for key in ACCOUNT}
    return found | _added_up([u for u in document["uploaders"].values() if u["active"]])


def _added_up(active: Sequence[Mapping[str, Any]]) -> Figures:
    """Of the uploaders that upload, what they come to together: by the state document."""
    rows = [u["session"] | {"speed": u["progress"]["speed"]} for u in active]
    found = {key: sum(row[key] for row in rows) for key in TOTALS}
    ends = [u["figures"]["finish_at"] for u in active]
    sizes, files = ((found[f"{what}_done"], found[f"{what}_total"]) for what in ("bytes", "files"))
    done, total = sizes if sizes[1] else files
    full = 1000 if files[0] == files[1] else 999
    found |= {
        "active": len(active),
        "finish_at": max(ends, default=0) if all(ends) else 0,
        "byte_percentage": min(full, 1000 * done // total) / 10 if total else 0,
        "stale": any(u["figures"]["stale_since"] for u in active),
    }
    return {("", f"total {key}"): value for key, value in found.items()}


def _line(name: str, line: Mapping[str, Any]) -> Figures:
    same = (*SESSION, *FIGURES, "active", "phase", "state", "speed", "queue_files", "queue_bytes")
    told = {key: line[key] for key in same}
    told |= {
        key: line[key] for key in ("quota_waiting_files", "quota_waiting_bytes", "throttle_limit", "accounts_total")
    }
    told |= {f"quota_{key}": line[f"quota_{key}"] for key in POOL}
    told |= {f"status {key}": line[key] for key in STATUS} | {"suspended_until": line["suspended_until"]}
    told["percentage"] = line["byte_percentage"]
    return {(name, key): value for key, value in told.items()}


def uploaders(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/uploaders`."""
    found: Figures = {}
    for name, line in answer["uploaders"].items():
        found |= _line(name, line)
    return found | {("", f"total {key}"): value for key, value in answer["totals"].items()}


def summary(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/summary`, asked for no uploader or for one."""
    found: Figures = {("", key): answer[key] for key in PROGRAM}
    name = answer["uploader"]
    return found | (_line(name, answer) if name else {})


def meant(read: Callable[[Mapping[str, Any]], Figures]) -> Callable[[Mapping[str, Any]], Figures]:
    """Of an answer that names the uploader that is meant where none is asked for."""
    return lambda answer: read(answer) | {("", "focus"): answer["uploader"]}


def session_stats(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/session_stats`."""
    data = answer["data"]
    words = {
        "files_done": "transferred_files",
        "files_total": "total_files",
        "files_left": "remaining_files",
        "files_failed": "failed_files",
        "bytes_done": "transferred_bytes",
        "bytes_total": "total_bytes",
        "bytes_left": "remaining_bytes",
        "bytes_in_flight": "in_flight_bytes",
        "percentage": "byte_percentage",
        "average_speed": "avg_speed",
        "finish_at": "finish_at",
        "stale_since": "stale_since",
    }
    name = data["uploader"]
    return {(name, ours): data[theirs] for ours, theirs in words.items()} if name else {}


def status(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/status`."""
    words = {"active": "active", "account": "current_sa", "stage": "stage", "stages_total": "total_stages"}
    words |= {"phase": "phase", "outcome": "outcome", "recovered": "recovered"}
    name = answer["uploader"]
    return {(name, ours): answer[theirs] for ours, theirs in words.items()} if name else {}


_ROW: Final = {"limit_bytes": "quota_bytes", "resets_at": "reset_time"}


def service_accounts(answer: list[Mapping[str, Any]]) -> Figures:
    """Of `/api/service_accounts`."""
    found: Figures = {}
    for row in answer:
        for key in ACCOUNT:
            value = row[_ROW.get(key, key)]
            found[row["uploader"], f"account {row['sa_file']} {key}"] = value
    return found


def rclone_stats(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/rclone_stats`."""
    data = answer["data"]
    return {(data["uploader"], "speed"): data["speed"]} if data["uploader"] else {}


def queue_status(uploader: str) -> Callable[[Mapping[str, Any]], Figures]:
    """Of `/api/queue_status`, asked for one uploader."""

    def read(answer: Mapping[str, Any]) -> Figures:
        stats = answer["data"]["queue_stats"]
        words = {"queue_listed_files": "listed", "queue_files": "left", "queue_bytes": "left_bytes"}
        words |= {"transferring": "transferring_count", "checking": "checking_count"}
        return {(uploader, ours): stats[theirs] for ours, theirs in words.items()}

    return read


def export(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/export/session.json`."""
    name = answer["uploader"]
    return {(name, key): answer["session"][key] for key in SESSION} if name else {}


_SAMPLE: Final = re.compile(r"^cloudplow_(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_METRICS: Final = {
    "session_active": "active",
    "session_start_time_seconds": "started_at",
    "session_end_time_seconds": "ended_at",
    "session_transferred_bytes": "bytes_done",
    "session_transferred_files": "files_done",
    "session_in_flight_bytes": "bytes_in_flight",
    "session_bytes": "bytes_total",
    "session_files": "files_total",
    "session_remaining_bytes": "bytes_left",
    "session_remaining_files": "files_left",
    "session_failed_files": "files_failed",
    "session_stage": "stage",
    "session_stages": "stages_total",
    "session_percentage": "percentage",
    "average_speed_bytes_per_second": "average_speed",
    "transfer_speed_bytes_per_second": "speed",
    "finish_time_seconds": "finish_at",
    "next_capacity_time_seconds": "next_capacity_at",
    "stale_since_time_seconds": "stale_since",
    "quota_waiting_bytes": "quota_waiting_bytes",
    "active_transfers": "transferring",
    "queue_files": "queue_files",
    "queue_bytes": "queue_bytes",
    "queue_listed_files": "queue_listed_files",
    "throttle_limit_bytes_per_second": "throttle_limit",
    **{f"quota_{key}": f"quota_{key}" for key in POOL},
}


def metrics(text: str) -> Figures:
    """Of `/metrics`."""
    found: Figures = {}
    for name, labels, value in _samples(text):
        uploader = labels.get("uploader", "")
        if name in _METRICS:
            found[uploader, _METRICS[name]] = value
        elif name == "phase" and value:
            found[uploader, "phase"] = labels["phase"]
        elif name == "program" and value:
            found["", "program"] = labels["state"]
        elif name == "limit_bytes_per_second":
            found["", "limit"] = value
        elif name == "notification_failures_total":
            found["", "notifications_failed"] = value
        elif name.startswith("account_quota_"):
            key = f"account {labels['account']} {name.removeprefix('account_quota_')}"
            found[uploader, key] = value
    for (uploader, name), value in found.items():
        if name == "percentage":
            found[uploader, name] = max(0.0, value)
    return found


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match:
            labels = {key: _plain(value) for key, value in _LABEL.findall(match[2] or "")}
            yield match[1], labels, float(match[3])


def _plain(value: str) -> str:
    return value.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
