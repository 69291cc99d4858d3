"""A listing that ended early is not taken for a whole one. In place of rclone: what it printed."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudplow.errors import RcloneError
from cloudplow.rclone.background import Background
from cloudplow.rclone.command import Job
from cloudplow.rclone.process import Completed
from cloudplow.upload.bad_entries import Trouble
from cloudplow.upload.task import UploadTask
from cloudplow.upload.whole_listing import TRIES, Found, whole_listing


class Answer(Background[Completed]):
    """An answer that is there already."""

    def __init__(self, done: Completed) -> None:
        self._done = done

    def get(self, stop: threading.Event | None = None) -> Completed:
        return self._done


def printed(names: str, *entries: tuple[str, str], code: int = 0, level: str = "error") -> Completed:
    lines = [json.dumps({"level": level, "msg": text, "object": name}) for name, text in entries]
    listed = "".join(f"2026-01-31 00:00:00\t1\t{name}\n" for name in names.split())
    return Completed(code, listed.encode(), "\n".join([*lines, "Failed to lsf"]).encode())


GONE = ("d", "error listing: directory not found")
BROKEN = ("b[1]", "error listing: failed to read directory entry: readdirent /x/b: input/output error")
DENIED = ("lost", 'failed to open directory "lost": open /x/lost: permission denied')


class Bench:
    """A source, and what is printed about it, listing by listing."""

    def __init__(self, folder: Path) -> None:
        job = Job("move", str(folder), "gdrive:", excludes=("*.tmp",))
        self.task = UploadTask("x", folder, job, False, (), None, 0, 0, {}, None)
        self.jobs: list[Job] = []
        self._answers: list[Completed] = []

    def _listing(self, job: Job) -> Background[Completed]:
        self.jobs.append(job)
        return Answer(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])

    def list(self, *answers: Completed) -> Found:
        self._answers = list(answers)
        return whole_listing(self.task, self._listing, self._listing(self.task.job), None)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def names(found: Found) -> Sequence[str]:
    return [line.rpartition(b"\t")[2].decode() for line in found.output.splitlines()]


def test_one_listing_is_enough_when_it_is_whole(bench: Bench) -> None:
    found = bench.list(printed("a b"))
    assert (names(found), list(found.bad), found.is_whole, len(bench.jobs)) == (["a", "b"], [], True, 1)


def test_unreadable_folder_does_not_end_a_listing(bench: Bench) -> None:
    found = bench.list(printed("a", DENIED, code=6))
    assert ([entry.name for entry in found.bad], found.is_whole, len(bench.jobs)) == (["lost"], True, 1)


@pytest.mark.parametrize("code", [1, 3])
def test_folder_that_vanished_is_no_fault_but_the_listing_is_made_again(bench: Bench, code: int) -> None:
    found = bench.list(printed("a", GONE, code=code), printed("a b"))
    assert (names(found), list(found.bad), found.is_whole) == (["a", "b"], [], True)
    assert bench.jobs[1] == bench.task.job


def test_folder_that_ended_a_listing_is_left_out_of_the_next_one(bench: Bench) -> None:
    found = bench.list(printed("a", BROKEN, code=1), printed("a c"))
    assert bench.jobs[1].excludes == ("*.tmp", r"/b\[1\]/**")
    assert ([entry.name for entry in found.bad], names(found), found.is_whole) == (["b[1]"], ["a", "c"], True)


def test_what_several_half_listings_found_is_taken_together_but_is_not_whole(bench: Bench) -> None:
    found = bench.list(printed("a", GONE, code=3), printed("b", GONE, code=3))
    assert (sorted(set(names(found))), found.is_whole, len(bench.jobs)) == (["a", "b"], False, TRIES)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (printed("", ("", "error listing: directory not found"), code=3), "the folder does not exist"),
        (Completed(3, b"", b""), "the folder does not exist"),
        (printed("", ("", 'failed to open directory "": open /x: permission denied'), code=6), "permission denied"),
        (Completed(1, b"", b"Failed to create file system: no such section\n"), "no such section"),
        (Completed(-9, b"", b""), "status -9"),
        (printed("a", DENIED, code=-9), "Failed to lsf"),
        (printed("a", ("fifo", "Can't transfer non file/directory"), code=1, level="notice"), "Failed to lsf"),
    ],
)
def test_source_that_cannot_be_listed_at_all_is_a_fault(bench: Bench, answer: Completed, why: str) -> None:
    with pytest.raises(RcloneError, match=f"cannot be listed: .*{re.escape(why)}"):
        bench.list(answer)


def test_only_links_that_lead_nowhere_are_bad(bench: Bench) -> None:
    for name, target in (("good", "."), ("bad", "nowhere"), ("loop", "loop")):
        (bench.task.folder / name).symlink_to(target)
    text = "Can't follow symlink without -L/--copy-links"
    noticed = printed("a", *((name, text) for name in ("good", "bad", "loop", "gone")), level="notice")
    found = bench.list(noticed, printed("bad loop"))
    assert [(entry.name, entry.trouble) for entry in found.bad] == [("bad", Trouble.LINK), ("loop", Trouble.LINK)]


def test_link_that_the_filters_leave_out_is_not_bad(bench: Bench) -> None:
    """rclone 1.60 complains about it all the same."""
    text = "Listing error: symlink: stat /x/bad: no such file or directory"
    found = bench.list(printed("a", ("bad", text), ("worse", text), code=6), printed("worse"))
    assert [entry.name for entry in found.bad] == ["worse"]
    assert bench.jobs[1].source != bench.jobs[0].source
    assert bench.jobs[1].excludes == bench.task.job.excludes
