"""Which rclone flags the engine owns, which are filters, and which affect a listing. Pure; imports nothing of ours.

Everywhere here a flag may be written as "--flag", "-f" or "--flag=value".
Sources: `rclone help flags` of 1.60 and 1.75; https://rclone.org/flags/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

ExtraValue = str | int | float | bool | None

_LONG: Final = {
    "-f": "--filter",
    "-i": "--interactive",
    "-L": "--copy-links",
    "-l": "--links",
    "-n": "--dry-run",
    "-P": "--progress",
    "-q": "--quiet",
    "-v": "--verbose",
    "-x": "--one-file-system",
}

#: Flags that a remote's `rclone_extras` may not hold (or only with some values): the reason and what to do.
OWNED: Final[dict[str, str]] = {
    "--files-from": "cloudplow lists the files of every stage itself; choose files with --filter-from",
    "--files-from-raw": "cloudplow lists the files of every stage itself; choose files with --filter-from",
    "--files-from0": "cloudplow lists the files of every stage itself; choose files with --filter-from",
    "--config": "every rclone call uses the same configuration file; set core.rclone_config_path instead",
    "--dry-run": "a dry run covers the whole program; set core.dry_run instead",
    "--log-file": "cloudplow reads what rclone logs; remove the flag and use cloudplow's own --logfile",
    "--syslog": "cloudplow reads what rclone logs; remove the flag",
    "--log-systemd": "cloudplow reads what rclone logs; remove the flag",
    "--log-format": "cloudplow reads rclone's JSON log, which another format breaks; remove the flag",
    "--use-json-log": "cloudplow reads rclone's JSON log; remove the flag",
    "--quiet": "cloudplow reads what rclone logs about every file; remove the flag",
    "--log-level": "cloudplow reads what rclone logs about every file; set INFO or DEBUG, or remove the flag",
    "--verbose": "cloudplow reads what rclone logs about every file; set 1 or 2, or remove the flag",
    "--stats-log-level": "cloudplow reads rclone's statistics; set INFO or NOTICE, or remove the flag",
    "--stats-one-line": "cloudplow reads rclone's statistics as JSON; remove the flag",
    "--stats-one-line-date": "cloudplow reads rclone's statistics as JSON; remove the flag",
    "--stats-one-line-date-format": "cloudplow reads rclone's statistics as JSON; remove the flag",
    "--interactive": "nobody is there to answer rclone's questions; remove the flag",
    "--drive-stop-on-upload-limit": "without it rclone retries denied uploads for hours; remove the flag",
    "--drive-service-account-file": "cloudplow chooses the account from service_account_path; remove one of the two",
    "--drive-service-account-credentials": "cloudplow chooses the account from service_account_path; "
    "remove one of the two",
    "--error-on-no-transfer": "a run with nothing to do would count as a failure; remove the flag",
}

#: Flags that the engine sets itself or has no use for: dropped from the user's extras silently.
ENGINE_SETS: Final[frozenset[str]] = frozenset(
    {
        "--ask-password",
        "--dry-run",
        "-n",
        "--drive-stop-on-upload-limit",
        "--log-level",
        "--progress",
        "-P",
        "--progress-terminal-title",
        "--rc",
        "--rc-addr",
        "--rc-htpasswd",
        "--rc-no-auth",
        "--rc-pass",
        "--rc-serve",
        "--rc-user",
        "--rc-web-gui",
        "--stats",
        "--stats-log-level",
        "--use-json-log",
        "--verbose",
        "-v",
        "-vv",
    }
)

#: Every rclone flag that decides which files are seen; none can be combined with --files-from-raw.
FILTERS: Final[frozenset[str]] = frozenset(
    {
        "--delete-excluded",
        "--exclude",
        "--exclude-from",
        "--exclude-if-present",
        "--files-from",
        "--files-from-raw",
        "--files-from0",
        "--filter",
        "--filter-from",
        "--hash-filter",
        "--ignore-case",
        "--include",
        "--include-from",
        "--max-age",
        "--max-depth",
        "--max-size",
        "--metadata-exclude",
        "--metadata-exclude-from",
        "--metadata-filter",
        "--metadata-filter-from",
        "--metadata-include",
        "--metadata-include-from",
        "--min-age",
        "--min-size",
    }
)

_FILTERS_WITH_VALUE: Final = FILTERS - {"--delete-excluded", "--ignore-case"}

_LISTING: Final = frozenset(
    {
        "--checkers",
        "--copy-links",
        "--fast-list",
        "--links",
        "--one-file-system",
        "--skip-links",
        "--skip-specials",
    }
)

#: Owned flags that are harmless when false ("--quiet": false).
_HARMLESS_WHEN_FALSE: Final = frozenset(
    {
        "--dry-run",
        "--error-on-no-transfer",
        "--interactive",
        "--log-systemd",
        "--quiet",
        "--stats-one-line",
        "--stats-one-line-date",
        "--syslog",
    }
)
_FORBIDDEN_WHEN_FALSE: Final = frozenset({"--drive-stop-on-upload-limit", "--use-json-log"})
_ALLOWED_VALUES: Final = {
    "--log-level": frozenset({"INFO", "DEBUG"}),
    "--stats-log-level": frozenset({"INFO", "NOTICE"}),
}
#: Owned flags that change only what rclone prints or asks: an upload is the same without them.
_OUTPUT: Final = frozenset(
    {
        "--interactive",
        "--log-file",
        "--log-format",
        "--log-level",
        "--log-systemd",
        "--quiet",
        "--stats-log-level",
        "--stats-one-line",
        "--stats-one-line-date",
        "--stats-one-line-date-format",
        "--syslog",
        "--use-json-log",
        "--verbose",
        "--error-on-no-transfer",
        "--drive-stop-on-upload-limit",
    }
)
#: Why flags of the remote control are taken out, and what to do.
REMOTE_CONTROL: Final = (
    "cloudplow talks to rclone through a port of its own, on this machine only and with a password, and another port "
    "would let whoever reaches it read and steer uploads; remove the flags"
)


class Removable(Enum):
    """Whether a flag can be taken out of `rclone_extras` without changing an upload, and as what."""

    NO = 0
    #: A key and a value that are both blank.
    BLANK = 1
    #: Changes what rclone prints or asks.
    OUTPUT = 2
    #: Opens rclone's remote control.
    REMOTE_CONTROL = 3


_NEEDS_POOL: Final = frozenset({"--drive-service-account-file", "--drive-service-account-credentials"})
_SHORT = re.compile(r"^(?:[A-Za-z]|v{2,9})$")
_FLAG = re.compile(r"^(?:--[A-Za-z0-9][A-Za-z0-9-]*|-[A-Za-z]|-v{2,9})(?:=.*)?$", re.DOTALL)


def canonical(flag: str) -> str:
    """The long form of a flag without its value: "-P" -> "--progress", "--exclude=*.nfo" -> "--exclude"."""
    name = flag.split("=", 1)[0]
    if re.fullmatch(r"-v+", name):
        return "--verbose"
    return _LONG.get(name, name)


def is_filter_flag(flag: str) -> bool:
    """Whether a flag is one of rclone's filters."""
    return canonical(flag) in FILTERS


