"""Models of the sections that talk to other programs: Plex, NZBGet, SABnzbd, syncers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from cloudplow.config.base import ExtraFlags, Model, OptionalText, in_small_letters
from cloudplow.units import parse_size_bytes


def _check_speed(value: object) -> object:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    parts = text.split(":")
    try:
        if len(parts) > 2:
            raise ValueError
        for part in parts:
            if part.lower() != "off":
                parse_size_bytes(part)
    except (ValueError, OverflowError):
        raise ValueError('must be a bandwidth as rclone writes it, for example "50M" or "off"') from None
    return text


#: A bandwidth in rclone's notation ("50M" = 50 MiB/s, "off" = no limit, "UPLOAD:DOWNLOAD").
Bandwidth = Annotated[str, BeforeValidator(_check_speed)]
StreamCount = Annotated[int, Field(ge=0, le=1_000_000)]

DEFAULT_SPEEDS: Final[Mapping[int, str]] = {1: "50M", 2: "40M", 3: "30M", 4: "20M", 5: "10M"}


class PlexRclone(Model):
    """How to change the bandwidth of a running rclone.

    url: address of rclone's remote control. throttle_speeds: number of streams -> bandwidth; the nearest key applies.
    """

    url: str = "http://localhost:7949"
    throttle_speeds: Mapping[StreamCount, Bandwidth] = Field(default=DEFAULT_SPEEDS, min_length=1)


class Plex(Model):
    """Throttling while people are streaming. poll_interval: seconds between two checks of the streams.

    max_streams_before_throttle: throttle the upload from this many streams on. ignore_local_streams: do not count
    streams on the local network. notifications: notify when the throttle changes.
    """

    enabled: bool = False
    url: OptionalText = None
    token: OptionalText = None
    poll_interval: float = Field(default=60, gt=0, le=86400)
    max_streams_before_throttle: int = Field(default=1, ge=0, le=1_000_000)
    ignore_local_streams: bool = True
    notifications: bool = False
    rclone: PlexRclone = Field(default_factory=PlexRclone)


class Nzbget(Model):
    """NZBGet, paused while an upload runs. url: with user and password, without the final "/xmlrpc"."""

    enabled: bool = False
    url: OptionalText = None


class Sabnzbd(Model):
    """SABnzbd, paused while an upload runs."""

    enabled: bool = False
    url: OptionalText = None
    apikey: OptionalText = None


class Syncer(Model):
    """Copies one remote to another. sync_from, sync_to: names of remotes that have a sync_remote.

    sync_interval: hours between two syncs. tool_path: the rclone to use; None = the same as for uploads.
    use_copy: copy instead of sync, so nothing is deleted. instance_destroy, region, type, image: for scaleway.
    """

    service: Annotated[Literal["local", "scaleway"], BeforeValidator(in_small_letters)] = "local"
    sync_from: str = Field(min_length=1)
    sync_to: str = Field(min_length=1)
    sync_interval: float = Field(default=24, gt=0, le=24 * 366)
    tool_path: OptionalText = None
    rclone_extras: ExtraFlags = Field(default_factory=dict)
    use_copy: bool = False
    instance_destroy: bool = False
    region: OptionalText = None
    type: OptionalText = None
    image: OptionalText = None
