"""Threads of a real upload with its dashboard, against the table in docs/architecture.md."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from tests.integration.local_site import REPOSITORY, LocalSite
from tests.tools import free_port

pytestmark = pytest.mark.rclone

DOCUMENT: Final = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
#: Writes down the names of all threads whenever something happens, and asks the dashboard meanwhile.
WATCHER: Final = """
import json, threading
from urllib.request import urlopen
from cloudplow import hookimpl

seen = set()

def on_event(sender, *, event, **extra):
    # At once, too: the answer may come after the upload.
    seen.update(thread.name for thread in threading.enumerate())
    urlopen(app_of["app"].services["dashboard_url"] + "api/state", timeout=10).read()
    seen.update(thread.name for thread in threading.enumerate())

app_of = {}

@hookimpl
def cloudplow_start(app):
    app_of["app"] = app
    for signal in app.events.SIGNALS.values():
        signal.connect(on_event)

@hookimpl
def cloudplow_may_upload(uploader):
    # Some threads end with the upload, perhaps before the first event is delivered.
    seen.update(thread.name for thread in threading.enumerate())

@hookimpl
def cloudplow_stop(app):
    (app.state_dir / "threads.json").write_text(json.dumps(sorted(seen)))
"""


def documented() -> list[str]:
    table = DOCUMENT.partition("\n## Threads")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)


def test_every_thread_that_runs_is_in_the_document_and_the_usual_ones_do_run(any_site: LocalSite) -> None:
    any_site.write_library(20, 1_000_000)
    any_site.add_accounts(2, quota=2_000_000)
    (any_site.root / "watcher.py").write_text(WATCHER, encoding="utf-8")
    any_site.config["plugins"] = ["cloudplow_dashboard", "watcher"]
    any_site.config["dashboard"] = {"enabled": True, "port": 0}
    any_site.config["notifications"] = {"chat": {"service": "slack", "webhook_url": f"http://127.0.0.1:{free_port()}/"}}
    path = f"{any_site.environment()['PYTHONPATH']}:{any_site.root}"

    run = any_site.run("upload", environment=any_site.environment(PYTHONPATH=path))

    assert run.status == 0, run.said
    seen = json.loads((any_site.root / "threads.json").read_text(encoding="utf-8"))
    names = documented()
    assert [one for one in seen if not one.startswith(tuple(names))] == []
    # Only some commands measure or watch; rclone is steered only if somebody wants that; an answer of rclone may be
    # there before anybody looks.
    rare = {"cloudplow-rc", "cloudplow-follow", "cloudplow-ask", "cloudplow-check-", "cloudplow-steer"}
    rare |= {"cloudplow-notify-plugin", "cloudplow-dashboard-port"}
    assert [name for name in names if name not in rare and not any(one.startswith(name) for one in seen)] == []
