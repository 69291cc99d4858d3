"""One running dashboard: its state, its receivers of events, its server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from cloudplow.events import Event
from cloudplow.hookspecs import PluginApp
from cloudplow_dashboard.command import SERVICE_NAME
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.server.hub import Limits, limits_of_this_process
from cloudplow_dashboard.server.listener import BindError, bind, is_loopback
from cloudplow_dashboard.server.server import DashboardServer
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.history_file import HistoryFile
from cloudplow_dashboard.state.state import DashboardState

log = logging.getLogger("cloudplow.dashboard")

#: What the history is made of.
HISTORY_SIGNALS: Final = ("file_transferred", "file_failed", "transfer_progress", "session_finished")


class Dashboard:
    """Everything that `cloudplow_start` makes and `cloudplow_stop` ends."""

    def __init__(self, app: PluginApp, section: DashboardSection, limits: Limits | None = None) -> None:
        self._app = app
        self._section = section
        self._limits = limits or limits_of_this_process()
        self.state = DashboardState(app_version=app.version, refresh_interval=section.refresh_interval)
        self.history = History(self.state.clock)
        self._history_file = HistoryFile(self.state, self.history, app.state_files)
        self.server: DashboardServer | None = None

    def start(self) -> bool:
        """Serve; False, with one line in the log, when the address cannot be used. The upload continues either way."""
        section = self._section
        try:
            listener = bind(section.host, section.port)
        except BindError as error:
            log.error("The dashboard is off: %s", error)
            return False
        if not is_loopback(listener):
            log.warning(
                "The dashboard listens on %s and has no login yet: anyone who can reach port %d sees everything; "
                'set dashboard.host to "127.0.0.1" to keep it to this machine',
                section.host,
                listener.getsockname()[1],
            )
        if section.debug:
            log.warning("dashboard.debug no longer has any effect; remove it from the configuration")
        self._history_file.open()
        self._recover()
        for signal in self._app.events.SIGNALS.values():
            signal.connect(self.state.receive)
        for name in HISTORY_SIGNALS:
            self._app.events.SIGNALS[name].connect(self.history.receive)
        self.server = DashboardServer(
            self.state,
            listener,
            self._limits,
            history=self.history,
            trusted_proxies=section.trusted_proxies,
            every_second=self._history_file.save_if_due,
        )
        self.server.start()
        self._app.services[SERVICE_NAME] = self.server.address
        log.info("Dashboard: %s", self.server.address)
        return True

    def _recover(self) -> None:
        """Show what an earlier process left. An app that cannot say costs what it would have said, not the start."""
        recovered = getattr(self._app, "recovered", None)
        for event in recovered() if recovered is not None else ():
            self.state.receive(event.uploader, event=event)

    def receive_from_outside(self, event: Event, *, past: bool, services: Mapping[str, str]) -> None:
        """Show an event of another process that is followed."""
        # Its own dashboard, if it has one, keeps the file, and must find there what it wrote.
        self._history_file.keep(not services.get(SERVICE_NAME))
        self.state.receive(event.uploader, event=event)
        # The history is dated by when it hears of something.
        if not past and event.signal_name in HISTORY_SIGNALS:
            self.history.receive(event.uploader, event=event)

    def stop(self) -> None:
        """Tell the viewers, end the streams and the thread."""
        if self.server is None:
            return
        self.state.stop()
        self.server.stop()
        for signal in self._app.events.SIGNALS.values():
            signal.disconnect(self.state.receive)
        for name in HISTORY_SIGNALS:
            self._app.events.SIGNALS[name].disconnect(self.history.receive)
        self._history_file.close()
        self._app.services.pop(SERVICE_NAME, None)
