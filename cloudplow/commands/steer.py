"""`status`, `start`, `stop`, `pause`, `resume`, `limit`: they ask and steer the running instance."""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloudplow.commands.options import Subparsers, config_path, state_dir
from cloudplow.control.client import ask
from cloudplow.control.handlers import read_rate
from cloudplow.errors import ConfigError, ExitStatus, NotRunningError
from cloudplow.events.sentences import amount, local_time
from cloudplow.terminal import logs
from cloudplow.units import format_bytes, parse_duration_seconds


def add(commands: Subparsers) -> None:
    """Add the commands."""
    parser = commands.add_parser("status", help="what the running instance does, and why")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print it as JSON")
    parser.set_defaults(handler=run_status)
    parser = commands.add_parser("start", help="upload now, whatever interval, threshold and hours say; ends a pause")
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.set_defaults(handler=run)
    parser = commands.add_parser("stop", help="end an upload after the files that are being uploaded")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--now", action="store_true", help="cut off the files that are being uploaded")
    parser.set_defaults(handler=run)
    parser = commands.add_parser("pause", help="stop, and start nothing until it is resumed or started")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--for", dest="duration", metavar="TIME", help='how long, for example "2h" or "90m"')
    parser.set_defaults(handler=run)
    parser = commands.add_parser("resume", help="end a pause")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.set_defaults(handler=run)
    parser = commands.add_parser("limit", help="upload no faster than this")
    parser.add_argument("rate", metavar="RATE", help='as rclone writes it, for example "5M"; "off" for no limit')
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Steer. Raises CloudplowError."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    request = request_of(options)
    names = options.names if options.command == "start" else [getattr(options, "name", None) or ""]
    if any(names):
        _must_know(names, asked(options, {"do": "status"}).get("uploaders", {}))
    answer = asked(options, request | {"who": user()})
    said: Mapping[str, Any] = answer.get("said", {})
    if options.command == "limit" and len(set(said.values())) == 1:
        said = {"": next(iter(said.values()))}
    for name, what in said.items():
        print(logs.escape_control(f"{name}: {what}" if name else str(what)))
    if not said:
        print("Nothing runs or waits that could be stopped." if options.command == "stop" else "Nothing has changed.")
    return int(ExitStatus.DONE)


def request_of(options: argparse.Namespace) -> dict[str, Any]:
    """What is asked of the running instance. Raises ConfigError."""
    match options.command:
        case "start":
            return {"do": "start", "names": options.names}
        case "stop":
            return {"do": "stop", "name": options.name, "now": options.now}
        case "limit":
            try:
                read_rate(options.rate)
            except ValueError as error:
                raise ConfigError([str(error)]) from error
            return {"do": "limit", "rate": options.rate}
        case "pause" if options.duration is not None:
            try:
                seconds = parse_duration_seconds(options.duration)
            except ValueError as error:
                raise ConfigError([f"--for: {error}"]) from error
            return {"do": "pause", "name": options.name, "seconds": seconds}
        case _:
            return {"do": options.command, "name": options.name}


def asked(options: argparse.Namespace, request: dict[str, Any]) -> dict[str, Any]:
    """The answer of the running instance. Raises CloudplowError; NotRunningError names where it was looked for."""
    folder = state_dir(options)
    try:
        return ask(folder, request)
    except NotRunningError as error:
        raise NotRunningError(f"{error} (of the configuration {config_path(options).absolute()})") from error


def user() -> str:
    """Who asks; "" if unknown."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def run_status(options: argparse.Namespace) -> int:
    """Print what every (or the named) uploader does. Raises CloudplowError."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    answer = asked(options, {"do": "status"})
    uploaders: dict[str, Any] = answer.get("uploaders", {})
    syncers: dict[str, Any] = answer.get("syncers", {})
    _must_know(options.names, uploaders | syncers)
    for key, known in (("uploaders", uploaders), ("syncers", syncers)):
        answer[key] = {name: one for name, one in known.items() if not options.names or name in options.names}
    if options.as_json:
        print(json.dumps(answer, indent=2))
    else:
        for line in lines(answer, time.time()):
            print(logs.escape_control(line))
    return int(ExitStatus.DONE)


def _must_know(names: Sequence[str], known: Collection[str]) -> None:
    """Raises ConfigError for names that the running instance does not know."""
    there = ", ".join(known) or "none"
    faults = [
        f'there is no uploader "{name}"; the running instance has: {there}' for name in names if name not in known
    ]
    if faults:
        raise ConfigError(faults)


def lines(answer: Mapping[str, Any], now: float) -> list[str]:
    """The answer to "status" as lines for people. now: epoch seconds."""
    said = []
    for name, one in answer["uploaders"].items():
        left = ""
        if one["files_left"] is not None and one["bytes_left"] is not None and one["state"] == "uploading":
            left = f"; {amount(one['files_left'], one['bytes_left'])} left"
        said.append(f"{name}: {doing(one['state'], one['why'])}{left}")
    said += [f"{name} (syncer): {doing(one['state'], one['why'])}" for name, one in answer.get("syncers", {}).items()]
    limit = answer.get("limit_bytes_per_second")
    if limit:
        said.append(f"limited to {format_bytes(limit)}/s (cloudplow limit off)")
    config = answer.get("config") or {}
    if config.get("edited"):
        said.append(f"{config.get('path')} was edited and is not in force yet: send SIGHUP to process {answer['pid']}")
    started = local_time(answer.get("started_at"), now)
    said.append(f"(cloudplow {answer.get('version')}, process {answer.get('pid')}, since {started})")
    return said


def doing(state: str, why: str) -> str:
    """A state and its sentence, most of which begin with the word for the state already."""
    if why.startswith(state.replace("_window", "")):
        return why
    return f"{state}: {why}" if why else state
