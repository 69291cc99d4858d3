"""What the book in a state folder says, in the form of `sa_quota_cache.json`; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudplow.accounts.exports import export_document
from cloudplow.accounts.identity import Keys
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.opening import Opening
from cloudplow.accounts.trusted_clock import TrustedClock
from cloudplow.state.stage_journal import StageJournal
from cloudplow.state.state_files import StateFiles


def read_records(folder: Path, config: Mapping[str, Any], uploader: str) -> dict[str, dict[str, Any]]:
    """The records of an uploader, by the base name of the key file. config: for the quota windows."""
    windows = {
        name: float(one.get("account_quota_hours", 24)) * 3600 for name, one in config.get("uploader", {}).items()
    }
    ledger = Ledger(clock=TrustedClock())
    ledger.configure(windows, {})
    ledger.take(Opening(StateFiles(folder), Keys(), ledger.window).read_only(running=False))
    ledger.catch_up(StageJournal(folder))
    document = export_document(ledger.content, now=ledger.now(), window_of=ledger.window, limit_of=lambda _uploader: 0)
    return {Path(key).name: record for key, record in document.get(uploader, {}).items()}
