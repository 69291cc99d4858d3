"""How entries look on the wire."""

from __future__ import annotations

from typing import Any

from .store import Entry, Store


def show_entry(entry: Entry, store: Store) -> dict[str, Any]:
    """A file's or folder's resource; all its fields, whatever the request's `fields` parameter asked for.

    Source: https://developers.google.com/drive/api/reference/rest/v3/files
    """
    document: dict[str, Any] = {
        "kind": "drive#file",
        "id": entry.id,
        "name": entry.name,
        "mimeType": entry.mime,
        "parents": [entry.parent],
        "createdTime": entry.created,
        "modifiedTime": entry.modified,
        "trashed": entry.trashed,
    }
    drive = store.drive_of(entry)
    if drive in store.drives:
        document["driveId"] = drive
    if not entry.is_folder:
        document["size"] = str(entry.size)
        document["md5Checksum"] = entry.md5
    return document


def show_drive(drive: str, name: str) -> dict[str, Any]:
    """A shared drive's resource."""
    return {"kind": "drive#drive", "id": drive, "name": name, "capabilities": {"canAddChildren": True}}
