"""The dashboard: a plugin that shows an upload in a browser. Flask and uvicorn are imported only when it starts."""

from __future__ import annotations

import logging
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloudplow import hookimpl
from cloudplow.hookspecs import FollowReceiver, PluginApp, PluginConfig
from cloudplow_dashboard import checks, command
from cloudplow_dashboard.config import SECTION, DashboardSection

if TYPE_CHECKING:
    from cloudplow_dashboard.dashboard import Dashboard

log = logging.getLogger("cloudplow.dashboard")

# By the identity of the app, which is kept too, so that no other app can get the same identity.
_running: dict[int, tuple[PluginApp, Dashboard]] = {}


@hookimpl
def cloudplow_config_section() -> tuple[str, type[DashboardSection]]:
    """The section that this plugin owns and checks."""
    return SECTION, DashboardSection


@hookimpl
def cloudplow_add_commands(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """`cloudplow dashboard`."""
    command.add_to(subparsers, _receiver)


def _receiver(app: PluginApp) -> FollowReceiver | None:
    entry = _running.get(id(app))
    return None if entry is None else entry[1].receive_from_outside


@hookimpl
def cloudplow_check(app: PluginApp) -> Iterator[tuple[str, str]]:
    """Who can reach the dashboard."""
    return checks.exposure(app.config.section(SECTION))


@hookimpl
def cloudplow_healthcheck(config: PluginConfig) -> str | None:
    """Ask the dashboard of the running instance; None when it is off."""
    return checks.health(config.section(SECTION))


@hookimpl
def cloudplow_start(app: PluginApp) -> None:
    """Start the dashboard when it is enabled. If it fails, that is logged; it never stops an upload."""
    try:
        section = app.config.section(SECTION)
        if section is None or not section.enabled:
            return
        # asyncio and the rest take 50 ms, which only a start with a dashboard pays for.
        from cloudplow_dashboard.dashboard import Dashboard

        dashboard = Dashboard(app, section)
        if dashboard.start():
            _running[id(app)] = (app, dashboard)
    except Exception:  # whatever fails here, the upload must continue
        log.exception("The dashboard could not start and is off; the upload continues without it")


@hookimpl
def cloudplow_stop(app: PluginApp) -> None:
    """Stop the dashboard of this application, if there is one."""
    entry = _running.pop(id(app), None)
    if entry is not None:
        entry[1].stop()
