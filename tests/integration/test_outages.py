"""Nobody's fault: while the network, the names or the token service do not work, no account is set aside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cloudplow import events
from cloudplow.upload import outage
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import Site, make_site, write_files

pytestmark = pytest.mark.rclone


def spoil_keys(site: Site, address: str) -> Callable[[], None]:
    """Let every key name another token service; returns what undoes it."""
    folder = Path(site.config["uploader"]["google"]["service_account_path"])
    keys = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    for path, text in keys.items():
        path.write_text(json.dumps(json.loads(text) | {"token_uri": address}), encoding="utf-8")

    def undo() -> None:
        for path, text in keys.items():
            path.write_text(text, encoding="utf-8")

    return undo


class Unavailable(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_error(503)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def token_service() -> Iterator[str]:
    """The address of one that answers 503."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Unavailable) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/token"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("way", "command"), [("refused", "move"), ("no name", "move"), ("unavailable", "move"), ("refused", "copy")]
)
def test_no_account_is_to_blame_and_the_upload_goes_on_when_it_works_again(
    any_rclone: Path,
    fake_drive: MakeDrive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    command: str,
    token_service: str,
) -> None:
    """A copy cannot even be compared with the destination."""
    monkeypatch.setattr(outage, "PAUSES_SECONDS", (0.3, 0.3, 0.3, 0.3, 2.0))
    drive = fake_drive(accounts=3, quota_bytes=5_000_000)
    more: dict[str, Any] = {"extras": {"--low-level-retries": 1}, "remote": {"rclone_command": command}}
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=5_000_000, **more)
    write_files(site.source, [10_000] * 4)
    # The second one is asked through a proxy, which does not know the name either.
    addresses = {"refused": "http://127.0.0.1:9/token", "no name": "https://token.invalid/token"}
    undo = spoil_keys(site, addresses.get(way, token_service))
    reasons: list[str] = []

    def suspended(_sender: str, *, event: Any, **_extra: Any) -> None:
        reasons.append(event.reason)
        if len(reasons) == 2:
            undo()

    with events.SIGNALS["uploader_suspended"].connected_to(suspended):
        finished, seen = site.upload()

    assert finished.outcome == "done", (reasons, finished.reason)
    assert len(reasons) >= 2
    assert all(", next try " in reason for reason in reasons)
    assert len(seen.of(events.SaSwitched)) == 1
    assert seen.of(events.FileFailed) == []
    learned = seen.of(events.AccountsLearned)[-1].accounts
    assert [one.name for one in learned if one.state == "failed"] == []
