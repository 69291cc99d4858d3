"""What rclone is called with: the user's flags where they belong, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from cloudplow.config.engine_flags import ENGINE_SETS, FILTERS
from cloudplow.rclone.command import (
    ExtraValue,
    Job,
    Rclone,
    config_dump_command,
    flag_arguments,
    listing_command,
    transfer_command,
    version_command,
)

RCLONE: Final = Rclone("/bin/rclone", "/etc/rclone.conf")
LIST: Final = Path("/state/google.list")


def job(
    extras: Mapping[str, ExtraValue] | None = None,
    *,
    command: str = "move",
    excludes: tuple[str, ...] = (),
    dry_run: bool = False,
) -> Job:
    return Job(command, "/mnt/media", "gdrive:Media", extras or {}, excludes, dry_run)


def transfer(
    extras: Mapping[str, ExtraValue] | None = None, defaults: Mapping[str, ExtraValue] | None = None
) -> list[str]:
    return transfer_command(RCLONE, job(extras), LIST, defaults=defaults)


def test_transfer_moves_or_copies_exactly_what_is_listed() -> None:
    assert transfer()[:4] == ["/bin/rclone", "move", "/mnt/media", "gdrive:Media"]
    assert transfer_command(RCLONE, job(command="copy"), LIST)[1] == "copy"
    assert f"--files-from-raw={LIST}" in transfer()


@pytest.mark.parametrize(
    "flag",
    [
        "--use-json-log",
        "--stats=1s",
        "--log-level=INFO",
        "--drive-stop-on-upload-limit",
        "--retries=1",
        "--ask-password=false",
        "--config=/etc/rclone.conf",
    ],
)
def test_transfer_carries_what_we_rely_on(flag: str) -> None:
    assert flag in transfer()


def test_default_configuration_file_is_left_to_rclone() -> None:
    assert not any(word.startswith("--config") for word in transfer_command(Rclone("rclone"), job(), LIST))


def test_extras_keep_their_values_and_order() -> None:
    arguments = transfer({"--transfers": 8, "--fast-list": None, "--drive-chunk-size": "64M", "--inplace": False})
    assert arguments[-4:] == ["--transfers=8", "--fast-list", "--drive-chunk-size=64M", "--inplace=false"]


def test_user_wins_over_our_defaults() -> None:
    defaults: dict[str, ExtraValue] = {"--drive-pacer-min-sleep": "10ms", "--tpslimit": 5}
    arguments = transfer({"--retries": 3, "--drive-pacer-min-sleep": "1ms"}, defaults)
    assert [word for word in arguments if word.startswith(("--retries", "--drive-pacer", "--tpslimit"))] == [
        "--tpslimit=5",
        "--retries=3",
        "--drive-pacer-min-sleep=1ms",
    ]


@pytest.mark.parametrize("tries", [0, -1, "0", "-3"])
def test_an_upload_is_tried_at_least_once(tries: int | str) -> None:
    assert [word for word in transfer({"--retries": tries}) if word.startswith("--retries")] == ["--retries=1"]


@pytest.mark.parametrize("flag", sorted(ENGINE_SETS - {"-vv"}))
def test_flags_that_the_engine_sets_are_dropped(flag: str) -> None:
    assert transfer({flag: "5"}) == transfer()


@pytest.mark.parametrize(
    ("extras", "level"),
    [
        ({"--log-level": "DEBUG"}, "DEBUG"),
        ({"--log-level": "debug"}, "DEBUG"),
        ({"-vv": None}, "DEBUG"),
        ({"--verbose": 2}, "DEBUG"),
        ({"--verbose": "1"}, "INFO"),
        ({"-v": None}, "INFO"),
    ],
)
def test_debug_log_is_kept_when_the_user_wants_it(extras: dict[str, ExtraValue], level: str) -> None:
    assert [word for word in transfer(extras) if word.startswith(("--log-level", "-v"))] == [f"--log-level={level}"]


@pytest.mark.parametrize("flag", sorted(FILTERS))
def test_filters_go_to_the_listing_only(flag: str) -> None:
    given = job({flag: "x"}, excludes=("*.tmp",))
    assert transfer_command(RCLONE, given, LIST) == transfer()
    if not flag.startswith("--files-from"):
        assert f"{flag}=x" in listing_command(RCLONE, given)


def test_filter_written_short_or_with_its_value_is_a_filter_too() -> None:
    given = job({"-f": "- *.nfo", "--exclude=a": None, "--exclude=b": None})
    assert transfer_command(RCLONE, given, LIST) == transfer()
    assert listing_command(RCLONE, given)[-3:] == ["-f=- *.nfo", "--exclude=a", "--exclude=b"]


def test_excludes_follow_the_extras_in_the_listing() -> None:
    arguments = listing_command(RCLONE, job({"--filter": "+ keep/**"}, excludes=("*.tmp", "**partial~")))
    assert arguments[-3:] == ["--filter=+ keep/**", "--exclude=*.tmp", "--exclude=**partial~"]


def test_listing_is_of_the_source_recursive_files_only_time_and_size_before_the_name() -> None:
    arguments = listing_command(RCLONE, job())
    assert arguments[:3] == ["/bin/rclone", "lsf", "/mnt/media"]
    assert {"--format=tsp", "--separator=\t", "--recursive", "--files-only"} <= set(arguments)


@pytest.mark.parametrize(
    ("flag", "listed"),
    [
        ("--copy-links", True),
        ("-L", True),
        ("--skip-links", True),
        ("--local-no-check-updated", True),
        ("--min-age", True),
        ("--transfers", False),
        ("--bwlimit", False),
        ("--drive-chunk-size", False),
        ("--log-level", False),
        ("--drive-stop-on-upload-limit", False),
    ],
)
def test_listing_gets_only_what_matters_to_it(flag: str, listed: bool) -> None:
    assert (f"{flag}=1" in listing_command(RCLONE, job({flag: 1}))) == listed


@pytest.mark.parametrize("dry_run", [True, False])
def test_dry_run_is_passed_on(dry_run: bool) -> None:
    assert ("--dry-run" in transfer_command(RCLONE, job(dry_run=dry_run), LIST)) == dry_run


def test_listing_of_a_dry_run_is_a_real_one() -> None:
    assert "--dry-run" not in listing_command(RCLONE, job(dry_run=True))


@pytest.mark.parametrize(
    ("value", "argument"),
    [
        (None, "--x"),
        (True, "--x"),
        (False, "--x=false"),
        (0, "--x=0"),
        ("", "--x="),
        ("a b", "--x=a b"),
        (1.5, "--x=1.5"),
    ],
)
def test_value_of_a_flag(value: ExtraValue, argument: str) -> None:
    assert flag_arguments({"--x": value}) == [argument]


def test_version_needs_no_configuration() -> None:
    assert version_command(RCLONE) == ["/bin/rclone", "version", "--config="]


def test_remotes_are_read_from_the_configured_file() -> None:
    assert config_dump_command(RCLONE)[:3] == ["/bin/rclone", "config", "dump"]
    assert "--config=/etc/rclone.conf" in config_dump_command(RCLONE)


def test_rclone_never_waits_for_a_password() -> None:
    commands = (transfer(), listing_command(RCLONE, job()), config_dump_command(RCLONE))
    assert all("--ask-password=false" in command for command in commands)
