"""Requests that two readers could understand differently are turned away before anything looks at them. Pure.

The guard decides about what it reads; Flask and a proxy may read something else in "//api/state", "/api/%73tate" or
"X_Forwarded_For". No client of ours sends such things.
"""

from __future__ import annotations

import re
from typing import Final

from cloudplow_dashboard.server.asked import Asked, Refusal

#: Longest path and query, in bytes. A text of 1,024 letters may take twelve times as many.
PATH_LIMIT: Final = 1024
QUERY_LIMIT: Final = 32 << 10
#: Of headers: how many, and the bytes of all their names and values.
HEADERS_LIMIT: Final = 100
HEADERS_BYTES_LIMIT: Final = 64 << 10

_ALLOWED: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+")
#: What nobody needs to encode (letters, digits, "-._~"), what would be a separator, a second encoding, or no text.
_ENCODED: Final = re.compile(
    rb"%(?:2[5defDEF]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCfF]|6[1-9a-fA-F]|7[0-9aAeEfF]|[01][0-9a-fA-F])"
)
#: Headers that say one thing.
_ONCE: Final = frozenset(
    {
        b"authorization",
        b"content-length",
        b"cookie",
        b"host",
        b"last-event-id",
        b"origin",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"sec-fetch-user",
        b"transfer-encoding",
    }
)


def misshapen(asked: Asked) -> Refusal | None:
    """What is wrong with the form of a request."""
    return _path(asked.raw_path) or _query(asked.query) or _headers(asked)


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)


def _path(path: bytes) -> Refusal | None:
    if not path.startswith(b"/"):
        return _bad("The request must name a path of this server")
    if len(path) > PATH_LIMIT:
        return _bad("The path is too long")
    if b"//" in path:
        return _bad("The path has an empty part")
    if _ALLOWED.fullmatch(path) is None or _ENCODED.search(path) is not None:
        return _bad("The path has characters that do not belong in one, or are encoded without need")
    if any(part in (b".", b"..") for part in path.split(b"/")):
        return _bad('The path has parts "." or ".."')
    return None


def _query(query: bytes) -> Refusal | None:
    return _bad("The query is too long") if len(query) > QUERY_LIMIT else None


def _headers(asked: Asked) -> Refusal | None:
    if len(asked.headers) > HEADERS_LIMIT:
        return _bad("There are too many headers")
    if sum(len(name) + len(value) for name, value in asked.headers) > HEADERS_BYTES_LIMIT:
        return _bad("The headers are too long")
    seen = set()
    for name, _ in asked.headers:
        if b"_" in name:
            return _bad("Names of headers with an underscore are not taken: others read it as a hyphen")
        if name in seen and name in _ONCE:
            return _bad(f"The header {name.decode('latin-1')} is there more than once")
        seen.add(name)
    return None
