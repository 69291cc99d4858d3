"""Learns the exact queue of an upload: every file that passes the user's filters, with its exact size.

rclone itself does the listing (`lsf`), so filters mean what they mean in rclone. For `copy`, where files stay at the
source, a dry run finds those that the destination does not have yet.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import OutageError, RcloneError, StoppedError
from cloudplow.events import StageOutcome
from cloudplow.models import QueueFile, printable_name
from cloudplow.rclone.background import Background
from cloudplow.rclone.command import LISTING_SEPARATOR, Job, Rclone, transfer_command
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.log import Skipped, parse_line
from cloudplow.rclone.process import Completed
from cloudplow.rclone.running import run_to_end
from cloudplow.rclone.verdict import Evidence, judge
from cloudplow.state.ownership import like_the_folder
from cloudplow.upload.bad_entries import BadEntry
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.local_files import is_plain, local_path, open_files_below
from cloudplow.upload.task import UploadTask
from cloudplow.upload.whole_listing import whole_listing

log = logging.getLogger("cloudplow.upload")

_TIME_LENGTH: Final = len("2006-01-02 15:04:05")
#: How many accounts are tried, one after the other, for looking into a copy's destination.
COMPARE_ACCOUNTS: Final = 3
#: A file without a time is dated to the start of 1970; in every time zone that is before this.
_FIRST_TIME: Final = b"1970-01-02"


class Listing(NamedTuple):
    """What a listing found. source: "lsf", or "dry_run" when the destination was compared too.

    oldest_file: printable name of the file with the oldest modification time, "" when unknown.
    oldest_modified_at: when that was, epoch seconds; 0 when unknown.
    bad: entries that cannot be listed. is_whole: nothing else is missing. open_files, own_files: how many were left out
    because a program holds them open, or because they are cloudplow's own.
    """

    files: list[QueueFile]
    source: str
    oldest_file: str = ""
    oldest_modified_at: int = 0
    bad: tuple[BadEntry, ...] = ()
    is_whole: bool = True
    open_files: int = 0
    own_files: int = 0


def parse_listing(output: bytes) -> list[QueueFile]:
    """Read lines of time, size and name, or of size and name; other lines are ignored. Raises nothing."""
    # Line by line, so that a listing of a million files is not held twice.
    return list(listed_files(BytesIO(output)))


def listed_files(lines: Iterable[bytes]) -> Iterator[QueueFile]:
    """The same, one after the other."""
    for line in lines:
        fields = line.rstrip(b"\n").decode("utf-8", "surrogateescape").split(LISTING_SEPARATOR, 2)
        try:
            size, name = fields[-2:]
            if name:
                yield QueueFile(name, max(0, int(size)))
        except ValueError:
            continue


def oldest_name(output: bytes, left_out: Container[str] = frozenset()) -> str:
    """The file in a listing with the oldest modification time, except those left out; "" when no time is known.

    The times are local and sort as text, except in the hour that is repeated in autumn. Lines are parsed only if the
    first one in that order does not count: among 350,000 lines it is found in 15 ms.
    """

    def counts(line: bytes) -> bool:
        dated = line[:_TIME_LENGTH] >= _FIRST_TIME and line[_TIME_LENGTH : _TIME_LENGTH + 1] == b"\t"
        return dated and _name_of(line) not in left_out

    line = min(BytesIO(output), default=b"")
    if not counts(line):
        line = min(filter(counts, BytesIO(output)), default=b"")
    return _name_of(line)


def _name_of(line: bytes) -> str:
    return line.rstrip(b"\n").rpartition(b"\t")[2].decode("utf-8", "surrogateescape")


def modified_at(folder: Path, name: str) -> int:
    """When a listed file was last modified, in epoch seconds; 0 when unknown."""
    try:
        return int(local_path(folder, name).stat().st_mtime)
    except (OSError, ValueError):
        return 0


def opened_now(task: UploadTask) -> frozenset[str]:
    """The absolute paths of files that must wait because a program holds them open."""
    if not task.exclude_open_files:
        return frozenset()
    return open_files_below(task.folder, except_containing=task.opened_excludes)


def without_open_files(files: Iterable[QueueFile], folder: Path, opened: frozenset[str]) -> list[QueueFile]:
    """Leave out files that a process holds open. opened: absolute paths."""
    if not opened:
        return list(files)
    resolved = folder.resolve()
    return [file for file in files if str(local_path(resolved, file.name)) not in opened]


def missing_at_destination(
    rclone: Rclone,
    job: Job,
    files: Sequence[QueueFile],
    list_path: Path,
    environment: Mapping[str, str],
    should_stop: Callable[[], bool],
) -> list[QueueFile]:
    """The files of a copy that a dry run would transfer. Raises OutageError, RcloneError, StoppedError."""
    write_list(list_path, files)
    dry_job = Job(job.command, job.source, job.destination, job.extras, dry_run=True)
    wanted: set[str] = set()
    last = ""
    evidence = Evidence()

    def take(line: bytes) -> None:
        nonlocal last
        message = parse_line(line)
        if isinstance(message, Skipped):
            wanted.add(message.name)
        else:
            evidence.add(message)
            last = getattr(message, "text", last)

    command = transfer_command(rclone, dry_job, list_path)
    code = run_to_end(command, take, environment=environment, should_stop=should_stop)
    if should_stop():
        raise StoppedError
    if code != 0:
        verdict = judge(code, evidence, interrupted=False, failed_files=0)
        if verdict.outcome is StageOutcome.OFFLINE:
            raise OutageError(verdict.reason)
        raise RcloneError(f'"{job.destination}" cannot be compared with the source: {last.strip() or f"status {code}"}')
    return [file for file in files if printable_name(file.name) in wanted]


def write_list(path: Path, files: Iterable[QueueFile]) -> None:
    """Write the names for `--files-from-raw`, byte for byte as listed. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(os.fsencode(one.name) + b"\n" for one in files)
    like_the_folder(path.parent, path)


