"""The kinds of requests: how they are told apart, counted, and named in faults."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from .wire import Request


class Kind(StrEnum):
    """What a request asks for. An upload is one MULTIPART, or a SESSION and then CHUNKs."""

    TOKEN = "token"
    LIST = "list"
    GET = "get"
    DOWNLOAD = "download"
    CREATE_FOLDER = "create_folder"
    UPDATE = "update"
    DELETE = "delete"
    EMPTY_TRASH = "empty_trash"
    COPY = "copy"
    PERMISSION = "permission"
    ABOUT = "about"
    DRIVES = "drives"
    CHANGES = "changes"
    MULTIPART = "multipart"
    SESSION = "session"
    CHUNK = "chunk"
    UNKNOWN = "unknown"


UPLOADS: Final = frozenset((Kind.MULTIPART, Kind.SESSION, Kind.CHUNK))

_ROUTES: Final[tuple[tuple[str, re.Pattern[str], Kind], ...]] = tuple(
    (method, re.compile(f"/drive/v3/{pattern}"), kind)
    for method, pattern, kind in (
        ("GET", r"files", Kind.LIST),
        ("POST", r"files", Kind.CREATE_FOLDER),
        ("DELETE", r"files/trash", Kind.EMPTY_TRASH),
        ("GET", r"files/(?P<id>[^/]+)", Kind.GET),
        ("PATCH", r"files/(?P<id>[^/]+)", Kind.UPDATE),
        ("DELETE", r"files/(?P<id>[^/]+)", Kind.DELETE),
        ("POST", r"files/(?P<id>[^/]+)/copy", Kind.COPY),
        ("POST", r"files/(?P<id>[^/]+)/permissions", Kind.PERMISSION),
        ("GET", r"about", Kind.ABOUT),
        ("GET", r"drives(/(?P<id>[^/]+))?", Kind.DRIVES),
        ("GET", r"changes(/startPageToken)?", Kind.CHANGES),
    )
)
_UPLOAD: Final = re.compile(r"/upload/drive/v3/files(/(?P<id>[^/]+))?")


def classify(request: Request) -> tuple[Kind, str]:
    """The request's kind, and the id in its path ("" when there is none)."""
    upload = _UPLOAD.fullmatch(request.path)
    if upload is not None:
        return _upload_kind(request), upload["id"] or ""
    for method, pattern, kind in _ROUTES:
        match = pattern.fullmatch(request.path) if method == request.method else None
        if match is not None:
            if kind is Kind.GET and request.query.get("alt") == "media":
                kind = Kind.DOWNLOAD
            return kind, match.groupdict().get("id") or ""
    return Kind.UNKNOWN, ""


def _upload_kind(request: Request) -> Kind:
    if request.query.get("uploadType") == "multipart":
        return Kind.MULTIPART
    return Kind.CHUNK if "upload_id" in request.query else Kind.SESSION
