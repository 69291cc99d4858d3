"""What all commands share: options, the files and folders they name."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import TypeAlias

from cloudplow import __version__
from cloudplow.app import App
from cloudplow.config.loader import write_sample
from cloudplow.errors import ConfigError

log = logging.getLogger("cloudplow")

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command. Arguments override the environment, which overrides the defaults."""
    parser.add_argument("--version", action="version", version=f"cloudplow {__version__}")
    parser.add_argument("--config", metavar="F", default=os.environ.get("CLOUDPLOW_CONFIG") or "config.json")
    parser.add_argument("--logfile", metavar="F", default=os.environ.get("CLOUDPLOW_LOGFILE"))
    parser.add_argument("--cachefile", metavar="F", default=os.environ.get("CLOUDPLOW_CACHEFILE"))
    parser.add_argument(
        "--loglevel",
        metavar="L",
        type=str.upper,
        choices=("WARN", "INFO", "DEBUG"),
        default=(os.environ.get("CLOUDPLOW_LOGLEVEL") or "INFO").upper(),
        help="WARN, INFO or DEBUG",
    )


def config_path(options: argparse.Namespace) -> Path:
    """The configuration file."""
    return Path(options.config).expanduser()


def state_dir(options: argparse.Namespace) -> Path:
    """The folder of the cache files: that of `--cachefile`, else that of the configuration."""
    where = Path(options.cachefile).expanduser() if options.cachefile else config_path(options)
    return where.parent.resolve()


def log_path(options: argparse.Namespace) -> Path:
    """The log file: `--logfile`, else next to the configuration."""
    if options.logfile:
        return Path(options.logfile).expanduser()
    return config_path(options).parent / "cloudplow.log"


def make_app(options: argparse.Namespace) -> App:
    """The program as the options describe it, not started yet. Raises ConfigError, PluginError.

    Writes a sample if there is no configuration.
    """
    ensure_config(options)
    old_cache = Path(options.cachefile).expanduser() if options.cachefile else None
    return App(config_path(options), state_dir(options), old_cache=old_cache)


def ensure_config(options: argparse.Namespace) -> None:
    """If there is no configuration, write a sample and say so. Raises ConfigError."""
    path = config_path(options)
    if path.exists():
        return
    write_sample(path)
    raise ConfigError([f"{path}: did not exist, so a sample was written; edit it and start again"])
