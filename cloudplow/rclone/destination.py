"""Where an upload goes: looked up once in rclone's configuration, used everywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloudplow.rclone.command import ExtraValue
from cloudplow.rclone.environment import KEY_VARIABLES
from cloudplow.rclone.hashes import keeps_hashes
from cloudplow.rclone.layers import Layer
from cloudplow.rclone.remotes import (
    Dump,
    account_environment,
    crypt_layers_above_drive,
    drive_remotes_below,
    is_known,
    key_in_connection_string,
    remote_name,
)
from cloudplow.rclone.stored_questions import StoredInquiry, ask_for
from cloudplow.rclone.stored_sizes import find_layers
from cloudplow.rclone.tuning import drive_defaults


@dataclass(frozen=True, slots=True)
class Destination:
    """One rclone path and the remotes below it. Create it with `look_up`.

    known: the path is local, an on-the-fly remote, or names a configured remote. drive_remotes: names of the drive
    remotes that an upload reaches; crypt_layers: how many crypt remotes encrypt a file on its way there. key_in: the
    remote whose connection string names a key of its own, which no pool can replace; None if there is none.
    layers: what becomes of a file on its way there. keeps_hashes: rclone can compare every file that it moved there
    with the one at the source before it removes that.
    """

    path: str
    known: bool
    drive_remotes: tuple[str, ...]
    crypt_layers: int
    key_in: str | None
    settings: Mapping[str, Mapping[str, Any]]
    layers: Layer
    keeps_hashes: bool

    @property
    def remote_name(self) -> str | None:
        """The configured remote that the path names; None for a local path or an on-the-fly remote."""
        return remote_name(self.path)

    def stored_bytes(self, size_bytes: int) -> int:
        """How many bytes a file of that size takes on the drive, and so of an account's quota; never less."""
        return self.layers.stored_bytes(size_bytes)

    @property
    def sizes_are_exact(self) -> bool:
        """Whether `stored_bytes` is what the drive counts, to the byte. If not, `stored_inquiry` can tell it later."""
        return self.layers.exact

    @property
    def stores_as_is(self) -> bool:
        """Whether files take exactly their own size."""
        return self.sizes_are_exact and all(self.stored_bytes(size) == size for size in (0, 1, 1 << 40))

    def stored_inquiry(self, files: Iterable[tuple[str, int]]) -> StoredInquiry:
        """What to ask rclone, with an account's environment, to learn what uploaded files really take on the drive.

        files: names below the destination, and own sizes in bytes. Ask only for what is there: see `stored_questions`.
        """
        return ask_for(self.layers, files)

    def with_account(self, environment: Mapping[str, str], key: str) -> dict[str, str]:
        """An environment in which the drive remotes use a key file, whatever rclone's or our configuration names."""
        kept = {name: value for name, value in environment.items() if name not in KEY_VARIABLES}
        return kept | account_environment(self.drive_remotes, key)

    def default_flags(self, extras: Mapping[str, ExtraValue], environ: Mapping[str, str]) -> dict[str, ExtraValue]:
        """Flags that speed up small files, unless the user sets them."""
        return drive_defaults(self.drive_remotes, self.settings, extras, environ)


def look_up(
    path: str,
    dump: Dump,
    *,
    version: str = "",
    flags: Mapping[str, ExtraValue] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Destination:
    """Find the remotes below a path. dump: the document of `rclone config dump`.

    version: rclone's ("1.75.2"), which makes some sizes exact; "" when it is not known. flags, environ: what else of
    the upload's command may change options of these remotes, for example `--chunker-chunk-size`.
    """
    drives = drive_remotes_below(path, dump)
    return Destination(
        path=path,
        known=is_known(path, dump),
        drive_remotes=drives,
        crypt_layers=crypt_layers_above_drive(path, dump),
        key_in=key_in_connection_string(path, dump),
        settings={name: dump[name] for name in drives},
        layers=find_layers(path, dump, version=version, flags=flags, environ=environ),
        keeps_hashes=keeps_hashes(path, dump, flags=flags, environ=environ),
    )
