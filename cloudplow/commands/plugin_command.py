"""A command that a plugin added with `cloudplow_add_commands`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from cloudplow.app import App
from cloudplow.cli import old_cache_path, signals_ask
from cloudplow.errors import CloudplowError
from cloudplow.terminal import logs

log = logging.getLogger("cloudplow.plugins")


def run(options: argparse.Namespace, config_path: Path, state_dir: Path, logfile: Path) -> int:
    """Call the command's handler with the started app; returns its exit status.

    Raises CloudplowError when it fails, and what the start of the app raises.
    """
    logs.set_up(options.loglevel, logfile)
    app = App(config_path, state_dir, old_cache=old_cache_path(options))
    with signals_ask(app.request_stop), app:
        try:
            return int(options.handler(app, options))
        except CloudplowError:
            raise
        except Exception as error:
            log.debug("command %s", options.command, exc_info=True)
            raise CloudplowError(f'the command "{options.command}" of a plugin failed: {error}') from error
