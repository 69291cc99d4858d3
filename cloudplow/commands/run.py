"""`cloudplow run`: uploads whenever that is due, until it is stopped."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping

from cloudplow import signals
from cloudplow.app import App
from cloudplow.commands.options import Subparsers, ensure_config, log_level, log_path, make_app
from cloudplow.commands.steer import doing
from cloudplow.commands.stopping import stop_on_signals
from cloudplow.errors import BusyError, ConfigError, ExitStatus
from cloudplow.installation import NO_UPLOADER
from cloudplow.models import UploaderStatus
from cloudplow.service_manager import ServiceManager
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
    manager = ServiceManager()
    display = LineDisplay()

    def stop() -> None:
        app.request_stop()
        manager.stopping()

    def reload() -> None:
        with manager.reloading():
            app.reload()

    with stop_on_signals(stop, reload=None if signals.has_terminal() else reload):
        display.start()
        try:
            with app:
                log.info("cloudplow %s runs with %s", app.version, app.config_path.absolute())
                _serve(app, manager)
                manager.stopping()
                app.bus.flush()
                log.info("stopped on request")
        finally:
            display.stop()
    signals.settle(ExitStatus.DONE)
    return int(ExitStatus.DONE)


def _serve(app: App, manager: ServiceManager) -> None:
    try:
        app.serve(lambda: manager.ticked(status_line(app.controls.status()) if manager.listens else ""))
    except BusyError as error:
        raise BusyError(
            f"another cloudplow runs with the state folder {app.state_dir}: `cloudplow status` says what it does; "
            "stop it first, or use another folder for this one with --cachefile"
        ) from error


def status_line(uploaders: Mapping[str, UploaderStatus]) -> str:
    """What all uploaders do and why, in one line, as `systemctl status` shows it."""
    return "; ".join(f"{name}: {doing(one.state, one.why)}" for name, one in uploaders.items())
