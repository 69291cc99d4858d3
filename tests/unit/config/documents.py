"""Small documents and helpers for the tests of the configuration."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from cloudplow.config.loader import Loaded, build
from cloudplow.errors import ConfigError
from cloudplow.services.notify.config import NotificationsSection


class Dashboard(BaseModel):
    """Stands in for the section that the dashboard's plugin owns."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    without_it: ClassVar[str] = "there is no dashboard"

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=47949, ge=0, le=65535)
    refresh_interval: float = Field(default=3, gt=0)
    debug: bool = False
    rc_url: str | None = None
    trusted_proxies: list[str] = []
    allowed_hosts: list[str] = []


SECTIONS: dict[str, type[BaseModel]] = {"dashboard": Dashboard, "notifications": NotificationsSection}


def minimal(**extra: Any) -> dict[str, Any]:
    """A document with one remote and its uploader, with other sections added or replaced."""
    return {
        "remotes": {"google": {"upload_folder": "/mnt/media", "upload_remote": "google:Media"}},
        "uploader": {"google": {}},
        **extra,
    }


def with_remote(**keys: Any) -> dict[str, Any]:
    document = minimal()
    document["remotes"]["google"].update(keys)
    return document


def with_uploader(**keys: Any) -> dict[str, Any]:
    return minimal(uploader={"google": keys})


def load(document: dict[str, Any]) -> Loaded:
    return build(document, SECTIONS)


def warnings_of(document: dict[str, Any], **options: Any) -> tuple[str, ...]:
    """The warnings of a document that is accepted, without those for features that are not there yet."""
    loaded = build(document, SECTIONS, **options)
    return tuple(one for one in loaded.warnings if "not there yet" not in one)


def told_of(document: dict[str, Any], **options: Any) -> tuple[str, ...]:
    """Everything that is said of a document: faults and warnings."""
    try:
        return build(document, SECTIONS, **options).warnings
    except ConfigError as error:
        return (*error.faults, *error.warnings)


def faults_of(document: dict[str, Any], **options: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        build(document, SECTIONS, **options)
    return caught.value.faults
