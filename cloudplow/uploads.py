"""`Uploads`: measures and uploads with what is installed here; the dispatcher says when."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cloudplow.accounts.pool import key_files
from cloudplow.dispatch.host import Ended, Measured, Resources
from cloudplow.errors import BusyError, CloudplowError, RcloneError, StateError, StoppedError, disk_sentence
from cloudplow.events import SessionFinished, SessionOutcome
from cloudplow.installation import Installation
from cloudplow.scheduling.due import Rules
from cloudplow.scheduling.windows import Window
from cloudplow.units import GIB
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.measuring import measure
from cloudplow.upload.session import Session
from cloudplow.upload.task import UploadTask, upload_task

log = logging.getLogger("cloudplow")


class Uploads:
    """Implements `cloudplow.dispatch.host.Host`. tasks: what is asked for once; None: what is configured, again and
    again, so that everything is looked at anew each time. patient: wait for ever while the network is away.
    """

    def __init__(self, here: Installation, tasks: Mapping[str, UploadTask] | None, *, patient: bool) -> None:
        self._here = here
        self._tasks = tasks or {}
        self._once = tasks is not None
        #: What runs, as it began: its configuration may have changed or gone since.
        self._running: dict[str, UploadTask] = {}
        self._patient = patient

    def names(self) -> Sequence[str]:
        """Every uploader of the configuration."""
        return list(self._here.config.uploader)

    def rules(self, name: str) -> Rules:
        """When an uploader is due."""
        uploader = self._here.config.uploader[name]
        schedule = uploader.schedule
        window = Window(schedule.from_minutes, schedule.until_minutes, schedule.never) if schedule.enabled else None
        return Rules(uploader.check_interval * 60, round(uploader.max_size_gb * GIB), window)

    def fault(self, name: str) -> str:
        """What the configuration lacks for it."""
        return "; ".join(self._here.broken.get(name, ()))

    def resources(self, name: str) -> Resources:
        """Its folder, and whose keys it uses."""
        task = self._task(name)
        accounts: set[str] = set()
        if task.accounts_folder is not None:
            with contextlib.suppress(OSError):  # the upload reports it
                accounts = {self._here.keys.read(key).identity for key in key_files(task.accounts_folder)}
        return Resources(Path(os.path.abspath(task.folder)), frozenset(accounts))  # noqa: PTH100 - never touches the disk

    def accounts_mark(self, name: str) -> int:
        """When its folder of keys was changed."""
        known = name in self._running or name in self._here.config.uploader
        folder = self._task(name).accounts_folder if known else None
        try:
            return 0 if folder is None else folder.stat().st_mtime_ns
        except OSError:
            return 0

    def veto(self, name: str) -> str:
        """What a plugin says against it."""
        return self._here.plugins.may_upload(name) or ""

    def measure(self, name: str, controls: SessionControls) -> Measured:
        """What an upload would take. Raises CloudplowError, StoppedError, OSError."""
        uploader = self._here.config.uploader[name]
        context = self._here.context(self._here.new_preflight())
        enough = self.rules(name).threshold_bytes
        task = self._task(name)
        return Measured(*measure(context, task, controls, size_excludes=uploader.size_excludes, enough_bytes=enough))

    def upload(self, name: str, run_id: str, controls: SessionControls) -> Ended:
        """One session."""
        task = self._running[name] = self._task(name)
        try:
            return self._upload(task, run_id, controls)
        finally:
            del self._running[name]

    def _upload(self, task: UploadTask, run_id: str, controls: SessionControls) -> Ended:
        name = task.name
        try:
            preflight = self._here.begin_preflight() if self._once else self._here.new_preflight()
            if not self._once:
                preflight.begin()
                preflight.begin_listing(task)
                self._here.check_task(task, preflight)
            session = Session(self._here.context(preflight, patient=self._patient), task, controls, run_id)
        except StoppedError:
            return self._not_begun(not_started(name, SessionOutcome.INTERRUPTED, "stopped on request", run_id=run_id))
        except CloudplowError as error:
            return self._not_begun(not_started(name, SessionOutcome.FAILED, str(error), run_id=run_id))
        try:
            return Ended(session.run(), session.help, session.accounts)
        except (BusyError, RcloneError, StateError) as error:
            return self._not_begun(not_started(name, SessionOutcome.FAILED, str(error), session.id, run_id))
        except OSError as error:
            # A disk that fails at any step is no fault of ours, and the next uploader may have another one.
            log.debug("%s: the session could not begin", name, exc_info=True)
            return self._not_begun(not_started(name, SessionOutcome.FAILED, disk_sentence(error), session.id, run_id))

    def _not_begun(self, event: SessionFinished) -> Ended:
        return Ended(self._tell(event), counted=False)

    def not_started(self, name: str, why: str, *, vetoed: bool) -> SessionFinished:
        """The result for an uploader that has no session. A veto is told as a suspension."""
        if vetoed:
            return not_started(name, SessionOutcome.SUSPENDED, why)
        return self._tell(not_started(name, SessionOutcome.FAILED, why))

    def _task(self, name: str) -> UploadTask:
        return self._running.get(name) or self._tasks.get(name) or upload_task(self._here.config, name)

    def _tell(self, event: SessionFinished) -> SessionFinished:
        self._here.bus.publish(event)
        return event


def not_started(
    uploader: str, outcome: SessionOutcome, reason: str, session_id: str = "", run_id: str = ""
) -> SessionFinished:
    """The result for an uploader that had no session."""
    return SessionFinished(
        session_id=session_id or os.urandom(6).hex(),
        uploader=uploader,
        outcome=outcome,
        files=0,
        bytes=0,
        files_left=0,
        bytes_left=0,
        next_capacity_at=None,
        reason=reason,
        run_id=run_id,
    )
