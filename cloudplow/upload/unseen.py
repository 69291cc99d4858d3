"""What an upload that was asked to stop may have brought there without rclone having said so. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Final

from cloudplow.rclone.command import ExtraValue

#: More than any line carries between rclone's last statistics (one a second) and its end: 20 Gbit/s for two seconds.
UNSEEN_BYTES: Final = 5_000_000_000
#: How many files rclone uploads at a time where nobody says.
DEFAULT_TRANSFERS: Final = 4


def transfers(extras: Mapping[str, ExtraValue], environ: Mapping[str, str]) -> int:
    """How many files rclone uploads at a time."""
    value = extras.get("--transfers", environ.get("RCLONE_TRANSFERS"))
    try:
        return max(1, int(value or DEFAULT_TRANSFERS))
    except ValueError:
        return DEFAULT_TRANSFERS


def unseen_bytes(missing_bytes: Iterable[int], transfers_at_once: int) -> int:
    """The most that may have gone since rclone's last statistics.

    missing_bytes: of each file of which it is not known that it arrived, what had not gone by then. At most so many
    files as go at a time may have arrived since, and no more than the line carries.
    """
    return min(UNSEEN_BYTES, sum(heapq.nlargest(transfers_at_once, missing_bytes)))
