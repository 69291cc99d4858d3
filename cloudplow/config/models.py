"""config.json as typed, frozen values; attributes have the names of the keys in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from cloudplow.config.base import ExtraFlags, Model, OptionalText, SizeBytes, Text, TimeOfDay, in_small_letters
from cloudplow.config.models_services import Nzbget, Plex, Sabnzbd, Syncer
from cloudplow.units import GIB

#: What one account may upload per window unless the configuration says otherwise: rclone's "750G".
DEFAULT_ACCOUNT_QUOTA_BYTES: Final = 750 * GIB
DEFAULT_PLUGINS: Final = ("cloudplow_dashboard",)


class Core(Model):
    """Settings of the whole program.

    dry_run: nothing is moved, copied or deleted. rclone_binary_path: None = find it.
    rclone_config_path: None = rclone's own default. stall_minutes: an rclone in which nothing happens for so long is
    ended, and what is left is planned again; 0 = never. max_parallel_uploads: how many uploaders may upload at the same
    time, if they share neither folder nor accounts.
    """

    dry_run: bool = False
    rclone_binary_path: OptionalText = None
    rclone_config_path: OptionalText = None
    stall_minutes: float = Field(default=15, ge=0, le=366 * 1440)
    max_parallel_uploads: int = Field(default=1, ge=1, le=100)


class Sleep(Model):
    """A trigger: `count` lines containing its text within `timeout` seconds stop the run for `sleep` hours."""

    count: int = Field(ge=1, le=1_000_000)
    timeout: float = Field(ge=0, le=366 * 86400)
    sleep: float = Field(gt=0, le=24 * 366)


class Remote(Model):
    """One place to upload to, and how.

    upload_folder: local folder. upload_remote, hidden_remote, sync_remote: rclone paths such as "gdrive:Media".
    rclone_excludes: patterns for --exclude. rclone_extras: additional flags. rclone_sleeps: text -> trigger.
    remove_empty_dir_depth: empty folders at this depth or deeper are removed after an upload; None = keep them.
    service_account_path: as in `Uploader`, read here for older configurations; use the uploader's.
    """

    upload_folder: OptionalText = None
    upload_remote: OptionalText = None
    hidden_remote: OptionalText = None
    sync_remote: OptionalText = None
    rclone_command: Annotated[Literal["move", "copy"], BeforeValidator(in_small_letters)] = "move"
    rclone_excludes: tuple[Text, ...] = ()
    rclone_extras: ExtraFlags = Field(default_factory=dict)
    rclone_sleeps: Mapping[str, Sleep] = Field(default_factory=dict)
    remove_empty_dir_depth: int | None = Field(default=None, ge=0, le=1000)
    service_account_path: OptionalText = None


class Schedule(Model):
    """Hours in which an upload may start, local time; spans midnight when `allowed_from` is the later time.

    never: no upload starts by itself; so it is if the hours cannot be read.
    """

    enabled: bool = False
    allowed_from: TimeOfDay = "00:00"
    allowed_until: TimeOfDay = "00:00"
    never: bool = Field(default=False, json_schema_extra={"written": None})

    @property
    def from_minutes(self) -> int:
        """`allowed_from` in minutes since midnight."""
        return int(self.allowed_from[:2]) * 60 + int(self.allowed_from[3:])

    @property
    def until_minutes(self) -> int:
        """`allowed_until` in minutes since midnight."""
        return int(self.allowed_until[:2]) * 60 + int(self.allowed_until[3:])


class Mover(Model):
    """A move inside the cloud after an upload. Both remotes: rclone paths, or names of remotes."""

    enabled: bool = False
    move_from_remote: OptionalText = None
    move_to_remote: OptionalText = None
    rclone_extras: ExtraFlags = Field(default_factory=dict)
    rclone_excludes: tuple[Text, ...] = ()


class Uploader(Model):
    """When to upload to a remote, and with which accounts.

    check_interval: minutes. max_size_gb: an upload is due once the folder holds this many GiB. size_excludes: paths
    containing one of these are not counted. opened_excludes: paths containing one of these are uploaded even if open.
    service_account_path: folder of key files; None = no pool of accounts.
    account_quota: bytes per account in `account_quota_hours` hours (fractions allowed). stall_minutes: None = `core`'s.
    """

    check_interval: float = Field(default=30, gt=0, le=366 * 1440)
    max_size_gb: float = Field(default=200, ge=0, le=1e9)
    size_excludes: tuple[Text, ...] = ()
    exclude_open_files: bool = True
    opened_excludes: tuple[Text, ...] = ()
    can_be_throttled: bool = True
    schedule: Schedule = Field(default_factory=Schedule)
    service_account_path: OptionalText = None
    mover: Mover = Field(default_factory=Mover)
    account_quota: SizeBytes = Field(default=DEFAULT_ACCOUNT_QUOTA_BYTES, json_schema_extra={"written": "750G"})
    account_quota_hours: float = Field(default=24, gt=0, le=24 * 366)
    stall_minutes: float | None = Field(default=None, ge=0, le=366 * 1440)

    @property
    def account_quota_bytes(self) -> int:
        """`account_quota`: bytes, above zero."""
        return self.account_quota


class Hidden(Model):
    """Where the hidden files of one folder are deleted. hidden_remotes: names of remotes with a hidden_remote."""

    hidden_remotes: tuple[Text, ...] = ()


class Config(Model):
    """The whole configuration.

    remotes, uploader, syncer: by name; hidden: by folder. plugins: entry points or modules.
    sections: the sections that plugins own, each as the plugin's own model.
    """

    core: Core = Field(default_factory=Core)
    remotes: Mapping[str, Remote] = Field(default_factory=dict)
    uploader: Mapping[str, Uploader] = Field(default_factory=dict)
    hidden: Mapping[str, Hidden] = Field(default_factory=dict)
    plex: Plex = Field(default_factory=Plex)
    nzbget: Nzbget = Field(default_factory=Nzbget)
    sabnzbd: Sabnzbd = Field(default_factory=Sabnzbd)
    syncer: Mapping[str, Syncer] = Field(default_factory=dict)
    plugins: tuple[str, ...] = DEFAULT_PLUGINS
    sections: Mapping[str, BaseModel] = Field(default_factory=dict)

    def section(self, name: str) -> BaseModel:
        """The section that a plugin owns. Raises KeyError when no plugin registered it."""
        return self.sections[name]

    def rclone_path(self, reference: str) -> str:
        """What a mover's remote refers to: the upload_remote of the remote with that name, else the text itself."""
        remote = self.remotes.get(reference)
        return remote.upload_remote if remote is not None and remote.upload_remote is not None else reference


#: The sections of the core, in the order of the file.
SECTIONS: Final = tuple(name for name in Config.model_fields if name != "sections")
