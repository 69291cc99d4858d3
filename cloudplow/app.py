"""Wires everything together and owns its lifetime: starts in `__enter__`, stops in `__exit__`, in a fixed order."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from cloudplow import events as events_module
from cloudplow.accounts.report import find_account, pool_document
from cloudplow.control.follower import Follower, Leftovers, mark_of
from cloudplow.control.handlers import steered
from cloudplow.errors import BusyError, CloudplowError, ConfigError, ExitStatus, RcloneError, StateError, disk_sentence
from cloudplow.events import AccountsLearned, Event, SessionFinished, SessionOutcome
from cloudplow.hookspecs import FollowReceiver
from cloudplow.installation import Installation
from cloudplow.state.recorder import Recorder
from cloudplow.state.recovered import Read, recovered_events
from cloudplow.state.state_files import SESSION_FILE
from cloudplow.units import format_bytes
from cloudplow.upload.context import Context
from cloudplow.upload.session import Session
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow")

_STATUS_BY_OUTCOME: Final = {
    SessionOutcome.DONE: ExitStatus.DONE,
    SessionOutcome.QUOTA_USED: ExitStatus.FILES_LEFT,
    SessionOutcome.SUSPENDED: ExitStatus.FILES_LEFT,
    SessionOutcome.FAILED: ExitStatus.FAILED,
    SessionOutcome.INTERRUPTED: ExitStatus.INTERRUPTED,
}


def worst_status(outcomes: Sequence[SessionOutcome]) -> ExitStatus:
    """The exit status for the outcomes of all sessions: interrupted, then failed, then files left, then done."""
    order = (ExitStatus.INTERRUPTED, ExitStatus.FAILED, ExitStatus.FILES_LEFT)
    statuses = [_STATUS_BY_OUTCOME[outcome] for outcome in outcomes]
    return next((status for status in order if status in statuses), ExitStatus.DONE)


class App(Installation):
    """One running cloudplow; plugins see it as a `cloudplow.hookspecs.PluginApp`, which defines its public part."""

    def __init__(
        self,
        config_path: Path,
        state_dir: Path,
        environ: Mapping[str, str] | None = None,
        *,
        old_cache: Path | None = None,
    ) -> None:
        """Read and check the configuration, load the plugins. Raises ConfigError, PluginError.

        old_cache: the old program's `cache.db`; None: the one in state_dir, if there is one.
        """
        super().__init__(config_path, state_dir, environ, old_cache=old_cache)
        self.services: dict[str, str] = {}
        self._recorder = Recorder(self.state_files)
        self._running = ExitStack()
        self._left: object = None

    def __enter__(self) -> App:
        """Start: the saver, the recorder, then the plugins. Raises PluginError, StateError."""
        for warning in self.warnings:
            log.warning("%s", warning)
        # Stopped in reverse order, each step even if a second Ctrl-C interrupted the one before it: deliver all
        # events, stop the plugins, write the cache files.
        with ExitStack() as starting:
            self.state_files.start()
            starting.callback(self.state_files.stop)
            # Only read it: until `upload` holds the lock, another process may be writing the book.
            self.read_book()
            self._recorder.start()
            starting.callback(self._recorder.stop)
            starting.callback(self.plugins.stop, self)
            starting.callback(self.bus.close)
            self.plugins.start(self)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._running.close()

    def recovered(self) -> list[Event]:
        """What an earlier process left, as events, for plugins that show it; signals do not carry them.

        Sessions, learned queues, sizes of earlier transfers, and every account with what it has spent.
        """
        self._left = mark_of(self.state_dir / SESSION_FILE)
        return self._recovered(self.state_files.read)

    def _recovered(self, read: Read) -> list[Event]:
        found = list(recovered_events(read))
        for name in self.config.uploader:
            try:
                pool = self.pool(name)
            except CloudplowError:
                continue  # The upload reports it.
            if pool is not None:
                found.append(AccountsLearned(uploader=name, accounts=pool.quotas()))
        return found

    def accounts_document(self, names: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
        """What every account of the named uploaders, or all, has spent: see `cloudplow.accounts.report`.

        Raises CloudplowError.
        """
        pools = {name: self.pool(name) for name in names or self.config.uploader}
        return {name: [] if pool is None else pool_document(pool, self.book) for name, pool in pools.items()}

    def correct(self, uploader: str, account: str, used_bytes: int, *, by: str, who: str) -> str:
        """Somebody knows better what an account has spent; returns a sentence that says what is now so.

        account: base name of its key file. For the owner of the book. Raises CloudplowError.
        """
        pool = self.pool(uploader)
        identity = None if pool is None else find_account(pool, account)
        if pool is None or identity is None:
            known = ", ".join(one.name for one in pool.accounts[:10]) if pool is not None else ""
            raise ConfigError([f'uploader "{uploader}" has no account "{account}" (it has: {known or "none"})'])
        self.book.correct(uploader, identity, used_bytes)
        what = f"account {account} has spent {format_bytes(used_bytes)}, corrected by hand"
        control_used = events_module.ControlUsed
        self.bus.publish(control_used(uploader=uploader, action="correct", by=by, who=who, what=what))
        quota = next(quota for one, quota in zip(pool.accounts, pool.quotas(), strict=True) if one.identity == identity)
        self.bus.publish(events_module.QuotaChanged(uploader=uploader, **asdict(quota)))
        return f"{uploader}: {what}"

    def correct_alone(self, uploader: str, account: str, used_bytes: int, *, who: str) -> str:
        """The same while nothing else runs. Raises CloudplowError, BusyError."""
        with self.keeper.owning(opens=True):
            said = self.correct(uploader, account, used_bytes, by="cli", who=who)
        log.info("%s (asked for by %s)", said, who or "cli")  # the running program logs what it tells
        return said

    def request_stop(self) -> None:
        """Stop the program, from any thread: rclone is asked to stop; a second call kills it."""
        self.controls.request_stop()

    def wait_for_stop(self, timeout_seconds: float | None = None) -> bool:
        """Wait until a stop is requested; False on timeout."""
        return self.controls.wait_for_stop(timeout_seconds)

    @contextmanager
    def watch_rclone(self, url: str | None, interval_seconds: float) -> Iterator[None]:
        """While inside, publish the statistics of an rclone that somebody else started as `transfer_progress`.

        url: of its remote control; None means `plex.rclone.url` if plex is enabled, else nothing happens.
        Raises ConfigError for an invalid address.
        """
        place = "the address of rclone's remote control"
        if not url and self.config.plex.enabled:
            url, place = self.config.plex.rclone.url, "plex.rclone.url"
        if not url:
            yield
            return
        # HTTP and TLS take 10 ms, which every upload would pay for.
        from cloudplow.rclone.rc import RcWatch

        try:
            watch = RcWatch(url, interval_seconds, self.bus.publish)
        except ValueError as error:
            raise ConfigError([f"{place}: {error}"]) from error
        watch.start()
        try:
            yield
        finally:
            watch.stop()

    @contextmanager
    def follow(self, receive: FollowReceiver) -> Iterator[None]:
        """While inside, `receive` gets the events of the cloudplow that runs with the same state folder."""

        def left() -> list[Event]:
            self.read_book()
            return self._recovered(partial(self.state_files.read, keep=True))

        with Follower(self.state_dir, receive, Leftovers(self.state_dir / SESSION_FILE, left, self._left)):
            yield

    def begin_tasks(self, tasks: Sequence[UploadTask]) -> None:
        """The same before an upload: an uploader that cannot begin is told as a session that failed."""
        try:
            self.check_tasks(tasks)
        except ConfigError:
            for task in tasks:
                if not self.is_fit(task):
                    self._publish_not_started(task.name, "; ".join(self.unfit[task.name]))
            raise

    def upload(self, tasks: Sequence[UploadTask], *, wait_for_capacity: bool = False) -> list[SessionFinished]:
        """Upload each task once, one after the other; returns how each session ended.

        Raises BusyError while another process uploads with the same cache files.
        """
        context = self.context(wait_for_capacity=wait_for_capacity)
        # A dry run changes nothing, not even the book.
        opens = not tasks or any(not task.job.dry_run for task in tasks)
        with ExitStack() as stack:
            try:
                stack.enter_context(self.keeper.owning(opens=opens))
            except (BusyError, StateError) as error:
                for task in tasks:
                    self._publish_not_started(task.name, str(error))
                raise
            stack.enter_context(steered(self, self.bus.flush_receiver))
            return self._upload(context, tasks)

    def _upload(self, context: Context, tasks: Sequence[UploadTask]) -> list[SessionFinished]:
        finished = []
        for task in tasks:
            if self.controls.stop_requested():
                break
            if not self.is_fit(task):
                finished.append(self._publish_not_started(task.name, "; ".join(self.unfit[task.name])))
                self.controls.note_end(finished[-1])
                continue
            reason = context.may_upload(task.name)
            if reason:
                log.info("%s: not uploading now: %s", task.name, reason)
                self.bus.publish(events_module.UploaderSuspended(uploader=task.name, reason=reason, until=None))
                finished.append(_not_started(task.name, SessionOutcome.SUSPENDED, reason))
                continue
            # A fault of one uploader must not stop the others.
            finished.append(self._run_session(context, task))
            self.controls.note_end(finished[-1])
        return finished

    def _run_session(self, context: Context, task: UploadTask) -> SessionFinished:
        with self.controls.session(task.name) as controls:
            session = Session(context, task, controls)
            try:
                return session.run()
            except (BusyError, RcloneError, StateError) as error:
                return self._publish_not_started(task.name, str(error), session.id)
            except OSError as error:
                # A disk that fails at any step is no fault of ours, and the next uploader may have another one.
                log.debug("%s: the session could not begin", task.name, exc_info=True)
                return self._publish_not_started(task.name, disk_sentence(error), session.id)

    def _publish_not_started(self, uploader: str, why: str, session_id: str = "") -> SessionFinished:
        """An uploader that cannot begin is told, too."""
        event = _not_started(uploader, SessionOutcome.FAILED, why, session_id)
        self.bus.publish(event)
        return event


def _not_started(uploader: str, outcome: SessionOutcome, reason: str, session_id: str = "") -> SessionFinished:
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
    )
