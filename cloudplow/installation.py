"""What is installed here, as far as an upload needs it: configuration, plugins, rclone, accounts, uploaders."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

from cloudplow import __version__
from cloudplow import events as events_module
from cloudplow.accounts.keeping import BookKeeper
from cloudplow.accounts.pool import AccountPool
from cloudplow.config.loader import Loaded, build, plugin_names, read_document
from cloudplow.delivery import EventBus
from cloudplow.dispatch.controls import Controls
from cloudplow.errors import ConfigError
from cloudplow.plugins import Plugins, with_built_in
from cloudplow.rclone.binary import choose_rclone
from cloudplow.rclone.command import Rclone, common_flags
from cloudplow.rclone.environment import environment_faults
from cloudplow.reloading import AT_ONCE, changes
from cloudplow.state.state_files import StateFiles
from cloudplow.state.waiting import WaitingFiles
from cloudplow.upload.context import Context
from cloudplow.upload.own_files import OwnFiles, rclone_config_paths
from cloudplow.upload.preflight import Preflight, task_faults
from cloudplow.upload.task import UploadTask, pool_of, upload_task

log = logging.getLogger("cloudplow")

NO_UPLOADER: Final = "uploader: must have at least one entry, with the name of a remote"


def mark_of(path: Path) -> bytes:
    """What a file contains, in short; b"" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


