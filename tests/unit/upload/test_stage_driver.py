"""Which files of a plan go into one run of rclone."""

from __future__ import annotations

from cloudplow.models import QueueFile
from cloudplow.upload.listing import Seen
from cloudplow.upload.stage_driver import distinct_in_log


def seen(*names: str) -> list[Seen]:
    return [Seen(QueueFile(name, size)) for size, name in enumerate(names)]


def test_files_whose_names_the_log_cannot_tell_apart_never_share_a_stage() -> None:
    first, second, third = seen("a\udcff", "a\udcfe", "b")
    assert distinct_in_log([first, second, third]) == [first, third]


def test_files_that_the_log_tells_apart_all_go() -> None:
    files = seen("a", "é", "\udcff")
    assert distinct_in_log(files) == files
