"""What the page shows of a ledger that the engine wrote, before any session tells more."""

from __future__ import annotations

from pathlib import Path

from cloudplow.accounts.ledger import Ledger
from cloudplow.state.state_files import StateFiles
from cloudplow_dashboard.state.recovery import LEDGER_FILE, recover
from tests.unit.dashboard.helpers import NOW, UPLOADER, make_state


def test_limit_is_the_configured_quota(tmp_path: Path) -> None:
    ledger = Ledger(StateFiles(tmp_path), now=lambda: NOW)
    ledger.load({UPLOADER: 86_400.0}, {UPLOADER: 5000})
    ledger.charge(UPLOADER, "/secret/keys/1.json", 700)
    state = make_state()
    recover(state, {LEDGER_FILE: ledger.document()}.get)
    row = state.document()["uploaders"][UPLOADER]["accounts"]["1.json"]
    assert (row["used_bytes"], row["limit_bytes"]) == (700, 5000)
