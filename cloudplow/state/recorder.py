"""Records what a restart must not lose: the learned queue, transferred sizes and the running session.

An event receiver, on its delivery thread. The files are read only at start: here to continue from the old content, and
by `cloudplow.state.recovered`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from cloudplow import events
from cloudplow.distribution import SizeSample
from cloudplow.events import Event
from cloudplow.state.size_history import with_earlier
from cloudplow.state.state_files import LEARNED_FILE, SESSION_FILE, StateFiles

#: How exactly the end of a killed session is known while its files are large, in seconds.
HEARD_SECONDS: Final = 30.0


def _local_time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


class Recorder:
    """The owner of `learned_sizes_cache.json` and `dashboard_session_state.json`."""

    def __init__(self, files: StateFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._learned: dict[str, dict[str, Any]] = {}
        self._samples: dict[str, SizeSample] = {}
        #: The history of each uploader as it was when its session started.
        self._earlier: dict[str, Any] = {}
        #: The running or last session of each uploader, and whose began last.
        self._sessions: dict[str, dict[str, Any]] = {}
        self._latest = ""
        #: Files and bytes of the running stage of each uploader.
        self._planned: dict[str, tuple[int, int]] = {}
        files.register(LEARNED_FILE, self._learned_document)
        files.register(SESSION_FILE, self._session_document)
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            events.SessionStarted: self._on_session_started,
            events.QueueLearned: self._on_queue_learned,
            events.StageStarted: self._on_stage_started,
            events.SaSwitched: self._on_switch,
            events.FileTransferred: self._on_file,
            events.StageFinished: self._on_stage_finished,
            events.SessionFinished: self._on_session_finished,
            events.TransferProgress: lambda _event: None,
        }

    def start(self) -> None:
        """Connect to the events."""
        for event_type in self._handlers:
            events.SIGNALS[event_type.signal_name].connect(self.on_event)

    def stop(self) -> None:
        """Disconnect from the events."""
        for event_type in self._handlers:
            events.SIGNALS[event_type.signal_name].disconnect(self.on_event)

    def on_event(self, _sender: str, *, event: Event, **_extra: Any) -> None:
        """Receive one event."""
        record = self._sessions.get(event.uploader, {})
        if not isinstance(event, events.SessionStarted) and event.session_id != record.get("session_id"):
            # It could not begin, perhaps because another process uploads: the record of that one stays as it is.
            return
        with self._lock:
            self._handlers[type(event)](event)
            session = self._sessions[event.uploader]
            news = abs(event.at - session.get("heard_at", 0)) >= HEARD_SECONDS
            if isinstance(event, events.TransferProgress) and not news:
                return
            session["heard_at"] = event.at
        self._files.mark_dirty(SESSION_FILE)

    def _ensure_loaded(self) -> None:
        # Read when the first session starts: a command that uploads nothing does not need the files.
        if not self._learned:
            stored = self._files.read(LEARNED_FILE)
            if isinstance(stored, dict):
                self._learned = {name: value for name, value in stored.items() if isinstance(value, dict)}
        if not self._sessions:
            stored = self._files.read(SESSION_FILE)
            if isinstance(stored, dict):
                others = stored.pop("uploaders", {})
                known = others if isinstance(others, dict) else {}
                self._sessions = {name: one for name, one in known.items() if isinstance(one, dict)}
                if stored.get("uploader"):
                    self._sessions[str(stored["uploader"])] = stored

    def _on_session_started(self, event: events.SessionStarted) -> None:
        self._ensure_loaded()
        self._latest = event.uploader
        self._samples[event.uploader] = SizeSample()
        self._earlier[event.uploader] = self._learned.get(event.uploader, {}).get("transfer_history")
        self._sessions[event.uploader] = {
            "active": True,
            "uploader": event.uploader,
            "session_id": event.session_id,
            "run_id": event.run_id,
            "dry_run": event.dry_run,
            "total_sas": event.accounts_total,
            "sa_index": 0,
            "current_sa": "",
            "stage": 0,
            "total_stages": 0,
            "session_start": _local_time(event.at),
            "session_start_time": event.at,
            "upload_folder": event.upload_folder,
            "upload_remote": event.upload_remote,
            "sas_used": [],
            "total_files": 0,
            "total_bytes": 0,
            "transferred_files": 0,
            "transferred_bytes": 0,
        }

    def _on_queue_learned(self, event: events.QueueLearned) -> None:
        session = self._sessions[event.uploader]
        session["total_files"] = event.files + session.get("transferred_files", 0)
        session["total_bytes"] = event.bytes + session.get("transferred_bytes", 0)
        if event.files:
            distribution = dict(event.distribution)
            distribution["metadata"] = {
                **distribution.get("metadata", {}),
                "upload_folder": session.get("upload_folder", ""),
            }
            self._learned.setdefault(event.uploader, {})["queue_distribution"] = distribution
            self._files.mark_dirty(LEARNED_FILE)

    def _on_stage_started(self, event: events.StageStarted) -> None:
        session = self._sessions[event.uploader]
        session["stage"] = event.stage
        session["total_stages"] = max(event.stage, session.get("total_stages", 0))
        session["sa_index"] = max(0, event.account_index)
        self._planned[event.uploader] = event.planned_files, event.planned_bytes

    def _on_switch(self, event: events.SaSwitched) -> None:
        session = self._sessions[event.uploader]
        session["current_sa"] = event.current
        session["sa_index"] = event.account_index
        used = session.setdefault("sas_used", [])
        if event.current not in used:
            used.append(event.current)

    def _on_file(self, event: events.FileTransferred) -> None:
        session = self._sessions[event.uploader]
        session["transferred_files"] = session.get("transferred_files", 0) + 1
        session["transferred_bytes"] = session.get("transferred_bytes", 0) + event.size
        self._samples.setdefault(event.uploader, SizeSample()).add(event.size)

    def _on_session_finished(self, event: events.SessionFinished) -> None:
        session = self._sessions[event.uploader]
        session |= {
            "active": False,
            "session_end": _local_time(event.at),
            "session_end_time": event.at,
            "total_duration_seconds": event.at - session.get("session_start_time", event.at),
            "transferred_files": event.files,
            "transferred_bytes": event.bytes,
            "outcome": event.outcome,
            "reason": event.reason,
            "files_left": event.files_left,
            "bytes_left": event.bytes_left,
            "next_capacity_at": event.next_capacity_at or 0,
        }
        self._keep_history(event)

    def _on_stage_finished(self, event: events.StageFinished) -> None:
        session = self._sessions[event.uploader]
        if session.get("dry_run") and event.outcome in events.WENT_THROUGH:
            files, size = self._planned.get(event.uploader, (0, 0))
            session["would_go_files"] = session.get("would_go_files", 0) + files
            session["would_go_bytes"] = session.get("would_go_bytes", 0) + size
        # Not only at the end: a session that is killed must not be missing in the history.
        self._keep_history(event)

    def _keep_history(self, event: Event) -> None:
        """Add what the session has transferred so far to the history of the earlier ones."""
        sample = self._samples.get(event.uploader)
        if sample is None or not sample.latest:
            return
        folder = str(self._sessions[event.uploader].get("upload_folder", ""))
        session, sizes = sample.document(upload_folder=folder, now=event.at), sample.latest
        history = with_earlier(self._earlier.get(event.uploader), session, sizes)
        self._learned.setdefault(event.uploader, {})["transfer_history"] = history
        self._files.mark_dirty(LEARNED_FILE)

    def _learned_document(self) -> dict[str, Any]:
        with self._lock:
            return {name: dict(value) for name, value in self._learned.items()}

    def _session_document(self) -> dict[str, Any]:
        with self._lock:
            others = {name: dict(one) for name, one in self._sessions.items() if name != self._latest}
            return {**self._sessions.get(self._latest, {}), "uploaders": others}
