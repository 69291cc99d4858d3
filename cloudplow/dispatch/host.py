"""What the dispatcher needs of the program around it, and what it gets back. No logic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from cloudplow.events import SessionFinished
from cloudplow.scheduling.capacity import Help
from cloudplow.scheduling.due import Rules
from cloudplow.upload.controls import SessionControls


class Measured(NamedTuple):
    """What an upload would take now. size_excludes are not counted in bytes."""

    files: int
    bytes: int


class Ended(NamedTuple):
    """How an upload ended. help: when quota comes back, if that ended it; accounts: how many it has.

    counted: whether the event says what is left; not of one that could not begin.
    """

    event: SessionFinished
    help: Help | None = None
    accounts: int = 0
    counted: bool = True


class Resources(NamedTuple):
    """What two uploads must not share: the folder (absolute), and the identities of its accounts."""

    folder: Path
    accounts: frozenset[str]

    def shared_with(self, other: Resources) -> str:
        """What both use, for a sentence; "" for nothing."""
        folders = self.folder, other.folder
        if folders[0] == folders[1] or folders[0] in folders[1].parents or folders[1] in folders[0].parents:
            return f"the folder {other.folder}"
        return "accounts" if self.accounts & other.accounts else ""


class Host(Protocol):
    """`cloudplow.uploads` is one. `measure` and `upload` run on a thread of their own, the others return soon."""

    def names(self) -> Sequence[str]:
        """Every uploader of the configuration, in its order."""

    def rules(self, name: str) -> Rules:
        """What the configuration says about when."""

    def fault(self, name: str) -> str:
        """Why an uploader cannot upload at all; "" if it can."""

    def resources(self, name: str) -> Resources:
        """What it uses."""

    def accounts_mark(self, name: str) -> int:
        """Changes when key files are added or removed."""

    def veto(self, name: str) -> str:
        """Why a plugin does not want it to upload now; "" if none objects."""

    def measure(self, name: str, controls: SessionControls) -> Measured:
        """List what would be uploaded. Raises CloudplowError, StoppedError, OSError."""

    def upload(self, name: str, run_id: str, controls: SessionControls) -> Ended:
        """Upload, whatever comes of it."""

    def not_started(self, name: str, why: str, *, vetoed: bool) -> SessionFinished:
        """Tell of an upload that does not begin."""
