"""Flags that speed up small files, unless the user sets them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cloudplow.rclone.command import ExtraValue
from cloudplow.rclone.remotes import Dump, option_variable

#: rclone's own default, 100 ms between calls, allows about 6 small files a second whatever `--transfers` is: each
#: needs a listing and an upload. Google documents 12,000 queries per minute per user, one every 5 ms; twice that leaves
#: room for other users of the same account.
#: Sources: https://rclone.org/drive/#drive-pacer-min-sleep; https://developers.google.com/drive/api/guides/limits;
#: measured by benchmarks/small_files.py.
PACER_MIN_SLEEP: Final = "10ms"
_FLAG: Final = "--drive-pacer-min-sleep"
_OPTION: Final = "pacer_min_sleep"


def drive_defaults(
    drive_remotes: Sequence[str], dump: Dump, extras: Mapping[str, ExtraValue], environ: Mapping[str, str]
) -> dict[str, ExtraValue]:
    """Flags for an upload that reaches these drive remotes; {} if the user has set the pacer in any way."""
    if not drive_remotes or _FLAG in extras or "RCLONE_DRIVE_PACER_MIN_SLEEP" in environ:
        return {}
    for name in drive_remotes:
        if _OPTION in dump.get(name, {}) or option_variable(name, _OPTION) in environ:
            return {}
    return {_FLAG: PACER_MIN_SLEEP}
