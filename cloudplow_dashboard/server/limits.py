"""Every bound of the server, once. Without them one client could take the memory and the descriptors of an upload."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Final

from cloudplow_dashboard.state.patches import KEEP_ALIVE_SECONDS

#: Threads for Flask. Its views only read memory, so they compute all the time: more would only take it from the loop.
WORKERS: Final = 2
#: What is handed to a connection at once, in bytes.
SLICE_BYTES: Final = 64 << 10
#: Connections that the kernel keeps for us.
BACKLOG: Final = 256
#: When who is turned away may come back, in seconds.
BUSY_RETRY_SECONDS: Final = 2
VIEWERS_RETRY_SECONDS: Final = 10
#: Even where few descriptors are to be had, and what an upload needs of them.
FEWEST_CONNECTIONS: Final = 8
ENGINE_DESCRIPTORS: Final = 40
#: So often asyncio accepts before the first of the connections is looked at.
ACCEPTING_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds.

    Of the stream: viewers; coalesce: how long the first of several facts waits for others; keep_alive: how often a
    comment line is sent. Of any connection: connections: how many; accepted_at_once: how many are
    accepted before any of them is looked at; client_connections: of one client, also behind a
    proxy; stuck: how long one send may last; head: a request that is not whole by then is cut; linger, linger_bytes:
    what is still read of a body that was refused; sweep: how often all this is looked at.

    Of answers: queue: requests that wait or are worked on; downloads: exports at once, until they are sent; answer:
    until it is read; unsent_bytes, client_unsent_bytes: of all answers that are being read, and of those of one client.
    """

    viewers: int = 1100
    connections: int = 1500
    accepted_at_once: int = 64
    client_connections: int = 100
    coalesce: float = 0.02
    stuck: float = 10.0
    keep_alive: float = KEEP_ALIVE_SECONDS
    sweep: float = 1.0
    head: float = 10.0
    linger: float = 2.0
    linger_bytes: int = 1 << 20
    queue: int = 100
    downloads: int = 4
    answer: float = 60.0
    unsent_bytes: int = 64 << 20
    client_unsent_bytes: int = 16 << 20


def limits_of_this_process() -> Limits:
    """Bounds that leave at least half of the file descriptors to the upload."""
    soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft_limit == resource.RLIM_INFINITY:
        return Limits()
    default = Limits()
    at_once = max(1, min(default.accepted_at_once, soft_limit // 32))
    spared = soft_limit - ENGINE_DESCRIPTORS - ACCEPTING_ROUNDS * at_once
    connections = max(FEWEST_CONNECTIONS, min(default.connections, soft_limit // 2, spared))
    viewers = min(default.viewers, connections * 9 // 10)
    return Limits(viewers=viewers, connections=connections, accepted_at_once=at_once)
