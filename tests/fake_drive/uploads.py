"""Uploads: resumable (a session, then chunks) and multipart (one request); both end in the same place.

Source: https://developers.google.com/drive/api/guides/manage-uploads ; rclone POSTs its chunks where Google says PUT.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from .accounts import Account
from .answers import DriveError, Failure
from .content import Content, Multipart
from .quota import Mode
from .store import MY_DRIVE, Entry
from .stream import Stream
from .views import show_entry
from .wire import Answer, Request
from .world import World

Pieces = AsyncIterator[memoryview]

_MAX_SESSIONS = 2_000  # then the oldest is forgotten; a finished one is kept for a last chunk that is sent again
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+|\*)")


@dataclass(slots=True, eq=False)
class Upload:
    """One upload under way.

    target: id of the file whose content is replaced; "" for a new file. total: full size in bytes, None when unknown.
    content: what has safely arrived. arrived: bytes so far, with those of the running chunk.
    stream: the connection that last carried a part of it; when that closes, the upload counts as given up.
    began: when, by the Drive's clock.
    commit: since the last byte has arrived: what makes the file appear, whether or not the client waits for it.
    entry_id: the file that it became; "" before its end.
    """

    account: Account
    metadata: dict[str, Any]
    target: str
    total: int | None
    content: Content
    stream: Stream
    began: float
    arrived: int = 0
    commit: asyncio.Task[None] | None = None
    entry_id: str = ""


class Uploads:
    """Takes uploads, keeps to the quotas."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: dict[str, Upload] = {}
        self._running: dict[str, set[Upload]] = {}

    async def start_session(
        self, request: Request, target: str, account: Account, pieces: Pieces, stream: Stream
    ) -> Answer:
        """The first request of a resumable upload: metadata and, in a header, the size."""
        body = b"".join([bytes(piece) async for piece in pieces])
        length = request.headers.get("x-upload-content-length")
        with self._world.lock:
            content = Content(keep=self._world.settings.keeps_content)
            total = None if length is None else int(length)
            upload = Upload(account, json.loads(body or b"{}"), target, total, content, stream, self._world.clock())
            self._check_place(upload)
            self._check_start(upload)
            self._set_running(upload, stream)
            key = secrets.token_urlsafe(24)
            self._sessions[key] = upload
            if len(self._sessions) > _MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        location = f"https://www.googleapis.com{request.target}&upload_id={key}"
        return Answer(headers={"Location": location, "X-GUploader-UploadID": key})

    async def take_chunk(self, request: Request, account: Account, pieces: Pieces, stream: Stream) -> Answer:
        """A chunk, or (`bytes */N`) the question how much has arrived."""
        key = request.query["upload_id"]
        match = _RANGE.fullmatch(request.headers.get("content-range", ""))
        with self._world.lock:
            upload = self._sessions.get(key)
            if upload is None or upload.account is not account or match is None:
                raise DriveError(Failure.NOT_FOUND, key)
            if not upload.entry_id:
                self._set_running(upload, stream)
            if match["total"] != "*":
                upload.total = int(match["total"])
        if not upload.entry_id and match["first"] is not None and int(match["first"]) == upload.content.size:
            upload.content = await self._receive(upload, pieces)
        async for _ in pieces:
            pass  # a chunk that has been sent before, because our answer was lost
        with self._world.lock:
            if not upload.entry_id and upload.total != upload.content.size:
                return _show_progress(upload)
        await self._commit(upload)
        with self._world.lock:
            return self._show_finished(upload)

    def _show_finished(self, upload: Upload) -> Answer:
        entry = self._world.store.get(upload.entry_id)
        if entry is None:
            raise DriveError(Failure.NOT_FOUND, upload.entry_id)
        return Answer.of_json(show_entry(entry, self._world.store))

    async def _receive(self, upload: Upload, pieces: Pieces) -> Content:
        """Read a chunk; the upload's own content stays as it is, in case the chunk does not arrive whole."""
        content = upload.content.copy()
        try:
            async for piece in pieces:
                content.feed(piece)
                self._note_arrival(upload, content.size)
        except BaseException:
            upload.arrived = upload.content.size
            raise
        return content

    async def take_multipart(
        self, request: Request, target: str, account: Account, pieces: Pieces, stream: Stream
    ) -> Answer:
        """Metadata and content in one request, whose size is not known before its end."""
        with self._world.lock:
            content = Content(keep=self._world.settings.keeps_content)
            upload = Upload(account, {}, target, None, content, stream, self._world.clock())
            self._check_start(upload)
            self._set_running(upload, stream)
        try:
            parser = Multipart(request.headers.get("content-type", ""), content)
            async for piece in pieces:
                parser.feed(piece)
                self._note_arrival(upload, content.size)
            upload.metadata = parser.finish()
            self._note_arrival(upload, content.size)
            with self._world.lock:
                self._check_place(upload)
                self._check_whole(upload)
            await self._commit(upload)
            with self._world.lock:
                return self._show_finished(upload)
        finally:
            with self._world.lock:
                self._running[account.name].discard(upload)

    async def _commit(self, upload: Upload) -> None:
        """Everything is there: the file appears, at once or as much later as the settings say.

        A client that asks for the end again meanwhile waits for the same file; one that has gone changes nothing.
        """
        if upload.entry_id:
            return
        if upload.commit is None:
            with self._world.lock:
                delay_seconds = self._world.next_commit_delay()
            if not delay_seconds:
                self._finish(upload)
                return
            upload.commit = asyncio.create_task(self._finish_later(upload, delay_seconds))
        await asyncio.shield(upload.commit)

    async def _finish_later(self, upload: Upload, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        self._finish(upload)

    def _finish(self, upload: Upload) -> None:
        """Count the upload and let its file appear."""
        world, account, size = self._world, upload.account, upload.content.size
        with world.lock:
            self._running[account.name].discard(upload)
            if not world.quota_of(account).counts_received:
                account.meter.spend(size, world.clock())
            account.meter.committed_bytes += size
            account.meter.uploads += 1
            world.finished.append((upload.began, world.clock()))
            upload.entry_id = self._write(upload).id
            upload.content = Content(keep=False)

    # Quotas. The caller holds the lock.

    def _check_start(self, upload: Upload) -> None:
        """Raise DriveError when the account may not begin this upload."""
        world, account = self._world, upload.account
        running = sum(other.total or 0 for other in self._others(upload))
        if account.meter.denies_start(world.quota_of(account), world.clock(), upload.total, running):
            self._deny(account)

    def _note_arrival(self, upload: Upload, size: int) -> None:
        """So much of an upload has arrived. Raises DriveError when that is beyond the quota."""
        world, account = self._world, upload.account
        with world.lock:
            quota = world.quota_of(account)
            if quota.counts_received:
                account.meter.spend(size - upload.arrived, world.clock())
            upload.arrived = size
            if quota.mode is Mode.MID_FILE:
                arrived = size + sum(other.arrived for other in self._others(upload))
                if account.meter.denies_more(quota, world.clock(), 0 if quota.counts_received else arrived):
                    self._deny(account)

    def _check_whole(self, upload: Upload) -> None:
        """Raise DriveError when an upload whose size was not known before turns out too large."""
        if upload.total is None and self._world.quota_of(upload.account).mode is Mode.WOULD_EXCEED:
            upload.total = upload.content.size
            self._check_start(upload)

    def _deny(self, account: Account) -> None:
        account.meter.denials += 1
        raise DriveError(Failure.DAILY_LIMIT)

    def _set_running(self, upload: Upload, stream: Stream) -> None:
        upload.stream = stream
        self._running.setdefault(upload.account.name, set()).add(upload)

    def _others(self, upload: Upload) -> list[Upload]:
        """The account's other uploads under way; those cut off before their last byte are forgotten."""
        running = self._running.get(upload.account.name, set())
        running -= {other for other in running if not other.stream.is_open and other.commit is None}
        return [other for other in running if other is not upload]

    # Files. The caller holds the lock.

    def _check_place(self, upload: Upload) -> None:
        """Raise DriveError when the folder, or the file to be replaced, does not exist."""
        store = self._world.store
        if upload.target:
            if store.get(upload.target) is None:
                raise DriveError(Failure.NOT_FOUND, upload.target)
        elif not store.is_folder(_parent_of(upload.metadata)):
            raise DriveError(Failure.NOT_FOUND, _parent_of(upload.metadata))

    def _write(self, upload: Upload) -> Entry:
        world, metadata = self._world, upload.metadata
        now = world.timestamp()
        entry = world.store.get(upload.target) if upload.target else None
        if entry is None:
            mime = str(metadata.get("mimeType", "application/octet-stream"))
            created = str(metadata.get("createdTime", now))
            entry = world.store.add(str(metadata.get("name", "Untitled")), _parent_of(metadata), mime, created, now)
        entry.modified = str(metadata.get("modifiedTime", now))
        entry.size, entry.md5, entry.content = upload.content.size, upload.content.md5, upload.content.kept
        entry.account = upload.account.name
        return entry


def _parent_of(metadata: dict[str, Any]) -> str:
    return str((metadata.get("parents") or [MY_DRIVE])[0])


def _show_progress(upload: Upload) -> Answer:
    """308: go on after these bytes."""
    size = upload.content.size
    return Answer(308, headers={"Range": f"bytes=0-{size - 1}"} if size else {})
