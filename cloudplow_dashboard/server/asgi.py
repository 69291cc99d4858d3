"""The front door: the guard, then health and the stream as native routes, everything else to Flask on its threads."""

from __future__ import annotations

from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from cloudplow_dashboard.server.asked import Asked, Refusal, scope_headers
from cloudplow_dashboard.server.connections import Clients
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.server.guard import Rules, decide
from cloudplow_dashboard.server.host_log import HostLog
from cloudplow_dashboard.server.hub import Hub, Receive, Send, leaves_at_once
from cloudplow_dashboard.server.limits import VIEWERS_RETRY_SECONDS
from cloudplow_dashboard.server.pool import Pool
from cloudplow_dashboard.server.refusing import begin, busy, encoded, in_time, json_answer, refuse, respond
from cloudplow_dashboard.web.faults import ApiError
from cloudplow_dashboard.web.parameters import Query, StreamQuery, parse
from cloudplow_dashboard.web.route import Access
from cloudplow_dashboard.web.security import response_headers

HEALTH_PATH: Final = "/api/health"
STREAM_PATH: Final = "/api/events"
#: Parameters of a query that are looked at.
_PARAMETERS_LIMIT: Final = 100

_VIEWERS: Final = busy("Too many viewers at the moment", VIEWERS_RETRY_SECONDS, "too_many_viewers")
_CLIENT: Final = busy("Too many requests of this client at the moment")

Scope = dict[str, Any]
Q = TypeVar("Q", bound=Query)


class FrontDoor:
    """The ASGI application.

    pool: Flask behind its threads; rules: of the guard; host_log: is told of hosts that are not ours; proxies: whose
    forwarded headers are trusted; clients: counts what each has open.
    """

    def __init__(
        self, hub: Hub, pool: Pool, rules: Rules, host_log: HostLog, proxies: TrustedProxies, clients: Clients
    ) -> None:
        self._hub = hub
        self._pool = pool
        self._rules = rules
        self._host_log = host_log
        self._proxies = proxies
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        seen = self._proxies.apply(scope)
        asked = asked_of(scope, seen)
        decision: Access | Refusal | None = decide(asked, self._rules)
        if isinstance(decision, Access):
            # Who connects himself is counted with his connections.
            behind_proxy = seen is not scope and seen.get("client") != scope.get("client")
            decision = await self._answer(decision, asked, seen, receive, send, count=behind_proxy)
        elif decision is not None and decision.host is not None:
            self._host_log.refused(decision.host)
        if isinstance(decision, Refusal):
            await refuse(asked, decision, receive, send, self._hub.limits)

    async def _answer(
        self, access: Access, asked: Asked, seen: Scope, receive: Receive, send: Send, *, count: bool
    ) -> Refusal | None:
        """Answer a request that was let in, or say why it is turned away."""
        if count and not self._clients.enter(asked.client):
            return _CLIENT
        try:
            if seen["path"] == HEALTH_PATH:
                return await self._health(asked, send)
            if seen["path"] == STREAM_PATH:
                return await self._stream(asked, receive, send)
            return await self._pool.answer(seen, access, receive, send)
        finally:
            if count:
                self._clients.leave(asked.client)

    async def _health(self, asked: Asked, send: Send) -> Refusal | None:
        """From memory and without a thread: whoever watches over the engine must be answered whatever else goes on."""
        query = parameters(asked, Query)
        if isinstance(query, Refusal):
            return query
        headers, body = json_answer(self._hub.state.health())
        await in_time(send, self._hub.limits.stuck, respond(send, 200, headers, body))
        return None

    async def _stream(self, asked: Asked, receive: Receive, send: Send) -> Refusal | None:
        query = parameters(asked, StreamQuery)
        if isinstance(query, Refusal):
            return query
        if await leaves_at_once(send):
            return None
        if self._hub.stopping or len(self._hub.viewers) >= self._hub.limits.viewers:
            return _VIEWERS
        headers = response_headers("stream") | {"Content-Type": "text/event-stream; charset=utf-8"}
        if asked.method == "HEAD":
            await in_time(send, self._hub.limits.stuck, respond(send, 200, encoded(headers), b""))
            return None
        await in_time(send, self._hub.limits.stuck, begin(send, 200, encoded(headers)))
        event_id = asked.value(b"last-event-id") or ""
        known = "" if event_id else query.last_event_id
        await self._hub.watch(event_id or known, receive, send, confirm=bool(known))
        return None


def asked_of(scope: Scope, seen: Scope) -> Asked:
    """A request as the guard sees it: as it came, and who made it, as trusted proxies tell."""
    headers = scope_headers(scope["headers"])
    hosts = [value.decode("latin-1").strip() for name, value in headers if name == b"host"] or [""]
    told = [bytes(value).decode("latin-1").strip() for name, value in seen["headers"] if name == b"host"]
    client = seen.get("client")
    return Asked(
        method=scope["method"],
        raw_path=bytes(scope["raw_path"]),
        query=bytes(scope.get("query_string", b"")),
        headers=headers,
        scheme=seen["scheme"],
        hosts=tuple(dict.fromkeys([*hosts, *told])),
        client=client[0] if client else "",
    )


def parameters(asked: Asked, kind: type[Q]) -> Q | Refusal:
    """The parameters of a request that Flask does not see."""
    try:
        given = parse_qs(asked.query.decode("latin-1"), keep_blank_values=True, max_num_fields=_PARAMETERS_LIMIT)
    except ValueError:
        return Refusal(400, "bad_parameter", "There are too many parameters")
    try:
        return parse(kind, given)
    except ApiError as error:
        return Refusal(error.status, error.code, error.message)
