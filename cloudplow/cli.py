"""The command line: reads arguments, prints, and chooses the exit status. The only place that does the last two."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from cloudplow import __version__
from cloudplow.errors import CloudplowError, ConfigError, ExitStatus

log = logging.getLogger("cloudplow")

Handler = Callable[[argparse.Namespace], int]


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    """What every command takes. Argument, then environment, then default."""
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


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of every command, those of plugins included where the arguments ask for one, or for help.

    Raises ConfigError, PluginError when a command that is not ours is asked for and plugins cannot be loaded.
    """
    parser = argparse.ArgumentParser(
        prog="cloudplow", description="Uploads to cloud storage with rclone, within every account's daily quota."
    )
    _add_common_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    upload = commands.add_parser("upload", help="upload every (or the named) uploader once")
    upload.add_argument("names", nargs="*", metavar="NAME")
    upload.add_argument("--wait", action="store_true", help="when all quotas are used, wait for them and go on")
    upload.add_argument("--dry-run", action="store_true", help="upload nothing, show what would be, stage by stage")
    upload.set_defaults(handler=_upload)

    plan = commands.add_parser("plan", help="show what would be uploaded, per account and stage; changes nothing")
    plan.add_argument("names", nargs="*", metavar="NAME")
    plan.add_argument("--json", action="store_true", dest="as_json")
    plan.set_defaults(handler=_plan)

    check = commands.add_parser("check", help="check config, rclone, remotes, keys, folders, plugins")
    check.set_defaults(handler=_check)

    dashboard = commands.add_parser("dashboard", help="the dashboard alone, with the last known state")
    dashboard.set_defaults(handler=_dashboard)

    demo = commands.add_parser("demo", help="upload a generated library through a small pool of accounts")
    demo.add_argument("--exit", action="store_true", dest="exit_when_done", help="end with the upload")
    demo.add_argument("--folder", type=Path, help="where everything goes; kept afterwards (default: a temporary one)")
    demo.add_argument("--port", type=int, default=47949, help="port of the dashboard (default: 47949)")
    demo.add_argument("--speed", default="5M", help="bytes per second (default: 5M)")
    demo.set_defaults(handler=_demo)

    update = commands.add_parser("update_config", help="write the defaults of missing keys into the config")
    update.set_defaults(handler=_update_config)

    health = commands.add_parser("healthcheck", help="exit 0 if the dashboard answers and the engine is alive")
    health.set_defaults(handler=_healthcheck)
    _add_plugin_commands(commands, arguments)
    return parser


def _add_plugin_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], arguments: Sequence[str]
) -> None:
    """Load plugins for their commands, but only where it matters: our own commands must start fast."""
    first = argparse.ArgumentParser(prog="cloudplow", add_help=False)
    _add_common_options(first)
    first.add_argument("command", nargs="?")
    asked, rest = first.parse_known_args(arguments)
    helped = asked.command is None and ("-h" in rest or "--help" in rest)
    if asked.command in commands.choices or not (asked.command or helped) or not config_path(asked).exists():
        return
    from cloudplow.config.loader import plugin_names, read_document
    from cloudplow.plugins import Plugins

    try:
        plugins = Plugins()
        plugins.load(plugin_names(read_document(config_path(asked), os.environ)))
    except CloudplowError:
        if helped:
            return
        raise
    ours = set(commands.choices)
    plugins.add_commands(commands)
    for name in set(commands.choices) - ours:
        commands.choices[name].set_defaults(of_plugin=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. argparse itself ends with 2 for bad usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = build_parser(arguments).parse_args(arguments)
        handler: Handler = _plugin_command if getattr(options, "of_plugin", False) else options.handler
        return int(handler(options))
    except CloudplowError as error:
        for fault in error.faults if isinstance(error, ConfigError) else [str(error)]:
            print(f"cloudplow: {_one_line(fault)}", file=sys.stderr)
        return int(error.status)
    except KeyboardInterrupt:
        return int(ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone: nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitStatus.FAILED)


def _one_line(text: str) -> str:
    from cloudplow.terminal.logs import escape_control

    return escape_control(text)


def config_path(options: argparse.Namespace) -> Path:
    """The configuration file."""
    return Path(options.config).expanduser()


def state_dir(options: argparse.Namespace) -> Path:
    """The folder of the cache files: beside `--cachefile`, else beside the configuration."""
    where = Path(options.cachefile).expanduser() if options.cachefile else config_path(options)
    return where.parent.resolve()


def old_cache_path(options: argparse.Namespace) -> Path | None:
    """The old program's cache: `--cachefile` when it is given."""
    return Path(options.cachefile).expanduser() if options.cachefile else None


def log_path(options: argparse.Namespace) -> Path:
    """The log file: `--logfile`, else beside the configuration."""
    if options.logfile:
        return Path(options.logfile).expanduser()
    return config_path(options).parent / "cloudplow.log"


def ensure_config(options: argparse.Namespace) -> None:
    """When there is no configuration, write a sample and say so. Raises ConfigError."""
    path = config_path(options)
    if path.exists():
        return
    from cloudplow.config.loader import write_sample

    write_sample(path)
    raise ConfigError([f"{path}: there was none, so a sample was written there; fill it in and start again"])


@contextmanager
def signals_ask(stop: Callable[[], None]) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM ask for the end; a second one kills rclone."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        log.warning("%s: asking rclone to stop (once more kills it)", signal.Signals(number).name)
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    saved = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)


def _upload(options: argparse.Namespace) -> int:
    from cloudplow.upload.head_start import begin_head_start

    ensure_config(options)
    head_start = begin_head_start(config_path(options), options.names)
    from cloudplow.commands import upload

    return upload.run(options, config_path(options), state_dir(options), log_path(options), head_start)


def _plan(options: argparse.Namespace) -> int:
    from cloudplow.commands import plan

    ensure_config(options)
    return plan.run(options, config_path(options), state_dir(options))


def _check(options: argparse.Namespace) -> int:
    from cloudplow.commands import check

    ensure_config(options)
    return check.run(options, config_path(options), state_dir(options))


def _dashboard(options: argparse.Namespace) -> int:
    from cloudplow.commands import dashboard

    ensure_config(options)
    return dashboard.run(options, config_path(options), state_dir(options), log_path(options))


def _demo(options: argparse.Namespace) -> int:
    from cloudplow.commands import upload
    from cloudplow.demo.demo import run_demo

    return run_demo(
        options.folder,
        exit_when_done=options.exit_when_done,
        upload=upload.run_demo_site,
        port=options.port,
        speed=options.speed,
    )


def _plugin_command(options: argparse.Namespace) -> int:
    from cloudplow.commands import plugin_command

    return plugin_command.run(options, config_path(options), state_dir(options), log_path(options))


def _update_config(options: argparse.Namespace) -> int:
    from cloudplow.config.loader import plugin_names, read_document, with_defaults, write_document
    from cloudplow.plugins import Plugins

    ensure_config(options)
    path = config_path(options)
    document = read_document(path, {})
    plugins = Plugins()
    plugins.load(plugin_names(document))
    write_document(path, with_defaults(document, plugins.config_sections()))
    print(f"{path}: defaults of missing keys written")
    return int(ExitStatus.DONE)


def _healthcheck(options: argparse.Namespace) -> int:
    from cloudplow.commands import healthcheck

    return healthcheck.run(config_path(options))