class Seen(NamedTuple):
    """A file as it is on the disk. modified_ns: its modification time; inode: its number; both 0 when unknown.

    found_bytes: its size, which may not be the listed one; -1 when it was not found where its name says.
    """

    file: QueueFile
    modified_ns: int = 0
    inode: int = 0
    found_bytes: int = -1

    @property
    def is_found(self) -> bool:
        """Whether we know where and what it is. If not, its name is one that only rclone can read."""
        return self.found_bytes >= 0


def unchanged(files: Iterable[QueueFile], folder: Path, stat: Callable[[str], os.stat_result] = os.stat) -> list[Seen]:
    """Look at listed files; leave out those that have vanished or changed size since they were listed."""
    kept = []
    base = str(folder)
    for file in files:
        try:
            found = stat(f"{base}/{file.name}" if file.name.isascii() else str(local_path(folder, file.name)))
        except (OSError, ValueError):
            # If rclone encoded the name, the path is our guess, so rclone decides.
            if not is_plain(file.name):
                kept.append(Seen(file))
            continue
        if found.st_size == file.size:
            kept.append(Seen(file, found.st_mtime_ns, found.st_ino, found.st_size))
    return kept


def as_it_is(file: QueueFile, folder: Path) -> Seen:
    """A listed file as it is now, whatever size it has."""
    try:
        found = local_path(folder, file.name).stat()
    except (OSError, ValueError):
        return Seen(file)
    return Seen(file, found.st_mtime_ns, found.st_ino, found.st_size)


def learn_queue(
    context: Context,
    task: UploadTask,
    list_path: Path,
    pool: AccountPool | None,
    controls: SessionControls,
    done_already: Container[QueueFile] = frozenset(),
    first: Background[Completed] | None = None,
) -> Listing:
    """Every file to upload now: filtered, not open, not ours, and for a copy not at the destination yet.

    done_already: files of a copy that are known to be at the destination; first: a listing that was started already.
    Raises RcloneError (OutageError if it is worth waiting), and StoppedError when asked to stop.
    """
    found = whole_listing(task, context.listing, first or context.listing(task.job), controls.stopping)
    # Only now: a file that was made while the folder was listed may still be written.
    opened = opened_now(task)
    own = context.own.below(task.folder)
    listed = parse_listing(found.output)
    if not found.is_whole:
        listed = list({file.name: file for file in listed}.values())  # of several listings
    ours = {file for file in listed if file in own}
    files = [file for file in listed if file not in ours] if ours else listed
    kept = without_open_files(files, task.folder, opened)
    open_files, files = len(files) - len(kept), kept
    source = "lsf"
    if files and not task.moving:
        source = "dry_run"
        files = [file for file in files if file not in done_already]
        compare_path = list_path.with_suffix(f".{os.getpid()}.compare")  # `plan` may run beside an upload
        try:
            files = _compare(context, task, files, compare_path, pool, controls.should_stop) if files else files
        finally:
            with contextlib.suppress(OSError):  # the folder may have become read-only
                compare_path.unlink(missing_ok=True)
    left_out = {file.name for file in listed} - {file.name for file in files} if len(files) < len(listed) else set()
    oldest = oldest_name(found.output, left_out)
    return Listing(
        files,
        source,
        printable_name(oldest),
        modified_at(task.folder, oldest) if oldest else 0,
        bad=tuple(entry for entry in found.bad if not own.holds(entry.name)),
        is_whole=found.is_whole,
        open_files=open_files,
        own_files=len(ours),
    )


def count_too_young(context: Context, task: UploadTask, last: Listing, names: Container[str]) -> int:
    """How many files wait only because of --min-age. last, names: what the last listing found. 0 when unknown."""
    extras = {flag: value for flag, value in task.job.extras.items() if flag != "--min-age"}
    try:
        found = whole_listing(task, context.listing, context.listing(task.job._replace(extras=extras)), None)
    except RcloneError:
        return 0
    own = context.own.below(task.folder)
    others = (file for file in parse_listing(found.output) if file.name not in names and file not in own)
    return max(0, sum(1 for _ in others) - last.open_files)


def _compare(
    context: Context,
    task: UploadTask,
    files: Sequence[QueueFile],
    list_path: Path,
    pool: AccountPool | None,
    should_stop: Callable[[], bool],
) -> list[QueueFile]:
    """What the destination lacks. The remote may have no key of its own, so an account of the pool is used."""
    environment = rclone_environment(os.environ, filters=False)
    destination = context.destination(task.job.destination)
    keys = pool.usable_keys()[:COMPARE_ACCOUNTS] if pool is not None and destination.drive_remotes else []
    for number, key in enumerate(keys, 1):
        try:
            account = destination.with_account(environment, key)
            return missing_at_destination(context.rclone, task.job, files, list_path, account, should_stop)
        except OutageError:
            raise  # no other account could do better
        except RcloneError as error:
            if number == len(keys):
                raise
            log.warning("%s: account %s: %s", task.name, Path(key).name, error)
    return missing_at_destination(context.rclone, task.job, files, list_path, environment, should_stop)
