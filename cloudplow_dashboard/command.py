"""`cloudplow dashboard`: the dashboard alone, with the last known state and what a listening rclone tells."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from typing import Final

from cloudplow.hookspecs import PluginApp
from cloudplow_dashboard.config import SECTION

#: Where the address is left for others, in `app.services`.
SERVICE_NAME: Final = "dashboard_url"

_NOT_RUNNING: Final = "the dashboard is not running: set dashboard.enabled to true, and see the lines above"


def add_to(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("dashboard", help="the dashboard alone, with the last known state")
    parser.set_defaults(handler=serve)


def serve(app: PluginApp, _options: Namespace) -> int:
    """Serve until somebody asks for the end; returns the exit status."""
    if SERVICE_NAME not in app.services:
        sys.stderr.write(f"cloudplow: {_NOT_RUNNING}\n")
        return 1
    section = app.config.section(SECTION)
    with app.watch_rclone(section.rc_url, section.refresh_interval):
        app.wait_for_stop()
    return 0
