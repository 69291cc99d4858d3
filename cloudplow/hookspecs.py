"""What a plugin may implement, and what it gets.

Mark functions with these names with `from cloudplow import hookimpl`. A hook may omit arguments that it does not
need. Facts are events (`cloudplow.events`); hooks are questions, and the plugin's start and stop. Hooks are called on
the main thread, `cloudplow_choose_account` on the thread of the session, one at a time. docs/plugins.md has an example
of each.
"""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pluggy
from pydantic import BaseModel

from cloudplow.events import Event
from cloudplow.models import Capacity, QueueFile, UploaderStatus

hookspec = pluggy.HookspecMarker("cloudplow")


class PluginConfig(Protocol):
    """The checked configuration; attributes have the names of the keys in config.json."""

    @property
    def core(self) -> Any: ...
    @property
    def remotes(self) -> Mapping[str, Any]: ...
    @property
    def uploader(self) -> Mapping[str, Any]: ...
    @property
    def plugins(self) -> Sequence[str]: ...

    def section(self, name: str) -> Any:
        """The section that a plugin owns, as the plugin's model. Raises KeyError when no plugin registered it."""


class PluginStateFiles(Protocol):
    """The one place that writes cache files; a plugin may keep its own file there."""

    @property
    def folder(self) -> Path: ...

    def read(self, name: str) -> dict[str, Any] | None:
        """The content of a file, at the start only; None when it does not exist. A damaged file is set aside."""

    def register(self, name: str, make_document: Callable[[], Any]) -> None:
        """Own a file. make_document: returns its content, JSON-ready; it is called from any thread."""

    def mark_dirty(self, name: str) -> None:
        """Have the file written within about a second. Returns immediately."""


class PluginControls(Protocol):
    """Steers the running program; every method may be called from any thread and returns immediately.

    The controls return, by uploader, a sentence that says what is now so. uploader: None for all of them. by, who: what
    asks ("cli", "page", "api", "mqtt", "signal"), and which person. Raise NotRunningError while nothing could be
    steered, and CloudplowError with a sentence for what cannot be done.
    """

    def status(self) -> Mapping[str, UploaderStatus]:
        """What every configured uploader is doing, and why."""

    def start(self, uploader: str, *, by: str = "api", who: str = "", unless_paused: bool = False) -> Mapping[str, str]:
        """Upload as soon as possible, whatever interval, threshold and window say. Ends a pause.

        unless_paused: refuse instead of ending a pause.
        """

    def stop(
        self, uploader: str | None = None, *, now: bool = False, by: str = "api", who: str = ""
    ) -> Mapping[str, str]:
        """End what runs or waits for quota: files that are being uploaded are finished first. now: cut them off.

        Uploaders that had nothing to end are not in the answer.
        """

    def pause(
        self, uploader: str | None = None, *, seconds: float | None = None, by: str = "api", who: str = ""
    ) -> Mapping[str, str]:
        """Stop, and start nothing until `resume` or `start`, or for so many seconds. It survives a restart."""

    def resume(self, uploader: str | None = None, *, by: str = "api", who: str = "") -> Mapping[str, str]:
        """End a pause."""

    def limit(self, bytes_per_second: int | None, *, by: str = "api", who: str = "") -> Mapping[str, str]:
        """Upload no faster than that, each uploader; None for no such limit."""

    def limit_bytes(self) -> int | None:
        """The limit that stands, in bytes per second; None for none."""


class FollowReceiver(Protocol):
    """Gets the events of another process, one at a time and in order, on a thread of its own.

    past: it was published before this process began to follow. services: what plugins of that process offer.
    """

    def __call__(self, event: Event, *, past: bool, services: Mapping[str, str]) -> None: ...


