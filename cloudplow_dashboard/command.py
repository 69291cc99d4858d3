"""`cloudplow dashboard`: the dashboard alone, which follows an upload beside it and what a listening rclone tells."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from typing import Final

from cloudplow.hookspecs import FollowReceiver, PluginApp
from cloudplow_dashboard.config import SECTION

#: Where the address is left for others, in `app.services`.
SERVICE_NAME: Final = "dashboard_url"

_NOT_RUNNING: Final = "the dashboard is not running: set dashboard.enabled to true, and see the lines above"


#: Finds what shows the events of another process; None when the dashboard of the application does not run.
FindReceiver = Callable[[PluginApp], FollowReceiver | None]


def add_to(subparsers: _SubParsersAction[ArgumentParser], find_receiver: FindReceiver) -> None:
    """Add the command."""
    parser = subparsers.add_parser("dashboard", help="the dashboard alone; it shows uploads that run beside it")

    def handler(app: PluginApp, _options: Namespace) -> int:
        return serve(app, find_receiver(app))

    parser.set_defaults(handler=handler)


def serve(app: PluginApp, receive: FollowReceiver | None) -> int:
    """Serve until somebody asks for the end; returns the exit status."""
    if receive is None:
        sys.stderr.write(f"cloudplow: {_NOT_RUNNING}\n")
        return 1
    section = app.config.section(SECTION)
    with app.watch_rclone(section.rc_url, section.refresh_interval), app.follow(receive):
        app.wait_for_stop()
    return 0
