"""What rclone says against flags, and which calls show it."""

from __future__ import annotations

import pytest

from cloudplow.rclone.command import ExtraValue, Job, Rclone
from cloudplow.rclone.flag_trial import refusal, trial_commands
from cloudplow.rclone.process import Completed

STAMP = "2026/11/27 01:24:29 "


def said(line: str, code: int = 1, **extras: ExtraValue) -> str:
    flags = {f"--{flag.replace('_', '-')}": value for flag, value in extras.items()}
    return refusal(Completed(code, b"", line.encode()), flags)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            'Error: invalid argument "8.0" for "--transfers" flag: strconv\nUsage:\n',
            'invalid argument "8.0" for "--tra',
        ),
        ("Error: unknown flag: --nosuch\nUsage:", "unknown flag: --nosuch"),
        ("Error: unknown shorthand flag: 'Z' in -Z\n", "unknown shorthand flag: 'Z' in -Z"),
        ("Error: flag needs an argument: --bwlimit\n", "flag needs an argument: --bwlimit"),
        (STAMP + 'Failed to move: unknown --order-by comparison "foo"', 'unknown --order-by comparison "foo"'),
        (STAMP + 'NOTICE: Failed to move: unknown --order-by comparison "foo"', 'unknown --order-by comparison "foo"'),
        (
            STAMP
            + 'CRITICAL: Failed to initialise global options: failed to reload "filter" options: malformed rule "f"',
            'malformed rule "f"',
        ),
        (STAMP + 'Failed to load filters: malformed rule "f"', 'malformed rule "f"'),
    ],
)
def test_a_refused_flag_is_recognised(line: str, expected: str) -> None:
    assert said(line).startswith(expected)


def test_a_sentence_that_names_no_flag_gets_the_flags_that_it_is_about() -> None:
    chunk = (
        STAMP + 'CRITICAL: Failed to create file system for ":drive{8N}:": drive: chunk size: 3Mi isn\'t a power of two'
    )
    header = STAMP + "Failed to parse 'foo' as an HTTP header. Expecting a string like: 'Content-Encoding: gzip'"
    file = STAMP + "Failed to load filters: open /nope: no such file or directory"

    assert said(chunk, drive_chunk_size="3M", transfers=3).endswith("a power of two (--drive-chunk-size=3M)")
    assert said(header, header="foo").endswith("(--header=foo)")
    assert said(file, exclude_from="/nope", filter="+ a").endswith("directory (--exclude-from=/nope)")
    assert refusal(Completed(1, b"", file.encode()), {"--exclude-from=/nope": None}).endswith("(--exclude-from=/nope)")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Segmentation fault\n\xff", 1),
        (STAMP + "Failed to move: directory not found", 3),
        (STAMP + "Failed to move: max transfer duration reached as set by --max-duration", 7),
        (STAMP + 'Failed to create file system for ":drive:": drive: failed when making oauth client: empty token', 1),
        (STAMP + "anything", -9),
        ("", 1),
    ],
)
def test_other_failures_are_no_refused_flag(line: str, code: int) -> None:
    assert said(line, code, max_duration="1ns") == ""


def test_the_trial_has_all_flags_but_those_that_name_remotes_or_keys() -> None:
    extras: dict[str, ExtraValue] = {
        "--transfers": 8,
        "--exclude": "*.nfo",
        "--verbose": 1,
        "--backup-dir": "g:old",
        "--drive-chunk-size": "3M",
        "--drive-token": "secret",
    }
    common, drive = trial_commands(Rclone("rclone", "/r.conf"), Job("copy", "/m", "g:", extras))
    (only,) = trial_commands(Rclone("rclone"), Job("move", "/m", "g:", {"--transfers": 8}))

    assert common[:4] == ["rclone", "copy", ":memory:cloudplow-from", ":memory:cloudplow-to"]
    assert {"--config=", "--transfers=8", "--exclude=*.nfo", "--dry-run"} <= set(common)
    assert not {"--verbose=1", "--backup-dir=g:old"} & set(common)
    assert drive[3:6] == [":drive:", "--config=", "--ask-password=false"]
    assert [one for one in drive if one.startswith("--drive")] == ["--drive-chunk-size=3M"]
    assert only[-3:] == ["--dry-run", "--retries=1", "--retries-sleep=0s"]
