"""As much of HTTP/1.1 as rclone, a proxy client and curl need: requests in, answers out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .stream import Stream


@dataclass(slots=True)
class Request:
    """The head of a request; `headers` has lower-case names, `query` the first value of each parameter."""

    method: str
    target: str
    headers: dict[str, str]
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the head."""
        return "transfer-encoding" in self.headers or self.length > 0

    @property
    def length(self) -> int:
        """Content-Length in bytes; 0 when it is not known beforehand (chunked)."""
        return int(self.headers.get("content-length", "0"))

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send another request over this connection."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(slots=True)
class Answer:
    """A response with its whole body in memory."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, document: Any, status: int = 200) -> Answer:
        """A JSON document."""
        body = json.dumps(document, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json; charset=UTF-8"})

    def encode(self, *, keep_alive: bool = True) -> bytes:
        """The bytes to send."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", f"Content-Length: {len(self.body)}"]
        lines.append(f"Date: {formatdate(usegmt=True)}")  # as Google's servers do
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if not keep_alive:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


async def read_request(stream: Stream) -> Request:
    """The next request's head. Raises EOFError when the peer has closed, ValueError when it is no HTTP."""
    head = (await stream.until(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    request = Request(method, target, headers)
    if method != "CONNECT":
        parts = urlsplit(target)
        request.path = unquote(parts.path)
        request.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if headers.get("expect", "").lower() == "100-continue":
        await stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return request


async def read_body(stream: Stream, request: Request) -> AsyncIterator[memoryview]:
    """The pieces of the body as they arrive; each is valid only until the next one is asked for."""
    if request.headers.get("transfer-encoding", "").lower() == "chunked":
        while length := int((await stream.until(b"\r\n")).split(b";")[0], 16):
            async for piece in _read_pieces(stream, length):
                yield piece
            await stream.until(b"\r\n")
        while await stream.until(b"\r\n") != b"\r\n":
            pass  # trailers
    else:
        async for piece in _read_pieces(stream, request.length):
            yield piece


async def read_whole_body(stream: Stream, request: Request) -> bytes:
    """The whole body, for small ones."""
    return b"".join([bytes(piece) async for piece in read_body(stream, request)])


async def _read_pieces(stream: Stream, length: int) -> AsyncIterator[memoryview]:
    while length > 0:
        piece = (await stream.some())[:length]
        yield piece
        stream.skip(len(piece))
        length -= len(piece)


def _phrase(status: int) -> str:
    """The reason phrase; 308 is Google's "Resume Incomplete"."""
    return "Resume Incomplete" if status == 308 else HTTPStatus(status).phrase
