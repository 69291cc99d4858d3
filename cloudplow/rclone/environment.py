"""The environment that rclone gets: without variables that would change its behaviour behind our back. Pure.

rclone also reads every flag from a variable: "--log-file" from RCLONE_LOG_FILE.
Source: https://rclone.org/docs/#environment-variables
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cloudplow.config.engine_flags import ENGINE_SETS, FILTERS, OWNED

#: Variables that may stay: the configuration file, and keys for users without a pool.
_HARMLESS: Final = frozenset({"--config", "--drive-service-account-file", "--drive-service-account-credentials"})

#: Variables that name a key for every drive remote; in 1.75 they override those of a single remote (observed).
KEY_VARIABLES: Final = frozenset({"RCLONE_DRIVE_SERVICE_ACCOUNT_FILE", "RCLONE_DRIVE_SERVICE_ACCOUNT_CREDENTIALS"})


def _variable(flag: str) -> str:
    return "RCLONE_" + flag.removeprefix("--").upper().replace("-", "_")


_OWNED_VARIABLES: Final = frozenset(
    _variable(flag) for flag in (OWNED.keys() | ENGINE_SETS) - FILTERS - _HARMLESS if flag.startswith("--")
)
#: Of the remote control, which is the engine's own: none of its many variables may stay.
_REMOTE_CONTROL: Final = re.compile("RCLONE_RC(?:_.*)?", re.DOTALL)
_FILTER_VARIABLES: Final = frozenset(_variable(flag) for flag in FILTERS)


def rclone_environment(environ: Mapping[str, str], *, filters: bool = True) -> dict[str, str]:
    """The environment without variables for flags that the engine owns. filters: keep filter variables (listings)."""
    dropped = _OWNED_VARIABLES if filters else _OWNED_VARIABLES | _FILTER_VARIABLES
    return {
        name: value for name, value in environ.items() if name not in dropped and not _REMOTE_CONTROL.fullmatch(name)
    }


def environment_faults(environ: Mapping[str, str]) -> list[str]:
    """Variables that an upload must not ignore."""
    if environ.get("RCLONE_DRY_RUN", "").strip().lower() in {"", "false", "f", "0"}:
        return []
    return [f"environment variable RCLONE_DRY_RUN: {OWNED['--dry-run']}, and unset the variable"]
