"""How long an answer may take, who is asked without a proxy, and which rclone it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudplow.errors import RcloneError
from cloudplow.rclone import patience
from cloudplow.rclone.binary import choose_rclone
from cloudplow.rclone.command import Job, Rclone, common_flags, config_dump_command, listing_command
from cloudplow.rclone.patience import Patience


class Time:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(patience, "time", made)
    return made


LINE = b"2026-01-02 03:04:05\t12\tname\n"


def test_an_answer_may_take_its_time_and_no_longer(clock: Time) -> None:
    asked = Patience("rclone version", 30, None)
    clock.now = 30
    asked.check()
    clock.now = 31
    with pytest.raises(RcloneError, match="rclone version did not end within 30 s, so it was ended"):
        asked.check()


@pytest.mark.parametrize(
    ("chunk", "ends"),
    [(LINE, False), (b"2026/01/02 03:04:05 NOTICE: x\n", False), (b"zz\tzz\n", True), (b"", True)],
)
def test_a_listing_may_take_as_long_as_it_prints_what_makes_sense(clock: Time, chunk: bytes, ends: bool) -> None:
    asked = Patience("rclone lsf", None, 60)
    for _ in range(10):
        clock.now += 30
        asked.heard(chunk)
        if clock.now <= 60 or not ends:
            asked.check()
    if ends:
        with pytest.raises(RcloneError, match="printed nothing that makes sense for 60 s"):
            asked.check()


def test_what_prints_without_an_end_is_ended(clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ANSWER_LIMIT_BYTES", 100)
    asked = Patience("rclone config", 30, None)
    asked.heard(b"x" * 101)
    with pytest.raises(RcloneError, match="prints without an end"):
        asked.check()


def test_the_password_command_is_in_every_call() -> None:
    flags = common_flags([{"--transfers": 8}, {"--password-command": "pass show rclone"}])
    rclone = Rclone("rclone", None, flags)
    job = Job("move", "/m", "g:", {"--transfers": 8, "--exclude": "*.nfo", "--verbose": 1})

    assert flags == ("--password-command=pass show rclone",)
    assert all(flags[0] in command for command in (config_dump_command(rclone), listing_command(rclone, job)))
    assert common_flags([{}, {"--transfers": 8}]) == ()


def test_why_this_rclone_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "rclone"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cloudplow.rclone.binary._OLD_DEFAULT", "/nowhere/rclone")

    assert choose_rclone(str(program)) == (str(program), "named in core.rclone_binary_path")
    assert choose_rclone(None) == (str(program), "the first one on PATH")
    assert choose_rclone("/nowhere/rclone") == (
        str(program),
        "the first one on PATH; /nowhere/rclone of core.rclone_binary_path is not there",
    )
