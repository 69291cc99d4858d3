"""One look at a destination: whether an account reaches it, and what time it is there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from cloudplow.config.engine_flags import ENGINE_SETS, OWNED, is_filter_flag
from cloudplow.errors import RcloneError
from cloudplow.rclone.command import ExtraValue, Rclone, flag_arguments
from cloudplow.rclone.process import Completed, run

#: How long one look may take, in seconds.
LOOK_SECONDS: Final = 60.0
#: The exit status of rclone for a folder that does not exist: it will be made.
_NOT_FOUND: Final = 3
_UNWANTED: Final = frozenset({"--fast-list", "--dump", "--retries", "--low-level-retries"})
#: Before each line of the log.
_STAMP: Final = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:[A-Z]+ *: )?")
_DATE: Final = re.compile(rb"(?m)^Date: ([^\r\n]{10,40})\r?$")


class Look(NamedTuple):
    """fault: what rclone said when it could not look, else "". is_new: there is no such folder yet.

    clock_ahead_seconds: how far this machine's clock is ahead of the remote's; None when the remote does not say.
    """

    fault: str
    is_new: bool = False
    clock_ahead_seconds: float | None = None


def look_command(
    rclone: Rclone, destination: str, extras: Mapping[str, ExtraValue], defaults: Mapping[str, ExtraValue]
) -> list[str]:
    """Arguments that list the folders at the top of a destination. defaults: unless the user sets them.

    The headers of the answers go to our ears only: rclone itself blackens the token in them.
    """
    flags = {**defaults, **extras}
    kept = {
        flag: value
        for flag, value in flags.items()
        if flag not in ENGINE_SETS and flag not in OWNED and flag not in _UNWANTED and not is_filter_flag(flag)
    }
    return [
        *rclone.base("lsf", destination),
        "--max-depth=1",
        "--dirs-only",
        "--dump=headers",
        "-vv",
        "--retries=1",
        "--low-level-retries=2",
        *flag_arguments(kept),
    ]


def look(command: list[str], environment: Mapping[str, str], clock: Callable[[], float] = time.time) -> Look:
    """Run the command."""
    try:
        done = run(command, environment=environment, timeout_seconds=LOOK_SECONDS)
    except RcloneError as error:
        return Look(str(error))
    return read_look(done, clock())


def read_look(done: Completed, now: float) -> Look:
    """What the output says. now: epoch seconds when it ended."""
    dates = _DATE.findall(done.stderr)
    ahead = None
    if dates:
        try:
            ahead = now - parsedate_to_datetime(dates[-1].decode("ascii", "replace")).timestamp()
        except ValueError:
            ahead = None
    if done.code in (0, _NOT_FOUND):
        return Look("", done.code == _NOT_FOUND, ahead)
    return Look(_STAMP.sub("", done.last_error_line()), clock_ahead_seconds=ahead)
