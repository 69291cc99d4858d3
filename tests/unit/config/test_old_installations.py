"""Old configurations: none is refused for what does not concern uploads, and each warning helps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import BaseModel

from cloudplow.config.loader import build
from cloudplow.errors import ConfigError
from cloudplow.services.notify.config import NotificationsSection
from cloudplow_dashboard.config import DashboardSection

from .old_configurations import CHANGES, REFUSED, SILENT, WHOLE, Change, changed, whole

#: Keys of remotes and uploaders that an upload is right without.
BESIDE: Final = frozenset(
    {
        "hidden_remote",
        "sync_remote",
        "remove_empty_dir_depth",
        "check_interval",
        "max_size_gb",
        "size_excludes",
        "opened_excludes",
        "exclude_open_files",
        "can_be_throttled",
        "schedule",
        "mover",
    }
)
SECTIONS: Final[dict[str, type[BaseModel]]] = {"dashboard": DashboardSection, "notifications": NotificationsSection}


def warnings_of(document: dict[str, Any]) -> tuple[str, ...]:
    return build(document, SECTIONS).warnings


def assert_helpful(warning: str) -> None:
    what, _, cure = warning.partition("; ")
    assert re.match(r"[^ ]+(?: [^ ]+)*?: ", what), warning
    assert ", so " in what or ", ignored" in what, warning
    assert len(cure) > 4, warning


def test_there_are_about_a_hundred() -> None:
    assert len(WHOLE) == 6
    assert len({change.name for change in CHANGES}) + len(WHOLE) >= 100


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_configuration_is_accepted_with_its_uploader(name: str) -> None:
    document = whole(name)
    loaded = build(document, SECTIONS)

    assert next(iter(document["uploader"])) in loaded.config.uploader
    for warning in loaded.warnings:
        assert_helpful(warning)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_that_cannot_hurt_an_upload_is_a_warning_at_most(change: Change) -> None:
    document = changed(change)
    loaded = build(document, SECTIONS)
    before = warnings_of(whole(change.base))
    news = [warning for warning in loaded.warnings if warning not in before]

    assert "google" in loaded.config.uploader
    for warning in news:
        assert_helpful(warning)
    places = [warning.partition(": ")[0] for warning in news if "not there yet" not in warning]
    if change.told == SILENT:
        assert places == []
    else:
        assert change.told in places


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.name)
def test_what_would_make_an_upload_wrong_is_refused(change: Change) -> None:
    with pytest.raises(ConfigError) as caught:
        build(changed(change), SECTIONS)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{change.told}: ")


def places(document: dict[str, Any], parts: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place in a document that has a key."""
    for key, value in document.items():
        yield (*parts, key)
        if isinstance(value, dict):
            yield from places(value, (*parts, key))


@pytest.mark.parametrize("name", ["cloudbox", "fork"])
def test_whatever_is_at_a_place_that_does_not_concern_uploads_is_a_warning_at_most(name: str) -> None:
    concern = ("core", "remotes", "uploader", "plugins")
    tried = 0
    for parts in places(whole(name)):
        beside = parts[0] not in concern or (len(parts) > 2 and parts[2] in BESIDE)
        for value in ("", None, "x", "5", -1, True, [None], ["x"], {"a": 1}, 1e300) if beside else ():
            document = whole(name)
            holder = document
            for key in parts[:-1]:
                holder = holder[key]
            holder[parts[-1]] = value
            loaded = build(document, SECTIONS)
            assert list(loaded.config.uploader) == ["google"]
            for warning in loaded.warnings:
                assert_helpful(warning)
            tried += 1
    assert tried > 200


def test_a_destination_without_a_colon_asks_what_was_meant() -> None:
    for written, meant in (("google", "google:"), ("google/Media", "google:Media")):
        with pytest.raises(ConfigError) as caught:
            build(changed(Change("cloudbox", "remotes/google/upload_remote", written, "")), SECTIONS)
        assert f'did you mean "{meant}"?' in caught.value.faults[0]


@pytest.mark.parametrize(
    "written", ["google:", "google:x", ":local:/x", "google,root_folder_id=1:", "/mnt/x", "./x", ".."]
)
def test_a_destination_that_says_where_it_is_is_accepted(written: str) -> None:
    build(changed(Change("cloudbox", "remotes/google/upload_remote", written, "")), SECTIONS)


def test_one_broken_uploader_does_not_stop_the_others() -> None:
    loaded = build(whole("seedbox"), SECTIONS)

    assert list(loaded.config.uploader) == ["gdrive"]
    assert set(loaded.broken) == {"old", "gone"}
    assert (
        'remotes.old.upload_remote: is missing, but the uploader of that name needs it, so the uploader "old" is left '
        'out, and the others go on; add it, for example "google:/Media"'
    ) in loaded.warnings


def test_a_feature_that_is_on_and_not_there_yet_is_one_warning() -> None:
    document = whole("cloudbox")
    document["notifications"] = {}
    document["plex"].update(enabled=True, token="t")
    document["nzbget"]["enabled"] = True
    document["sabnzbd"] = {"enabled": True, "url": "http://x", "apikey": "a"}
    document["syncer"] = {name: {"sync_from": "google", "sync_to": "google"} for name in "ab"}
    uploader = document["uploader"]["google"]
    uploader["schedule"]["enabled"] = True
    uploader["mover"] = {"enabled": True, "move_from_remote": "google:a", "move_to_remote": "google:b"}

    warnings = warnings_of(document)

    assert [warning.partition(": ")[0] for warning in warnings] == [
        "uploader.google.mover",
        "hidden",
        "plex",
        "nzbget",
        "sabnzbd",
        "syncer",
    ]
    assert all("not there yet, so " in warning for warning in warnings)


def test_what_is_off_is_no_warning() -> None:
    document = whole("cloudbox")
    document.update(notifications={}, hidden={})

    assert warnings_of(document) == ()


def test_blank_texts_in_a_list_do_not_count() -> None:
    document = whole("cloudbox")
    document["remotes"]["google"]["rclone_excludes"] = ["", "*.nfo", None]
    document["uploader"]["google"]["opened_excludes"] = [" "]
    config = build(document, SECTIONS).config

    assert config.remotes["google"].rclone_excludes == ("*.nfo",)
    assert config.uploader["google"].opened_excludes == ()


def test_a_schedule_that_cannot_be_read_never_lets_a_scheduler_start() -> None:
    document = whole("cloudbox")
    document["uploader"]["google"]["schedule"] = "at night"
    schedule = build(document, SECTIONS).config.uploader["google"].schedule

    assert schedule.enabled
    assert schedule.from_minutes == schedule.until_minutes == 0
