"""The active account of a session: when it is switched, left, and what is told of its quota."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from cloudplow import events
from cloudplow.accounts.book import Book
from cloudplow.accounts.pool import AccountPool
from cloudplow.events import SwitchReason
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.task import UploadTask


class ActiveAccount:
    """Owned by one session, on its thread. pool: None without accounts."""

    def __init__(self, book: Book, task: UploadTask, pool: AccountPool | None, emit: Callable[..., None]) -> None:
        self._book = book
        self._task = task
        self._pool = pool
        self._emit = emit
        self._switch_reason = SwitchReason.FIRST
        self._previous_name = ""

    @property
    def name(self) -> str:
        """The base name of its key file; "" without one."""
        return Path(self._pool.active).name if self._pool is not None and self._pool.active else ""

    def switch_to(self, account: str) -> None:
        """Use this account (path of its key file) from now on."""
        if self._pool is None or account == self._pool.active:
            return
        left, self._pool.active = self._pool.active, account
        self._emit(
            events.SaSwitched,
            previous=self._previous_name,
            current=self.name,
            account_index=self._pool.index(account),
            accounts_total=len(self._pool.accounts),
            reason=self._switch_reason,
        )
        self._previous_name = self.name
        self._switch_reason = SwitchReason.QUOTA_USED
        if left is not None:
            # It is no longer the active one: whether it is ready or cooling now is decided here and nowhere else.
            self._emit_quota(left)

    def leave(self, reaction: Reaction) -> None:
        """Stop using the active account for now (denied, trigger) or for the rest of the session (failed)."""
        if self._pool is None or self._pool.active is None:
            return
        account = self._pool.active
        if reaction.react is React.REST_ACCOUNT and reaction.until is not None:
            until = reaction.until
            if reaction.switch_reason is SwitchReason.DENIED:
                until = self._pool.learn_from_denial(account, self._task.window_seconds) or until
            self._book.deny(self._task.name, self._pool.identity(account), until, reaction.why)
        else:
            self._pool.set_aside(account, reaction.why)
        self._switch_reason = reaction.switch_reason
        self._pool.active = None
        self._emit_quota(account)

    def quota_changed(self) -> None:
        """Tell what it has left."""
        if self._pool is not None and self._pool.active is not None:
            self._emit_quota(self._pool.active)

    def _emit_quota(self, account: str) -> None:
        # A dry run spends no quota.
        if self._pool is not None and self._pool.index(account) >= 0 and not self._task.job.dry_run:
            self._emit(events.QuotaChanged, **asdict(self._pool.quota(account)))
