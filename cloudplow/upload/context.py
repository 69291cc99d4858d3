"""What every session works with: created once by `cloudplow.app`, passed to each session. No logic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudplow.accounts.book import Book
from cloudplow.accounts.identity import Keys
from cloudplow.delivery import EventBus
from cloudplow.models import Capacity, QueueFile
from cloudplow.rclone.background import Background
from cloudplow.rclone.command import Job, Rclone
from cloudplow.rclone.destination import Destination
from cloudplow.rclone.process import Completed
from cloudplow.state.waiting import WaitingFiles
from cloudplow.upload.own_files import OwnFiles

#: Asks plugins which account is next: (uploader, capacities, queue) -> a key file, or None for the usual order.
ChooseAccount = Callable[[str, Sequence[Capacity], Sequence[QueueFile]], str | None]
#: Asks plugins whether an uploader may upload: uploader -> a reason not to, or None.
MayUpload = Callable[[str], str | None]


def _no_choice(_uploader: str, _capacities: Sequence[Capacity], _queue: Sequence[QueueFile]) -> str | None:
    return None


def _may_always(_uploader: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """What sessions and checks use.

    destination: looks up a path in rclone's configuration; listing: lists a source, in the background.
    spooled_listing: the same without keeping what it prints in memory.
    own: which files are cloudplow's. book: what the accounts have spent; keys: what their key files say.
    now: epoch seconds by the book's clock; clock: monotonic seconds; patient: wait for ever while the network is away.
    """

    rclone: Rclone
    destination: Callable[[str], Destination]
    listing: Callable[[Job], Background[Completed]]
    spooled_listing: Callable[[Job], Background[Completed]]
    bus: EventBus
    book: Book
    keys: Keys
    waiting: WaitingFiles
    state_dir: Path
    now: Callable[[], float]
    clock: Callable[[], float]
    choose_account: ChooseAccount = _no_choice
    may_upload: MayUpload = _may_always
    patient: bool = False
    own: OwnFiles = field(default_factory=OwnFiles)
