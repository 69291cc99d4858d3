"""One running dashboard: its state, its receivers of events, its server."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from typing import Final

from cloudplow.events import Event, ProgramEnded, ProgramFollowed
from cloudplow.hookspecs import PluginApp
from cloudplow_dashboard.command import SERVICE_NAME
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.port import PortWait
from cloudplow_dashboard.server.limits import Limits, limits_of_this_process
from cloudplow_dashboard.server.listener import BindError, bind, is_loopback
from cloudplow_dashboard.server.reach import Reach
from cloudplow_dashboard.server.server import DashboardServer
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.history_file import HistoryFile
from cloudplow_dashboard.state.state import DashboardState

log = logging.getLogger("cloudplow.dashboard")

#: In `app.services`: the port that the dashboard of an upload would like to have, for one that runs alone on it.
WANTED_PORT: Final = "dashboard_wants_port"
#: What the history is made of.
HISTORY_SIGNALS: Final = ("file_transferred", "file_failed", "transfer_progress", "session_finished")


class Dashboard:
    """Everything that `cloudplow_start` makes and `cloudplow_stop` ends."""

    def __init__(self, app: PluginApp, section: DashboardSection, limits: Limits | None = None) -> None:
        self._app = app
        self._section = section
        self._limits = limits or limits_of_this_process()
        self.state = DashboardState(
            app_version=app.version, refresh_interval=section.refresh_interval, alone=not getattr(app, "uploads", True)
        )
        self.history = History(self.state.clock)
        self._history_file = HistoryFile(self.state, self.history, app.state_files)
        self.server: DashboardServer | None = None
        #: Where it serves, or did until it gave way.
        self._port = 0
        self._port_wait: PortWait | None = None
        #: Why the port is not ours, until that has been said.
        self._refused: BindError | None = None

    def start(self) -> bool:
        """Serve; False, with one line in the log, when the address cannot be used. The upload continues either way.

        Where somebody else listens on it, that may be a dashboard that runs alone beside us, and lets go of the port as
        soon as it follows this process: then it is tried again for a while.
        """
        section = self._section
        listener = None
        try:
            listener = bind(section.host, section.port)
        except BindError as error:
            if not error.is_taken or not getattr(self._app, "uploads", True):
                log.error("The dashboard is off: %s", error)
                return False
            self._refused = error
        if section.debug:
            log.warning("dashboard.debug no longer has any effect; remove it from the configuration")
        self._history_file.open()
        self._recover()
        for signal in self._app.events.SIGNALS.values():
            signal.connect(self.state.receive)
        for name in HISTORY_SIGNALS:
            self._app.events.SIGNALS[name].connect(self.history.receive)
        if listener is None:
            self._app.services[WANTED_PORT] = str(section.port)
            self._wait(section.port, self._late)
        else:
            self._serve(listener)
        return True

    def _serve(self, listener: socket.socket) -> None:
        if not is_loopback(listener):
            log.warning(
                "The dashboard listens on %s and has no login yet: anyone who can reach port %d sees everything; "
                'set dashboard.host to "127.0.0.1" to keep it to this machine',
                self._section.host,
                listener.getsockname()[1],
            )
        self._refused = None
        self._port = listener.getsockname()[1]
        self.server = DashboardServer(
            self.state,
            listener,
            self._limits,
            history=self.history,
            reach=Reach(self._section.trusted_proxies, self._section.allowed_hosts, (self._section.host,)),
            every_second=self._history_file.save_if_due,
        )
        self.server.start()
        self._app.services[SERVICE_NAME] = self.server.address
        self._app.services.pop(WANTED_PORT, None)
        log.info("Dashboard: %s", self.server.address)

    def _wait(self, port: int, late: Callable[[BindError], bool]) -> None:
        self._port_wait = PortWait(self._section.host, port, self._serve, late)
        self._port_wait.start()

    def _late(self, error: BindError) -> bool:
        """Nobody has let go of the port."""
        self._refused = None
        log.error("The dashboard is off: %s", error)
        self._disconnect()
        return False

    def _recover(self) -> None:
        """Show what an earlier process left. An app that cannot say costs what it would have said, not the start."""
        recovered = getattr(self._app, "recovered", None)
        for event in recovered() if recovered is not None else ():
            self.state.receive(event.uploader, event=event)

    # The same, where it runs alone and follows another process.

    def receive_from_outside(self, event: Event, *, past: bool, services: Mapping[str, str]) -> None:
        """Show an event of another process that is followed."""
        # Its own dashboard, if it has one, keeps the file, and must find there what it wrote.
        self._history_file.keep(not services.get(SERVICE_NAME) and not self._wants_ours(services))
        self.state.receive(event.uploader, event=event)
        if isinstance(event, ProgramFollowed):
            self._give_way(services)
        elif isinstance(event, ProgramEnded):
            self.state.nobody_waits()
            self._take_back()
        else:
            # The history is dated by when it hears of something.
            if not past and event.signal_name in HISTORY_SIGNALS:
                self.history.receive(event.uploader, event=event)

    def _give_way(self, services: Mapping[str, str]) -> None:
        """A program has started. If it wants our port for its own dashboard, that one shows everything from now on."""
        wants_ours = self._wants_ours(services)
        if self._port_wait is not None and (wants_ours or services.get(SERVICE_NAME)):
            self._port_wait.stop()
        if wants_ours and self.server is not None:
            log.info("The dashboard of the cloudplow that runs takes over port %d", self._port)
            server, self.server = self.server, None
            self._app.services.pop(SERVICE_NAME, None)
            server.stop()

    def _wants_ours(self, services: Mapping[str, str]) -> bool:
        return services.get(WANTED_PORT) == str(self._port)

    def _take_back(self) -> None:
        if self.server is None:
            self._wait(self._port, self._still_taken)

    @staticmethod
    def _still_taken(error: BindError) -> bool:
        log.warning("The dashboard cannot be seen for now: %s", error)
        return True

    def stop(self) -> None:
        """Tell the viewers, end the streams and the thread."""
        if self._port_wait is not None:
            self._port_wait.stop()
        if self._refused is not None:
            log.error("The dashboard is off: %s", self._refused)
            self._refused = None
        self.state.stop()
        if self.server is not None:
            self.server.stop()
        self._disconnect()
        self._app.services.pop(SERVICE_NAME, None)

    def _disconnect(self) -> None:
        self._app.services.pop(WANTED_PORT, None)
        for signal in self._app.events.SIGNALS.values():
            signal.disconnect(self.state.receive)
        for name in HISTORY_SIGNALS:
            self._app.events.SIGNALS[name].disconnect(self.history.receive)
        self._history_file.close()
