"""What arrives in an upload: its size and hash; the bytes themselves only on demand. And multipart bodies."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Self

_HEADERS_END = b"\r\n\r\n"
_SLACK_BYTES = 16


class Content:
    """A running md5 sum and size."""

    def __init__(self, *, keep: bool) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._pieces: list[bytes] | None = [] if keep else None

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes."""
        self.size += len(piece)
        self._md5.update(piece)
        if self._pieces is not None:
            self._pieces.append(bytes(piece))

    def copy(self) -> Self:
        """A copy, so that a chunk that fails half way leaves no trace."""
        twin = type(self)(keep=False)
        twin.size = self.size
        twin._md5 = self._md5.copy()
        twin._pieces = None if self._pieces is None else list(self._pieces)
        return twin

    @property
    def md5(self) -> str:
        """The sum of everything so far, in hexadecimal."""
        return self._md5.hexdigest()

    @property
    def kept(self) -> bytes | None:
        """The bytes; None when they were not kept."""
        return None if self._pieces is None else b"".join(self._pieces)


class Multipart:
    """Takes a `multipart/related` body apart as it arrives: JSON metadata, then the content.

    The closing boundary is told from content by its place at the very end, so the last bytes are held back.
    """

    def __init__(self, content_type: str, content: Content) -> None:
        boundary = content_type.partition("boundary=")[2].split(";")[0].strip('"')
        self._closing = f"\r\n--{boundary}--".encode()
        self._hold = len(self._closing) + _SLACK_BYTES
        self._head = bytearray()
        self._held = b""
        self._content = content
        self.metadata: dict[str, Any] | None = None

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes of the body."""
        if self.metadata is None:
            self._head += piece
            piece = self._take_head()
        if self.metadata is None:
            return
        if len(piece) <= self._hold:
            joined = self._held + bytes(piece)
            self._content.feed(memoryview(joined)[: -self._hold])
            self._held = joined[-self._hold :]
        else:
            self._content.feed(memoryview(self._held))
            self._content.feed(piece[: -self._hold])
            self._held = bytes(piece[-self._hold :])

    def finish(self) -> dict[str, Any]:
        """The body is complete: return the metadata. Raises ValueError when something is missing."""
        end = self._held.rfind(self._closing)
        if self.metadata is None or end < 0:
            raise ValueError("the multipart body is incomplete")
        self._content.feed(memoryview(self._held)[:end])
        return self.metadata

    def _take_head(self) -> memoryview:
        """Once both parts' headers are there: read the metadata, return what there is of the content."""
        first = self._head.find(_HEADERS_END)
        second = self._head.find(_HEADERS_END, first + len(_HEADERS_END)) if first >= 0 else -1
        if second < 0:
            return memoryview(b"")
        metadata = bytes(self._head[first + len(_HEADERS_END) : second])
        self.metadata = json.loads(metadata[: metadata.rfind(b"\r\n--")])
        rest = memoryview(bytes(self._head[second + len(_HEADERS_END) :]))
        self._head.clear()
        return rest
