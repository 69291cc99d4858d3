"""`cloudplow update_config`: write the defaults of missing keys into the configuration."""

from __future__ import annotations

import argparse

from cloudplow.commands.options import Subparsers, config_path, ensure_config
from cloudplow.config.loader import plugin_names, read_document, with_defaults, write_document
from cloudplow.errors import ConfigError, ExitStatus
from cloudplow.plugins import Plugins, with_built_in


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("update_config", help="write the defaults of missing keys into the config")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Read, complete and write the file. Raises ConfigError, PluginError."""
    ensure_config(options)
    path = config_path(options)
    document = read_document(path, {})
    if document.duplicates:
        # Written again, the file would lose one of them.
        raise ConfigError([str(one) for one in document.duplicates])
    plugins = Plugins()
    plugins.load(with_built_in(plugin_names(document)))
    write_document(path, with_defaults(document, plugins.config_sections()))
    print(f"{path}: defaults of missing keys written")
    return int(ExitStatus.DONE)
