"""A stage in which rclone copies and we remove: for destinations without hashes, where `rclone move` removes whatever
has a file's name in the end, also what took it over meanwhile (docs/rclone-findings.md).
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from cloudplow.errors import RcloneError
from cloudplow.events import StageOutcome
from cloudplow.models import QueueFile
from cloudplow.rclone.log import Message, Note, Plain, Problem, Skipped
from cloudplow.rclone.stalls import StallWatch
from cloudplow.rclone.verdict import Evidence, Verdict, judge
from cloudplow.upload.removal import Left, Sources
from cloudplow.upload.stage import StageRun
from cloudplow.upload.stage_terms import StageListener, StageRequest, StageResult

#: What rclone 1.75 calls a file on its way to some backends: part of the name, a number, `--partial-suffix`.
_ON_ITS_WAY: Final = re.compile(r"(.+)\.[0-9a-f]{8}[^/]{0,16}", re.DOTALL)

#: Makes the command that says, for these files, which of them `rclone move` would only remove. Raises RcloneError.
AskWhatIsThere = Callable[[Sequence[QueueFile]], Sequence[str]]


class RemovingStageRun(StageRun):
    """Runs `rclone copy` and removes each file as soon as it has arrived, if it still is the one that was sent.

    What rclone passes over without a word may be at the destination already: a dry run of `rclone move` says so.
    empty_folders: whether to remove folders that files have left empty.
    """

    def __init__(
        self,
        request: StageRequest,
        listener: StageListener,
        sources: Sources,
        ask: AskWhatIsThere,
        *,
        empty_folders: bool = False,
    ) -> None:
        super().__init__(request, listener)
        self._sources = sources
        self._ask = ask
        self._empty_folders = empty_folders
        self._changed: set[str] = set()
        self._what_rclone_said = Evidence()
        #: How the question what is there ended, if not well.
        self._unanswered: Verdict | None = None

    def run(self, should_stop: Callable[[], bool], should_kill: Callable[[], bool]) -> StageResult:
        """As `StageRun.run`."""
        code = self._execute(self._request.command, self._take, should_stop, should_kill)
        ended = self._verdict(code).outcome in (StageOutcome.DONE, StageOutcome.FILES_FAILED)
        if ended and (passed_over := self._passed_over(code)):
            self._remove_what_is_there(passed_over, should_stop, should_kill)
        if ended and self._empty_folders:
            self._sources.remove_left_folders()
        return self._result(code)

    def _on_copied(self, name: str, size: int | None) -> None:
        if name in self._uploaded and name in self._waiting:  # another attempt (--retries): it was sent once more
            self._listener.on_wasted(self._waiting[name])
            self._wasted_bytes += self._stored(self._waiting[name].size)
            return
        super()._on_copied(name, size)
        if name not in self._waiting:
            return
        if size is not None and size != self._sources.found_bytes(name):
            self._changed.add(name)  # another one had its name for a while
        else:
            self._remove(name, already_there=False)

    def _on_moved(self, name: str) -> None:
        """Not of a copy: what is moved is at the destination."""

    def _on_deleted(self, name: str) -> None:
        """Not of a copy: what is deleted is at the destination."""

    def _on_text(self, message: Problem | Note | Plain) -> None:
        """Unlike a move, a copy may name only the file on its way when that fails."""
        if isinstance(message, Problem) and message.name and message.name not in self._waiting:
            message = dataclasses.replace(message, name=self._name_of(message.name))
        super()._on_text(message)

    def _name_of(self, on_its_way: str) -> str:
        match = _ON_ITS_WAY.fullmatch(on_its_way)
        if match is None or match[1] in self._waiting:
            return match[1] if match else on_its_way
        longer = [name for name in self._waiting if name.startswith(match[1])]  # rclone shortens long names
        return longer[0] if len(longer) == 1 else on_its_way

    def _remove(self, name: str, *, already_there: bool) -> None:
        file = self._waiting[name]
        match self._sources.remove(name):
            case Left.REMOVED:
                if self._empty_folders:
                    self._sources.note_left(name)
                self._on_transferred(name, file, already_there=already_there)
            case Left.GONE:
                if not already_there:
                    self._on_transferred(name, file, already_there=False)
            case Left.CHANGED:
                self._changed.add(name)
            case Left.STUCK:
                self._failed[name] = self._sources.faults[name]

    # What rclone passed over.

    def _passed_over(self, code: int) -> list[QueueFile]:
        """Files of which rclone said nothing, or nothing final, and that are as they were."""
        found = []
        for name, file in self._waiting.items():
            if name in self._uploaded or (code and name in self._failed):
                continue
            left = self._sources.look(name)
            if left is None:
                found.append(file)
            elif left is Left.CHANGED:
                self._changed.add(name)
        return found

    def _remove_what_is_there(
        self, files: Sequence[QueueFile], should_stop: Callable[[], bool], should_kill: Callable[[], bool]
    ) -> None:
        self._stall = StallWatch(self._request.stall_seconds, time.monotonic)
        try:
            code = self._execute(self._ask(files), self._take_answer, should_stop, should_kill)
        except RcloneError as error:
            self._unanswered = Verdict(StageOutcome.FAILED, str(error))
            return
        if self._stalled and not self._interrupted:
            self._unanswered = Verdict(StageOutcome.STALLED, self._stalled)
        elif code or self._interrupted:
            self._unanswered = judge(code, self._what_rclone_said, interrupted=self._interrupted, failed_files=0)
        # The upload itself had ended: nothing of it is in doubt because the question was cut off.
        self._stalled, self._interrupted = "", False

    def _take_answer(self, message: Message) -> None:
        self._stall.take(message)
        match message:
            case Skipped(name=name, action="delete") if name in self._waiting and name not in self._uploaded:
                arrived_before = self._doubts.may_have_arrived(name)
                if arrived_before:  # an earlier attempt of this run brought it there, though its answer was lost
                    super()._on_copied(name, self._waiting[name].size)
                self._remove(name, already_there=not arrived_before)
            case Problem() | Note() | Plain():
                self._what_rclone_said.add(message)

    def _result(self, code: int) -> StageResult:
        result = super()._result(code)
        changed = [file for name, file in self._waiting.items() if name in self._changed and name not in result.failed]
        names = {file.name for file in changed}
        return result._replace(
            verdict=self._unanswered or result.verdict,
            untouched=[file for file in result.untouched if file.name not in names],
            changed=changed,
            stuck=frozenset(self._sources.stuck_for_good & result.failed.keys()),
        )
