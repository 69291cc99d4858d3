"""What the stream carries: merge patches (RFC 7396), frames of Server-Sent Events, and the ring to resume from.

No Flask, no threads of its own. A version is one state of the document; a frame leads from one version to the next.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, Final

#: How far back a viewer can resume, whichever is reached first.
RING_FRAMES: Final = 1024
RING_BYTES: Final = 4 << 20
#: What one viewer that lags is handed at once, in bytes.
JOIN_BYTES: Final = 64 << 10

#: The first thing on every stream: how long a browser waits before it connects again, in milliseconds.
PREAMBLE: Final = b"retry: 2000\n\n"
KEEP_ALIVE: Final = b": keep-alive\n\n"
#: How often a viewer gets one, in seconds.
KEEP_ALIVE_SECONDS: Final = 15


def encode_json(document: Any) -> bytes:
    """Compact JSON in UTF-8. Raises ValueError for a number that JSON cannot hold."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that leads from one object to another; {} when they are equal. Neither may hold null."""
    patch: dict[str, Any] = {}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
            continue
        before = old[key]
        if before == value:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            patch[key] = difference(before, value)
        else:
            patch[key] = value
    for key in old.keys() - new.keys():
        patch[key] = None
    return patch


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch, as every viewer does; returns a new document.

    Source: https://www.rfc-editor.org/rfc/rfc7396#section-2
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def frame(event: str, boot: str, version: int, data: bytes) -> bytes:
    """One event of the stream; data: JSON on one line."""
    return b"id: %s:%d\nevent: %s\ndata: %s\n\n" % (boot.encode(), version, event.encode(), data)


def position_of(event_id: str, boot: str) -> int | None:
    """The version of an id that this process gave out ("BOOT:VERSION"); None for any other text."""
    head, colon, tail = event_id.strip().rpartition(":")
    if not colon or head != boot or not tail.isascii() or not tail.isdigit() or len(tail) > 15:
        return None
    return int(tail)


class Ring:
    """The latest frames by version, without a gap; bounded. Any thread may use it."""

    def __init__(self, max_frames: int = RING_FRAMES, max_bytes: int = RING_BYTES) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._frames: dict[int, bytes] = {}
        self._first = 0
        self._last = 0
        self._bytes = 0
        self._last_size = 0
        self._joined: tuple[tuple[int, int], tuple[bytes, int]] | None = None

    def append(self, version: int, data: bytes) -> None:
        """Add the frame that leads to `version`; after a gap the older frames are dropped."""
        with self._lock:
            if version != self._last + 1:
                self._frames.clear()
                self._bytes = 0
                self._first = version
            self._frames[version] = data
            self._last = version
            self._last_size = len(data)
            self._bytes += len(data)
            while len(self._frames) > self._max_frames or (self._bytes > self._max_bytes and len(self._frames) > 1):
                self._bytes -= len(self._frames.pop(self._first))
                self._first += 1

    @property
    def last_size(self) -> int:
        """The size of the newest frame, in bytes; 0 before the first."""
        return self._last_size

    def reaches(self, version: int, latest: int) -> bool:
        """Whether frames lead from `version` to `latest` without a gap."""
        with self._lock:
            return version == latest or (version < latest == self._last and version + 1 >= self._first)

    def since(self, version: int, up_to: int) -> tuple[bytes, int] | None:
        """Joined frames after `version` and the version that they lead to, about JOIN_BYTES at once.

        None when the ring has passed that version. Viewers at the same position share the same bytes.
        """
        with self._lock:
            if version + 1 < self._first or up_to > self._last:
                return None
            if self._joined is not None and self._joined[0] == (version, up_to):
                return self._joined[1]
            parts: list[bytes] = []
            size = 0
            reached = version
            while reached < up_to and (not parts or size < JOIN_BYTES):
                reached += 1
                parts.append(self._frames[reached])
                size += len(parts[-1])
            result = (parts[0] if len(parts) == 1 else b"".join(parts)), reached
            self._joined = (version, up_to), result
            return result
