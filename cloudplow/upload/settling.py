"""What became of the files of an interrupted stage: the destination is asked, and the books follow.

"There" is final at once. "Not there" is final only when it is asked again after the landing time, because what rclone
had sent may still appear; until then the file counts whole and is in no other stage. The questions are asked in the
background, beside other work.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloudplow.accounts.booked_stage import IN_DOUBT, FileState, Stage, StageFile
from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import RcloneError
from cloudplow.events.sentences import count
from cloudplow.models import QueueFile
from cloudplow.rclone.background import Background
from cloudplow.upload.aside import give_all_back
from cloudplow.upload.asking import Answer, arrived_size, is_newer, is_whole, question
from cloudplow.upload.context import Context
from cloudplow.upload.listing import write_list
from cloudplow.upload.local_files import exists, inodes_below
from cloudplow.upload.sizing import Sizing, Uploaded
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow.upload")

#: How many names one question has at most.
PIECE: Final = 5_000
#: A question that fails is asked again after this time, doubled each time, in seconds.
RETRY_SECONDS: Final = 5.0
#: After so many failures a session does not wait for the answer any more.
FAILURES_LIMIT: Final = 5
#: A file arrived after all.
Tell = Callable[[QueueFile, str], None]


@dataclass(slots=True)
class _Open:
    """A stage that is being settled. next_at: when to ask next, by the book's clock; pending: whom this round still
    asks.

    final: whether this round's "not there" counts.
    """

    stage: Stage
    next_at: float = 0.0
    pending: list[StageFile] = field(default_factory=list)
    final: bool = False
    failures: int = 0
    found: int = 0
    asked: int = 0


class Settler:
    """Owned by one session, on its thread; only the questions run in the background.

    tell: called for each file that turns out to be done, with the base name of the key of the account that paid.
    given_back: called with names that rclone did not upload, although it ended well.
    """

    def __init__(
        self,
        context: Context,
        task: UploadTask,
        pool: AccountPool | None,
        tell: Tell,
        given_back: Callable[[Iterable[str]], None],
        list_path: Path,
    ) -> None:
        self._context = context
        self._task = task
        self._pool = pool
        self._tell = tell
        self._given_back = given_back
        self._open: list[_Open] = []
        self._question: tuple[_Open, list[StageFile], Background[Answer]] | None = None
        self._stopping = False
        self._list_path = list_path.with_suffix(".asked")
        self._sizing = Sizing(context, task, pool, list_path.with_suffix(".sized"))
        self.fault = ""

    def take_over(self) -> None:
        """Take the stages that earlier runs left."""
        for stage in self._context.book.unsettled(self._task.name):
            if stage.moving:
                unfinished = stage.in_state(*IN_DOUBT, FileState.SENT)
                give_all_back(Path(stage.folder), (file.name for file in unfinished))
            doubtful = sum(1 for _ in stage.in_state(*IN_DOUBT))
            if doubtful:
                log.warning(
                    "%s: the last run was interrupted; asking %s about %s of its stage with account %s",
                    self._task.name,
                    stage.destination,
                    count(doubtful, "file"),
                    stage.account_name or "(none)",
                )
            self.add(stage)

    def add(self, stage: Stage, to_size: Sequence[Uploaded] = ()) -> None:
        """A stage has ended; if anything of it is in doubt, it is settled. to_size: whose true size is asked."""
        self._sizing.add(stage, to_size)
        sent = list(stage.in_state(FileState.SENT))
        if sent:
            self._book_found(stage, {file.name: 0 for file in sent}, sent)
        self._note_renamed(stage, stage.in_state(FileState.WAITING))
        if not stage.is_settled():
            self._open.append(_Open(stage, asked=sum(1 for _ in stage.in_state(*IN_DOUBT))))

    def names(self) -> set[str]:
        """The files in doubt: they must be in no other stage."""
        return {file.name for one in self._open for file in one.stage.in_state(*IN_DOUBT)}

    @property
    def is_busy(self) -> bool:
        """Whether anything is in doubt that may still be found out in this session."""
        return any(one.failures < FAILURES_LIMIT for one in self._open)

    @property
    def is_open(self) -> bool:
        """Whether anything is in doubt."""
        return bool(self._open)

    def until(self) -> float:
        """When it will be known at the latest, epoch seconds."""
        return max((_due(one.stage) for one in self._open), default=0.0)

    def step(self) -> bool:
        """Take an answer, or ask the next question; never waits. True if anything was settled."""
        self._sizing.step()
        if self._question is not None:
            one, files, background = self._question
            if not background.is_done():
                return False
            self._question = None
            try:
                answer = background.get()
            except RcloneError as error:
                self._on_failure(one, str(error))
                return False
            self._take(one, files, answer)
            return True
        now = self._context.book.now()
        due = next((one for one in self._open if one.next_at <= now), None)
        if due is not None:
            self._ask(due, now)
        return False

    def finish(self) -> None:
        """Take the last answers about sizes, for a session that has ended well."""
        self._sizing.finish()

    def close(self) -> None:
        """End a running question, and wait for its end."""
        self._stopping = True
        if self._question is not None:
            self._question[2].wait()
            self._question = None
        with contextlib.suppress(OSError):
            self._list_path.unlink(missing_ok=True)

    def _ask(self, one: _Open, now: float) -> None:
        if not one.pending:
            one.pending = list(one.stage.in_state(*IN_DOUBT))
            one.final = now >= _due(one.stage)
        files = one.pending[:PIECE]
        try:
            destination = self._context.destination(one.stage.destination)
            if not destination.known:
                raise LookupError
            write_list(self._list_path, [QueueFile(file.name, file.size) for file in files])
        except LookupError:
            self._give_up(one)
            return
        except (OSError, RcloneError) as error:
            self._on_failure(one, str(error))
            return
        ask = question(self._context, self._task, self._pool, destination, self._list_path, lambda: self._stopping)
        background = Background(ask, "cloudplow-ask")
        self._question = one, files, background

    def _give_up(self, one: _Open) -> None:
        log.warning(
            '%s: "%s" is no longer in rclone\'s configuration, so it cannot be asked: %s of an interrupted stage count '
            "as used by account %s",
            self._task.name,
            one.stage.destination,
            count(sum(1 for _ in one.stage.in_state(*IN_DOUBT)), "file"),
            one.stage.account_name,
        )
        self._context.book.give_up(one.stage)
        self._open.remove(one)

    def _on_failure(self, one: _Open, error: str) -> None:
        self.fault = f'"{one.stage.destination}" cannot be asked what arrived: {error}'
        log.warning("%s: %s", self._task.name, self.fault)
        one.pending = []
        one.next_at = self._context.book.now() + RETRY_SECONDS * 2**one.failures
        one.failures += 1

    def _take(self, one: _Open, files: list[StageFile], answer: Answer) -> None:
        one.failures = 0
        one.pending = one.pending[len(files) :]
        stage = one.stage
        destination = self._context.destination(stage.destination)
        found: dict[str, int] = {}
        missing: list[StageFile] = []
        parts: dict[str, int] = {}
        for file in files:
            size = arrived_size(file, answer.get(file.name))
            if size is None:
                missing.append(file)
            elif not is_whole(stage, file, size):
                missing.append(file)
                parts[file.name] = destination.stored_bytes(size) if file.cost else 0
            elif size == file.size or not file.cost:
                found[file.name] = file.cost
            else:
                found[file.name] = destination.stored_bytes(size)
        sizes = {name: max(0, answer[name].size) for name in found}
        again = {file.name for file in files if file.name in found and is_newer(file, answer[file.name])}
        there = [file._replace(size=sizes[file.name]) for file in files if file.name in found]
        self._book_found(stage, found, there, again)
        if one.final and missing:
            self._finish(stage, missing, parts)
        one.found += len(found)
        if stage.is_settled():
            self._open.remove(one)
            log.info(
                "%s: %s of an interrupted stage with account %s had arrived, of %d in doubt",
                self._task.name,
                count(one.found, "file"),
                stage.account_name or "(none)",
                one.asked,
            )
        elif not one.pending:
            one.next_at = _due(stage)

    def _book_found(
        self, stage: Stage, found: Mapping[str, int], files: Iterable[StageFile], again: Collection[str] = ()
    ) -> None:
        """These have arrived. What has left the source too, or was copied, is done and told.

        again: what rclone will upload once more if it is still at the source, so it is not free then.
        """
        folder = Path(stage.folder)
        done = [file for file in files if not stage.moving or not exists(folder, file.name)]
        self._context.book.settle(stage, found, (), {file.name for file in done} | set(again))
        for file in done:
            self._tell(QueueFile(file.name, file.size), stage.account_name)

    def _note_renamed(self, stage: Stage, files: Iterable[StageFile]) -> None:
        """Look for files that have left their place under other names, before anything else moves them on."""
        folder = Path(stage.folder)
        gone = [one for one in files if stage.moving and one.inode and not exists(folder, one.name)]
        if gone:
            inodes = inodes_below(folder)
            self._context.book.renamed(stage, [file.name for file in gone if file.inode in inodes])

    def _finish(self, stage: Stage, missing: Sequence[StageFile], parts: Mapping[str, int]) -> None:
        """These have not arrived, and will not. What left the source all the same, and was not renamed, is spent."""
        folder = Path(stage.folder)
        self._note_renamed(stage, missing)
        renamed = {file.name for file in stage.in_state(FileState.RENAMED)}
        stay = [file for file in missing if not stage.moving or file.name in renamed or exists(folder, file.name)]
        free = {file.name for file in stay}
        spent = {file.name: file.cost for file in missing if file.name not in free}
        if spent:
            log.warning(
                "%s: %s left the folder during an interrupted stage and did not arrive: they count as used; one is %r",
                self._task.name,
                count(len(spent), "file"),
                next(iter(spent)),
            )
        # Parts of files that some backends show; a Drive shows none.
        self._context.book.wasted(stage, sum(parts.get(name, 0) for name in free))
        self._context.book.settle(stage, spent, free, spent.keys())
        if not stage.landing_seconds:
            self._given_back(free)


def _due(stage: Stage) -> float:
    return (stage.ended_at or 0.0) + stage.landing_seconds
