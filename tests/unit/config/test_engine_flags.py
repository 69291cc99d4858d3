"""Flags that the engine owns, drops, filters with and lists with; names checked against the rclones that are here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from cloudplow.config.engine_flags import (
    ENGINE_SETS,
    FILTERS,
    OWNED,
    canonical,
    extras_faults,
    is_filter_flag,
    is_listing_flag,
    normalise_extras,
)

from .documents import faults_of, load, minimal, warnings_of, with_remote

RCLONES = [path for path in ("/usr/bin/rclone", str(Path(sys.executable).with_name("rclone"))) if shutil.which(path)]


@cache
def help_flags(rclone: str) -> str:
    command = [rclone, "help", "flags"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def flags_in(text: str) -> set[str]:
    return set(re.findall(r"^\s+(?:-\w, )?(--[a-z0-9-]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--files-from", "/list"),
        ("--files-from-raw", "/list"),
        ("--files-from0", "/list"),
        ("--config", "/rclone.conf"),
        ("--dry-run", None),
        ("-n", None),
        ("--dry-run", True),
        ("--exclude", None),
        ("-f", True),
        ("--filter-from", "-"),
    ],
)
def test_flag_that_would_change_what_is_uploaded_is_a_fault_with_its_place(flag: str, value: object) -> None:
    (fault,) = faults_of(with_remote(rclone_extras={flag: value}))
    assert fault.startswith(f"remotes.google.rclone_extras.{flag}: ")
    assert "; " in fault


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--log-file", "/log"),
        ("--syslog", None),
        ("--log-systemd", None),
        ("--log-format", "date"),
        ("--use-json-log", False),
        ("--use-json-log", "false"),
        ("-q", None),
        ("--quiet", True),
        ("--log-level", "ERROR"),
        ("--log-level", "NOTICE"),
        ("--log-level", None),
        ("--verbose", 0),
        ("-v", 0),
        ("--verbose", "0"),
        ("--verbose", False),
        ("--stats-log-level", "ERROR"),
        ("--stats-log-level", "DEBUG"),
        ("--stats-one-line", None),
        ("--stats-one-line-date", None),
        ("--stats-one-line-date-format", "06"),
        ("--interactive", None),
        ("-i", None),
        ("--drive-stop-on-upload-limit", False),
        ("--error-on-no-transfer", None),
        ("log-file", "/x"),
        ("--log-file=/x", None),
        ("q", None),
        ("--quiet=true", None),
    ],
)
def test_flag_that_changes_only_what_rclone_says_is_taken_out_with_a_warning(flag: str, value: object) -> None:
    document = with_remote(rclone_extras={flag: value, "--transfers": 8})
    (warning,) = warnings_of(document)
    assert warning.startswith("remotes.google.rclone_extras.--")
    assert "so it is taken out; " in warning
    assert "/x" not in warning
    assert dict(load(document).config.remotes["google"].rclone_extras) == {"--transfers": 8}


@pytest.mark.parametrize(
    "flags",
    [
        {"--rc": None},
        {"rc": True},
        {"--rc": None, "--rc-addr": ":7949", "--rc-no-auth": None},
        {"--rc=true": None, "rc-addr=0.0.0.0:5572": None, "--rc-web-gui": None},
        {"--rc-addr": "localhost:7949", "--rc-user": "me", "--rc-pass": "s3cr3t", "--rc-enable-metrics": None},
    ],
)
def test_flags_of_the_remote_control_are_taken_out_with_one_warning_that_says_why(flags: dict[str, object]) -> None:
    document = with_remote(rclone_extras={"--transfers": 8, **flags})
    (warning,) = warnings_of(document)
    assert warning.startswith("remotes.google.rclone_extras: --rc")
    assert "would let whoever reaches it read and steer uploads, so they are taken out; remove the flags" in warning
    assert "s3cr3t" not in warning
    assert dict(load(document).config.remotes["google"].rclone_extras) == {"--transfers": 8}


def test_mover_and_syncer_open_no_remote_control_either() -> None:
    document = minimal(syncer={"s": {"sync_from": "google", "sync_to": "google", "rclone_extras": {"--rc": None}}})
    document["remotes"]["google"]["sync_remote"] = "google:"
    document["uploader"]["google"]["mover"] = {"rclone_extras": {"--rc-no-auth": None}}
    assert [one.split(": ")[0] for one in warnings_of(document)] == [
        "uploader.google.mover.rclone_extras",
        "syncer.s.rclone_extras",
    ]
    config = load(document).config
    assert not config.syncer["s"].rclone_extras and not config.uploader["google"].mover.rclone_extras


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--stats", "60s"),
        ("--verbose", 1),
        ("--verbose", None),
        ("-v", None),
        ("-vv", None),
        ("-vvvv", None),
        ("--log-level", "DEBUG"),
        ("--use-json-log", None),
        ("--drive-stop-on-upload-limit", None),
        ("--progress", None),
        ("-P", None),
        ("--stats-log-level", "NOTICE"),
        ("--dry-run", False),
    ],
)
def test_flag_that_the_engine_sets_itself_is_accepted_and_dropped(flag: str, value: object) -> None:
    extras = load(with_remote(rclone_extras={flag: value})).config.remotes["google"].rclone_extras
    assert set(extras) <= ENGINE_SETS


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--retries", 3),
        ("--min-age", "15m"),
        ("--exclude", "*.nfo"),
        ("--ignore-case", None),
        ("--bwlimit", "8M"),
        ("--quiet", False),
        ("--interactive", "false"),
        ("--max-transfer", "1T"),
        ("--order-by", "size"),
    ],
)
def test_all_other_flags_are_the_users(flag: str, value: object) -> None:
    extras = load(with_remote(rclone_extras={flag: value})).config.remotes["google"].rclone_extras
    assert dict(extras) == {flag: value}
    assert not set(extras) & ENGINE_SETS


@pytest.mark.parametrize("where", ["remotes", "uploader"])
@pytest.mark.parametrize("flag", ["--drive-service-account-file", "--drive-service-account-credentials"])
def test_account_flag_conflicts_only_with_a_pool_of_accounts(flag: str, where: str) -> None:
    document = with_remote(rclone_extras={flag: "/key.json"})
    load(document)
    document[where]["google"]["service_account_path"] = "/keys"
    (fault,) = faults_of(document)
    assert "service_account_path" in fault


def test_mover_and_syncer_run_without_the_engine_and_keep_their_flags() -> None:
    document = minimal(syncer={"s": {"sync_from": "google", "sync_to": "google", "rclone_extras": {"--log-file": "x"}}})
    document["remotes"]["google"]["sync_remote"] = "google:"
    document["uploader"]["google"]["mover"] = {"rclone_extras": {"--quiet": None}}
    config = load(document).config
    assert dict(config.syncer["s"].rclone_extras) == {"--log-file": "x"}
    assert dict(config.uploader["google"].mover.rclone_extras) == {"--quiet": None}


@pytest.mark.parametrize(
    "extras",
    [
        {"transfers": 4, "--transfers": 8},
        {"--transfers=4": None, "--transfers": 8},
        {"--transfers=4": None, "--transfers=5": None},
        {"--transfers=4": 8},
        {"--transfers 4": None},
        {"": 5},
        {"---x": None},
        {"-transfers": 4},
    ],
)
def test_key_that_is_no_single_flag_is_one_fault(extras: dict[str, object]) -> None:
    (fault,) = faults_of(with_remote(rclone_extras=extras))
    assert fault.startswith("remotes.google.rclone_extras.")


def test_filter_may_be_there_more_than_once() -> None:
    normal, faults = normalise_extras({"--exclude=a": None, "--exclude=b": None, "--exclude": "c"})
    assert faults == [("--exclude", "is set twice; keep one of them")]
    assert normal == {"--exclude": "a", "--exclude=b": None}
    assert extras_faults(normal, service_accounts=True) == []
    assert all(is_filter_flag(flag) and is_listing_flag(flag) for flag in normal)


def test_short_forms_count_as_their_long_ones() -> None:
    assert [canonical(flag) for flag in ("-x", "-vvv", "-f=- *.nfo", "-P")] == [
        "--one-file-system",
        "--verbose",
        "--filter",
        "--progress",
    ]


@pytest.mark.parametrize(
    "flag", ["-l", "-L", "-x", "-f", "--links", "--skip-links", "--local-encoding", "--checkers", "--max-depth"]
)
def test_flags_that_change_what_a_listing_shows_go_to_it(flag: str) -> None:
    assert is_listing_flag(flag)


@pytest.mark.parametrize("flag", ["--tpslimit", "--transfers", "-P", "--drive-chunk-size", "--files-from", "--retries"])
def test_flags_of_a_transfer_do_not_go_to_a_listing(flag: str) -> None:
    assert not is_listing_flag(flag)


@pytest.mark.rclone
@pytest.mark.skipif(not RCLONES, reason="no rclone here")
def test_list_of_filters_is_that_of_rclone_itself() -> None:
    for rclone in RCLONES:
        group = re.search(r"\(flag group Filter\):\n(.*?)\n\n", help_flags(rclone), re.DOTALL)
        if group is not None:  # older versions print no groups
            assert flags_in(group.group(1)) == FILTERS
        known = flags_in(help_flags(rclone))
        assert set(OWNED) - {"--files-from0"} <= known  # 1.60 does not have it yet
        assert {flag for flag in ENGINE_SETS if flag.startswith("--")} <= known


@pytest.mark.rclone
@pytest.mark.parametrize("rclone", RCLONES)
def test_every_listing_flag_of_this_rclone_is_accepted_by_lsf(rclone: str, tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"1234")
    switches = ["--skip-links", "--one-file-system", "--fast-list", "--local-no-check-updated", "--ignore-case"]
    extras = [*switches, "--checkers=3", "--max-depth=2", "--min-size=0", "--exclude=*.NFO", "--delete-excluded"]
    assert all(is_listing_flag(flag) for flag in extras)
    command = [rclone, "lsf", str(tmp_path), "--config=", "--format=tsp", "-R", "--files-only", *extras]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout.endswith(";4;a.mkv\n")
