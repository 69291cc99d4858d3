"""Wires everything together and owns its lifetime: starts in `__enter__`, stops in `__exit__`, in a fixed order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from cloudplow.dispatch.dispatcher import Dispatcher
from cloudplow.dispatch.remembered import Remembered
from cloudplow.dispatch.telling import Telling
from cloudplow.errors import BusyError, CloudplowError, ConfigError, ExitStatus, StateError
from cloudplow.events import AccountQuota, AccountsLearned, Event, SessionFinished, SessionOutcome, UploaderState
from cloudplow.hookspecs import FollowReceiver
from cloudplow.installation import NO_UPLOADER, Installation
from cloudplow.models import UploaderStatus
from cloudplow.quota_news import QuotaNews
from cloudplow.state.recorder import Recorder
from cloudplow.state.recovered import recovered_events
from cloudplow.state.state_files import SESSION_FILE
from cloudplow.units import format_bytes
from cloudplow.upload.task import UploadTask, upload_task
from cloudplow.uploads import Uploads, not_started

log = logging.getLogger("cloudplow")

#: The dispatcher looks every 30 s; after so many seconds without a look something is wrong.
DEAF_SECONDS: Final = 120.0
#: The same for an rclone that says nothing, where `stall_minutes` is off.
DEAF_STAGE_SECONDS: Final = 15 * 60.0

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
        #: False for the command of a plugin.
        self.uploads = True
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
        return [*recovered_events(self.state_files.read), *self._accounts_left()]

    def _accounts_left(self) -> Iterator[Event]:
        for name in self.config.uploader:
            try:
                pool = self.pool(name)
            except CloudplowError:
                continue  # The upload reports it.
            if pool is not None:
                yield AccountsLearned(uploader=name, accounts=pool.quotas())

    def publish(self, event: Event) -> Event:
        """Publish an event, from any thread, and return it with its number and time. Returns immediately."""
        return self.bus.publish(event)

    def notifiers(self) -> dict[str, Any]:
        """What plugins answer to `cloudplow_notifiers`: functions (settings, title, text) by the names of services."""
        return self.plugins.notifiers()

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
        self.controls.capacity_changed()
        return f"{uploader}: {what}"

    def correct_alone(self, uploader: str, account: str, used_bytes: int, *, who: str) -> str:
        """The same while nothing else runs. Raises CloudplowError, BusyError."""
        with self.keeper.owning(opens=True):
            said = self.correct(uploader, account, used_bytes, by="cli", who=who)
        log.info("%s (asked for by %s)", said, who or "cli")  # the running program logs what it tells
        return said

    def reload(self, *, by: str = "signal", who: str = "") -> None:
        """Read the configuration again, on any thread. One that has faults is refused whole: the old one stays."""
        try:
            what = self.read_again() or "nothing has changed"
        except CloudplowError as error:
            for fault in error.faults if isinstance(error, ConfigError) else [str(error)]:
                log.error("%s", fault)
            log.error("the configuration was read again and refused; the one in force stays")
            return
        for warning in self.warnings:
            log.warning("%s", warning)
        log.info("the configuration was read again: %s", what)
        self.bus.publish(events_module.ControlUsed(action="reload", by=by, who=who))
        self.controls.reconfigure()

    def syncers(self) -> Mapping[str, UploaderStatus]:
        """What every syncer does. None runs yet, and whoever asks must see that."""
        why = "syncers are not there yet, so nothing is copied from remote to remote"
        return dict.fromkeys(self.config.syncer, UploaderStatus(UploaderState.IDLE, why))

    def configuration(self) -> dict[str, Any]:
        """Which configuration is in force; `edited`: the file has changed since it was read."""
        return {"path": str(self.config_path.absolute()), "edited": self.is_edited()}

    def problems(self) -> list[str]:
        """Why this instance is not healthy, one sentence each. It is asked on the control thread."""
        found = []
        age = self.controls.tick_age_seconds()
        if age is not None and age > DEAF_SECONDS:
            found.append(f"the scheduler has not looked for {age:.0f} s")
        for name, silent in self.controls.silences().items():
            known = name in self.config.uploader  # it may have been removed while it uploads
            if silent > ((known and upload_task(self.config, name).stall_seconds) or DEAF_STAGE_SECONDS):
                found.append(f"{name}: rclone has said nothing for {silent / 60:.0f} minutes")
        try:
            self.keeper.save()
        except StateError as error:
            found.append(f"the book cannot be written: {error}")
        return found

    def request_stop(self) -> None:
        """Stop the program, from any thread: rclone is asked to stop; a second call kills it."""
        self.controls.request_stop()

    def wait_for_stop(self, timeout_seconds: float | None = None) -> bool:
        """Wait until a stop is requested; False on timeout."""
        return self.controls.wait_for_stop(timeout_seconds)

    @contextmanager
    def watch_rclone(self, url: str | None, interval_seconds: float) -> Iterator[None]:
        """While inside, publish the statistics of an rclone that somebody else started as `transfer_progress`.

        url: of its remote control; None means `plex.rclone.url` if that is given or plex is enabled, else nothing
        happens. Raises ConfigError for an invalid address.
        """
        place, plex, expected = "dashboard.rc_url", self.config.plex, True
        if not url and (plex.enabled or "url" in plex.rclone.model_fields_set):
            # Samples name one that few have.
            url, place, expected = plex.rclone.url, "plex.rclone.url", plex.enabled
        if not url:
            yield
            return
        # HTTP and TLS take 10 ms, which every upload would pay for.
        from cloudplow.rclone.rc import RcWatch

        try:
            watch = RcWatch(url, interval_seconds, self.bus.publish, place=place, expected=expected)
        except ValueError as error:
            if expected:
                raise ConfigError([f"{place}: {error}"]) from error
            yield
            return
        watch.start()
        try:
            yield
        finally:
            watch.stop()

    @contextmanager
    def follow(self, receive: FollowReceiver) -> Iterator[None]:
        """While inside, `receive` gets the events of the cloudplow that runs with the same state folder."""

        def left() -> list[Event]:
            sessions = list(recovered_events(partial(self.state_files.read, keep=True)))
            # Read after them, it has all that these sessions have spent.
            self.read_book()
            return [*sessions, *self._accounts_left()]

        with Follower(self.state_dir, receive, Leftovers(self.state_dir / SESSION_FILE, left, self._left)):
            yield

    def begin_tasks(self, tasks: Sequence[UploadTask]) -> None:
        """The same before an upload: an uploader that cannot begin is told as a session that failed."""
        try:
            self.check_tasks(tasks)
        except ConfigError:
            for task in tasks:
                if not self.is_fit(task):
                    self.bus.publish(not_started(task.name, SessionOutcome.FAILED, "; ".join(self.unfit[task.name])))
            raise

    def upload(self, *names: str, wait: bool = False) -> list[SessionFinished]:
        """Upload the named uploaders, or all, once; returns how each one's last session ended. For Python programs.

        wait: when all quota is used, wait for more and go on. It blocks; `controls` steers it from other threads.
        Raises ConfigError for what cannot upload, BusyError while another process uploads with the same state folder.
        """
        self._preflight = None  # rclone's configuration may have changed since the last time
        tasks = self.tasks(names)
        self.begin_tasks(tasks)
        finished = self.upload_tasks(tasks, wait_for_capacity=wait)
        self.bus.flush()
        return finished

    def upload_tasks(self, tasks: Sequence[UploadTask], *, wait_for_capacity: bool = False) -> list[SessionFinished]:
        """Upload each task once, in this order; returns how each one's last session ended.

        Raises BusyError while another process uploads with the same cache files.
        """
        # A dry run changes nothing, not even the book.
        opens = not tasks or any(not task.job.dry_run for task in tasks)
        names = [task.name for task in tasks]
        uploads = Uploads(self, {task.name: task for task in tasks}, patient=wait_for_capacity)
        with self._owning(names, opens=opens):
            dispatcher = self._dispatcher(uploads, regular=False, waits=wait_for_capacity)
            # Whoever names an uploader now means it.
            for task in tasks:
                if dispatcher.entries[task.name].standing.pause is not None:
                    log.info("%s: it was paused; this upload ends the pause", task.name)
            with self.controls.attached(dispatcher), steered(self, self.bus.flush_receiver):
                for task in tasks:
                    if not self.is_fit(task):
                        fault = "; ".join(self.unfit[task.name])
                        dispatcher.entries[task.name].finished = uploads.not_started(task.name, fault, vetoed=False)
                fit = [task.name for task in tasks if self.is_fit(task)]
                if fit:
                    self.controls.start_all(fit)
                # A dry run charges nothing, so nothing of it comes back.
                told = names if opens else ()
                news = QuotaNews(self._quotas, self.bus.publish, self.book.now)
                dispatcher.serve(lambda: news.look_at(told, dispatcher.is_uploading))
            return dispatcher.finished(names)

    def serve(self, ticked: Callable[[], None] = lambda: None) -> None:
        """Check and upload whenever that is due, until a stop is requested. ticked: called after each look.

        Raises BusyError while another process uploads with the same cache files, StateError.
        """
        if not self.config.uploader:
            raise ConfigError([NO_UPLOADER])
        # Also for dry runs: pauses must be remembered.
        with self._owning([], opens=True):
            dispatcher = self._dispatcher(Uploads(self, None, patient=True), regular=True, waits=True)
            news = QuotaNews(self._quotas, self.bus.publish, self.book.now)

            def look() -> float:
                ticked()
                return news.look_at(self.config.uploader, dispatcher.is_uploading)

            with self.controls.attached(dispatcher), steered(self, self.bus.flush_receiver):
                dispatcher.serve(look)

    def _quotas(self, uploader: str) -> Iterable[AccountQuota]:
        pool = self.pool(uploader) if uploader in self.config.uploader else None
        return () if pool is None else pool.quotas()

    @contextmanager
    def _owning(self, names: Sequence[str], *, opens: bool) -> Iterator[None]:
        """While inside, this process holds the state lock. names: uploaders that are told not to begin if it cannot."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self.keeper.owning(opens=opens))
            except (BusyError, StateError) as error:
                for name in names:
                    self.bus.publish(not_started(name, SessionOutcome.FAILED, str(error)))
                raise
            yield

    def _dispatcher(self, uploads: Uploads, *, regular: bool, waits: bool) -> Dispatcher:
        return Dispatcher(
            uploads,
            Remembered(self.book.fact, self.book.set_fact, self.keeper.save, now=time.time),
            Telling(self.bus.publish),
            regular=regular,
            waits=waits,
            stop_requested=self.controls.stop_requested,
            max_parallel=lambda: self.config.core.max_parallel_uploads,
            quota_now=self.book.now,
        )
