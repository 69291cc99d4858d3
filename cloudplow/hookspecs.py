"""What a plugin may implement. Mark functions of these names with `from cloudplow import hookimpl`.

A hook may leave out arguments that it does not need. Facts are events (`cloudplow.events`); hooks are questions, and
the start and stop of the plugin. All hooks are called on the main thread. `app` is a `cloudplow.app.App`; it gives
`config`, `events`, `state_dir`, `state_files`, `services`, `version` and `request_stop()`.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from pydantic import BaseModel

    from cloudplow.app import App
    from cloudplow.models import Capacity, QueueFile

hookspec = pluggy.HookspecMarker("cloudplow")


@hookspec
def cloudplow_start(app: App) -> None:
    """The program starts: connect to events, start threads. An exception stops the start, with the plugin's name."""


@hookspec
def cloudplow_stop(app: App) -> None:
    """The program ends; all events have been delivered. End what was started. An exception is logged."""


@hookspec
def cloudplow_add_commands(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add commands to the command line; set `handler` to a function (app, arguments) -> exit status."""


@hookspec
def cloudplow_config_section() -> tuple[str, type[BaseModel]] | None:
    """The section of config.json that the plugin owns: its name and the pydantic model that checks it."""


@hookspec
def cloudplow_notifiers() -> Sequence[tuple[str, Any]] | None:
    """Notification services: pairs of a service's name and a function (settings, title, text) that sends."""


@hookspec
def cloudplow_may_upload(uploader: str) -> str | None:
    """A reason why the uploader may not upload now, or None. All plugins are asked."""


@hookspec(firstresult=True)
def cloudplow_choose_account(accounts: Sequence[Capacity], queue: Sequence[QueueFile]) -> str | None:
    """The key file (`Capacity.account`) to be used next, or None for the usual order. The first answer counts."""
