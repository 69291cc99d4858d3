"""Notifications: a built-in plugin that tells people how uploads go. Active when its section names somebody.

The worker process imports this package, too: nothing is imported here that it does not need.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cloudplow import hookimpl

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Iterator

    from cloudplow.events import ControlUsed
    from cloudplow.hookspecs import PluginApp
    from cloudplow.services.notify.config import NotificationsSection
    from cloudplow.services.notify.notifier import Notifier

log = logging.getLogger("cloudplow.notify")


class Notifications:
    """Those of one app. notifier: None while nobody is to be told."""

    def __init__(self, app: PluginApp) -> None:
        self._app = app
        self.notifier: Notifier | None = None

    def take_over(self) -> None:
        """Tell those whom the configuration names now."""
        receivers = _section(self._app).receivers
        if self.notifier is not None:
            self.notifier.take_over(receivers)
        elif receivers:
            # Threads and pipes take 20 ms, which only a program with receivers pays for.
            from cloudplow.services.notify.notifier import Notifier

            self.notifier = Notifier(self._app, receivers)
            self.notifier.start()

    def on_control(self, _sender: object, *, event: ControlUsed, **_extra: object) -> None:
        """The configuration was read again."""
        if event.action == "reload":
            self.take_over()


# By the identity of the app, which is kept too, so that no other app can get the same identity.
_running: dict[int, Notifications] = {}


@hookimpl
def cloudplow_config_section() -> tuple[str, type[NotificationsSection]]:
    """The section that this plugin owns and checks."""
    # pydantic takes 60 ms, which the worker does without.
    from cloudplow.services.notify.config import SECTION, NotificationsSection

    return SECTION, NotificationsSection


@hookimpl
def cloudplow_add_commands(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """`cloudplow notify-test`."""
    # As above, 60 ms.
    from cloudplow.services.notify import command

    command.add_to(subparsers)


@hookimpl
def cloudplow_check(app: PluginApp) -> Iterator[tuple[str, str]]:
    """Who is told."""
    receivers = _section(app).receivers
    if receivers:
        named = ", ".join(f"{name} ({one.shown}, {one.min_level})" for name, one in receivers.items())
        yield "ok", f'notifications: {named}; "cloudplow notify-test" tries them'


def _section(app: PluginApp) -> NotificationsSection:
    section: NotificationsSection = app.config.section("notifications")
    return section


@hookimpl
def cloudplow_start(app: PluginApp) -> None:
    """Begin to tell, if there is somebody to tell. If that fails, it is logged; it never stops an upload."""
    running = _running[id(app)] = Notifications(app)
    try:
        running.take_over()
    except Exception:  # whatever fails here, the upload must continue
        log.exception("Notifications could not start and are off; the upload continues without them")
    app.events.control_used.connect(running.on_control)


@hookimpl
def cloudplow_stop(app: PluginApp) -> None:
    """Say the last things."""
    running = _running.pop(id(app), None)
    if running is not None:
        app.events.control_used.disconnect(running.on_control)
        if running.notifier is not None:
            running.notifier.stop()
