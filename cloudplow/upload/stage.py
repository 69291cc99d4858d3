"""One run of rclone over a planned list of files: starts it, reads it, reports what happened to each file."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from cloudplow.events import StageOutcome
from cloudplow.models import QueueFile, printable_name
from cloudplow.rclone.log import (
    Copied,
    Deleted,
    Message,
    Moved,
    Note,
    Plain,
    Problem,
    Serving,
    Skipped,
    Stats,
    parse_line,
)
from cloudplow.rclone.running import run_to_end
from cloudplow.rclone.stalls import SILENT_SECONDS, STALE_SECONDS, STALLED_END_SECONDS, StallWatch, without_speed
from cloudplow.rclone.verdict import Evidence, Verdict, is_cut_off, judge
from cloudplow.redaction import redact
from cloudplow.upload.doubts import Doubts
from cloudplow.upload.local_files import exists, local_path
from cloudplow.upload.repeats import FailedFile, repeated_bytes
from cloudplow.upload.stage_terms import StageListener, StageRequest, StageResult
from cloudplow.upload.triggers import Sleep, Triggers, statistics_text

#: What rclone says last when it ends by itself with an error, about no file in particular.
_LAST_WORD: Final = re.compile(r"\bFailed to \w")
#: What Google answers to an upload that it does not take.
_REFUSED: Final = "googleapi: Error"
#: An older version at the destination that is moved away (`--backup-dir`).
_MOVED_AWAY: Final = "Moved (server-side)"


class StageRun:
    """Runs one stage to its end, on the calling thread."""

    def __init__(self, request: StageRequest, listener: StageListener) -> None:
        self._request = request
        self._folder = str(request.folder)
        self._listener = listener
        self._waiting = {printable_name(file.name): file for file in request.files}
        self._uploaded: set[str] = set()
        self._doubts = Doubts()
        #: Sizes from rclone's statistics, for files that have not arrived yet.
        self._seen_sizes: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._evidence = Evidence()
        self._stall = StallWatch(request.stall_seconds, time.monotonic)
        self._stalled, self._stalled_at = "", 0.0
        self._last_stats: Stats | None = None
        self._told_silence = False
        self._triggers = Triggers(request.sleeps) if request.sleeps else None
        self._fired: tuple[str, Sleep] | None = None
        self._files = 0
        self._bytes = 0
        self._copied_bytes = 0
        self._wasted_bytes = 0
        self._counted_bytes = 0
        self._had_last_word = False
        self._logs_sizes = False
        self._moved_away = False
        self._interrupted = False

    def run(self, should_stop: Callable[[], bool], should_kill: Callable[[], bool]) -> StageResult:
        """Run rclone and read it to the end. should_stop: whether to ask it to end; should_kill: whether to kill it.

        Raises RcloneError when it cannot be started.
        """
        return self._result(self._execute(self._request.command, self._take, should_stop, should_kill))

    def _execute(
        self,
        command: Sequence[str],
        take: Callable[[Message], None],
        should_stop: Callable[[], bool],
        should_kill: Callable[[], bool],
    ) -> int:
        """Run rclone to its end; returns its exit status."""

        def should_end() -> bool:
            self._interrupted = self._interrupted or should_stop()
            if not self._stalled:
                self._stalled, self._stalled_at = self._stall.fault(), time.monotonic()
            self._note_silence()
            return self._interrupted or self._fired is not None or bool(self._stalled)

        uploads = command is self._request.command
        code = run_to_end(
            command,
            lambda line: take(parse_line(line)),
            environment=self._request.environment,
            should_stop=should_end,
            # What hangs does not listen either.
            should_kill=lambda: should_kill() or self._hangs(),
            pass_fds=self._request.pass_fds,
            own=self._request.own if uploads else None,
        )
        if self._request.steering is not None:
            self._request.steering.end()  # a question that follows is not steered
        return code

    def _hangs(self) -> bool:
        return bool(self._stalled) and time.monotonic() - self._stalled_at > STALLED_END_SECONDS

    def _note_silence(self) -> None:
        """rclone says nothing: its last figures are no longer true."""
        silent = self._stall.silent_seconds()
        if self._last_stats is not None and silent > STALE_SECONDS:
            stale, self._last_stats = without_speed(self._last_stats), None
            self._listener.on_progress(stale, silent_seconds=silent)
        if silent > SILENT_SECONDS and not self._told_silence:
            self._listener.on_silence(silent)
        self._told_silence = silent > SILENT_SECONDS

    def _take(self, message: Message) -> None:
        self._stall.take(message)
        match message:
            case Copied(name=name, size=size):
                self._on_copied(name, size)
            case Deleted(name=name):
                self._on_deleted(name)
            case Moved(name=name):
                self._on_moved(name)
            case Stats():
                if self._request.steering is not None:
                    self._request.steering.does_not_listen()  # if it did, it would have said so before
                self._doubts.under_way(message)
                self._counted_bytes = message.bytes
                self._last_stats = message
                self._seen_sizes |= {one.name: one.size for one in message.transferring if one.size > 0}
                self._listener.on_progress(message)
                self._trigger(statistics_text(message.text))
            case Skipped(name=name):
                file = self._waiting.pop(name, None)
                if file is not None and message.uploads:
                    self._copied_bytes += self._stored(file.size)  # rclone counts what a dry run would send
                    self._listener.on_skipped(file)
            case Serving(port=port):
                if self._request.steering is not None:
                    self._request.steering.listens(port)
            case Problem() | Note() | Plain():
                self._on_text(message)

    def _on_copied(self, name: str, size: int | None) -> None:
        file = self._waiting.get(name)
        if file is None or name in self._uploaded:
            return
        sent = self._sent_bytes(name, file) if size is None else size
        self._logs_sizes = size is not None
        self._seen_sizes.pop(name, None)
        if sent != file.size:
            file = self._waiting[name] = QueueFile(file.name, sent)
        self._uploaded.add(name)
        self._copied_bytes += self._stored(sent)
        self._doubts.arrived(name)
        self._evidence.arrived()
        self._failed.pop(name, None)
        self._listener.on_uploaded(file)
        if not self._request.moving:
            self._on_transferred(name, file, already_there=False)

    def _sent_bytes(self, name: str, file: QueueFile) -> int:
        """The size that rclone 1.60 sent but does not log: the file may have grown since it was listed."""
        if name in self._seen_sizes:
            return self._seen_sizes[name]
        try:
            return max(file.size, os.stat(self._local_text(file.name)).st_size)  # noqa: PTH116 - once for each file
        except (OSError, ValueError):
            return file.size

    def _local_text(self, name: str) -> str:
        """The path of a listed file: making a `Path` for each of many files would cost more than all else here."""
        return f"{self._folder}/{name}" if name.isascii() else str(local_path(self._request.folder, name))

    def _on_moved(self, name: str) -> None:
        """A rename within one remote. Renaming an older version at the destination does not affect the source."""
        file = self._waiting.get(name)
        if file is not None and not local_path(self._request.folder, file.name).exists():
            self._on_copied(name, file.size)
            self._on_deleted(name)

    def _on_deleted(self, name: str) -> None:
        file = self._waiting.get(name)
        if file is None or not self._request.moving:
            return
        already_there = name not in self._uploaded
        # A move within one remote that replaces a file also logs `Deleted`, for the old file at the destination.
        if already_there and local_path(self._request.folder, file.name).exists():
            return
        if already_there and self._doubts.may_have_arrived(name):
            # An earlier attempt of this run brought it there, though its answer was lost.
            self._on_copied(name, file.size)
            file, already_there = self._waiting[name], False
        self._on_transferred(name, file, already_there=already_there)

    def _on_transferred(self, name: str, file: QueueFile, *, already_there: bool) -> None:
        del self._waiting[name]
        self._files += 1
        self._bytes += file.size
        self._listener.on_transferred(file, already_there=already_there)

    def _on_text(self, message: Problem | Note | Plain) -> None:
        self._evidence.add(message)
        name = getattr(message, "name", "")
        if not name and _LAST_WORD.search(message.text):
            self._had_last_word = True
        self._moved_away = self._moved_away or message.text.startswith(_MOVED_AWAY)
        if isinstance(message, Problem):
            if name in self._waiting:
                self._on_problem(name, message.text)
            elif not name:
                self._doubts.attempt_failed(message.text)
        self._trigger(f"{name}: {message.text}" if name else message.text)

    def _trigger(self, text: str) -> None:
        if self._triggers is not None and self._fired is None:
            self._fired = self._triggers.hit(text, time.monotonic())

    @property
    def _finishing(self) -> bool:
        """Whether rclone was asked to begin no more files."""
        return self._request.steering is not None and self._request.steering.may_finish

    def _on_problem(self, name: str, text: str) -> None:
        if self._finishing and is_cut_off(text) and not self._doubts.is_under_way(name):
            return  # it was not begun
        if self._doubts.failed(name, text):
            self._listener.on_wasted(self._waiting[name])
            self._wasted_bytes += self._stored(self._waiting[name].size)
        if name not in self._failed and name not in self._uploaded:
            self._failed[name] = text[:500]

    def _settle_uploaded(self) -> None:
        """rclone may be interrupted after it removed a file and before it logs that, so check the source."""
        for name in self._uploaded & self._waiting.keys():
            file = self._waiting[name]
            if self._request.moving and not local_path(self._request.folder, file.name).exists():
                self._on_transferred(name, file, already_there=False)

    def _verdict(self, code: int) -> Verdict:
        if self._stalled and not self._interrupted:
            return Verdict(StageOutcome.STALLED, self._stalled)
        if self._fired is not None and not self._interrupted:
            return Verdict(StageOutcome.TRIGGERED, f'rclone logged "{self._fired[0]}" too often (rclone_sleeps)')
        return judge(
            code,
            self._evidence,
            interrupted=self._interrupted,
            failed_files=sum(1 for name in self._failed if name in self._waiting),
            transferred_files=self._files,
            failed_before=self._request.retry,
            finishing=self._finishing,
        )

    def _result(self, code: int) -> StageResult:
        self._settle_uploaded()
        failed = {name: self._clean(text) for name, text in self._failed.items() if name in self._waiting}
        verdict = self._verdict(code)
        verdict = verdict._replace(reason=self._clean(verdict.reason))
        killed = self._interrupted or self._stalled != "" or self._fired is not None or not self._ended_by_itself(code)
        doubtful = self._doubtful_names(code, killed=killed)
        if verdict.outcome in (StageOutcome.FILES_FAILED, StageOutcome.DONE) or (self._finishing and not killed):
            for name, text in failed.items():
                self._listener.on_failed(name, text)
        elif verdict.outcome not in (StageOutcome.INTERRUPTED, StageOutcome.OFFLINE, StageOutcome.STALLED):
            for name, text in failed.items():
                if "context canceled" not in text:
                    self._listener.on_failed(name, text)
        if not self._files_are_to_blame(verdict.outcome):
            failed = {}
        untouched = [file for name, file in self._waiting.items() if name not in failed]
        if not killed:
            self._charge_repeated(doubtful)
        # If rclone ended well by itself, nothing of it is still on its way.
        landing_seconds = self._doubts.landing_seconds() if code != 0 else 0.0
        return StageResult(
            verdict,
            self._files,
            self._bytes,
            failed,
            untouched,
            doubtful,
            landing_seconds,
            self._fired,
            cannot_listen=code > 0 and self._cannot_listen(),
        )

    def _cannot_listen(self) -> bool:
        steering = self._request.steering
        return steering is not None and not steering.is_listening and self._evidence.no_remote_control

    def _clean(self, text: str) -> str:
        """What rclone said, fit for everybody: everything before this reads its own words."""
        return redact(text, known_paths=(self._folder,))

    def _ended_by_itself(self, code: int) -> bool:
        """Whether rclone came to its end. Killed from outside (128 and the signal's number, too), crashed, or with its
        output lost on the way, it may have done more than was heard of.
        """
        if code == 0:
            return True
        evidence = self._evidence
        return 0 < code <= 128 and (self._had_last_word or bool(evidence.misuse or evidence.account_problem))

    def _charge_repeated(self, doubtful: frozenset[str]) -> None:
        """What was sent more often than once, after an answer was lost on the way: it may have been spent each time."""
        if self._request.stored_bytes is None or (self._moved_away and not self._logs_sizes):
            return  # the statistics of rclone 1.60 count older versions that it moved away, too
        failed = {
            self._waiting[name].name: FailedFile(
                self._stored(self._waiting[name].size), self._doubts.seen_bytes(name), _REFUSED in text
            )
            for name, text in self._failed.items()
            if name in self._waiting
        }
        unexplained_bytes = self._counted_bytes - self._copied_bytes - self._wasted_bytes
        repeated = repeated_bytes(unexplained_bytes, list(failed.values()))
        if repeated > 0:
            self._listener.on_repeated(repeated, {name: failed[name].sent_bytes for name in failed.keys() & doubtful})

    def _stored(self, size_bytes: int) -> int:
        stored_bytes = self._request.stored_bytes
        return size_bytes if stored_bytes is None else stored_bytes(size_bytes)

    def _doubtful_names(self, code: int, *, killed: bool) -> frozenset[str]:
        """Files that may have been uploaded without a word: they must be looked for at the destination."""
        left = {name: file for name, file in self._waiting.items() if name not in self._uploaded}
        if killed:
            return frozenset(file.name for name, file in left.items() if name not in self._doubts.ruled_out)
        if code == 0 and not self._request.moving:
            return frozenset(file.name for file in left.values())
        doubtful = {left[name].name for name in self._doubts.names() if name in left}
        if self._request.moving:
            doubtful |= {file.name for file in left.values() if not exists(self._request.folder, file.name)}
        return frozenset(doubtful)

    def _files_are_to_blame(self, outcome: StageOutcome) -> bool:
        """Whether failures count against the files: not when their account was refused or the run was interrupted.

        A file refused on its own may be one that Google never accepts: it must not use up account after account.
        """
        alone = len(self._request.files) == 1 or self._request.retry
        return (alone and outcome is StageOutcome.DENIED) or outcome in (
            StageOutcome.DONE,
            StageOutcome.FILES_FAILED,
            StageOutcome.FAILED,
        )
