"""A command that a plugin added with `cloudplow_add_commands`."""

from __future__ import annotations

import argparse
import logging

from cloudplow.app import App
from cloudplow.commands.options import log_level, log_path, make_app, require_config
from cloudplow.commands.stopping import stop_on_signals
from cloudplow.errors import CloudplowError
from cloudplow.terminal import logs

log = logging.getLogger("cloudplow.plugins")


def run(options: argparse.Namespace) -> int:
    """Call the command's handler with the app, started unless it needs none; returns its exit status.

    Raises CloudplowError when it fails, and whatever starting the app raises.
    """
    require_config(options)
    logs.set_up(log_level(options), log_path(options))
    app = make_app(options)
    app.uploads = False
    if not getattr(options, "starts_app", True):
        for warning in app.warnings:
            log.warning("%s", warning)
        return _handle(app, options)
    with stop_on_signals(app.request_stop), app:
        return _handle(app, options)


def _handle(app: App, options: argparse.Namespace) -> int:
    try:
        return int(options.plugin_handler(app, options))
    except CloudplowError:
        raise
    except Exception as error:
        log.debug("command %s", options.command, exc_info=True)
        raise CloudplowError(f'the plugin command "{options.command}" failed: {error}') from error
