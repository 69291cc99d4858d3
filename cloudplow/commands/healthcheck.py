"""`cloudplow healthcheck`: exit 0 if the running instance is alive and well, 1 with the reason."""

from __future__ import annotations

import argparse
import logging

from cloudplow.commands.options import Subparsers, make_app
from cloudplow.errors import ExitStatus
from cloudplow.terminal import logs

log = logging.getLogger("cloudplow")


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("healthcheck", help="exit 0 if the running instance is alive, 1 with the reason")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Let plugins query the instance that the configuration describes. Raises ConfigError, PluginError."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    app = make_app(options)
    answers = app.plugins.healthcheck(app.config)
    if not answers:
        for warning in app.warnings:  # one of them may say why
            log.warning("%s", warning)
        answers = {"": "nothing can be queried; enable the dashboard (dashboard.enabled)"}
    for reason in filter(None, answers.values()):
        print(f"unhealthy: {logs.escape_control(reason)}")
    if any(answers.values()):
        return int(ExitStatus.FAILED)
    print("healthy")
    return int(ExitStatus.DONE)
