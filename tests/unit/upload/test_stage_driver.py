"""Which files of a plan go into one run of rclone."""

from __future__ import annotations

from cloudplow.models import QueueFile
from cloudplow.upload.stage_driver import distinct_in_log


def test_files_whose_names_the_log_cannot_tell_apart_never_share_a_stage() -> None:
    first, second, third = QueueFile("a\udcff", 1), QueueFile("a\udcfe", 2), QueueFile("b", 3)
    assert distinct_in_log([first, second, third]) == [first, third]


def test_files_that_the_log_tells_apart_all_go() -> None:
    files = [QueueFile("a", 1), QueueFile("é", 2), QueueFile("\udcff", 3)]
    assert distinct_in_log(files) == files
