"""Asking a destination which of some names it has: what is asked, and what the answer means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.config.engine_flags import ENGINE_SETS, FILTERS, OWNED
from cloudplow.errors import RcloneError
from cloudplow.rclone import lookup
from cloudplow.rclone.command import ExtraValue, Rclone
from cloudplow.rclone.lookup import Found, look_up_files, lookup_command, read_line

LIST: Final = Path("/state/google.asked")
AT: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


def command(
    extras: Mapping[str, ExtraValue] | None = None, defaults: Mapping[str, ExtraValue] | None = None
) -> list[str]:
    return lookup_command(Rclone("/bin/rclone", "/etc/rclone.conf"), "gdrive:Media", LIST, extras or {}, defaults or {})


# What is asked


def test_only_the_names_of_the_list_are_asked_for_with_time_and_size() -> None:
    asked = command()
    assert asked[:3] == ["/bin/rclone", "lsf", "gdrive:Media"]
    for flag in (
        f"--files-from-raw={LIST}",
        "--format=tsp",
        "--separator=\t",
        "--recursive",
        "--files-only",
        "--config=/etc/rclone.conf",
        "--ask-password=false",
    ):
        assert flag in asked


def test_flags_of_the_user_win_over_our_own() -> None:
    asked = command({"--tpslimit": 5}, {"--tpslimit": 10, "--drive-pacer-min-sleep": "10ms"})
    assert asked[-2:] == ["--tpslimit=5", "--drive-pacer-min-sleep=10ms"]


@pytest.mark.parametrize(
    "flag",
    [
        "--fast-list",
        "--max-transfer",
        "--max-duration",
        "--cutoff-mode",
        *sorted(ENGINE_SETS),
        *OWNED,
        *sorted(FILTERS),
    ],
)
def test_flags_that_would_hide_a_file_or_change_the_output_are_left_out(flag: str) -> None:
    assert command({flag: "x"}) == command()


# What the answer means


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2026-01-02 03:04:05\t5\ta.mkv", ("a.mkv", Found(5, AT))),
        (b"2026-01-02 03:04:05\t-1\tShow/a.mkv", ("Show/a.mkv", Found(-1, AT))),
        (b"\t5\ta", ("a", Found(5, None))),
        (b"2026-01-02T03:04:05Z\t5\ta", ("a", Found(5, None))),
        (b"2026-01-02 03:04:05\t5\ta\tb", ("a\tb", Found(5, AT))),
        (b"2026-01-02 03:04:05\t5\ta\xff", ("a\udcff", Found(5, AT))),
        (b"2026-01-02 03:04:05\t5\t a ", (" a ", Found(5, AT))),
    ],
)
def test_line_of_a_file_is_read(line: bytes, expected: tuple[str, Found]) -> None:
    assert read_line(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\t\t",
        b"2026/01/02 03:04:05 ERROR : error listing: directory not found",
        b"2026-01-02 03:04:05\t5",
        b"2026-01-02 03:04:05\t5\t",
        b"2026-01-02 03:04:05\tx\ta",
        b"2026-01-02 03:04:05\t\ta",
    ],
)
def test_any_other_line_is_none(line: bytes) -> None:
    assert read_line(line) is None


@given(
    st.binary(min_size=1).filter(lambda name: b"\n" not in name),
    st.integers(-1, 1 << 62),
    st.integers(0, 4_000_000_000),
)
def test_any_name_is_read_as_it_is(name: bytes, size: int, at: int) -> None:
    time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert read_line(f"{time}\t{size}\t".encode() + name) == (os.fsdecode(name), Found(size, float(at)))


@given(st.binary())
def test_any_line_can_be_read(line: bytes) -> None:
    read_line(line)


Answering = Callable[..., dict[str, Found]]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Ask a rclone that prints these lines and ends with this status."""

    def ask(*lines: bytes, code: int = 0, environment: Mapping[str, str] | None = None) -> dict[str, Found]:
        def run(
            asked: Sequence[str], take: Callable[[bytes], None], *, environment: Mapping[str, str], **_more: Any
        ) -> int:
            assert asked == ["rclone"]
            assert environment["TZ"] == "UTC"
            for line in lines:
                take(line)
            return code

        monkeypatch.setattr(lookup, "run_to_end", run)
        return look_up_files(["rclone"], environment or {"TZ": "Asia/Tokyo"}, lambda: False)

    return ask


def test_answer_is_what_is_there(answering: Answering) -> None:
    lines = (b"2026-01-02 03:04:05\t5\ta", b"NOTICE: something", b"2026-01-02 03:04:05\t7\tb")
    assert answering(*lines) == {"a": Found(5, AT), "b": Found(7, AT)}
    assert answering() == {}


def test_folder_that_does_not_exist_holds_nothing(answering: Answering) -> None:
    assert answering(b"directory not found", code=3) == {}


@pytest.mark.parametrize("code", [1, 2, 4, 5, 7, -9])
def test_answer_that_is_not_whole_is_none(answering: Answering, code: int) -> None:
    with pytest.raises(RcloneError, match="no such host"):
        answering(b"2026-01-02 03:04:05\t5\ta", b"Failed to lsf: no such host", code=code)


def test_folder_that_vanished_in_the_middle_is_an_error(answering: Answering) -> None:
    with pytest.raises(RcloneError, match="status 3"):
        answering(b"2026-01-02 03:04:05\t5\ta", code=3)