class PluginApp(Protocol):
    """The running program, as plugins see it.

    events: the module `cloudplow.events`. state_dir: the folder of the cache files. services: what plugins offer to
    users, for example {"dashboard_url": "http://..."}. uploads: whether this process is there to upload; False for the
    command of a plugin.
    """

    @property
    def config(self) -> PluginConfig: ...
    @property
    def events(self) -> ModuleType: ...
    @property
    def state_dir(self) -> Path: ...
    @property
    def state_files(self) -> PluginStateFiles: ...
    @property
    def services(self) -> dict[str, str]: ...
    @property
    def version(self) -> str: ...
    @property
    def controls(self) -> PluginControls: ...
    @property
    def uploads(self) -> bool: ...

    def publish(self, event: Event) -> Event:
        """Publish an event, from any thread, and return it with its number and time. Returns immediately."""

    def notifiers(self) -> Mapping[str, Callable[..., Any]]:
        """What plugins answer to `cloudplow_notifiers`: functions (settings, title, text) by the names of services."""

    def recovered(self) -> Sequence[Event]:
        """What an earlier process left, as events: `SessionRecovered`, `QueueLearned`, `TransfersRecovered`,
        `AccountsLearned`. For plugins that show it after a start; signals do not carry it.
        """

    def follow(self, receive: FollowReceiver) -> AbstractContextManager[None]:
        """While inside, `receive` gets every event of the cloudplow that runs with the same state folder.

        Signals do not carry them, so that nothing else takes them for events of this process. While none runs, it is
        looked for again twice a second. First come the events that describe its sessions so far, and a
        `SessionJoined` for each. A session that a killed process left ends with a `SessionFinished`, as interrupted.
        What a process left that ran between two looks comes as in `recovered`, as past.
        """

    def request_stop(self) -> None:
        """Stop the program, from any thread: rclone is asked to stop; a second call kills it."""

    def wait_for_stop(self, timeout_seconds: float | None = None) -> bool:
        """Wait until a stop is requested; False on timeout. For commands that serve until stopped."""

    def watch_rclone(self, url: str | None, interval_seconds: float) -> AbstractContextManager[None]:
        """While inside, publish the statistics of an rclone that somebody else started as `transfer_progress`.

        url: of its remote control; None means `plex.rclone.url` if that is given or plex is enabled, else nothing
        happens. Raises ConfigError for an invalid address.
        """


@hookspec
def cloudplow_start(app: PluginApp) -> None:
    """The program starts: connect to events, start threads. An exception aborts the start, naming the plugin."""


@hookspec
def cloudplow_stop(app: PluginApp) -> None:
    """The program ends; all events have been delivered. Stop what was started. Exceptions are logged."""


@hookspec
def cloudplow_add_commands(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add commands to the command line.

    subparsers: from argparse. Set a command's default `handler` to a function (app, arguments) -> exit status; it
    is called with the started app, or, if its default `starts_app` is False, with one that has only read the
    configuration.
    """


@hookspec
def cloudplow_config_section() -> tuple[str, type[BaseModel]] | None:
    """The section of config.json that the plugin owns: its name, and the pydantic model that checks it.

    The model may say what is not done without it (`without_it`), and without one entry of a section of named entries
    (`without_entry`, with "{name}"): then a fault there is a warning. The validation's context has the names of the
    services of `cloudplow_notifiers` as "notifiers".
    """


@hookspec
def cloudplow_check(app: PluginApp) -> Iterable[tuple[str, str]] | None:
    """Lines for `cloudplow check`: pairs of a verdict ("ok", "warning" or "fault") and a sentence that says what to do.

    app has read and checked the configuration but is not started: change nothing.
    """


@hookspec
def cloudplow_healthcheck(config: PluginConfig) -> str | None:
    """Query the health of the running instance, for `cloudplow healthcheck`, which runs in a separate process.

    Returns "" if it is healthy, a sentence that says what is wrong, or None if the plugin cannot query it.
    """


@hookspec
def cloudplow_notifiers() -> Sequence[tuple[str, Any]] | None:
    """Notification services: pairs of a service's name and a function (settings, title, text) that sends one."""


@hookspec
def cloudplow_may_upload(uploader: str) -> str | None:
    """A reason why the uploader may not upload now, or None. Plugins are asked until one gives a reason."""


@hookspec(firstresult=True)
def cloudplow_choose_account(accounts: Sequence[Capacity], queue: Sequence[QueueFile]) -> str | None:
    """The account (`Capacity.account`, a key file) to use next, or None for the usual order.

    accounts: what each can take; queue: the waiting files. The first answer counts.
    """
