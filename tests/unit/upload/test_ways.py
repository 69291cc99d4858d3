"""Who removes the files of a stage, and what rclone is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow.accounts.booked_stage import StageFile
from cloudplow.models import QueueFile
from cloudplow.rclone.command import Job
from cloudplow.rclone.destination import look_up
from cloudplow.upload.listing import Seen
from cloudplow.upload.task import UploadTask
from cloudplow.upload.ways import Going, Way, asking_job, choose, copying_job, is_on, we_remove

DUMP: Final = {"gdrive": {"type": "drive"}, "vault": {"type": "crypt", "remote": "gdrive:x"}, "s3": {"type": "s3"}}
A: Final = Seen(QueueFile("a", 5), 1000, 7, 5)
B: Final = Seen(QueueFile("b", 6), 2000, 8, 6)
GUESS: Final = Seen(QueueFile("c\u240a", 6))


def task(destination: str, command: str = "move", *, dry_run: bool = False, **extras: Any) -> UploadTask:
    flags = {"--" + name.replace("_", "-"): value for name, value in extras.items()}
    return UploadTask(
        name="google",
        folder=Path("/media"),
        job=Job(command, "/media", destination, flags, dry_run=dry_run),
        exclude_open_files=False,
        opened_excludes=(),
        accounts_folder=None,
        quota_bytes=1,
        window_seconds=1,
        sleeps={},
        remove_empty_dir_depth=None,
    )


def removes(one: UploadTask, environ: dict[str, str] | None = None) -> bool:
    return we_remove(one, look_up(one.job.destination, DUMP), environ or {})


def test_rclone_removes_what_it_can_compare_and_we_remove_the_rest() -> None:
    assert not removes(task("gdrive:x"))
    assert not removes(task("/mnt/x"))
    assert removes(task("vault:"))
    assert removes(task("unknown:"))


def test_nothing_is_removed_by_a_copy_or_in_a_dry_run() -> None:
    assert not removes(task("vault:", "copy"))
    assert not removes(task("vault:", dry_run=True))


@pytest.mark.parametrize("value", [None, True, "true", "1"])
def test_rclone_that_is_told_to_compare_nothing_does_not_remove(value: Any) -> None:
    assert removes(task("gdrive:x", ignore_checksum=value))
    assert removes(task("s3:x", s3_disable_checksum=value))


@pytest.mark.parametrize("value", [False, "false", "0"])
def test_flag_that_is_switched_off_changes_nothing(value: Any) -> None:
    assert not removes(task("gdrive:x", ignore_checksum=value))
    assert not removes(task("s3:x", s3_disable_checksum=value))


def test_flags_may_come_from_variables_or_have_their_value_in_the_name() -> None:
    assert removes(task("gdrive:x"), {"RCLONE_IGNORE_CHECKSUM": "true"})
    assert not removes(task("gdrive:x", ignore_checksum=False), {"RCLONE_IGNORE_CHECKSUM": "true"})
    assert is_on("--ignore-checksum", {"--ignore-checksum=true": None}, {})
    assert not is_on("--ignore-checksum", {"--ignore-checksum=false": None}, {})


# What goes together


def test_without_our_removing_everything_goes_as_rclone_does_it() -> None:
    sent = {"a": StageFile("a", 5, 0, 999, 7)}
    assert choose([A, B, GUESS], sent, removing=False) == Going(Way.RCLONE, [A, B, GUESS])


def test_files_whose_path_only_rclone_knows_go_alone_and_last() -> None:
    assert choose([A, GUESS, B], {}, removing=True) == Going(Way.WE_REMOVE, [A, B])
    assert choose([GUESS], {}, removing=True) == Going(Way.RCLONE, [GUESS])


@pytest.mark.parametrize(
    "before", [StageFile("a", 4, 0, 1000, 7), StageFile("a", 5, 0, 1001, 7), StageFile("a", 5, 0, 1000, 8)]
)
def test_files_that_changed_after_they_had_been_sent_go_first_whatever_is_there(before: StageFile) -> None:
    assert choose([A, B], {"a": before}, removing=True) == Going(Way.WE_REMOVE_CHANGED, [A])


def test_files_that_were_sent_and_are_the_same_go_with_all_others() -> None:
    sent = {"a": StageFile("a", 5, 0, 1000, 7), "b": StageFile("b", 6, 0, 2000)}
    assert choose([A, B], sent, removing=True) == Going(Way.WE_REMOVE, [A, B])


# What rclone is asked to do


def test_rclone_copies_with_all_flags_but_that_which_only_a_move_knows() -> None:
    job = task("vault:", delete_empty_src_dirs=None, create_empty_src_dirs=None, transfers=8).job
    kept = {"--create-empty-src-dirs": None, "--transfers": 8}
    assert copying_job(job, Way.WE_REMOVE) == job._replace(command="copy", extras=kept)
    assert asking_job(job, Way.WE_REMOVE) == job._replace(command="move", extras=kept, dry_run=True)


def test_what_changed_is_sent_whatever_is_at_the_destination() -> None:
    job = task("vault:", transfers=8).job
    for made in (copying_job(job, Way.WE_REMOVE_CHANGED), asking_job(job, Way.WE_REMOVE_CHANGED)):
        assert made.extras == {"--transfers": 8, "--ignore-times": None}
