"""What uploads really took, where that cannot be computed (compressed files): asked after the stage, and given back.

Until then, and if nobody answers, the most that they can have taken counts as spent.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.accounts.booked_stage import Stage
from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import RcloneError
from cloudplow.rclone.background import Background
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.process import run
from cloudplow.rclone.stored_questions import question_command, read_output
from cloudplow.upload.context import Context
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow.upload")

#: How long one question may take, in seconds.
QUESTION_SECONDS: Final = 300.0
#: How long the end of a session waits for the last answer, in seconds.
LAST_ANSWER_SECONDS: Final = 30.0


class Uploaded(NamedTuple):
    """A file that was uploaded. size: its own, in bytes; charged_bytes: what was charged for it."""

    name: str
    size: int
    charged_bytes: int


class Sizing:
    """Owned by one session, on its thread; only the questions run in the background."""

    def __init__(self, context: Context, task: UploadTask, pool: AccountPool | None, list_path: Path) -> None:
        self._context = context
        self._task = task
        self._pool = pool
        self._list_path = list_path
        self._waiting: list[tuple[Stage, Sequence[Uploaded]]] = []
        self._question: tuple[Stage, Sequence[Uploaded], Background[Mapping[str, int]]] | None = None

    def add(self, stage: Stage, files: Sequence[Uploaded]) -> None:
        """A stage has ended that uploaded these."""
        if files and self._pool is not None:
            self._waiting.append((stage, files))
            self.step()

    def step(self) -> None:
        """Take an answer, or ask the next question; never waits."""
        if self._question is not None:
            stage, files, background = self._question
            if not background.is_done():
                return
            self._question = None
            try:
                self._take(stage, files, background.get())
            except (OSError, RcloneError) as error:
                log.warning("%s: what %s really stored cannot be asked: %s", self._task.name, stage.account_name, error)
        if self._waiting:
            stage, files = self._waiting.pop(0)
            self._question = stage, files, Background(lambda: self._ask(files), "cloudplow-ask")

    def finish(self) -> None:
        """Take the last answers, for a session that has ended well."""
        while self._question is not None:
            self._question[2].wait(LAST_ANSWER_SECONDS)
            if not self._question[2].is_done():
                break
            self.step()
        with contextlib.suppress(OSError):
            self._list_path.unlink(missing_ok=True)

    def _ask(self, files: Sequence[Uploaded]) -> Mapping[str, int]:
        destination = self._context.destination(self._task.job.destination)
        environment = rclone_environment(os.environ, filters=False)
        keys = self._pool.usable_keys() if self._pool is not None else []
        if keys:
            environment = destination.with_account(environment, keys[0])
        extras = self._task.job.extras
        flags = {**destination.default_flags(extras, os.environ), **extras}
        inquiry = destination.stored_inquiry([(file.name, file.size) for file in files])
        outputs = []
        for question in inquiry.questions:
            self._list_path.write_bytes(question.file_list)
            command = question_command(self._context.rclone, question, self._list_path, flags)
            outputs.append(read_output(run(command, environment=environment, timeout_seconds=QUESTION_SECONDS)))
        return inquiry.read(outputs)

    def _take(self, stage: Stage, files: Sequence[Uploaded], stored: Mapping[str, int]) -> None:
        more = sum(file.charged_bytes - stored[file.name] for file in files if file.name in stored)
        if more > 0:
            self._context.book.give_back(stage.uploader, stage.account, more)
