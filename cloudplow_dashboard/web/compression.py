"""gzip for larger answers, when the client takes it."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from typing import Final

from flask import Response
from werkzeug.datastructures import Accept

#: Below this size compression is not worth its time, in bytes. Level 6 is quick, 9 a little smaller.
MINIMUM_BYTES: Final = 1024
LEVEL: Final = 6
LASTING_LEVEL: Final = 9
#: Larger files are sent as they are, in bytes.
FILE_LIMIT_BYTES: Final = 1 << 20

_KINDS: Final = ("text/", "application/json", "application/openmetrics-text", "application/javascript", "image/svg")


def accepts_gzip(accepted: Accept) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    return bool(accepted.quality("gzip") > 0)


@lru_cache(maxsize=64)
def _packed_once(content: bytes) -> bytes:
    """The smallest that zlib makes: it depends on the content how much it best takes at a time (its memLevel)."""
    return min((_packed(content, memory) for memory in range(6, 10)), key=len)


def _packed(content: bytes, memory: int) -> bytes:
    packer = zlib.compressobj(LASTING_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS, memory)
    return packer.compress(content) + packer.flush()


def compress(response: Response, accepted: Accept, *, lasting: bool = False) -> Response:
    """Compress an answer in place where it may be and is worth it; large files and downloads stay as they are.

    lasting: it is the same for everybody and is asked for again, so it is compressed well, and once.
    """
    mimetype = response.mimetype or ""
    size = response.content_length or response.calculate_content_length() or 0
    if response.is_streamed and not (response.direct_passthrough and 0 < size < FILE_LIMIT_BYTES):
        return response
    if not mimetype.startswith(_KINDS):
        return response
    response.vary.add("Accept-Encoding")
    if size < MINIMUM_BYTES or response.status_code != 200 or not accepts_gzip(accepted):
        return response
    response.direct_passthrough = False
    content = response.get_data()
    response.set_data(_packed_once(content) if lasting else gzip.compress(content, LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    etag, weak = response.get_etag()
    if etag is not None and not weak:
        response.set_etag(etag, weak=True)
    return response
