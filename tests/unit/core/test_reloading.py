"""What is said when the configuration was read again: at once, later, after a restart."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from cloudplow.config.loader import build
from cloudplow.config.models import Config
from cloudplow.reloading import changes

BASE: dict[str, Any] = {
    "remotes": {"google": {"upload_folder": "/media", "upload_remote": "gdrive:"}},
    "uploader": {"google": {"max_size_gb": 200}},
}


class Section(BaseModel):
    value: int = 0


SECTIONS: dict[str, type[BaseModel]] = {"dashboard": Section, "notifications": Section}


def config(**more: Any) -> Config:
    return build({**BASE, **more}, SECTIONS).config


def said(**more: Any) -> str:
    return changes(config(), config(**more), ["dashboard"])


def test_nothing_has_changed() -> None:
    assert said() == ""


def test_when_to_upload_and_whom_to_tell_count_at_once() -> None:
    assert said(uploader={"google": {"max_size_gb": 100}}) == "in force now: uploader.google.max_size_gb"
    assert said(notifications={"value": 1}) == "in force now: notifications"


def test_what_a_session_works_with_counts_from_the_next_one_on() -> None:
    remotes = {"google": {"upload_folder": "/media", "upload_remote": "other:"}}
    assert said(remotes=remotes) == "from the next upload on: remotes.google"
    uploader = {"google": {"max_size_gb": 200, "account_quota": "1T"}}
    assert said(uploader=uploader) == "from the next upload on: uploader.google.account_quota"


def test_what_is_read_only_at_the_start_needs_a_restart_and_is_said_in_the_same_line() -> None:
    text = said(dashboard={"value": 1}, plugins=["one"], uploader={"google": {"check_interval": 5}})
    assert text == "in force now: uploader.google.check_interval; needs a restart: plugins, dashboard"


def test_uploaders_that_come_and_go_are_named() -> None:
    remotes = {**BASE["remotes"], "movies": {"upload_folder": "/movies", "upload_remote": "gdrive:m"}}
    both = {"google": {"max_size_gb": 200}, "movies": {}}
    assert "uploader.movies (new)" in said(remotes=remotes, uploader=both)
    gone = changes(config(remotes=remotes, uploader=both), config(), ["dashboard"])
    assert "uploader.movies (removed)" in gone
