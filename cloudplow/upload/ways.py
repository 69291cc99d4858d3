"""Who removes the files of a stage from the source, rclone or we, and the commands that follow from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from cloudplow.accounts.booked_stage import StageFile
from cloudplow.config.engine_flags import canonical
from cloudplow.rclone.command import ExtraValue, Job
from cloudplow.rclone.destination import Destination
from cloudplow.rclone.hashes import IGNORE_CHECKSUM
from cloudplow.upload.listing import Seen
from cloudplow.upload.task import UploadTask

#: A flag that `rclone copy` does not know. We do what it asks for.
EMPTY_FOLDERS: Final = "--delete-empty-src-dirs"
_SEND_ANYWAY: Final = "--ignore-times"
_OFF: Final = frozenset({"false", "f", "0", ""})


class Way(Enum):
    """RCLONE: rclone does as it was asked; WE_REMOVE: rclone copies, and we remove.

    WE_REMOVE_CHANGED: the same with files that changed after they had been sent. They are sent whatever is at the
    destination, because times there may be too coarse to tell the two apart.
    """

    RCLONE = 0
    WE_REMOVE = 1
    WE_REMOVE_CHANGED = 2


class Going(NamedTuple):
    """What goes into a stage, and how."""

    way: Way
    seen: Sequence[Seen]


def is_on(flag: str, extras: Mapping[str, ExtraValue], environ: Mapping[str, str]) -> bool:
    """Whether a flag of rclone is set; variables set flags, too."""
    variable = environ.get("RCLONE_" + flag.removeprefix("--").upper().replace("-", "_"), "")
    for written, value in extras.items():
        if canonical(written) == flag:
            text = written.partition("=")[2] if "=" in written else value
            return text is None or text is True or str(text).lower() not in _OFF
    return variable.lower() not in _OFF


def we_remove(task: UploadTask, destination: Destination, environ: Mapping[str, str]) -> bool:
    """Whether rclone must not remove this task's files, because it could not tell if they are those that it sent."""
    if not task.moving or task.job.dry_run:
        return False
    extras = task.job.extras
    unchecked = any(
        name.endswith("-disable-checksum") and is_on(name, extras, environ) for name in map(canonical, extras)
    )
    return not destination.keeps_hashes or unchecked or is_on(IGNORE_CHECKSUM, extras, environ)


def choose(seen: Sequence[Seen], sent_before: Mapping[str, StageFile], *, removing: bool) -> Going:
    """What goes into one stage; what does not goes into a later one.

    sent_before: files that were sent and were still at the source then, as they were then. removing: whether we do it.
    """
    if not removing:
        return Going(Way.RCLONE, seen)
    found = [one for one in seen if one.is_found]
    if not found:
        return Going(Way.RCLONE, seen)  # only rclone knows where they are
    changed = [one for one in found if _has_changed(one, sent_before.get(one.file.name))] if sent_before else []
    return Going(Way.WE_REMOVE_CHANGED, changed) if changed else Going(Way.WE_REMOVE, found)


def _has_changed(one: Seen, before: StageFile | None) -> bool:
    if before is None:
        return False
    same_inode = before.inode in (0, one.inode)  # 0: written by an older version, which did not note it
    return not same_inode or (before.size, before.modified_ns) != (one.file.size, one.modified_ns)


def copying_job(job: Job, way: Way) -> Job:
    """What rclone does in a stage of ours."""
    return job._replace(command="copy", extras=_extras(job, way))


def asking_job(job: Job, way: Way) -> Job:
    """What says which files rclone would only remove from the source, because they are at the destination."""
    return job._replace(command="move", extras=_extras(job, way), dry_run=True)


def _extras(job: Job, way: Way) -> Mapping[str, ExtraValue]:
    extras = {flag: value for flag, value in job.extras.items() if canonical(flag) != EMPTY_FOLDERS}
    return extras | {_SEND_ANYWAY: None} if way is Way.WE_REMOVE_CHANGED else extras
