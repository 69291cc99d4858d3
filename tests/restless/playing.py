"""Uploads again and again while the folder changes, then once more when it rests, and compares."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.integration.local_site import LocalSite, Run
from tests.restless.churning import Churn, number_of

_CHANGED: Final = re.compile(r"'([^'\n]+)' changed while it was uploaded")
#: One upload takes ten rounds at most; on a busy machine they may be long.
_DEADLINE_SECONDS: Final = 600.0


@dataclass(slots=True)
class Result:
    """faults: what must not be. arrived: whole files; done: what was done to the folder, by kind; ends: of sessions.

    changed: names of files that were no longer those that were sent, so that they stayed to go again. What came then
    may have been removed or renamed before it went.
    """

    faults: list[str] = field(default_factory=list)
    arrived: int = 0
    changed: set[str] = field(default_factory=set)
    uploads: int = 0
    done: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.uploads} uploads, {self.arrived} files arrived; ends: {self.ends}; done: {self.done}"]
        lines.append(f"changed while they were uploaded, and sent again: {len(self.changed)}")
        return "\n".join([*lines, *self.faults])


def play(root: Path, rclone: Path, *, seconds: float, seed: int, per_second: float = 60.0) -> Result:
    """Upload a restless folder for so long. root: a new folder."""
    site = LocalSite(root, rclone)
    site.remote["upload_remote"] = "plain:Media"
    site.uploader["exclude_open_files"] = True
    site.shorten_pauses()
    scratch = root / "scratch"
    scratch.mkdir()
    churn = Churn(site.source, scratch, seed=seed, per_second=per_second)
    result = Result()
    told: set[str] = set()
    churn.start()
    try:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            run = site.run("upload", deadline_seconds=_DEADLINE_SECONDS)
            result.faults += _untrue(run, quiet=False)
            _note(result, run, told)
    finally:
        churn.stop()
    run = site.run("upload", deadline_seconds=_DEADLINE_SECONDS)
    _note(result, run, told)
    result.done = churn.done
    result.faults += _untrue(run, quiet=True)
    result.faults += _compare(site, churn, result, told)
    return result


def _note(result: Result, run: Run, told: set[str]) -> None:
    result.uploads += 1
    end = run.finished["outcome"]
    result.ends[end] = result.ends.get(end, 0) + 1
    result.changed |= set(_CHANGED.findall(run.stdout + run.stderr))
    told |= {event["name"] for event in run.of("file_transferred")}


def _untrue(run: Run, *, quiet: bool) -> Iterator[str]:
    """What an upload said that cannot be true."""
    end = run.finished
    files = len(run.of("file_transferred"))
    if end["files"] != files:
        yield f"{end['files']} files were said to be uploaded, and {files} were told one by one"
    if "Traceback" in run.said:
        yield f"a traceback: {run.said[-2000:]}"
    status = {"done": 0, "suspended": 3, "failed": 1}.get(end["outcome"])
    if run.status != status:
        yield f"exit status {run.status} after {end['outcome']}"
    if end["outcome"] == "done" and end["files_left"]:
        yield f"done, but {end['files_left']} files are left"
    if end["outcome"] == "failed" or (quiet and end["outcome"] != "done"):
        yield f"{end['outcome']}: {end['reason']}"


def _compare(site: LocalSite, churn: Churn, result: Result, told: set[str]) -> Iterator[str]:
    """What is missing, half, or never told."""
    left = [path for path in site.source.rglob("*") if path.is_file()]
    yield from (f"still in the folder: {path}" for path in left)
    restored = site.root / "restored"
    site.ask_rclone("copy", "plain:Media", str(restored), "--retries=1")
    numbers: dict[int, str] = {}
    for path in sorted(path for path in restored.rglob("*") if path.is_file()):
        name = str(path.relative_to(restored))
        number = number_of(path.read_bytes())
        if number is None:
            yield f"half a file at the destination: {name}"
            continue
        result.arrived += 1
        numbers[number] = name
        if name not in told and name not in result.changed:
            yield f"never told: {name}"
    for path, number in churn.standing.items():
        if number not in numbers:
            yield f"lost: {path.relative_to(site.source)}, number {number}"
