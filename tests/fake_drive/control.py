"""The state as JSON over plain HTTP, for other processes: GET /state, POST /config.

GET /state holds counters and is cheap; with ?files=1 it walks every file, while uploads wait.
"""

from __future__ import annotations

import json
from typing import Any, Final

from .answers import Failure
from .faults import Fault
from .store import Entry
from .stream import Stream
from .wire import Answer, Request, read_request, read_whole_body
from .world import World

_GONE: Final = (EOFError, ConnectionError)


class Control:
    """Serves the control port."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def serve(self, stream: Stream) -> None:
        """Serve one connection."""
        try:
            while True:
                request = await read_request(stream)
                body = await read_whole_body(stream, request)
                await stream.write(self._answer(request, body).encode())
        except _GONE:
            stream.close()

    def _answer(self, request: Request, body: bytes) -> Answer:
        with self._world.lock:
            if (request.method, request.path) == ("GET", "/state"):
                return Answer.of_json(show_state(self._world, with_files="files" in request.query))
            if (request.method, request.path) == ("POST", "/config"):
                try:
                    apply_config(self._world, json.loads(body))
                except (KeyError, TypeError, ValueError) as error:
                    return Answer.of_json({"error": repr(error)}, 400)
                return Answer.of_json({})
        return Answer.of_json({"error": "GET /state or POST /config"}, 404)


def show_state(world: World, *, with_files: bool) -> dict[str, Any]:
    """Counters of the Drive and of each account, sizes in bytes; on demand files and duplicates.

    The caller holds the lock.
    """
    accounts = {}
    for name, account in world.accounts.items():
        quota = world.quota_of(account)
        accounts[name] = {
            "uploads": account.meter.uploads,
            "committed": account.meter.committed_bytes,
            "received": account.meter.received_bytes,
            "in_window": world.used_bytes(account),
            "limit": quota.limit_bytes,
            "denials": account.meter.denials,
            "revoked": account.revoked,
            "requests": dict(account.requests),
        }
    document: dict[str, Any] = {
        "now": world.clock(),
        "accounts": accounts,
        "requests": dict(world.requests),
        "refused_hosts": world.refused_hosts,
        "problems": world.problems,
    }
    if with_files:
        document["duplicates"] = world.store.duplicates()
        document["files"] = {
            path: {"size": entry.size, "md5": entry.md5, "account": entry.account} for path, entry in _files(world)
        }
    return document


def apply_config(world: World, document: dict[str, Any]) -> None:
    """Change what the document names. The caller holds the lock. Raises KeyError, TypeError or ValueError.

    {"quota": {"limit_bytes": N, "mode": "mid_file", "account": "1.json"}, "settings": {"latency_seconds": 0.01},
     "faults": [{"failure": "server_error", "kinds": ["chunk"], "every": 7}], "spend": {"1.json": N},
     "revoke": ["1.json"], "restore": ["1.json"]}; "faults" replaces those that there were.
    """
    if "quota" in document:
        changes = dict(document["quota"])
        world.change_quota(changes.pop("account", None), changes)
    world.change_settings(document.get("settings", {}))
    if "faults" in document:
        world.settings.faults[:] = [_read_fault(fault) for fault in document["faults"]]
    for name, size in document.get("spend", {}).items():
        world.accounts[name].meter.spend(int(size), world.clock())
    for name in document.get("revoke", []):
        world.revoke(name, withdraw_tokens=False)
    for name in document.get("restore", []):
        world.accounts[name].revoked = False


def _read_fault(document: dict[str, Any]) -> Fault:
    options = dict(document)
    failure = Failure(options.pop("failure"))
    kinds, accounts = frozenset(options.pop("kinds", ())), frozenset(options.pop("accounts", ()))
    return Fault(failure, kinds=kinds, accounts=accounts, **options)


def _files(world: World) -> list[tuple[str, Entry]]:
    roots = sorted(world.store.roots)
    return [(path, entry) for root in roots for path, entry in world.store.walk(root) if not entry.is_folder]
