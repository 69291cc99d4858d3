"""What every session works with: made once by `cloudplow.app`, handed to each session. No logic."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudplow.accounts.ledger import Ledger
from cloudplow.config.models import Config, Remote, Uploader
from cloudplow.delivery import EventBus
from cloudplow.models import Capacity, QueueFile
from cloudplow.rclone.background import Background
from cloudplow.rclone.command import Job, Rclone
from cloudplow.rclone.process import Completed
from cloudplow.rclone.remotes import Dump
from cloudplow.state.waiting import WaitingFiles
from cloudplow.upload.triggers import Sleep

#: Asks plugins which account is next: (uploader, capacities, queue) -> a key file, or None for the usual order.
ChooseAccount = Callable[[str, Sequence[Capacity], Sequence[QueueFile]], str | None]
#: Asks plugins whether an uploader may upload: uploader -> a reason not to, or None.
MayUpload = Callable[[str], str | None]


def _no_choice(_uploader: str, _capacities: Sequence[Capacity], _queue: Sequence[QueueFile]) -> str | None:
    return None


def _may_always(_uploader: str) -> str | None:
    return None


@dataclass(slots=True)
class StopRequest:
    """How a session is told to end. first: ask rclone to stop; second: kill it."""

    first: threading.Event = field(default_factory=threading.Event)
    second: threading.Event = field(default_factory=threading.Event)

    def request(self) -> None:
        """The first call asks rclone to stop, the second kills it."""
        if self.first.is_set():
            self.second.set()
        self.first.set()


@dataclass(frozen=True, slots=True)
class Engine:
    """now: epoch seconds; clock: monotonic seconds; wait_for_capacity: wait until quota returns instead of ending."""

    rclone: Rclone
    dump: Callable[[], Dump]
    listing: Callable[[UploadTask], Background[Completed]]
    bus: EventBus
    ledger: Ledger
    waiting: WaitingFiles
    state_dir: Path
    stop: StopRequest
    now: Callable[[], float]
    clock: Callable[[], float]
    choose_account: ChooseAccount = _no_choice
    may_upload: MayUpload = _may_always
    wait_for_capacity: bool = False


@dataclass(frozen=True, slots=True)
class UploadTask:
    """One uploader, taken out of the configuration."""

    name: str
    folder: Path
    job: Job
    exclude_open_files: bool
    opened_excludes: tuple[str, ...]
    accounts_folder: Path | None
    quota_bytes: int
    window_seconds: float
    sleeps: Mapping[str, Sleep]
    remove_empty_dir_depth: int | None

    @property
    def moving(self) -> bool:
        """Whether files leave the source."""
        return self.job.command == "move"


def as_dry_run(task: UploadTask) -> UploadTask:
    """The same task, but nothing is moved, copied or deleted."""
    return replace(task, job=task.job._replace(dry_run=True))


def upload_task(config: Config, name: str) -> UploadTask:
    """Take one uploader out of a checked configuration. Raises KeyError for a name that is not there."""
    uploader: Uploader = config.uploader[name]
    remote: Remote = config.remotes[name]
    folder = Path(remote.upload_folder or "").expanduser()
    accounts = uploader.service_account_path or remote.service_account_path
    return UploadTask(
        name=name,
        folder=folder,
        job=Job(
            command=remote.rclone_command,
            source=str(folder),
            destination=remote.upload_remote or "",
            extras=remote.rclone_extras,
            excludes=remote.rclone_excludes,
            dry_run=config.core.dry_run,
        ),
        exclude_open_files=uploader.exclude_open_files,
        opened_excludes=uploader.opened_excludes,
        accounts_folder=Path(accounts).expanduser() if accounts else None,
        quota_bytes=uploader.account_quota_bytes,
        window_seconds=uploader.account_quota_hours * 3600,
        sleeps={
            text: Sleep(sleep.count, sleep.timeout, sleep.sleep * 3600) for text, sleep in remote.rclone_sleeps.items()
        },
        remove_empty_dir_depth=remote.remove_empty_dir_depth,
    )
