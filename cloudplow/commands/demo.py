"""`cloudplow demo`: upload a generated library through a small pool of accounts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from cloudplow.app import App
from cloudplow.commands import upload
from cloudplow.commands.options import Subparsers
from cloudplow.demo.demo import DEFAULT_PORT, DEFAULT_SPEED, run_demo
from cloudplow.demo.site import DemoSite


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="upload a generated library through a small pool of accounts")
    parser.add_argument("--exit", action="store_true", dest="exit_when_done", help="exit when the upload ends")
    parser.add_argument("--folder", type=Path, help="folder for everything, kept afterwards (default: a temporary one)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"port of the dashboard ({DEFAULT_PORT})")
    parser.add_argument("--speed", default=DEFAULT_SPEED, help=f"bytes per second ({DEFAULT_SPEED})")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo; returns its exit status."""
    return run_demo(
        options.folder,
        exit_when_done=options.exit_when_done,
        upload=upload_site,
        port=options.port,
        speed=options.speed,
    )


def upload_site(site: DemoSite, finish: Callable[[int], int]) -> int:
    """Upload what the demo prepared, just as `cloudplow upload` would."""
    display = upload.make_display("INFO", site.log_path)
    return upload.upload(App(site.config_path, site.root), display, finish=finish)
