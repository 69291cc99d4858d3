"""What all commands share: options, the files and folders they name."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any, Final, TypeAlias

from cloudplow.app import App
from cloudplow.config.loader import ConfigMissingError, write_sample
from cloudplow.config.places import config_places, given, user_config_path
from cloudplow.errors import ConfigError
from cloudplow.terminal.logs import escape_control

log = logging.getLogger("cloudplow")

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

LEVELS: Final = ("WARN", "INFO", "DEBUG")
DEFAULT_LEVEL: Final = "INFO"


class CommandParser(argparse.ArgumentParser):
    """A parser with the options of every command; so are those of its commands, at any depth, with help of their own.

    Older installations write the options behind the command. An option of a plugin that has the same name wins.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"conflict_handler": "resolve", **settings})
        common = self.add_argument_group("options of every command, before or after it")
        # Without a default, because that of a command would hide what stands before it.
        common.add_argument("--config", metavar="F", default=argparse.SUPPRESS, help="the configuration file")
        common.add_argument("--logfile", metavar="F", default=argparse.SUPPRESS, help="the log file")
        common.add_argument(
            "--cachefile", metavar="F", default=argparse.SUPPRESS, help="a file in the folder of the cache files"
        )
        common.add_argument(
            "--loglevel",
            metavar="L",
            type=_level,
            choices=LEVELS,
            default=argparse.SUPPRESS,
            help=", ".join(LEVELS),
        )
        common.add_argument(
            "--json-log", action="store_true", default=argparse.SUPPRESS, help="log lines as JSON objects, for machines"
        )


def _level(text: str) -> str:
    level = text.strip().upper()
    return "WARN" if level == "WARNING" else level


def _given(options: argparse.Namespace, name: str) -> str | None:
    return given(getattr(options, name, None), name)


def log_level(options: argparse.Namespace) -> str:
    """The level of the log: one of `LEVELS`. A variable that names no level is a warning."""
    given = _given(options, "loglevel") or DEFAULT_LEVEL
    level = _level(given)
    if level in LEVELS:
        return level
    shown = escape_control(given[:40])
    print(
        f'cloudplow: CLOUDPLOW_LOGLEVEL: "{shown}" is not a level, so {DEFAULT_LEVEL} is used; '
        f"set it to {', '.join(LEVELS[:-1])} or {LEVELS[-1]}",
        file=sys.stderr,
    )
    return DEFAULT_LEVEL


def config_path(options: argparse.Namespace) -> Path:
    """The configuration file: the one that is named, else the first that exists, else where a sample belongs."""
    named = _given(options, "config")
    if named is not None:
        return Path(named).expanduser()
    return next((path for path in config_places() if os.path.lexists(path)), user_config_path())


def state_dir(options: argparse.Namespace) -> Path:
    """The folder of the cache files: that of `--cachefile` (or this folder itself), else that of the configuration."""
    cache = _cache_file(options)
    if cache is not None and cache.is_dir():
        return cache.resolve()
    return (config_path(options) if cache is None else cache).parent.resolve()


def _cache_file(options: argparse.Namespace) -> Path | None:
    named = _given(options, "cachefile")
    return None if named is None else Path(named).expanduser()


def old_cache_path(options: argparse.Namespace) -> Path | None:
    """The old program's database: the file named, else the one in the folder of the cache files or of the config."""
    named = _cache_file(options)
    places = [state_dir(options) / "cache.db", config_path(options).parent / "cache.db"]
    return next((path for path in ([] if named is None else [named]) + places if path.is_file()), None)


def log_path(options: argparse.Namespace) -> Path:
    """The log file: `--logfile`, else next to the configuration."""
    named = _given(options, "logfile")
    if named is not None:
        return Path(named).expanduser()
    return config_path(options).parent / "cloudplow.log"


def make_app(options: argparse.Namespace) -> App:
    """The program as the options describe it, not started yet. Raises ConfigError, PluginError. Writes nothing."""
    require_config(options)
    return App(config_path(options), state_dir(options), old_cache=old_cache_path(options))


def require_config(options: argparse.Namespace) -> None:
    """Raises ConfigError, which says where it was looked for, if there is no configuration."""
    path = config_path(options)
    if os.path.lexists(path):
        return
    if _given(options, "config") is not None:
        raise ConfigMissingError(
            [f'{path}: the file does not exist; correct the path, or let "cloudplow upload" write a sample there']
        )
    places = ", ".join(str(place.absolute()) for place in config_places())
    raise ConfigMissingError(
        [f'no configuration found in {places}; name one with --config, or let "cloudplow upload" write a sample']
    )


def ensure_config(options: argparse.Namespace) -> None:
    """If there is no configuration, write a sample and say so: for commands that change something. Raises ConfigError.

    A sample goes where the options say, else to the user's own place, never into the folder one happens to be in.
    """
    path = config_path(options)
    if os.path.lexists(path):
        return
    write_sample(path)
    raise ConfigError([f"{path}: did not exist, so a sample was written; edit it and start again"])
