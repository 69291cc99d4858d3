"""The Drive v3 API: everything but uploads is answered here; see `uploads` for those."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .accounts import Account
from .answers import DriveError, Failure
from .kinds import Kind
from .query import FOLDER, parse_query
from .store import MY_DRIVE, Entry
from .views import show_drive, show_entry
from .wire import Answer, Request
from .world import World

_MAX_PAGE = 1000
_DEFAULT_PAGE = 100
_STORAGE_BYTES = 1 << 50


@dataclass(slots=True)
class Call:
    """A request as the handlers see it; `id` is the one in its path."""

    request: Request
    account: Account
    id: str
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON body."""
        return dict(json.loads(self.body or b"{}"))


class Api:
    """Answers requests from the world's state. The caller holds its lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store

    def answer(self, kind: Kind, call: Call) -> Answer:
        """Raises DriveError when the request fails."""
        return _HANDLERS[kind](self, call)

    def list_files(self, call: Call) -> Answer:
        """files.list: q, pageSize, pageToken (the number of the last entry sent)."""
        query = call.request.query
        try:
            condition = parse_query(query.get("q", ""))
        except ValueError as error:
            self._world.problems.append(str(error))
            raise DriveError(Failure.BAD_QUERY) from error
        after = int(query.get("pageToken", "0"))
        size = min(int(query.get("pageSize", _DEFAULT_PAGE)), _MAX_PAGE)
        found = [entry for entry in self._store.search(condition) if entry.number > after]
        if condition.parents() is None and "driveId" in query:
            found = [entry for entry in found if self._store.drive_of(entry) == query["driveId"]]
        page = found[:size]
        document: dict[str, Any] = {"kind": "drive#fileList", "incompleteSearch": False}
        document["files"] = [show_entry(entry, self._store) for entry in page]
        if len(found) > size:
            document["nextPageToken"] = str(page[-1].number)
        return Answer.of_json(document)

    def get_file(self, call: Call) -> Answer:
        """files.get, also of a root."""
        if call.id in self._store.roots:
            root = {"id": call.id, "name": self._store.drives.get(call.id, "My Drive"), "mimeType": FOLDER}
            return Answer.of_json({"kind": "drive#file", **root})
        return Answer.of_json(show_entry(self._entry(call.id), self._store))

    def download(self, call: Call) -> Answer:
        """files.get?alt=media, with `Range: bytes=a-b`; only when content is kept."""
        entry = self._entry(call.id)
        if entry.content is None:
            self._world.problems.append(f"{entry.name} was asked for, but no content is kept")
            raise DriveError(Failure.NOT_FOUND, call.id)
        span = call.request.headers.get("range", "").removeprefix("bytes=")
        if not span:
            return Answer(200, entry.content, {"Content-Type": entry.mime})
        first, _, last = span.partition("-")
        end = min(int(last) if last else entry.size - 1, entry.size - 1)
        part = entry.content[int(first) : end + 1]
        return Answer(206, part, {"Content-Type": entry.mime, "Content-Range": f"bytes {first}-{end}/{entry.size}"})

    def create_folder(self, call: Call) -> Answer:
        """files.create without content."""
        document, now = call.document, self._world.timestamp()
        parent = str((document.get("parents") or [MY_DRIVE])[0])
        self._check_folder(parent)
        mime = str(document.get("mimeType", "application/octet-stream"))
        entry = self._store.add(str(document["name"]), parent, mime, now, str(document.get("modifiedTime", now)))
        return Answer.of_json(show_entry(entry, self._store))

    def update(self, call: Call) -> Answer:
        """files.update without content: name, folder, times, trash."""
        entry, document, query = self._entry(call.id), call.document, call.request.query
        parent = query.get("addParents", entry.parent)
        self._check_folder(parent)
        name = str(document.get("name", entry.name))
        if (name, parent) != (entry.name, entry.parent):
            self._store.move(entry, name, parent)
        entry.modified = str(document.get("modifiedTime", entry.modified))
        entry.trashed = bool(document.get("trashed", entry.trashed))
        return Answer.of_json(show_entry(entry, self._store))

    def delete(self, call: Call) -> Answer:
        """files.delete: gone for good."""
        self._store.remove(self._entry(call.id))
        return Answer(204)

    def empty_trash(self, call: Call) -> Answer:
        """files.emptyTrash."""
        self._store.empty_trash()
        return Answer(204)

    def copy(self, call: Call) -> Answer:
        """files.copy: server-side; spends nothing (Google counts it elsewhere)."""
        source, document = self._entry(call.id), call.document
        parent = str((document.get("parents") or [source.parent])[0])
        self._check_folder(parent)
        modified = str(document.get("modifiedTime", source.modified))
        name = str(document.get("name", source.name))
        entry = self._store.add(name, parent, source.mime, self._world.timestamp(), modified)
        entry.size, entry.md5, entry.content, entry.account = source.size, source.md5, source.content, source.account
        return Answer.of_json(show_entry(entry, self._store))

    def create_permission(self, call: Call) -> Answer:
        """permissions.create: accepted, without effect."""
        return Answer.of_json({"kind": "drive#permission", "id": "anyoneWithLink", **call.document})

    def about(self, call: Call) -> Answer:
        """about.get."""
        usage = str(call.account.meter.committed_bytes)
        user = {"displayName": call.account.name, "emailAddress": call.account.email, "me": True}
        quota = {"limit": str(_STORAGE_BYTES), "usage": usage, "usageInDrive": usage, "usageInDriveTrash": "0"}
        return Answer.of_json({"kind": "drive#about", "user": user, "storageQuota": quota})

    def drives(self, call: Call) -> Answer:
        """drives.list and drives.get."""
        if not call.id:
            drives = [show_drive(drive, name) for drive, name in self._store.drives.items()]
            return Answer.of_json({"kind": "drive#driveList", "drives": drives})
        if call.id not in self._store.drives:
            raise DriveError(Failure.NOT_FOUND, call.id)
        return Answer.of_json(show_drive(call.id, self._store.drives[call.id]))

    def changes(self, call: Call) -> Answer:
        """changes.list and changes.getStartPageToken: nothing ever changes."""
        return Answer.of_json({"startPageToken": "1", "newStartPageToken": "1", "changes": []})

    def refuse(self, call: Call) -> Answer:
        """What this Drive does not know: 404, and a problem for the test to see."""
        self._world.problems.append(f"unknown request: {call.request.method} {call.request.target}")
        raise DriveError(Failure.NOT_FOUND, call.request.path)

    def _entry(self, entry_id: str) -> Entry:
        entry = self._store.get(entry_id)
        if entry is None:
            raise DriveError(Failure.NOT_FOUND, entry_id)
        return entry

    def _check_folder(self, entry_id: str) -> None:
        if not self._store.is_folder(entry_id):
            raise DriveError(Failure.NOT_FOUND, entry_id)


_HANDLERS: Final[dict[Kind, Callable[[Api, Call], Answer]]] = {
    Kind.LIST: Api.list_files,
    Kind.GET: Api.get_file,
    Kind.DOWNLOAD: Api.download,
    Kind.CREATE_FOLDER: Api.create_folder,
    Kind.UPDATE: Api.update,
    Kind.DELETE: Api.delete,
    Kind.EMPTY_TRASH: Api.empty_trash,
    Kind.COPY: Api.copy,
    Kind.PERMISSION: Api.create_permission,
    Kind.ABOUT: Api.about,
    Kind.DRIVES: Api.drives,
    Kind.CHANGES: Api.changes,
    Kind.UNKNOWN: Api.refuse,
}
