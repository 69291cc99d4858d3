"""What each account has spent, for people: the document of `cloudplow accounts --json`."""

from __future__ import annotations

from typing import Any

from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.pool import AccountPool
from cloudplow.events import AccountQuota


def pool_document(pool: AccountPool, book: Ledger) -> list[dict[str, Any]]:
    """Every account of a pool that was read, in natural order. Sizes in bytes, times in epoch seconds, 0 for none."""
    return [
        _account(quota, book.stages_document(account.identity))
        for account, quota in zip(pool.accounts, pool.quotas(), strict=True)
    ]


def _account(quota: AccountQuota, stages: list[dict[str, Any]]) -> dict[str, Any]:
    taken = quota.used_bytes + quota.in_flight_bytes + quota.unsettled_bytes
    return {
        "account": quota.account,
        "used_bytes": quota.used_bytes,
        "in_flight_bytes": quota.in_flight_bytes,
        "unsettled_bytes": quota.unsettled_bytes,
        "limit_bytes": quota.limit_bytes,
        "free_bytes": max(0, quota.limit_bytes - taken),
        "resets_at": quota.resets_at or 0,
        "returns": [{"at": at, "bytes": size} for at, size in quota.returns],
        "state": str(quota.state),
        "why": quota.why,
        "until": quota.until or 0,
        "unsettled_stages": stages,
    }


def find_account(pool: AccountPool, name: str) -> str | None:
    """The identity of the account whose key file has this base name, with or without ".json"; None if there is none."""
    names = ((one.identity, one.name) for one in pool.accounts)
    return next((identity for identity, base in names if name in (base, base.removesuffix(".json"))), None)
