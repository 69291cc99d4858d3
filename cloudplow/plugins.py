"""Loads plugins, checks them against the hook specifications, and calls their hooks one by one, each isolated."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from typing import Any, Final

import pluggy
from pydantic import BaseModel

from cloudplow import hookspecs
from cloudplow.errors import PluginError
from cloudplow.hookspecs import PluginApp, PluginConfig
from cloudplow.models import Capacity, QueueFile

log = logging.getLogger("cloudplow.plugins")

ENTRY_POINT_GROUP: Final = "cloudplow.plugins"
#: Plugins that are always there, each for a section of its own; without its section, one does nothing.
BUILT_IN: Final = ("cloudplow.services.notify",)


class Plugins:
    """The loaded plugins, in the order of the configuration."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("cloudplow")
        self.manager.add_hookspecs(hookspecs)
        self._choosing = threading.Lock()

    def load(self, names: Sequence[str]) -> None:
        """Load each plugin: an importable module, else an entry point in the group `cloudplow.plugins`.

        Raises PluginError with the plugin's name and the reason.
        """
        for name in names:
            plugin = _find(name)
            try:
                self.manager.register(plugin, name)
                self.manager.check_pending()
            except (ValueError, pluggy.PluginValidationError) as error:
                reason = " ".join(str(error).split())
                raise PluginError(f'plugins: "{name}" does not match the hooks of cloudplow: {reason}') from error

    def _implementations(self, hook: str) -> list[tuple[str, Any]]:
        """(plugin, function and its argument names) in registration order, except tryfirst first and trylast last."""
        found = getattr(self.manager.hook, hook).get_hookimpls()
        return [(one.plugin_name, one) for one in sorted(found, key=lambda one: (not one.tryfirst, one.trylast))]

    def _call(self, one: Any, **arguments: Any) -> Any:
        return one.function(*(arguments[name] for name in one.argnames))

    def config_sections(self) -> dict[str, type[BaseModel]]:
        """The configuration sections that plugins own. Raises PluginError when two claim the same one."""
        sections: dict[str, type[BaseModel]] = {}
        for name, one in self._implementations("cloudplow_config_section"):
            try:
                answer = self._call(one)
                if answer is None:
                    continue
                section, model = answer
                if not isinstance(section, str) or not hasattr(model, "model_validate"):
                    raise TypeError("it must return a name and a pydantic model")
            except Exception as error:
                raise PluginError(f'plugins: "{name}" failed to describe its section: {error}') from error
            if section in sections:
                raise PluginError(f'plugins: "{name}" claims the section "{section}", which another plugin owns')
            sections[section] = model
        return sections

    def start(self, app: PluginApp) -> None:
        """Call each plugin's `cloudplow_start`. Raises PluginError with the plugin's name."""
        for name, one in self._implementations("cloudplow_start"):
            try:
                self._call(one, app=app)
            except Exception as error:
                log.debug("plugin %s", name, exc_info=True)
                raise PluginError(f'plugins: "{name}" failed to start: {error}') from error

    def stop(self, app: PluginApp) -> None:
        """Call each plugin's `cloudplow_stop`, last started first; errors are logged."""
        for name, one in reversed(self._implementations("cloudplow_stop")):
            try:
                self._call(one, app=app)
            except Exception:
                log.exception('Plugin "%s" failed while stopping', name)

    def add_commands(self, subparsers: Any) -> None:
        """Let plugins add commands; errors are logged."""
        for name, one in self._implementations("cloudplow_add_commands"):
            try:
                self._call(one, subparsers=subparsers)
            except Exception:
                log.exception('Plugin "%s" failed to add its commands', name)

    def check(self, app: PluginApp) -> Iterator[tuple[str, str]]:
        """What plugins add to `cloudplow check`: pairs of verdict and sentence."""
        for name, one in self._implementations("cloudplow_check"):
            try:
                yield from [(str(verdict), str(text)) for verdict, text in self._call(one, app=app) or ()]
            except Exception as error:
                log.debug("plugin %s", name, exc_info=True)
                yield "fault", f'plugins: "{name}" failed to check itself: {type(error).__name__}: {error}'

    def healthcheck(self, config: PluginConfig) -> dict[str, str]:
        """By plugin, for those that could query the running instance: "" if it is healthy, else what is wrong."""
        answers = {}
        for name, one in self._implementations("cloudplow_healthcheck"):
            try:
                answer = self._call(one, config=config)
            except Exception as error:
                log.debug("plugin %s", name, exc_info=True)
                answer = f'plugin "{name}" failed to query it: {type(error).__name__}: {error}'
            if answer is not None:
                answers[name] = str(answer)
        return answers

    def notifiers(self) -> dict[str, Any]:
        """Notification services that plugins offer: name -> function (settings, title, text).

        Raises PluginError for an invalid answer.
        """
        services: dict[str, Any] = {}
        for name, one in self._implementations("cloudplow_notifiers"):
            try:
                for service, send in self._call(one) or ():
                    services[str(service)] = send
            except Exception as error:
                raise PluginError(f'plugins: "{name}" failed to list its notification services: {error}') from error
        return services

    def may_upload(self, uploader: str) -> str | None:
        """The first reason that a plugin gives why the uploader may not upload; a plugin that fails gives none."""
        for name, one in self._implementations("cloudplow_may_upload"):
            try:
                reason = self._call(one, uploader=uploader)
            except Exception:
                log.exception('Plugin "%s" failed to say whether %s may upload', name, uploader)
                continue
            if reason:
                return str(reason)
        return None

    def choose_account(self, _uploader: str, accounts: Sequence[Capacity], queue: Sequence[QueueFile]) -> str | None:
        """The first choice of a plugin; one that fails, or names an account outside the pool, chooses nothing."""
        known = {capacity.account for capacity in accounts}
        for name, one in self._implementations("cloudplow_choose_account"):
            try:
                with self._choosing:  # sessions side by side ask on threads of their own
                    choice = self._call(one, accounts=accounts, queue=queue)
            except Exception:
                log.exception('Plugin "%s" failed to choose an account', name)
                continue
            if isinstance(choice, str) and choice in known:
                return choice
            if choice is not None:
                log.warning('Plugin "%s" chose the account "%s", which is not in the pool', name, choice)
        return None


def with_built_in(names: Sequence[str]) -> list[str]:
    """The plugins of the configuration, then those that are always there."""
    return list(dict.fromkeys([*names, *BUILT_IN]))


def _find(name: str) -> object:
    """The module with that name, else the entry point. Raises PluginError."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module exists, but something that it imports does not.
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise PluginError(f'plugins: "{name}" cannot be imported: {error}') from error
    except Exception as error:
        raise PluginError(f'plugins: "{name}" cannot be imported: {type(error).__name__}: {error}') from error
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            return point.load()
        except Exception as error:
            raise PluginError(f'plugins: "{name}" cannot be loaded: {type(error).__name__}: {error}') from error
    raise PluginError(
        f'plugins: "{name}" is neither an importable module nor an installed plugin; '
        "install it, or remove it from the list"
    )
