"""The command line: finds the command, runs it, and turns faults into one line each and an exit status."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from collections.abc import Callable, Sequence

from cloudplow import __version__, signals
from cloudplow.commands import (
    accounts,
    check,
    demo,
    healthcheck,
    not_yet,
    plan,
    plugin_command,
    run,
    steer,
    update_config,
    upload,
)
from cloudplow.commands.options import CommandParser, Subparsers, config_path
from cloudplow.config.loader import plugin_names, read_document
from cloudplow.config.models import DEFAULT_PLUGINS
from cloudplow.errors import CloudplowError, ConfigError, ExitStatus
from cloudplow.plugins import Plugins, with_built_in
from cloudplow.terminal import logs

Handler = Callable[[argparse.Namespace], int]

#: Every command of the core, in the order of the help; each adds itself with `add(subparsers)`.
COMMANDS = (upload, run, steer, plan, accounts, check, demo, update_config, healthcheck, not_yet)


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser for every command, including those of plugins if the arguments name one or ask for help.

    Raises ConfigError, PluginError when the arguments name a command that is not ours and plugins cannot be loaded.
    """
    parser: argparse.ArgumentParser = CommandParser(
        prog="cloudplow", description="Uploads to cloud storage with rclone, within each account's daily quota."
    )
    parser.add_argument("--version", action="version", version=f"cloudplow {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    _add_plugin_commands(commands, arguments)
    return parser


def _add_plugin_commands(commands: Subparsers, arguments: Sequence[str]) -> None:
    """Load plugins for their commands, but only if needed: our own commands must start fast."""
    first = CommandParser(prog="cloudplow", add_help=False)
    first.add_argument("command", nargs="?")
    asked, rest = first.parse_known_args(arguments)
    helped = asked.command is None and ("-h" in rest or "--help" in rest)
    if asked.command in commands.choices or not (asked.command or helped):
        return
    path = config_path(asked)
    try:
        plugins = Plugins()
        names = plugin_names(read_document(path, os.environ)) if path.exists() else DEFAULT_PLUGINS
        plugins.load(with_built_in(names))
    except CloudplowError:
        if helped:
            return
        raise
    ours = set(commands.choices)
    plugins.add_commands(commands)
    for name in set(commands.choices) - ours:
        commands.choices[name].set_defaults(plugin_handler=commands.choices[name].get_default("handler"))
        commands.choices[name].set_defaults(handler=plugin_command.run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. argparse itself exits with 2 for bad usage."""
    open_standard_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        logs.use_json("--json-log" in arguments)
        options = build_parser(arguments).parse_args(arguments)
        logs.use_json(getattr(options, "json_log", False))
        handler: Handler = options.handler
        if options.command not in ("upload", "run"):
            # An upload has nothing to clean up until it watches for signals itself.
            signals.raise_interrupts()
        status = int(handler(options))
        sys.stdout.flush()
    except CloudplowError as error:
        for fault in error.faults if isinstance(error, ConfigError) else [str(error)]:
            logs.say(fault)
        for warning in error.warnings if isinstance(error, ConfigError) else ():
            logs.say(warning, logging.WARNING)
        return int(error.status)
    except KeyboardInterrupt:
        return int(ExitStatus.INTERRUPTED)
    except OSError as error:
        if not _is_output_fault(error):
            raise
        # Nobody reads our output any more, or there is no room for it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitStatus.FAILED)
    return status


def _is_output_fault(error: OSError) -> bool:
    """Whether an error comes from writing to our own output, not from a named file."""
    return error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)


def open_standard_streams() -> None:
    """Give each standard stream that was closed when we started (`cloudplow plan >&-`) an end that leads nowhere.

    Without it, the next file that is opened would take its number, and what is printed would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            os.set_inheritable(number, True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
