"""Lists a source until the listing is whole: a folder that is bad, or vanishes, must not hide the others."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

from cloudplow.errors import RcloneError
from cloudplow.rclone.background import Background
from cloudplow.rclone.command import Job
from cloudplow.rclone.process import Completed
from cloudplow.upload.bad_entries import KEPT_LIMIT, BadEntry, Trouble, bad_entries, folders_of
from cloudplow.upload.local_files import is_plain, local_path
from cloudplow.upload.task import UploadTask

#: How often a source is listed until one listing is whole.
TRIES: Final = 6
#: The exit status of rclone for a source that does not exist.
_NOT_FOUND: Final = 3

Lister = Callable[[Job], Background[Completed]]


class Found(NamedTuple):
    """output: lines of names; bad: what could not be listed; is_whole: nothing else is missing.

    spooled: files with those lines, instead of the output, if the listing was spooled.
    """

    output: bytes
    bad: Sequence[BadEntry]
    is_whole: bool
    spooled: Sequence[IO[bytes]] = ()


def whole_listing(
    task: UploadTask, listing: Lister, first: Background[Completed], stopping: threading.Event | None
) -> Found:
    """List a task's source. listing: starts one; first: the one that was started already.

    A folder that ends the listing is left out of the next one, if it is still there. Raises RcloneError when nothing
    can be listed, StoppedError when asked to stop.
    """
    job, running = task.job, first
    bad: dict[str, BadEntry] = {}
    outputs: list[Completed] = []
    for left in reversed(range(TRIES)):
        done = running.get(stopping)
        entries, links = _complaints(task, done)
        outputs.append(done)
        bad |= {entry.name: entry for entry in entries if not entry.vanished}
        ended = [entry for entry in entries if entry.trouble is Trouble.ENDED]
        if not ended:
            bad |= {entry.name: entry for entry in _leading_nowhere(task, links)}
            # What an earlier listing that ended early had found is in this one, or gone.
            for earlier in outputs[:-1]:
                earlier.lines().close()
            return _found([done], _meant(job, listing, list(bad.values()), stopping), is_whole=True)
        patterns = (entry.pattern for entry in folders_of(ended))
        job = job._replace(excludes=(*job.excludes, *(one for one in patterns if one not in job.excludes)))
        if left:
            running = listing(job)
    return _found(outputs, _meant(task.job, listing, list(bad.values()), stopping), is_whole=False)


def _found(outputs: Sequence[Completed], bad: Sequence[BadEntry], *, is_whole: bool) -> Found:
    spooled = [one.spooled for one in outputs if one.spooled is not None]
    return Found(b"".join(one.stdout for one in outputs), bad, is_whole, spooled)


def _complaints(task: UploadTask, done: Completed) -> tuple[list[BadEntry], list[str]]:
    """What a listing could not list. Raises RcloneError if that is all of it, with rclone's own words."""
    entries, links = bad_entries(done.stderr)
    root = next((entry for entry in entries if not entry.name), None)
    # What rclone only remarks upon is no reason for an error, and one that was killed has not told everything.
    explained = 0 < done.code < 128 and any(entry.trouble is not Trouble.SPECIAL for entry in entries)
    if root is None and (done.code == 0 or explained):
        return entries, links
    if done.code == _NOT_FOUND or (root is not None and root.vanished):
        what = "the folder does not exist"
    else:
        what = root.why if root is not None else done.last_error_line()
    raise RcloneError(f'"{task.job.source}" cannot be listed: {what or f"rclone exited with status {done.code}"}')


def _leading_nowhere(task: UploadTask, links: Sequence[str]) -> list[BadEntry]:
    """Those of the links that rclone does not follow which lead nowhere; the others are as the user wants them."""
    found = []
    for name in links:
        path = local_path(task.folder, name)
        if is_plain(name) and path.is_symlink() and not os.path.exists(path):  # noqa: PTH110 - raises nothing
            found.append(BadEntry(name, Trouble.LINK, "a link that leads nowhere"))
    return found[:KEPT_LIMIT]


def _meant(job: Job, listing: Lister, bad: list[BadEntry], stopping: threading.Event | None) -> Sequence[BadEntry]:
    """Leave out links that the user's filters leave out: rclone 1.60 complains about them all the same.

    rclone itself is asked, about files of the same names in a folder of their own.
    """
    links = [entry for entry in bad if entry.trouble is Trouble.LINK]
    if not links:
        return bad
    with tempfile.TemporaryDirectory(prefix="cloudplow-") as folder:
        made = []
        for entry in links:
            path = local_path(Path(folder), entry.name)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                made.append(entry.name)
            except (OSError, ValueError):
                continue
        done = listing(job._replace(source=folder)).get(stopping)
    if done.code != 0:
        return bad
    with done.lines() as lines:
        wanted = {line.rstrip(b"\n").rpartition(b"\t")[2].decode("utf-8", "surrogateescape") for line in lines}
    dropped = {name for name in made if name not in wanted}
    return [entry for entry in bad if entry.name not in dropped]
