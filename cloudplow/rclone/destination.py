"""Where an upload goes: looked up once in rclone's configuration, used everywhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudplow.rclone.command import ExtraValue
from cloudplow.rclone.environment import KEY_VARIABLES
from cloudplow.rclone.remotes import (
    Dump,
    account_environment,
    crypt_layers_above_drive,
    drive_remotes_below,
    is_known,
    key_in_connection_string,
    remote_name,
    stored_size_bytes,
)
from cloudplow.rclone.tuning import drive_defaults


@dataclass(frozen=True, slots=True)
class Destination:
    """One rclone path and the remotes below it. Create it with `look_up`.

    known: the path is local, an on-the-fly remote, or names a configured remote. drive_remotes: names of the drive
    remotes that an upload reaches; crypt_layers: how many crypt remotes encrypt a file on its way there. key_in: the
    remote whose connection string names a key of its own, which no pool can replace; None if there is none.
    """

    path: str
    known: bool
    drive_remotes: tuple[str, ...]
    crypt_layers: int
    key_in: str | None
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def remote_name(self) -> str | None:
        """The configured remote that the path names; None for a local path or an on-the-fly remote."""
        return remote_name(self.path)

    def stored_bytes(self, size_bytes: int) -> int:
        """How many bytes a file of that size takes on the drive, and so of an account's quota."""
        return stored_size_bytes(size_bytes, self.crypt_layers)

    def with_account(self, environment: Mapping[str, str], key: str) -> dict[str, str]:
        """An environment in which the drive remotes use a key file, whatever rclone's or our configuration names."""
        kept = {name: value for name, value in environment.items() if name not in KEY_VARIABLES}
        return kept | account_environment(self.drive_remotes, key)

    def default_flags(self, extras: Mapping[str, ExtraValue], environ: Mapping[str, str]) -> dict[str, ExtraValue]:
        """Flags that speed up small files, unless the user sets them."""
        return drive_defaults(self.drive_remotes, self.settings, extras, environ)


def look_up(path: str, dump: Dump) -> Destination:
    """Find the remotes below a path. dump: the document of `rclone config dump`."""
    drives = drive_remotes_below(path, dump)
    return Destination(
        path=path,
        known=is_known(path, dump),
        drive_remotes=drives,
        crypt_layers=crypt_layers_above_drive(path, dump),
        key_in=key_in_connection_string(path, dump),
        settings={name: dump[name] for name in drives},
    )
