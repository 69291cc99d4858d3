"""`cloudplow healthcheck`: exit 0 if the running instance is alive and well, 1 with the reasons.

The instance is asked through its control socket, so the dashboard may be off. A configuration that was edited and has
faults says nothing about an instance that runs well with the one before.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudplow.commands.options import Subparsers, config_path, make_app, require_config, state_dir
from cloudplow.control.client import ask
from cloudplow.errors import CloudplowError, ConfigError, ExitStatus, NotRunningError
from cloudplow.terminal import logs

log = logging.getLogger("cloudplow")

#: How long the instance may take to answer, in seconds.
DEADLINE_SECONDS: Final = 5.0


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("healthcheck", help="exit 0 if the running instance is alive, 1 with the reasons")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Ask the instance of this state folder, and let plugins query theirs. Raises ConfigError if there is none."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    require_config(options)
    reasons = engine_reasons(state_dir(options), config_path(options))
    reasons += plugin_reasons(options, told=bool(reasons))
    for reason in dict.fromkeys(reasons):
        print(f"unhealthy: {logs.escape_control(reason)}")
    if not reasons:
        print("healthy")
    return int(ExitStatus.FAILED if reasons else ExitStatus.DONE)


def engine_reasons(folder: Path, config: Path, timeout_seconds: float = DEADLINE_SECONDS) -> list[str]:
    """Why the instance that runs with this state folder is not healthy: it says so, says nothing, or is not there."""
    try:
        problems = ask(folder, {"do": "health"}, timeout_seconds).get("problems")
    except NotRunningError as error:
        return [f"{error} (of the configuration {config.absolute()})"]
    except CloudplowError as error:
        return [str(error)]
    if not isinstance(problems, list):
        return [
            f"the cloudplow that runs with the state folder {folder} does not say how it is; is it another version?"
        ]
    return [str(problem) for problem in problems]


def plugin_reasons(options: argparse.Namespace, *, told: bool) -> Sequence[str]:
    """What plugins find. told: something is wrong already, so warnings of the configuration may say why."""
    try:
        app = make_app(options)
    except CloudplowError as error:
        # Who runs well must not be ended for a file that is being edited: it would not start again.
        for fault in error.faults if isinstance(error, ConfigError) else [str(error)]:
            log.warning("%s", fault)
        return []
    reasons = list(filter(None, app.plugins.healthcheck(app.config).values()))
    if told or reasons:
        for warning in app.warnings:
            log.warning("%s", warning)
    return reasons
