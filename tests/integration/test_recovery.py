"""`cloudplow dashboard` after a restart: what earlier processes left, also older programs, is shown as it was."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest

from tests.integration.local_site import LocalSite, wait_for

pytestmark = pytest.mark.rclone


@contextmanager
def dashboard(site: LocalSite) -> Iterator[str]:
    """The dashboard alone, on any free port; gives its address."""
    site.config["plugins"] = ["cloudplow_dashboard"]
    site.config["dashboard"] = {"enabled": True, "port": 0}
    process = site.start("dashboard")
    try:
        (address,) = wait_for(lambda: re.findall(r"Dashboard: (\S+)", site.output()), "the address of the dashboard")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, site.output()


def asked(address: str, path: str) -> Any:
    with urlopen(address + path, timeout=10) as answer:
        return json.loads(answer.read())


def test_a_killed_upload_its_accounts_and_its_queue_are_shown_after_a_restart(any_site: LocalSite) -> None:
    any_site.write_library(30, 3_000_000)
    any_site.add_accounts(3, quota=10_000_000)
    any_site.remote["rclone_extras"] = {"--bwlimit": "500K", "--transfers": 1}
    process = any_site.start("upload")
    wait_for(lambda: any(event["signal"] == "file_transferred" for event in any_site.told()), "a file")
    time.sleep(1.5)  # the cache files follow within a second
    process.kill()
    process.wait(20)

    with dashboard(any_site) as address:
        uploader = asked(address, "api/state")["uploaders"]["google"]
        accounts = asked(address, "api/service_accounts")
        health = asked(address, "api/health")

    assert (uploader["phase"], uploader["active"]) == ("interrupted", False)
    session = uploader["session"]
    assert (session["outcome"], session["recovered"], session["account"]) == ("interrupted", True, "1.json")
    assert 0 < session["files_done"] < session["files_total"] == 30
    assert session["files_left"] == 30 - session["files_done"]
    queue = uploader["queue"]
    assert (queue["files"], queue["listed_files"]) == (session["files_left"], 30)
    assert [account["sa_file"] for account in accounts] == ["1.json", "2.json", "3.json"]
    assert accounts[0]["used_bytes"] > 0
    assert accounts[0]["quota_bytes"] == 10_000_000
    assert (health["recovered"], health["engine"], health["last_event_age_seconds"]) == (True, "idle", -1)


def test_files_of_the_old_program_are_shown_as_they_are(any_site: LocalSite) -> None:
    any_site.add_accounts(2, quota=750 << 30)
    now = time.time()
    key = str(any_site.accounts / "2.json")
    spent = {"bytes": 300 << 30, "reset_time": now + 3600, "first_upload": now + 3600 - 86_400}
    session = {
        "active": False,
        "uploader": "google",
        "total_sas": 2,
        "sa_index": 1,
        "current_sa": "2.json",
        "stage": 1,
        "total_stages": 2,
        "session_start_time": now - 7200,
        "session_end_time": now - 3600,
        "upload_folder": str(any_site.source),
        "sas_used": ["2.json"],
        "total_files": 12,
        "total_bytes": 400 << 30,
        "transferred_files": 9,
        "transferred_bytes": 300 << 30,
    }
    for name, content in (("sa_quota_cache.json", {"google": {key: spent}}), ("dashboard_session_state.json", session)):
        (any_site.root / name).write_text(json.dumps(content), encoding="utf-8")

    with dashboard(any_site) as address:
        uploader = asked(address, "api/state")["uploaders"]["google"]
        (first, second) = asked(address, "api/service_accounts")

    assert (uploader["phase"], uploader["session"]["outcome"]) == ("finished", "")
    assert (uploader["session"]["files_done"], uploader["session"]["files_left"]) == (9, 3)
    assert (first["used_bytes"], second["used_bytes"], second["quota_bytes"]) == (0, 300 << 30, 750 << 30)
    assert second["reset_time"] == pytest.approx(now + 3600, abs=1)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"google": 5, "uploaders": [1]}', b"\xff"])
def test_damaged_files_never_stop_the_start(any_site: LocalSite, content: bytes) -> None:
    for name in ("sa_quota_cache.json", "dashboard_session_state.json", "learned_sizes_cache.json"):
        (any_site.root / name).write_bytes(content)

    with dashboard(any_site) as address:
        assert asked(address, "api/health")["status"] == "healthy"


def test_an_upload_after_a_kill_shows_the_interrupted_session_among_the_finished_ones(any_site: LocalSite) -> None:
    any_site.write("one", 1000)
    session = {"active": True, "uploader": "google", "session_start_time": time.time() - 60, "transferred_files": 4}
    (any_site.root / "dashboard_session_state.json").write_text(json.dumps(session), encoding="utf-8")
    any_site.config["plugins"] = ["cloudplow_dashboard"]
    any_site.config["dashboard"] = {"enabled": True, "port": 0}
    any_site.run("upload")

    with dashboard(any_site) as address:
        shown = asked(address, "api/state")["uploaders"]["google"]

    assert shown["session"]["outcome"] == "done"
    assert [session["outcome"] for session in shown["sessions"]] == ["interrupted", "done"]
