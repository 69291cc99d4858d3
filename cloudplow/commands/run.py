"""`cloudplow run`: uploads whenever that is due, until it is stopped."""

from __future__ import annotations

import argparse
import logging

from cloudplow import signals
from cloudplow.commands.options import Subparsers, ensure_config, log_level, log_path, make_app
from cloudplow.commands.stopping import stop_on_signals
from cloudplow.errors import ConfigError, ExitStatus
from cloudplow.installation import NO_UPLOADER
from cloudplow.terminal import logs
from cloudplow.terminal.display import LineDisplay

log = logging.getLogger("cloudplow")


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("run", help="upload whenever it is due, until stopped")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, which is its normal end. Raises CloudplowError when it cannot begin."""
    ensure_config(options)
    logs.set_up(log_level(options), log_path(options))
    app = make_app(options)
    if not app.config.uploader:
        raise ConfigError([NO_UPLOADER])
    display = LineDisplay()
    with stop_on_signals(app.request_stop, reload=None if signals.has_terminal() else app.reload):
        display.start()
        try:
            with app:
                log.info("cloudplow %s runs with %s", app.version, app.config_path.absolute())
                app.serve()
                app.bus.flush()
                log.info("stopped on request")
        finally:
            display.stop()
    signals.settle(ExitStatus.DONE)
    return int(ExitStatus.DONE)