class Installation:
    """Made once by each command; nothing runs before `App` starts it."""

    def __init__(
        self,
        config_path: Path,
        state_dir: Path,
        environ: Mapping[str, str] | None = None,
        *,
        old_cache: Path | None = None,
    ) -> None:
        """Read and check the configuration, load the plugins. Raises ConfigError, PluginError.

        old_cache: the old program's `cache.db`; None: the one in state_dir, if there is one.
        """
        self.version = __version__
        self.events: ModuleType = events_module
        self.state_dir = state_dir
        self.config_path = config_path
        self._environ = os.environ if environ is None else environ
        self._read_as = mark_of(config_path)
        self.plugins = Plugins()
        self.plugins.load(with_built_in(plugin_names(read_document(config_path, self._environ))))
        loaded = self._load()
        self.config = loaded.config
        self.warnings = loaded.warnings
        #: Uploaders that cannot upload, with their faults: of the configuration, then what `check_tasks` finds.
        self.unfit: dict[str, tuple[str, ...]] = {**loaded.broken}
        #: Those of the configuration alone.
        self.broken: Mapping[str, tuple[str, ...]] = loaded.broken
        self.state_files = StateFiles(state_dir)
        self.bus = EventBus()
        self.controls = Controls(self.config.uploader, self.bus.publish)
        self.keeper = BookKeeper(
            self.state_files, other_folder=config_path.parent, old_cache=old_cache or state_dir / "cache.db"
        )
        self.book, self.keys = self.keeper.book, self.keeper.keys
        self._configure_book()
        self.waiting = WaitingFiles(self.book.fact, self.book.set_fact, now=self.book.now)
        self._preflight: Preflight | None = None

    def _load(self) -> Loaded:
        """The configuration, now that the sections of plugins, which may come from the environment, are known.

        Raises ConfigError, PluginError.
        """
        sections = self.plugins.config_sections()
        document = read_document(self.config_path, self._environ, sections=sections)
        services = self.plugins.notifiers()
        return build(document, sections, label=self.config_path.name, services=tuple(services))

    def _configure_book(self) -> None:
        uploaders = self.config.uploader
        self.keeper.configure(
            {name: one.account_quota_hours * 3600 for name, one in uploaders.items()},
            {name: one.account_quota_bytes for name, one in uploaders.items()},
        )

    def read_again(self) -> str:
        """Take over the configuration as it is now, whole; returns a sentence about what differs.

        Raises ConfigError with all faults; then the one that was read before stays.
        """
        mark = mark_of(self.config_path)
        loaded = self._load()
        if not loaded.config.uploader and not loaded.broken:
            raise ConfigError([NO_UPLOADER])
        what = changes(self.config, loaded.config, sorted(set(self.plugins.config_sections()) - set(AT_ONCE)))
        # What plugins read at the start stays as they know it.
        self.config = loaded.config
        self.warnings, self.broken, self._read_as = loaded.warnings, loaded.broken, mark
        self.unfit = {**loaded.broken}
        self._configure_book()
        return what

    def is_edited(self) -> bool:
        """Whether the configuration file has changed since it was read."""
        return mark_of(self.config_path) != self._read_as

    def read_book(self) -> None:
        """Read what the accounts have spent, without changing any file. Raises StateError."""
        self.keeper.read()

    def pool(self, uploader: str) -> AccountPool | None:
        """The accounts of an uploader, read now; None if it uses none. Raises CloudplowError."""
        pool = pool_of(upload_task(self.config, uploader), self.book, self.keys)
        if pool is not None:
            pool.read()
        return pool

    def begin_preflight(self) -> Preflight:
        """Start finding out, in the background, which rclone is installed and which remotes it knows.

        Raises RcloneNotFoundError.
        """
        if self._preflight is None:
            self._preflight = self.new_preflight()
            self._preflight.begin()
        return self._preflight

    def new_preflight(self) -> Preflight:
        """One that has asked nothing yet, for a program that runs for months. Raises RcloneNotFoundError."""
        core = self.config.core
        config_path = None if core.rclone_config_path is None else str(Path(core.rclone_config_path).expanduser())
        binary, why_this = choose_rclone(core.rclone_binary_path)
        flags = common_flags(one.rclone_extras for one in self.config.remotes.values())
        return Preflight(
            Rclone(binary, config_path, flags),
            self._own_files(),
            stop=self.controls.program_stops,
            silence_seconds=core.stall_minutes * 60 or None,
            why_this=why_this,
        )

    def _own_files(self) -> OwnFiles:
        """What must never be uploaded: configuration, cache files, keys and logs of this installation."""
        tasks = [upload_task(self.config, name) for name in self.config.uploader]
        logs = (getattr(handler, "baseFilename", "") for handler in logging.getLogger().handlers)
        # The log of other commands lies beside the configuration.
        files = [self.config_path, self.config_path.parent / "cloudplow.log"]
        files += rclone_config_paths(self.config.core.rclone_config_path, os.environ)
        return OwnFiles(
            files=[*files, *(Path(one) for one in logs if one)],
            state_dir=self.state_dir,
            keys=[task.accounts_folder for task in tasks if task.accounts_folder is not None],
        )

    def context(self, preflight: Preflight | None = None, *, patient: bool = False) -> Context:
        """What sessions work with. preflight: None for the one that was begun. Raises RcloneNotFoundError."""
        preflight = preflight or self.begin_preflight()
        return Context(
            rclone=preflight.rclone,
            destination=preflight.destination,
            listing=preflight.listing,
            spooled_listing=preflight.spooled_listing,
            bus=self.bus,
            book=self.book,
            keys=self.keys,
            waiting=self.waiting,
            state_dir=self.state_dir,
            now=self.book.now,
            clock=time.monotonic,
            choose_account=self.plugins.choose_account,
            may_upload=self.plugins.may_upload,
            patient=patient,
            own=preflight.own,
        )

    def tasks(self, names: Sequence[str]) -> list[UploadTask]:
        """The named uploaders, or all that the configuration has no fault in.

        Raises ConfigError for all names at once that are unknown, or of uploaders that are left out.
        """
        faults = [fault for name in names for fault in self.unfit.get(name, ())]
        if faults:
            raise ConfigError(faults)
        unknown = [name for name in names if name not in self.config.uploader]
        if unknown:
            known = ", ".join(self.config.uploader) or "none"
            raise ConfigError([f'there is no uploader "{name}"; the configuration has: {known}' for name in unknown])
        if not self.config.uploader:
            raise ConfigError([NO_UPLOADER])
        return [upload_task(self.config, name) for name in (names or self.config.uploader)]

    def check_tasks(self, tasks: Sequence[UploadTask]) -> None:
        """Check what the tasks need before anything is started. One that lacks something does not stop the others.

        Raises ConfigError with every fault if no task is left, RcloneNotFoundError for an rclone that is too old.
        """
        preflight = self.begin_preflight()
        for task in tasks:
            preflight.begin_flags(task)
        version = ".".join(map(str, preflight.check_version()))
        log.info("rclone %s: %s (%s)", version, preflight.rclone.binary, preflight.why_this)
        faults = environment_faults(os.environ)
        lacking = {task.name: tuple(task_faults(task, preflight, self.keys)) for task in tasks}
        self.unfit.update({name: found for name, found in lacking.items() if found})
        if faults or all(lacking.values()):
            raise ConfigError([*faults, *(fault for found in lacking.values() for fault in found)])
        for name, found in lacking.items():
            for fault in found:
                log.error("%s (the other uploaders go on without %s)", fault, name)

    def check_task(self, task: UploadTask, preflight: Preflight) -> None:
        """The same for one task, before each of its uploads. Raises ConfigError, RcloneNotFoundError."""
        preflight.begin_flags(task)
        version = ".".join(map(str, preflight.check_version()))
        log.debug("rclone %s: %s (%s)", version, preflight.rclone.binary, preflight.why_this)
        faults = [*environment_faults(os.environ), *task_faults(task, preflight, self.keys)]
        if faults:
            raise ConfigError(faults)

    def is_fit(self, task: UploadTask) -> bool:
        """Whether `check_tasks` found nothing that a task lacks."""
        return task.name not in self.unfit
