"""Flask, the stream and uvicorn, put together. Importing this is slow: see `server`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass
from typing import Any, Final

import uvicorn

from cloudplow_dashboard.server.asgi import FrontDoor
from cloudplow_dashboard.server.connections import Clients, Connections
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.server.guard import rules
from cloudplow_dashboard.server.host_log import HostLog
from cloudplow_dashboard.server.hosts import Hosts
from cloudplow_dashboard.server.hub import Hub
from cloudplow_dashboard.server.limits import BACKLOG
from cloudplow_dashboard.server.names import own_names
from cloudplow_dashboard.server.pool import Pool
from cloudplow_dashboard.server.protocol import bounded_protocol
from cloudplow_dashboard.server.reach import Reach
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app

#: How often the server renews the date in its headers, in seconds.
TICK_SECONDS: Final = 1.0


class QuietServer(uvicorn.Server):
    """Looks once a second instead of ten times: an idle page must cost next to nothing. leave: ends it at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leave = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """asyncio accepts as many connections at once as the kernel may keep for it, before any limit is looked at: so
        it is told few, and the kernel more."""
        await super().startup(sockets)
        for one in sockets or []:
            one.listen(BACKLOG)

    async def main_loop(self) -> None:
        """As that of uvicorn, whose counter of tenths of a second says when headers are renewed."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leave.wait(), TICK_SECONDS)


@dataclass(frozen=True, slots=True)
class Built:
    """What serves: uvicorn, the threads that Flask answers on, and who is connected."""

    server: QuietServer
    pool: Pool
    connections: Connections


def build(hub: Hub, state: DashboardState, history: History | None, reach: Reach) -> Built:
    """The server, which does not run yet."""
    flask_app: Any = create_app(state, history)
    limits, proxies = hub.limits, TrustedProxies(reach.trusted_proxies)
    pool = Pool(flask_app, limits, proxies.trusts)
    clients = Clients(limits.client_connections, proxies.trusts)
    connections = Connections(limits, clients, time.monotonic)
    hosts = Hosts((*own_names(), *reach.own_names), reach.allowed_hosts)
    host_log = HostLog(time.monotonic, reach.allowed_hosts)
    application: Any = FrontDoor(hub, pool, rules(hosts), host_log, proxies, clients)
    config = uvicorn.Config(
        application,
        interface="asgi3",
        http=bounded_protocol(connections),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=limits.accepted_at_once,
        timeout_graceful_shutdown=1,
    )
    return Built(QuietServer(config), pool, connections)
