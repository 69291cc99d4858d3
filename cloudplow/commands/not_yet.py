"""`clean`, `sync`: commands of the old program that are not there yet; each says what to use meanwhile."""

from __future__ import annotations

import argparse
from typing import Final

from cloudplow.commands.options import Subparsers
from cloudplow.errors import CloudplowError, ExitStatus

#: What to use until a command is there.
MEANWHILE: Final = {
    "clean": "delete what the *_HIDDEN~ files name by hand, then these files",
    "sync": 'use "rclone sync" itself',
}


class NotThereYetError(CloudplowError):
    """The old program had this command, and this one does not have it yet."""

    status = ExitStatus.USAGE


def add(commands: Subparsers) -> None:
    """Add the commands."""
    clean_parser = commands.add_parser("clean", help="delete what *_HIDDEN~ files name: not there yet")
    clean_parser.set_defaults(handler=run)
    sync_parser = commands.add_parser("sync", help="copy one remote to another: not there yet")
    sync_parser.add_argument("names", nargs="*", metavar="NAME")
    sync_parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Say so. Raises NotThereYetError."""
    raise NotThereYetError(f'"{options.command}" is not there yet; until it is, {MEANWHILE[options.command]}')
