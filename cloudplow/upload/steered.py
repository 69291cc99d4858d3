"""Runs stages whose rclone can be steered: it listens, or the stage goes on without that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from cloudplow import events
from cloudplow.rclone.rc import RcClient
from cloudplow.rclone.steering import Steering
from cloudplow.state.rc_password import RcPassword
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.stage import StageRun
from cloudplow.upload.stage_terms import StageResult, SteeredStart

log = logging.getLogger("cloudplow.upload")


class MakeRun(Protocol):
    """Makes the run of a stage that is steered so."""

    def __call__(self, *, steered: SteeredStart) -> StageRun: ...


class SteeredStages:
    """Owned by one session's driver, on its thread. uploader: for messages; stem: of the name of the password's file.

    listens: whether rclone listens at all; a dry run is over soon and uploads nothing.
    """

    def __init__(
        self,
        context: Context,
        uploader: str,
        stem: str,
        controls: SessionControls,
        emit: Callable[..., Any],
        *,
        listens: bool = True,
    ) -> None:
        self._context = context
        self._uploader = uploader
        self._stem = stem
        self._controls = controls
        self._emit = emit
        self._listens = listens
        self._password: RcPassword | None = None
        self._told_limit: int | None = None

    def next(self) -> Steering:
        """The steering of the next stage."""
        return Steering(self._dial if self._can_listen() else None, limit_bytes=self._controls.limit_bytes())

    def run(self, steering: Steering, make: MakeRun) -> StageResult:
        """Run a stage to its end; once more without remote control if that cannot start.

        Raises RcloneError when rclone cannot be started.
        """
        try:
            if self._password is not None and self._listens:
                result = self._run(steering, make(steered=SteeredStart(steering, self._password.environment())))
                # A wrapper that takes our variables away is no reason to bother anybody.
                self._listens = steering.is_listening or result.files == 0
                if not result.cannot_listen or self._controls.should_finish() or self._controls.should_stop():
                    return result
                self._go_without(result.verdict.reason)
            steering.starts_limited(limit := self._controls.limit_bytes())
            return self._run(steering, make(steered=SteeredStart(steering, {}, limit)))
        finally:
            steering.end()

    def close(self) -> None:
        """No stage comes any more: the password's file goes."""
        if self._password is not None:
            self._password.remove()

    def _run(self, steering: Steering, run: StageRun) -> StageResult:
        def should_stop() -> bool:
            self._tell_limit(steering)
            return self._controls.should_stop()

        result = run.run(should_stop, self._controls.should_kill)
        self._tell_limit(steering)
        return result

    def _tell_limit(self, steering: Steering) -> None:
        is_so, limit = steering.limit_in_force()
        if is_so and limit != self._told_limit:
            self._told_limit = limit
            self._emit(events.ThrottleChanged, limit=limit, streams=0, source="control")

    def _dial(self, port: int) -> RcClient:
        assert self._password is not None
        return RcClient(self._password.url(port))

    def _can_listen(self) -> bool:
        if self._listens and self._password is None:
            try:
                self._password = RcPassword(self._context.state_dir, self._stem)
            except OSError as error:
                self._go_without(f"its password cannot be written: {error.strerror or error}")
        return self._listens

    def _go_without(self, why: str) -> None:
        self._listens = False
        log.warning(
            "%s: rclone's remote control cannot start (%s); the upload goes on without it, and a speed limit or a "
            "request to end after the files under way waits for the end of a stage",
            self._uploader,
            why,
        )
