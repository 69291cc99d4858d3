"""Whether rclone takes the user's flags: a move of nothing, in memory, which shows what it would refuse. Pure.

`rclone move --help` parses flags, but rclone looks at what many of them mean only when it works: "--order-by=foo" after
it has made both remotes, "--drive-chunk-size=3M" when it makes a Drive, "--filter=foo" when it loads the filters.
Neither call reads a configuration, touches a disk or asks the network (observed with 1.60.1 and 1.75).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cloudplow.config.engine_flags import ENGINE_SETS, canonical
from cloudplow.rclone.command import ExtraValue, Job, Rclone, flag_arguments
from cloudplow.rclone.process import Completed

#: They name other remotes, or must be on the destination's: only the destination itself can tell.
_PLACES: Final = frozenset({"--backup-dir", "--compare-dest", "--copy-dest"})
#: How a Drive is reached: the trial must not reach it.
_ACCESS: Final = re.compile(r"--drive-(?:auth|client|env-auth|impersonate|service-account|token)")
#: The exit statuses of a trial that went well: the folder that should be moved is not there.
_FINE: Final = frozenset({0, 3, 8, 9, 10})
_NOT_A_FLAGS: Final = re.compile(r"max transfer (?:duration|limit) reached|directory not found")
_PARSED: Final = re.compile(
    r"(?:unknown (?:shorthand )?flag|invalid argument .{1,500} for .{1,500} flag|flag needs an argument|"
    r"bad flag syntax)[^\n]{0,500}"
)
#: Before what rclone says of itself when it gives up, and what is said before the reason.
_STAMP: Final = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")
_LEAD: Final = re.compile(
    r"^(?:Fatal error|Failed to (?:move|copy|load filters)|Failed to initialise global options|"
    r'failed to reload "\w+" options|Failed to create file system for "[^"]*"): '
)
#: A Drive without a key is never made; what comes before that is said of a flag.
_NO_KEY: Final = re.compile(r"oauth|token|service account|credentials", re.IGNORECASE)
#: Characters of the output beyond this are ignored.
_LIMIT_BYTES: Final = 16_384


def trial_commands(rclone: Rclone, job: Job) -> list[list[str]]:
    """Arguments of the calls that show whether rclone takes the user's flags: one, or with flags of Drive two."""
    extras = {
        flag: value
        for flag, value in job.extras.items()
        if flag not in ENGINE_SETS and canonical(flag) not in _PLACES and flag != "--password-command"
    }
    of_drive = {flag: value for flag, value in extras.items() if flag.startswith("--drive-")}
    made = {flag: value for flag, value in of_drive.items() if not _ACCESS.match(flag)}
    commands = [_trial(rclone, job.command, ":memory:cloudplow-to", extras)]
    return [*commands, _trial(rclone, job.command, ":drive:", made)] if made else commands


def _trial(rclone: Rclone, command: str, destination: str, extras: Mapping[str, ExtraValue]) -> list[str]:
    ends = ["--dry-run", "--retries=1", "--retries-sleep=0s"]
    flags = ["--config=", "--ask-password=false", *flag_arguments(extras), *ends]
    return [rclone.binary, command, ":memory:cloudplow-from", destination, *flags]


def refusal(done: Completed, extras: Mapping[str, ExtraValue]) -> str:
    """What rclone says against a flag, and which one that is if it does not say so; "" if nothing."""
    if done.code in _FINE or done.code < 0:
        return ""
    text = (done.stderr + done.stdout)[:_LIMIT_BYTES].decode("utf-8", "replace")
    if parsed := _PARSED.search(text):
        return parsed[0].rstrip()
    last = done.last_error_line()[:_LIMIT_BYTES]
    said = _STAMP.sub("", last)
    if said == last or _NOT_A_FLAGS.search(said) or (":drive" in said and _NO_KEY.search(said)):
        return ""
    while (shorter := _LEAD.sub("", said)) != said:
        said = shorter
    return said + _blamed(said, extras)


def _blamed(said: str, extras: Mapping[str, ExtraValue]) -> str:
    """The flags that a sentence is about, by their words or their values, unless it names one: " (--header=foo)"."""
    if re.search(r"--[a-z]", said):
        return ""
    found = []
    for flag, value in extras.items():
        name, _, own = flag.partition("=")
        words = canonical(name).removeprefix("--").removeprefix("drive-").replace("-", " ")
        text = own or str(value)
        if words in said or f'"{text}"' in said or f"'{text}'" in said or (len(text) > 3 and text in said):
            found.append(name if value is None and not own else f"{name}={text}")
    return f" ({', '.join(found)})" if found else ""
