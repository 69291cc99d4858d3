"""What a plugin may implement, and what it is given.

Mark functions of these names with `from cloudplow import hookimpl`. A hook may leave out arguments that it does not
need. Facts are events (`cloudplow.events`); hooks are questions, and the start and stop of the plugin. All hooks are
called on the main thread. docs/plugins.md has an example of each.
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
    """The checked configuration; attributes are named as the keys in config.json."""

    @property
    def core(self) -> Any: ...
    @property
    def remotes(self) -> Mapping[str, Any]: ...
    @property
    def uploader(self) -> Mapping[str, Any]: ...
    @property
    def plugins(self) -> Sequence[str]: ...

    def section(self, name: str) -> Any:
        """The section that a plugin owns, as its own model. Raises KeyError when no plugin registered it."""


class PluginStateFiles(Protocol):
    """The one place that writes cache files; a plugin may keep a file of its own there."""

    @property
    def folder(self) -> Path: ...

    def read(self, name: str) -> dict[str, Any] | None:
        """The content of a file, at the start only; None when there is none. A damaged file is set aside."""

    def register(self, name: str, make_document: Callable[[], Any]) -> None:
        """Own a file. make_document: returns its content, fit for JSON; called from any thread."""

    def mark_dirty(self, name: str) -> None:
        """Have the file written within about a second. Returns at once."""


class PluginControls(Protocol):
    """Steers running uploads; every method may be called from any thread and returns at once."""

    def status(self) -> Mapping[str, UploaderStatus]:
        """What every uploader of the configuration does now, and why."""

    def stop(self, uploader: str | None = None, *, now: bool = False) -> list[str]:
        """Stop the named uploader's session, or all of them. now: kill rclone instead of asking it to end.

        Returns the uploaders that were running.
        """


class PluginApp(Protocol):
    """The running program, as plugins see it.

    events: the module `cloudplow.events`. state_dir: the folder of the cache files. services: what plugins offer to
    people, for example {"dashboard_url": "http://..."}.
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

    def recovered(self) -> Sequence[Event]:
        """What an earlier process left, as events: `SessionRecovered`, `QueueLearned`, `TransfersRecovered`,
        `AccountsLearned`. For whoever shows it after a start; signals do not carry it.
        """

    def request_stop(self) -> None:
        """Ask for the end, from any thread: rclone is asked to stop; a second call kills it."""

    def wait_for_stop(self, timeout_seconds: float | None = None) -> bool:
        """Wait until somebody asks for the end; False when the time ran out. For commands that serve until stopped."""

    def watch_rclone(self, url: str | None, interval_seconds: float) -> AbstractContextManager[None]:
        """Inside, the statistics of an rclone that somebody else started come as `transfer_progress`.

        url: of its remote control; None takes `plex.rclone.url` if plex is enabled, else does nothing.
        Raises ConfigError for an address that cannot be one.
        """


@hookspec
def cloudplow_start(app: PluginApp) -> None:
    """The program starts: connect to events, start threads. An exception stops the start, with the plugin's name."""


@hookspec
def cloudplow_stop(app: PluginApp) -> None:
    """The program ends; all events have been delivered. End what was started. An exception is logged."""


@hookspec
def cloudplow_add_commands(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add commands to the command line.

    subparsers: of argparse. Set the default `handler` of a command to a function (app, arguments) -> exit status; it
    is called with the started app.
    """


@hookspec
def cloudplow_config_section() -> tuple[str, type[BaseModel]] | None:
    """The section of config.json that the plugin owns: its name and the pydantic model that checks it."""


@hookspec
def cloudplow_check(app: PluginApp) -> Iterable[tuple[str, str]] | None:
    """Lines of `cloudplow check`: pairs of a verdict ("ok", "warning" or "fault") and a sentence with the cure.

    app has read and checked the configuration, but is not started: change nothing.
    """


@hookspec
def cloudplow_healthcheck(config: PluginConfig) -> str | None:
    """For `cloudplow healthcheck`, which runs in a process of its own: ask the running instance how it is.

    Returns "" when it is well, a sentence that says what is wrong with it, None when the plugin cannot ask it.
    """


@hookspec
def cloudplow_notifiers() -> Sequence[tuple[str, Any]] | None:
    """Notification services: pairs of a service's name and a function (settings, title, text) that sends."""


@hookspec
def cloudplow_may_upload(uploader: str) -> str | None:
    """A reason why the uploader may not upload now, or None. All plugins are asked."""


@hookspec(firstresult=True)
def cloudplow_choose_account(accounts: Sequence[Capacity], queue: Sequence[QueueFile]) -> str | None:
    """The account (`Capacity.account`, a key file) to be used next, or None for the usual order.

    accounts: what each can take; queue: the files that wait. The first answer counts.
    """
