"""`cloudplow dashboard`: the dashboard alone, with the last known state and what a listening rclone tells."""

from __future__ import annotations

import argparse
from pathlib import Path

from cloudplow.app import App
from cloudplow.cli import old_cache_path, signals_ask
from cloudplow.errors import CloudplowError, ConfigError, ExitStatus
from cloudplow.rclone.rc import RcWatch
from cloudplow.terminal import logs


def run(options: argparse.Namespace, config_path: Path, state_dir: Path, logfile: Path) -> int:
    """Serve until SIGINT or SIGTERM. Raises CloudplowError when no dashboard could be started."""
    logs.set_up(options.loglevel, logfile)
    app = App(config_path, state_dir, old_cache=old_cache_path(options))
    watch = _watch(app)
    with signals_ask(app.request_stop), app:
        if "dashboard_url" not in app.services:
            raise CloudplowError("the dashboard is not up: set dashboard.enabled to true and see the lines above")
        if watch is not None:
            watch.start()
        app.stop_request.first.wait()
        if watch is not None:
            watch.stop()
    return int(ExitStatus.DONE)


def _watch(app: App) -> RcWatch | None:
    """Watches `dashboard.rc_url`, else plex's rclone when plex is on.

    Raises ConfigError for an address that is none.
    """
    section = app.config.sections.get("dashboard")
    url, place = getattr(section, "rc_url", None), "dashboard.rc_url"
    if not url and app.config.plex.enabled:
        url, place = app.config.plex.rclone.url, "plex.rclone.url"
    if not url:
        return None
    try:
        return RcWatch(url, float(getattr(section, "refresh_interval", 3)), app.bus.publish)
    except ValueError as error:
        raise ConfigError([f"{place}: {error}; correct it"]) from error
