"""What one look at a destination says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloudplow.rclone.command import Rclone
from cloudplow.rclone.first_look import Look, look_command, read_look
from cloudplow.rclone.process import Completed

NOON = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC).timestamp()
DATE = b"2026/11/26 DEBUG : HTTP RESPONSE\nDate: Thu, 26 Nov 2026 11:58:00 GMT\r\nContent-Type: text/html\r\n"


def test_the_clock_of_the_remote_is_compared_with_ours() -> None:
    assert read_look(Completed(0, b"Media/\n", DATE), NOON) == Look("", clock_ahead_seconds=120.0)


@pytest.mark.parametrize(
    "said", [b"", b"Date: tomorrow or later\r\n", b"Date: \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\r\n"]
)
def test_a_remote_that_says_no_time_leaves_it_unknown(said: bytes) -> None:
    assert read_look(Completed(0, b"", said), NOON).clock_ahead_seconds is None


def test_a_folder_that_does_not_exist_is_no_fault() -> None:
    assert read_look(Completed(3, b"", b"2026/11/26 12:00:00 ERROR : error listing: directory not found"), NOON).is_new


@pytest.mark.parametrize("stamp", ["2026/11/26 22:41:13 NOTICE: ", "2026/11/26 22:41:13 ", ""])
def test_what_rclone_says_last_is_the_fault(stamp: str) -> None:
    done = Completed(1, b"", f"{stamp}Failed to lsf: googleapi: Error 404: File not found\n".encode())
    assert read_look(done, NOON).fault == "Failed to lsf: googleapi: Error 404: File not found"


def test_filters_and_what_the_engine_sets_do_not_come_between() -> None:
    extras = {"--min-age": "15m", "--fast-list": None, "--drive-chunk-size": "128M", "--retries": 9}
    command = look_command(Rclone("rclone"), "gdrive:Media", extras, {"--drive-pacer-min-sleep": "10ms"})
    assert command[:3] == ["rclone", "lsf", "gdrive:Media"]
    assert "--drive-chunk-size=128M" in command
    assert "--drive-pacer-min-sleep=10ms" in command
    assert not any(one.startswith(("--min-age", "--fast-list", "--retries=9")) for one in command)
