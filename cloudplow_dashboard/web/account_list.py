"""`/api/service_accounts`: all accounts, filtered, sorted and paged. Pure, under the state's lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cloudplow_dashboard.state.recovery import natural_key
from cloudplow_dashboard.web.compat import Uploaders, account_row

Entry = tuple[str, str, Mapping[str, Any]]

_STATES: Final = {"active": 0, "ready": 1, "cooling": 2, "denied": 3, "failed": 4}

_KEYS: Final[dict[str, Callable[[Entry], Any]]] = {
    "name": lambda one: natural_key(one[1]),
    "state": lambda one: _STATES[one[2]["state"]],
    "used": lambda one: one[2]["used_bytes"],
    "free": lambda one: one[2]["limit_bytes"] - one[2]["used_bytes"],
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
) -> tuple[list[dict[str, Any]], int]:
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
