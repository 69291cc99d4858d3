"""The dashboard: a plugin that shows an upload in a browser. Flask and uvicorn are imported only when it starts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cloudplow import hookimpl

if TYPE_CHECKING:
    from cloudplow_dashboard.config import DashboardSection
    from cloudplow_dashboard.dashboard import Dashboard

log = logging.getLogger("cloudplow.dashboard")

# By the identity of the application, which is kept too so that the identity stays its own.
_running: dict[int, tuple[Any, Dashboard]] = {}


@hookimpl
def cloudplow_config_section() -> tuple[str, type[DashboardSection]]:
    """The section that this plugin owns and checks."""
    from cloudplow_dashboard.config import DashboardSection

    return "dashboard", DashboardSection


@hookimpl
def cloudplow_start(app: Any) -> None:
    """Start the dashboard when it is enabled. A fault of it is logged; it never stops an upload."""
    try:
        section = app.config.section("dashboard")
        if section is None or not section.enabled:
            return
        from cloudplow_dashboard.dashboard import Dashboard

        dashboard = Dashboard(app, section)
        if dashboard.start():
            _running[id(app)] = (app, dashboard)
    except Exception:  # whatever fails here, the upload must go on
        log.exception("The dashboard is off because of a fault; the upload goes on without it")


@hookimpl
def cloudplow_stop(app: Any) -> None:
    """Stop the dashboard of this application, if there is one."""
    entry = _running.pop(id(app), None)
    if entry is not None:
        entry[1].stop()
