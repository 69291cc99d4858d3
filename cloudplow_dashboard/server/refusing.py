"""Short JSON answers that need neither Flask nor a thread: refusals, and what must be answered whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any

from cloudplow_dashboard.server.asked import Asked, Refusal
from cloudplow_dashboard.server.hub import Receive, Send, abort
from cloudplow_dashboard.server.limits import BUSY_RETRY_SECONDS, Limits
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.web.faults import error_document
from cloudplow_dashboard.web.security import response_headers

Encoded = list[tuple[bytes, bytes]]


def busy(message: str, seconds: int = BUSY_RETRY_SECONDS, code: str = "busy") -> Refusal:
    """There is no room at the moment. seconds: when to come back."""
    return Refusal(503, code, message, {"Retry-After": str(seconds)})


def encoded(headers: Mapping[str, str]) -> Encoded:
    """Headers as ASGI wants them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def json_answer(document: Any, more: Mapping[str, str] | None = None) -> tuple[Encoded, bytes]:
    """Headers and body of a JSON answer."""
    body = encode_json(document) + b"\n"
    own = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return encoded(response_headers("api") | own | dict(more or {})), body


def answer_of(status: int, code: str, message: str, more: Mapping[str, str]) -> tuple[int, Encoded, bytes]:
    """Status, headers and body of the answer that reports a fault. A text that is no Unicode is repaired."""
    text = message.encode("utf-8", "replace").decode("utf-8")
    headers, body = json_answer(error_document(code, text), more)
    return status, headers, body


async def in_time(send: Send, seconds: float, answering: Coroutine[Any, Any, None]) -> None:
    """Answer; who does not read it in time is cut. Even a short answer waits where earlier ones were not read."""
    try:
        async with asyncio.timeout(seconds):
            await answering
    except TimeoutError:
        abort(send)


async def begin(send: Send, status: int, headers: Encoded) -> None:
    """The head of an answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def respond(send: Send, status: int, headers: Encoded, body: bytes) -> None:
    """A whole answer."""
    await begin(send, status, headers)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def refuse(asked: Asked, refusal: Refusal, receive: Receive, send: Send, limits: Limits) -> None:
    """Turn a request away. If it has a body, the connection ends: nobody will read that."""
    await in_time(send, limits.stuck + limits.linger, _refuse(asked, refusal, receive, send, limits))


async def _refuse(asked: Asked, refusal: Refusal, receive: Receive, send: Send, limits: Limits) -> None:
    more = {**refusal.headers, "Connection": "close"} if asked.has_body else refusal.headers
    status, headers, body = answer_of(refusal.status, refusal.code, refusal.message, more)
    if not asked.has_body:
        await respond(send, status, headers, body)
        return
    await begin(send, status, headers)
    await send({"type": "http.response.body", "body": body, "more_body": True})
    _linger(send)
    # Were the connection closed with bytes unread, the client's system would throw our answer away.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limits.linger):
            await _drain(receive, limits.linger_bytes)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _linger(send: Send) -> None:
    """Tell the connection behind an ASGI `send` callable that its answer has been sent; see `abort`."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if isinstance(transport, asyncio.Transport):
        getattr(transport.get_protocol(), "lingers", lambda: None)()


async def _drain(receive: Receive, limit_bytes: int) -> None:
    size = 0
    while size < limit_bytes:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
        size += len(message.get("body", b""))