def is_listing_flag(flag: str) -> bool:
    """Whether a flag also affects a listing of the local source: filters, links, options of the local backend."""
    name = canonical(flag)
    if name in OWNED:
        return False
    return name in FILTERS or name in _LISTING or name.startswith("--local-")


def normalise_extras(extras: Mapping[str, object]) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """Add the leading dashes to every key, keeping the order; also returns faults as (key as written, sentence).

    "transfers" -> "--transfers", "v" -> "-v", "--transfers=8": null -> "--transfers": "8". When a filter is repeated
    ("--exclude=a", "--exclude=b"), its second and later occurrences keep their values in their keys.
    """
    normal: dict[str, object] = {}
    faults: list[tuple[str, str]] = []
    for key, value in extras.items():
        flag = key.strip()
        if not flag.startswith("-"):
            flag = f"-{flag}" if _SHORT.match(flag) else f"--{flag}"
        if _FLAG.match(flag) is None:
            faults.append((key, 'must be one rclone flag with its value after the colon, for example "--transfers": 8'))
            continue
        if re.fullmatch(r"-v{3,}", flag):
            flag = "-vv"
        name, has_value, text = flag.partition("=")
        if has_value and value is not None:
            faults.append((key, "has one value in its name and another after the colon; keep one of them"))
        elif has_value and name not in normal:
            normal[name] = text
        elif flag not in normal and (has_value or name not in normal):
            normal[flag] = value
            if has_value and not is_filter_flag(name):
                faults.append((key, "is set twice; keep one of them"))
        else:
            faults.append((key, "is set twice; keep one of them"))
    return normal, faults


def _is_false(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in {"false", "f", "0"})


def _is_fault(name: str, value: object, *, service_accounts: bool) -> bool:
    if name not in OWNED or (name in _HARMLESS_WHEN_FALSE and _is_false(value)):
        return False
    if name in _FORBIDDEN_WHEN_FALSE:
        return _is_false(value)
    if name in _ALLOWED_VALUES:
        return not (isinstance(value, str) and value.upper() in _ALLOWED_VALUES[name])
    if name == "--verbose":
        return _is_false(value) or (value == 0 and value is not None)
    if name in _NEEDS_POOL:
        return service_accounts
    return True


def removable(key: str, value: object, *, engine: bool) -> tuple[Removable, str, str]:
    """Whether a flag, as written in `rclone_extras`, can be taken out; its name, and why and what to do.

    engine: whether the engine uses these extras, so that flags conflict with its own.
    """
    if not key.strip():
        blank = value is None or (isinstance(value, str) and not value.strip())
        return (Removable.BLANK if blank else Removable.NO), "", ""
    normal, _ = normalise_extras({key: value})
    for flag, normal_value in normal.items():
        name = canonical(flag)
        if name == "--rc" or name.startswith("--rc-"):
            return Removable.REMOTE_CONTROL, name, REMOTE_CONTROL
        if engine and name in _OUTPUT and _is_fault(name, normal_value, service_accounts=False):
            return Removable.OUTPUT, name, OWNED[name]
    return Removable.NO, "", ""


def extras_faults(extras: Mapping[str, object], *, service_accounts: bool) -> list[tuple[str, str]]:
    """Conflicts of a remote's `rclone_extras` with the engine, as (flag, what is wrong and what to do).

    extras: as returned by `normalise_extras`. service_accounts: whether the uploader has a service_account_path.
    """
    faults: list[tuple[str, str]] = []
    for flag, value in extras.items():
        name = canonical(flag)
        has_value = "=" in flag
        actual = flag.split("=", 1)[1] if has_value else value
        if _is_fault(name, actual, service_accounts=service_accounts):
            faults.append((flag, OWNED[name]))
        elif name in _FILTERS_WITH_VALUE and (actual is None or isinstance(actual, bool)):
            faults.append((flag, "needs a value; write it after the colon, or rclone takes the next flag as the value"))
        elif name in FILTERS and name.endswith("-from") and actual == "-":
            faults.append((flag, "must name a file; standard input cannot be read here"))
    return faults
