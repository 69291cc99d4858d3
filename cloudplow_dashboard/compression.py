"""gzip for larger answers, when the client takes it."""

from __future__ import annotations

import gzip
from typing import Final

from flask import Response

#: Below this size compression is not worth its time, in bytes; 4 is quick and nearly as small as 9.
MINIMUM_BYTES: Final = 1024
LEVEL: Final = 4
#: Larger files are sent as they are, in bytes.
FILE_LIMIT_BYTES: Final = 1 << 20

_KINDS: Final = ("text/", "application/json", "application/openmetrics-text", "application/javascript", "image/svg")


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip. Source: RFC 9110, section 12.5.3."""
    allowed = {}
    for item in accept_encoding[:1000].lower().split(","):
        name, *pairs = (part.strip() for part in item.split(";"))
        weight = next((pair[2:] for pair in pairs if pair.startswith("q=")), "1")
        try:
            allowed[name] = float(weight) > 0
        except ValueError:
            allowed[name] = False
    return allowed.get("gzip", allowed.get("*", False))


def compress(response: Response, accept_encoding: str) -> Response:
    """Compress an answer in place where it may be and is worth it; files and downloads in pieces stay as they are."""
    mimetype = response.mimetype or ""
    size = response.content_length or response.calculate_content_length() or 0
    if response.is_streamed and not (response.direct_passthrough and 0 < size < FILE_LIMIT_BYTES):
        return response
    if not mimetype.startswith(_KINDS):
        return response
    response.vary.add("Accept-Encoding")
    if size < MINIMUM_BYTES or response.status_code != 200 or not accepts_gzip(accept_encoding):
        return response
    response.direct_passthrough = False
    response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    etag, weak = response.get_etag()
    if etag is not None and not weak:
        response.set_etag(etag, weak=True)
    return response
