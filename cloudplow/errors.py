"""Faults that a user can fix; each message says what, where and what to do.

Expected results (a used-up quota, a denied upload) are values, not exceptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of the `cloudplow` command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    FILES_LEFT = 3
    INTERRUPTED = 130


class StoppedError(Exception):
    """We were asked to stop while waiting for an answer. Not a fault."""


class CloudplowError(Exception):
    """A fault with one clear sentence for the user; `status` is the resulting exit status."""

    status = ExitStatus.FAILED


class ConfigError(CloudplowError):
    """One or more faults in the configuration, all found at once.

    faults: one sentence each, starting with the place ("uploader.google.schedule.allowed_from: ...").
    warnings: what else is wrong, but would not keep an upload from starting.
    """

    status = ExitStatus.USAGE

    def __init__(self, faults: Sequence[str], warnings: Sequence[str] = ()) -> None:
        self.faults = tuple(faults)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(self.faults))


class RcloneNotFoundError(CloudplowError):
    """No usable rclone: not found, not executable, or older than the oldest supported version."""

    status = ExitStatus.USAGE


class RcloneError(CloudplowError):
    """rclone ran and failed at something other than a transfer, such as a listing or reading its configuration."""


class OutageError(RcloneError):
    """rclone failed because of something that no account and no file is to blame for: worth waiting for."""


class PluginError(CloudplowError):
    """A plugin cannot be loaded, or fails while starting."""

    status = ExitStatus.USAGE


class StateError(CloudplowError):
    """A cache file or the state folder cannot be read or written."""


class BusyError(CloudplowError):
    """Another process is already uploading from the same folder or with the same accounts."""


class NotRunningError(CloudplowError):
    """No running cloudplow can be asked: nothing listens for the state folder, or it ended before it answered."""


def disk_sentence(error: OSError) -> str:
    """What an error of the disk means to a user, with the place and the cure."""
    place = f"{error.filename}: " if error.filename else ""
    why = error.strerror or str(error)
    return f"{place}{why}; look whether the disk is full, read-only or gone, and start again"
