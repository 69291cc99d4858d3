"""What an upload that was asked to stop may have sent without rclone reporting it. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Final

from cloudplow.rclone.command import ExtraValue

#: More than any line can carry between rclone's last statistics (one a second) and its end: 20 Gbit/s for two seconds.
UNSEEN_BYTES: Final = 5_000_000_000
#: How many files rclone uploads at a time by default.
DEFAULT_TRANSFERS: Final = 4


def transfers(extras: Mapping[str, ExtraValue], environ: Mapping[str, str]) -> int:
    """How many files rclone uploads at a time."""
    value = extras.get("--transfers", environ.get("RCLONE_TRANSFERS"))
    try:
        return max(1, int(value or DEFAULT_TRANSFERS))
    except ValueError:
        return DEFAULT_TRANSFERS


def unseen_bytes(missing_bytes: Iterable[int], transfers_at_once: int) -> int:
    """The most that may have been sent since rclone's last statistics.

    missing_bytes: for each file not known to have arrived, what had not been sent by then. At most as many files as
    rclone uploads at a time can have arrived since, and no more bytes than a line can carry.
    """
    return min(UNSEEN_BYTES, sum(heapq.nlargest(transfers_at_once, missing_bytes)))
