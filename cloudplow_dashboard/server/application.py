"""Flask, the stream and uvicorn, put together. Importing this is slow: see `server`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import uvicorn
from a2wsgi import WSGIMiddleware

from cloudplow_dashboard.server.asgi import FrontDoor
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.server.hub import Hub
from cloudplow_dashboard.server.protocol import bounded_protocol
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app

#: Threads for Flask; its views only read memory.
WORKERS: Final = 4


def build(
    hub: Hub, state: DashboardState, history: History | None, trusted_proxies: Sequence[str]
) -> tuple[uvicorn.Server, WSGIMiddleware]:
    """The server, and the threads that Flask answers on. trusted_proxies: addresses."""
    flask_app: Any = create_app(state, history)
    pool = WSGIMiddleware(flask_app, workers=WORKERS)
    application: Any = FrontDoor(hub, pool, TrustedProxies(trusted_proxies))
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
    return uvicorn.Server(config), pool
