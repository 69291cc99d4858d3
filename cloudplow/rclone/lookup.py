"""Asks a destination which of some names it has, with size and time: `rclone lsf`.

Names that are not there are left out silently; it costs one call per folder. Facts: docs/rclone-findings.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.config.engine_flags import ENGINE_SETS, OWNED, is_filter_flag
from cloudplow.errors import RcloneError
from cloudplow.rclone.command import LISTING_SEPARATOR, ExtraValue, Rclone, flag_arguments
from cloudplow.rclone.running import run_to_end

#: The exit status of rclone for a folder that does not exist: then nothing is there.
_NOT_FOUND: Final = 3
#: It would read the whole tree for a few names.
_UNWANTED: Final = frozenset({"--fast-list", "--max-transfer", "--max-duration", "--cutoff-mode"})


class Found(NamedTuple):
    """A file at the destination. size: bytes, -1 when unknown; modified_at: epoch seconds, None when unknown."""

    size: int
    modified_at: float | None


def lookup_command(
    rclone: Rclone,
    destination: str,
    list_path: Path,
    extras: Mapping[str, ExtraValue],
    defaults: Mapping[str, ExtraValue],
) -> list[str]:
    """Arguments that print those of the listed names that the destination has. defaults: unless the user sets them."""
    flags = {**defaults, **extras}
    kept = {
        flag: value
        for flag, value in flags.items()
        if flag not in ENGINE_SETS and flag not in OWNED and flag not in _UNWANTED and not is_filter_flag(flag)
    }
    return [
        *rclone.base("lsf", destination),
        f"--files-from-raw={list_path}",
        "--format=tsp",
        f"--separator={LISTING_SEPARATOR}",
        "--recursive",
        "--files-only",
        *flag_arguments(kept),
    ]


def look_up_files(
    command: list[str], environment: Mapping[str, str], should_stop: Callable[[], bool]
) -> dict[str, Found]:
    """Run the command; returns what is there, by name. Raises RcloneError when it cannot be asked."""
    found: dict[str, Found] = {}
    last = ""

    def take(line: bytes) -> None:
        nonlocal last
        read = read_line(line)
        if read is None:
            last = line.decode("utf-8", "replace").strip() or last
        else:
            found[read[0]] = read[1]

    # Times are printed in the zone of the process.
    code = run_to_end(command, take, environment={**environment, "TZ": "UTC"}, should_stop=should_stop)
    if code == _NOT_FOUND and not found:
        return {}
    if code != 0:
        raise RcloneError(last or f"rclone exited with status {code}")
    return found


def read_line(line: bytes) -> tuple[str, Found] | None:
    """One line of time, size and name; None for any other line."""
    fields = line.decode("utf-8", "surrogateescape").split(LISTING_SEPARATOR, 2)
    if len(fields) != 3 or not fields[2]:
        return None
    try:
        size = int(fields[1])
    except ValueError:
        return None
    return fields[2], Found(size, _time(fields[0]))


def _time(text: str) -> float | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
