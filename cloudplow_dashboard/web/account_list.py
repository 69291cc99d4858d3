"""`/api/service_accounts`: all accounts, filtered, sorted and paged. Pure, under the state's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudplow.events import AccountState
from cloudplow_dashboard.state.account_table import free_bytes, spent_bytes
from cloudplow_dashboard.state.document_quota import Account
from cloudplow_dashboard.state.figures import natural_key
from cloudplow_dashboard.state.uploader_state import Uploaders
from cloudplow_dashboard.web.answers import AccountRow
from cloudplow_dashboard.web.compat import account_row

#: Uploader, name, row.
Entry = tuple[str, str, Account]


#: The active one first, then as they are listed.
_STATES: Final = sorted(AccountState, key=lambda state: state != AccountState.ACTIVE)
_KEYS: Final[dict[str, Callable[[Entry], Any]]] = {
    "name": lambda one: natural_key(one[1]),
    "state": lambda one: _STATES.index(one[2]["state"]),
    "used": lambda one: spent_bytes(one[2]),
    "free": lambda one: free_bytes(one[2]),
    # What comes back soonest first; of which nothing is spent last.
    "reset": lambda one: one[2]["resets_at"] or float("inf"),
}


def account_list(
    uploaders: Uploaders,
    now: float,
    *,
    state: str | None = None,
    q: str = "",
    sort: str = "index",
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[AccountRow], int]:
    """One page of accounts, and how many there are on all pages. now: epoch seconds; the rest as the parameters."""
    wanted = q.casefold()
    found: list[Entry] = []
    for uploader in uploaders.values():
        rows = sorted(uploader.accounts.rows.items(), key=lambda item: (item[1]["index"], natural_key(item[0])))
        found += [
            (uploader.name, name, row)
            for name, row in rows
            if (state is None or row["state"] == state)
            and (not wanted or wanted in name.casefold() or wanted in row["why"].casefold())
        ]
    key = sort.removeprefix("-")
    if key != "index":
        found.sort(key=_KEYS[key])
    if sort.startswith("-"):
        found.reverse()
    page = found[offset:] if limit is None else found[offset : offset + limit]
    return [account_row(*entry, now) for entry in page], len(found)
