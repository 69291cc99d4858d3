"""`cloudplow upload`: every (or the named) uploader once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cloudplow.app import App, worst_status
from cloudplow.cli import old_cache_path, signals_ask
from cloudplow.errors import CloudplowError
from cloudplow.events import SessionOutcome, sentence
from cloudplow.terminal import logs
from cloudplow.terminal.display import LineDisplay
from cloudplow.upload.context import as_dry_run
from cloudplow.upload.head_start import HeadStart

if TYPE_CHECKING:
    from cloudplow.demo.site import DemoSite


def run(options: argparse.Namespace, config_path: Path, state_dir: Path, logfile: Path, head_start: HeadStart) -> int:
    """Upload, show progress, return the exit status. Raises CloudplowError when nothing could be begun."""
    display = make_display(options.loglevel, logfile)
    app = App(config_path, state_dir, old_cache=old_cache_path(options), head_start=head_start)
    return upload(app, display, names=options.names, wait=options.wait, dry_run=options.dry_run)


def upload(
    app: App,
    display: LineDisplay,
    *,
    names: Sequence[str] = (),
    wait: bool = False,
    dry_run: bool = False,
    finish: Callable[[int], int] = int,
) -> int:
    """Upload the named uploaders, or all. finish: called with the exit status while the plugins are still up."""
    tasks = [as_dry_run(task) if dry_run else task for task in app.tasks(names)]
    app.begin_preflight().begin_listing(tasks[0])
    display.start()
    try:
        with app:
            with signals_ask(app.request_stop):
                app.check_tasks(tasks)
                finished = app.upload(tasks, wait_for_capacity=wait)
            app.bus.flush()
            display.stop()
            for event in finished:
                if event.outcome is SessionOutcome.FAILED:
                    text = f"cloudplow: {event.uploader}: {sentence(event)}"
                    print(logs.escape_control(text), file=sys.stderr)
            outcomes = [event.outcome for event in finished]
            # Asked to stop between two uploaders: the others were never begun.
            outcomes += [SessionOutcome.INTERRUPTED] * (len(tasks) - len(finished))
            return finish(int(worst_status(outcomes)))
    finally:
        display.stop()


def run_demo_site(site: DemoSite, finish: Callable[[int], int]) -> int:
    """Upload what the demo prepared, in the same way."""
    display = make_display("INFO", site.log_path)
    return upload(App(site.config_path, site.root), display, finish=finish)


def make_display(loglevel: str, logfile: Path | None) -> LineDisplay:
    """A live view on a terminal, log lines otherwise; sets logging up."""
    if sys.stdout.isatty():
        try:
            from cloudplow.terminal.live_display import LiveDisplay
        except ImportError as error:
            raise CloudplowError(f"the live view needs {error.name}: reinstall cloudplow") from error
        live = LiveDisplay()
        logs.set_up(loglevel, logfile, terminal=live.handler)
        return live
    logs.set_up(loglevel, logfile)
    return LineDisplay()
