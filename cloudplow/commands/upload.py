"""`cloudplow upload`: run every (or the named) uploader once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from cloudplow import signals
from cloudplow.app import App, worst_status
from cloudplow.commands.beside import running_instance, upload_beside
from cloudplow.commands.options import Subparsers, ensure_config, log_level, log_path, make_app
from cloudplow.commands.stopping import Watch, stop_on_signals
from cloudplow.errors import CloudplowError, StoppedError
from cloudplow.events import SessionFinished, SessionOutcome, sentence
from cloudplow.rclone import early
from cloudplow.terminal import logs
from cloudplow.terminal.display import LineDisplay
from cloudplow.upload.task import UploadTask, as_dry_run


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("upload", help="run every (or the named) uploader once")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--wait", action="store_true", help="when all quotas are used up, wait for them and continue")
    parser.add_argument(
        "--dry-run", action="store_true", help="upload nothing, only show what would be uploaded, stage by stage"
    )
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Upload, show progress, return the exit status. Raises CloudplowError when nothing could be started."""
    ensure_config(options)
    instance = running_instance(options)
    if instance is not None:
        signals.raise_interrupts()
        # The running instance writes the log file.
        return upload_beside(options, instance, make_display(log_level(options), None))
    display = make_display(log_level(options), log_path(options))
    status = upload(make_app(options), display, names=options.names, wait=options.wait, dry_run=options.dry_run)
    signals.settle(status)
    return status


def upload(
    app: App,
    display: LineDisplay,
    *,
    names: Sequence[str] = (),
    wait: bool = False,
    dry_run: bool = False,
    finish: Callable[[int], int] = int,
) -> int:
    """Run the named uploaders, or all. finish: called with the exit status while the plugins are still running."""
    tasks = [as_dry_run(task) if dry_run else task for task in app.tasks(names)]
    with stop_on_signals(app.request_stop) as watch:
        return _upload(app, display, tasks, wait=wait, finish=finish, watch=watch)


def _upload(
    app: App,
    display: LineDisplay,
    tasks: Sequence[UploadTask],
    *,
    wait: bool,
    finish: Callable[[int], int],
    watch: Watch | None,
) -> int:
    app.begin_preflight().begin_listing(tasks[0])
    display.start()
    try:
        with app:
            finished: list[SessionFinished] = []
            with suppress(StoppedError):
                app.begin_tasks(tasks)
                early.forget()
                finished = app.upload_tasks(tasks, wait_for_capacity=wait)
            app.bus.flush()
            display.stop()
            for event in finished:
                # As JSON it was told already, among the other lines.
                if event.outcome is SessionOutcome.FAILED and not logs.uses_json():
                    logs.say(f"{event.uploader}: {sentence(event)}")
            outcomes = [event.outcome for event in finished]
            # Asked to stop between two uploaders: the others were never started.
            outcomes += [SessionOutcome.INTERRUPTED] * (len(tasks) - len(finished))
            with watch.interrupting() if watch is not None else nullcontext():
                return finish(int(worst_status(outcomes)))
    finally:
        display.stop()


def make_display(loglevel: str, logfile: Path | None) -> LineDisplay:
    """A live view on a terminal, otherwise log lines; also sets up logging."""
    if sys.stdout.isatty() and not logs.uses_json():
        try:
            # Importing rich takes 55 ms, which only a terminal needs.
            from cloudplow.terminal.live_display import LiveDisplay
        except ImportError as error:
            raise CloudplowError(f"the live view needs {error.name}: reinstall cloudplow") from error
        live = LiveDisplay()
        logs.set_up(loglevel, logfile, terminal=live.handler)
        return live
    logs.set_up(loglevel, logfile)
    return LineDisplay()
