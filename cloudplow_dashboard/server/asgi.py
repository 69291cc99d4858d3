"""The front door: the stream as a native route, everything else to Flask through a2wsgi's pool of threads."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from a2wsgi import WSGIMiddleware

from cloudplow_dashboard.server.asked import Asked, Refusal, scope_headers
from cloudplow_dashboard.server.forwarded import TrustedProxies
from cloudplow_dashboard.server.guard import Rules, decide
from cloudplow_dashboard.server.host_log import HostLog
from cloudplow_dashboard.server.hub import Hub, Receive, Send
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.web.faults import error_document
from cloudplow_dashboard.web.security import response_headers

STREAM_PATH: Final = "/api/events"
#: Where a page that already has a state says `BOOT:VERSION`, because no script can set the header.
LAST_EVENT_ID: Final = "last_event_id"
#: How much of a query is read, in bytes.
QUERY_LIMIT: Final = 1000
#: A browser that is turned away comes back after this time, in seconds.
RETRY_AFTER_SECONDS: Final = 10

Scope = dict[str, Any]


class FrontDoor:
    """The ASGI application. pool: Flask behind its threads; proxies: whose forwarded headers are trusted."""

    def __init__(
        self, hub: Hub, pool: WSGIMiddleware, rules: Rules, host_log: HostLog, proxies: TrustedProxies
    ) -> None:
        self._hub = hub
        self._rules = rules
        self._host_log = host_log
        self._proxies = proxies
        self._pool: Any = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        seen = self._proxies.apply(scope)
        decision = decide(asked_of(scope, seen), self._rules)
        if isinstance(decision, Refusal):
            if decision.host is not None:
                self._host_log.refused(decision.host)
            await _answer(send, decision.status, decision.code, decision.message, dict(decision.headers))
        elif seen["path"] == STREAM_PATH:
            await self._stream(seen, receive, send)
        else:
            await self._pool(seen, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if self._hub.stopping or len(self._hub.viewers) >= self._hub.limits.viewers:
            later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            await _answer(send, 503, "too_many_viewers", "Too many viewers at the moment", later)
            return
        await _head(send, 200, response_headers("stream") | {"Content-Type": "text/event-stream; charset=utf-8"})
        if method == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        event_id = _header(scope, b"last-event-id")
        asked = "" if event_id else _query(scope, LAST_EVENT_ID)
        await self._hub.watch(event_id or asked, receive, send, confirm=bool(asked))


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


def _header(scope: Scope, wanted: bytes) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value).decode("latin-1")
    return ""


def _query(scope: Scope, wanted: str) -> str:
    query = bytes(scope.get("query_string", b""))[:QUERY_LIMIT].decode("latin-1")
    return parse_qs(query).get(wanted, [""])[-1]


async def _head(send: Send, status: int, headers: dict[str, str]) -> None:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _answer(send: Send, status: int, code: str, message: str, extra: dict[str, str] | None = None) -> None:
    """A short JSON answer in place of the stream."""
    body = encode_json(error_document(code, message)) + b"\n"
    headers = response_headers("api") | {"Content-Type": "application/json", "Content-Length": str(len(body))}
    await _head(send, status, headers | (extra or {}))
    await send({"type": "http.response.body", "body": body, "more_body": False})
