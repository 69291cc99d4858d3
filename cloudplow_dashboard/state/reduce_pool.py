"""Events about what waits and what may be spent: the queue, the plan, the accounts. See `reducer`."""

from __future__ import annotations

from typing import cast

from cloudplow import events
from cloudplow_dashboard.state import clean, returns
from cloudplow_dashboard.state.account_table import Change, at_rest
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document_quota import Account
from cloudplow_dashboard.state.sessions import update_left
from cloudplow_dashboard.state.uploader_state import UploaderState


def on_queue_learned(u: UploaderState, event: events.QueueLearned, at: float) -> bool:
    changed = (u.queue["listed_files"], u.queue["listed_bytes"]) != (event.files, event.bytes) or not u.queue[
        "available"
    ]
    take_queue(u, event, at)
    u.queue_folder_path = u.folder_path
    if not u.active:
        return False
    # The listing holds what still waits; what this session has done comes on top.
    session = u.session
    session["files_total"] = session["files_done"] + u.queue["listed_files"]
    session["bytes_total"] = session["bytes_done"] + u.queue["listed_bytes"]
    update_left(session)
    u.dirty.add("session")
    return changed


def take_queue(u: UploaderState, event: events.QueueLearned, learned_at: float) -> None:
    """Show a queue. learned_at: epoch seconds."""
    files, size = u.queue_left = clean.whole(event.files), clean.whole(event.bytes)
    u.queue = {
        "available": True,
        "files": files,
        "bytes": size,
        "listed_files": files,
        "listed_bytes": size,
        "source": clean.text(event.source),
        "confidence": clean.text(event.confidence),
        "duration_seconds": clean.number(event.duration_seconds),
        "learned_at": learned_at,
        "distribution": cast(Distribution, clean.mapping(event.distribution)),
    }
    u.dirty.add("queue")


def on_accounts_learned(u: UploaderState, event: events.AccountsLearned, _at: float) -> bool:
    take_pool(u, event)
    u.session["accounts_total"] = len(event.accounts)
    u.dirty.add("session")
    return False


def take_pool(u: UploaderState, event: events.AccountsLearned) -> None:
    """Show the whole pool; accounts that it does not name are gone."""
    names = [clean.base_name(quota.account) for quota in event.accounts]
    u.accounts.keep_only(names, total=len(names))
    for index, (name, quota) in enumerate(zip(names, event.accounts, strict=True)):
        u.accounts.charge(name, _returns(quota), **(_quota(quota) | {"index": index}))
    u.accounts_changed()


def _quota(quota: events.QuotaChanged | events.AccountQuota) -> Change:
    return {
        "state": clean.word(quota.state, events.AccountState) or events.AccountState.READY,
        "why": clean.redact(quota.why),
        "used_bytes": clean.whole(quota.used_bytes),
        "in_flight_bytes": clean.whole(quota.in_flight_bytes),
        "unsettled_bytes": clean.whole(quota.unsettled_bytes),
        "limit_bytes": clean.whole(quota.limit_bytes),
        "resets_at": clean.number(quota.resets_at),
        "until": clean.number(quota.until),
    }


def _returns(quota: events.QuotaChanged | events.AccountQuota) -> returns.Returns:
    """What comes back when; where only the time is told, all of it comes back then."""
    return returns.checked(quota.returns or ((quota.resets_at, quota.used_bytes),))


def on_quota_changed(u: UploaderState, event: events.QuotaChanged, _at: float) -> bool:
    name = clean.base_name(event.account)
    before = u.accounts.rows.get(name)
    u.accounts.charge(name, _returns(event), **_quota(event))
    row = u.accounts.rows.get(name)
    if row is not None and row["state"] == events.AccountState.READY:
        # Maybe nobody said more than what it has spent.
        works = name == u.stages.account
        u.accounts.change(name, **({"state": events.AccountState.ACTIVE} if works else at_rest(row)))
    # How much the running account has used or sent is a statistic; another state, or an upload cut off, is a fact.
    u.accounts_changed(slow=_facts_of(before) == _facts_of(u.accounts.rows.get(name)))
    return False


def _facts_of(row: Account | None) -> tuple[object, ...]:
    if row is None:
        return ()
    return row["state"], row["why"], row["until"], row["limit_bytes"], row["unsettled_bytes"]


def on_plan_made(u: UploaderState, event: events.PlanMade, at: float) -> bool:
    u.plan = clean.mapping(event.plan)
    planned = u.stages.plan(event.plan, at)
    # The plan holds the stages that are still to come.
    u.session["stages_total"] = (u.session["stage"] if u.active else 0) + planned
    u.dirty.update(("session", "plan"))
    return False
