"""`cloudplow dashboard`: the dashboard alone, with the last known state, until stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from cloudplow import logs
from cloudplow.app import App
from cloudplow.cli import old_cache_path, signals_ask
from cloudplow.errors import CloudplowError, ExitStatus


def run(options: argparse.Namespace, config_path: Path, state_dir: Path, logfile: Path) -> int:
    """Serve until SIGINT or SIGTERM. Raises CloudplowError when no dashboard could be started."""
    logs.set_up(options.loglevel, logfile)
    app = App(config_path, state_dir, old_cache=old_cache_path(options))
    with signals_ask(app.request_stop), app:
        if "dashboard_url" not in app.services:
            raise CloudplowError("the dashboard is not up: set dashboard.enabled to true and see the lines above")
        while not app.stop_request.first.wait(3600):
            continue
    return int(ExitStatus.DONE)
