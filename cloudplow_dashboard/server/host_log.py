"""Says in the log which name was refused, with what to paste; seldom, because anybody can make up names."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from cloudplow_dashboard.server.hosts import host_of

log = logging.getLogger("cloudplow.dashboard")

#: How many names are remembered as said, and how many lines come in one period, in seconds.
REMEMBERED_LIMIT: Final = 64
LINES_LIMIT: Final = 10
PERIOD_SECONDS: Final = 3600.0
#: How much of a name is shown, in characters.
SHOWN_LIMIT: Final = 100


class HostLog:
    """Used on the server's loop only. allowed: what the setting holds now; clock: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float], allowed: Sequence[str] = ()) -> None:
        self._clock = clock
        self._allowed = list(allowed)
        self._said: OrderedDict[str, None] = OrderedDict()
        self._begun = clock()
        self._lines = 0

    def refused(self, text: str) -> None:
        """A request was refused because of this host. Said once for each, and only so often."""
        host = host_of(text)
        name = host if isinstance(host, str) else ""
        if name in self._said or not self._may_speak():
            return
        self._said[name] = None
        if len(self._said) > REMEMBERED_LIMIT:
            self._said.popitem(last=False)
        if name:
            entry = json.dumps({"dashboard": {"allowed_hosts": [*self._allowed, name]}})
            log.warning(
                "The dashboard refused a request that called it %s. If that name is yours, put it into config.json: %s",
                json.dumps(name[:SHOWN_LIMIT]),
                entry if len(name) <= SHOWN_LIMIT else "dashboard.allowed_hosts",
            )
        else:
            shown = json.dumps(text[:SHOWN_LIMIT])
            log.warning("The dashboard refused a request whose Host is no name and no address: %s", shown)

    def _may_speak(self) -> bool:
        now = self._clock()
        if now - self._begun >= PERIOD_SECONDS:
            self._begun, self._lines = now, 0
        self._lines += 1
        return self._lines <= LINES_LIMIT
