"""Flask, the stream and uvicorn, put together. Importing this is slow: see `server`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

import uvicorn
from a2wsgi import WSGIMiddleware

from cloudplow_dashboard.server.asgi import FrontDoor
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.server.guard import rules
from cloudplow_dashboard.server.host_log import HostLog
from cloudplow_dashboard.server.hosts import Hosts
from cloudplow_dashboard.server.hub import Hub
from cloudplow_dashboard.server.names import own_names
from cloudplow_dashboard.server.protocol import bounded_protocol
from cloudplow_dashboard.server.reach import Reach
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app

#: Threads for Flask; its views only read memory.
WORKERS: Final = 4
#: How often the server renews the date in its headers, in seconds.
TICK_SECONDS: Final = 1.0


class QuietServer(uvicorn.Server):
    """Looks once a second instead of ten times: an idle page must cost next to nothing. leave: ends it at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        """As that of uvicorn, whose counter of tenths of a second says when headers are renewed."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leave.wait(), TICK_SECONDS)


def build(hub: Hub, state: DashboardState, history: History | None, reach: Reach) -> tuple[QuietServer, WSGIMiddleware]:
    """The server, and the threads that Flask answers on."""
    flask_app: Any = create_app(state, history)
    pool = WSGIMiddleware(flask_app, workers=WORKERS)
    application: Any = FrontDoor(
        hub,
        pool,
        rules(Hosts((*own_names(), *reach.own_names), reach.allowed_hosts)),
        HostLog(time.monotonic, reach.allowed_hosts),
        TrustedProxies(reach.trusted_proxies),
    )
    config = uvicorn.Config(
        application,
        interface="asgi3",
        http=bounded_protocol(hub.limits.connections),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return QuietServer(config), pool
