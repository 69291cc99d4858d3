"""`cloudplow check`: looks at everything an upload needs, one line each, with the cure; changes nothing."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from cloudplow.commands import check_accounts, check_lines, systemd_paths
from cloudplow.commands.check_lines import Line
from cloudplow.commands.options import Subparsers, config_path, log_path, make_app
from cloudplow.config.loader import ConfigMissingError
from cloudplow.errors import ConfigError, ExitStatus
from cloudplow.terminal import logs


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="check config, rclone, remotes, keys, folders, plugins, destinations")
    parser.add_argument("--strict", action="store_true", help="exit with 2 for warnings too")
    parser.add_argument("--all-accounts", action="store_true", help="look at the destination with every account")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--systemd", action="store_true", help="check nothing; print a drop-in for the systemd unit")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Print one line for each thing that was checked. Raises ConfigMissingError, PluginError.

    For systemd: only the drop-in, so that it can go into a file; then raises ConfigError, too.
    """
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    if options.systemd:
        app = make_app(options)
        print("\n".join(systemd_paths.drop_in(systemd_paths.paths_of(app, log_path(options), os.environ))))
        return int(ExitStatus.DONE)
    found: list[Line] = []
    for verdict, text in _lines(options, config_path(options)):
        found.append((verdict, text))
        if not options.json:
            shown = "FAULT" if verdict == "fault" else verdict
            print(f"{shown:<7} {logs.escape_control(text)}", flush=True)
    refused = {"fault", "warning"} if options.strict else {"fault"}
    bad = any(verdict in refused for verdict, _ in found)
    if options.json:
        document = {"ok": not bad, "lines": [{"verdict": verdict, "text": text} for verdict, text in found]}
        json.dump(document, sys.stdout, indent=2)
        print()
    return int(ExitStatus.USAGE if bad else ExitStatus.DONE)


def _lines(options: argparse.Namespace, config: Path) -> Iterator[Line]:
    try:
        app = make_app(options)
    except ConfigMissingError:
        raise  # there is nothing to check
    except ConfigError as error:
        # All of them, and then what can be said without a configuration.
        yield from (("fault", fault) for fault in error.faults)
        yield from check_lines.rclone_alone()
        return
    yield from check_lines.installation(app, config)
    tasks = yield from check_lines.uploaders(app)
    yield from check_accounts.looks(app, tasks, every_account=options.all_accounts)
    yield from app.plugins.check(app)
