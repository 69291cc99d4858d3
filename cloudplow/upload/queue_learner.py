"""Keeps a session's queue true: lists the folder when that is due, and knows what came and what cannot go."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Final

from cloudplow import events
from cloudplow.accounts.pool import AccountPool
from cloudplow.distribution import distribution_document
from cloudplow.events import SessionOutcome, UploaderState
from cloudplow.events.sentences import count
from cloudplow.rclone.background import STOP_POLL_SECONDS
from cloudplow.upload.bad_entries import NAMED, BadEntry, cure
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.ending import what_stays
from cloudplow.upload.listing import Listing, count_too_young, learn_queue
from cloudplow.upload.local_files import exists, holds_only_folders
from cloudplow.upload.own_files import own_sentence
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import Reaction
from cloudplow.upload.source_folder import SourceFolder
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow.upload")

#: A listing older than this is renewed before the next stage, in seconds.
LISTING_FRESH_SECONDS: Final = 30.0


class QueueLearner:
    """Owned by one session, on its thread. source: checked after every listing, before it is believed."""

    def __init__(
        self,
        context: Context,
        task: UploadTask,
        queue: QueueState,
        pool: AccountPool | None,
        source: SourceFolder,
        list_path: Path,
        emit: Callable[..., None],
        controls: SessionControls,
    ) -> None:
        self._context = context
        self._task = task
        self._queue = queue
        self._pool = pool
        self._source = source
        self._list_path = list_path
        self._emit = emit
        self._controls = controls
        self._listed_at = -math.inf
        self._stage_ran = False
        self._announced: tuple[int, int] | None = None
        self._told: set[str] = set()
        #: What the first listing found and is still there; None before that.
        self._first: set[str] | None = None
        self.last = Listing([], "")
        #: How many listings found something new after everything of the first one had gone.
        self.rounds = 0
        #: How many of the files left came while the last stage ran.
        self.came = 0

    def renew(self) -> None:
        """The folder has to be listed before anything else is planned."""
        self._listed_at = -math.inf

    def note_stage(self) -> None:
        """A stage ran: nobody knows what is in the folder until it is listed again."""
        self._stage_ran = True

    @property
    def is_due(self) -> bool:
        """Whether the folder must be listed before the next stage."""
        return self._context.clock() - self._listed_at > LISTING_FRESH_SECONDS

    @property
    def is_final(self) -> bool:
        """Whether the last listing was made after the last stage. For a dry run nothing changes."""
        return not self._stage_ran or self._task.job.dry_run

    def learn(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """List the folder. meanwhile: called again and again until rclone has listed it, which may take minutes.

        Raises RcloneError, StoppedError, and FolderLostError if it is another one now.
        """
        context, task, queue = self._context, self._task, self._queue
        self._controls.report(UploaderState.SCANNING, f"listing {task.folder}")
        started = context.clock()
        listing = self._listing(meanwhile)
        self._source.check()
        self._listed_at = context.clock()
        known = queue.files
        as_known = len(known) == len(listing.files)
        queue.listed(listing.files, files_stay=not task.moving)
        self._count_new(known)
        self.last = listing._replace(files=[])
        self._tell(listing)
        arrived = context.book.arrived(task.name)
        gone = [name for name in arrived if name not in queue.files and not exists(task.folder, name)]
        context.book.forget_arrived(task.name, gone)
        self._announce(listing, self._listed_at - started, as_known=as_known)

    def _listing(self, meanwhile: Callable[[], None]) -> Listing:
        """What can go now. When everything has left, which a look at the folder shows, rclone has nothing to list.

        It takes 50 ms to say so. Where something could not be listed before, it is asked all the same.
        """
        context, task = self._context, self._task
        clean = self.last.is_whole and not self.last.bad
        if self._stage_ran and clean and task.moving and holds_only_folders(task.folder):
            return Listing([], "lsf")
        first = context.listing(task.job)
        while not (first.is_done() or self._controls.should_stop()):
            first.wait(STOP_POLL_SECONDS)
            meanwhile()
        return learn_queue(context, task, self._list_path, self._pool, self._controls, self._queue.finished, first)

    def _count_new(self, known: Container[str]) -> None:
        """Count what came. known: the names of what was left before the listing."""
        queue = self._queue
        if self._first is None:
            self._first = set(queue.files)
        self._first.intersection_update(queue.files)
        self.came = sum(1 for name in queue.files if name not in known) if self._stage_ran else 0
        if self.came and not any(file.name in self._first for file in queue.candidates()):
            self.rounds += 1
        self._stage_ran = False

    def _tell(self, listing: Listing) -> None:
        """Say once in a session what is passed over, and how to cure it."""
        name = self._task.name
        for sentence in sentences(listing):
            if sentence not in self._told:
                self._told.add(sentence)
                log.warning("%s: %s", name, sentence)
        if listing.open_files and "open" not in self._told:
            self._told.add("open")
            log.info("%s: %s left for later", name, count(listing.open_files, "open file"))

    def last_words(self, end: Reaction, keeping_flag: str) -> str:
        """Why the session ends, and what stays in the folder. keeping_flag: by which rclone keeps files there."""
        if end.outcome not in (SessionOutcome.DONE, SessionOutcome.SUSPENDED, SessionOutcome.QUOTA_USED):
            return end.why
        job = self._task.job
        age = str(job.extras.get("--min-age", ""))
        too_young = 0
        if age and end.outcome is SessionOutcome.DONE and not job.dry_run and self._task.moving:
            too_young = count_too_young(self._context, self._task, self.last, self._queue.files)
        kept = self._queue.kept()
        return what_stays(end, self.last, came=self.came, kept=kept, flag=keeping_flag, too_young=too_young, age=age)

    def _announce(self, listing: Listing, duration_seconds: float, *, as_known: bool) -> None:
        found = len(self._queue.files), self._queue.bytes
        if found == self._announced or (as_known and self._announced is not None and not found[0]):
            return  # that everything went has been told, file by file
        self._announced = found
        document = distribution_document(
            [file.size for file in self._queue.files.values()],
            source=listing.source,
            upload_folder=self._task.folder.name,
            duration_seconds=duration_seconds,
            now=self._context.now(),
            confidence="exact",
            oldest_modified_at=listing.oldest_modified_at,
            oldest_file=listing.oldest_file,
        )
        self._emit(
            events.QueueLearned,
            files=found[0],
            bytes=found[1],
            distribution=document,
            source=listing.source,
            confidence="exact",
            duration_seconds=duration_seconds,
        )


def sentences(listing: Listing) -> Sequence[str]:
    """What a listing passed over that somebody should know of, one sentence each."""
    named: Sequence[BadEntry] = listing.bad[:NAMED]
    said = [cure(entry) for entry in named]
    if len(listing.bad) > len(named):
        said.append(f"{count(len(listing.bad) - len(named), 'more entry', 'more entries')} cannot be listed")
    if listing.own_files:
        said.append(own_sentence(listing.own_files))
    return said
