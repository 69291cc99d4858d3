"""The active account of a session: when it is switched, left, and what is told of its quota."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from cloudplow import events
from cloudplow.accounts.book import Book
from cloudplow.accounts.pool import AccountPool
from cloudplow.events import AccountQuota, SwitchReason
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.task import UploadTask

#: The shortest time between two looks at the accounts that are not active, in seconds.
LOOK_SECONDS: Final = 1.0


class ActiveAccount:
    """Owned by one session, on its thread. pool: None without accounts. clock: seconds since any moment."""

    def __init__(
        self,
        book: Book,
        task: UploadTask,
        pool: AccountPool | None,
        emit: Callable[..., None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._task = task
        self._pool = pool
        self._emit = emit
        self._switch_reason = SwitchReason.FIRST
        self._previous_name = ""
        self._clock = clock
        #: What was told of each account, and which have spent nothing: those change only while they are active.
        self._told: dict[str, AccountQuota] = {}
        if pool is not None and not task.job.dry_run:
            self._told = dict(zip((one.key for one in pool.accounts), pool.quotas(), strict=True))
        self._unspent: set[str] = set()
        self._next_look = 0.0

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

    def others_changed(self) -> None:
        """Tell of accounts that changed without uploading: quota came back, or it was found out what had arrived.

        Looks at those that have spent something, and so seldom that it takes no more than a hundredth of the time.
        """
        pool, began = self._pool, self._clock()
        if pool is None or self._task.job.dry_run or began < self._next_look:
            return
        for account in pool.accounts:
            if account.key == pool.active or account.key in self._unspent:
                continue
            quota = pool.quota(account.key)
            if self._told.get(account.key, quota) != quota:
                self._emit(events.QuotaChanged, **asdict(quota))
            self._told[account.key] = quota
            if not quota.returns and not quota.in_flight_bytes and not quota.unsettled_bytes:
                self._unspent.add(account.key)
        ended = self._clock()
        self._next_look = ended + max(LOOK_SECONDS, 100 * (ended - began))

    def _emit_quota(self, account: str) -> None:
        # A dry run spends no quota.
        if self._pool is not None and self._pool.index(account) >= 0 and not self._task.job.dry_run:
            quota = self._pool.quota(account)
            self._told[account] = quota
            self._unspent.discard(account)
            self._emit(events.QuotaChanged, **asdict(quota))
