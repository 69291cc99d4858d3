"""Values of the configuration: defaults, what older installations wrote, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cloudplow.config.loader import build
from cloudplow.config.models import Config
from cloudplow.services.notify.config import NotificationsSection

from .documents import SECTIONS, Dashboard, faults_of, load, minimal, warnings_of, with_remote, with_uploader


def test_empty_document_gives_the_documented_defaults() -> None:
    config = load({}).config
    assert config.plugins == ("cloudplow_dashboard",)
    assert (config.core.dry_run, config.core.rclone_binary_path, config.core.rclone_config_path) == (False, None, None)
    assert (config.plex.enabled, config.plex.poll_interval, config.plex.max_streams_before_throttle) == (False, 60, 1)
    assert config.plex.ignore_local_streams and not config.plex.notifications
    assert config.plex.rclone.url == "http://localhost:7949"
    assert config.plex.rclone.throttle_speeds[5] == "10M"
    assert config.section("dashboard") == Dashboard()


def test_minimal_remote_and_uploader_need_no_lists() -> None:
    config = load(minimal()).config
    remote, uploader = config.remotes["google"], config.uploader["google"]
    assert remote.rclone_command == "move"
    assert (remote.rclone_excludes, dict(remote.rclone_extras), dict(remote.rclone_sleeps)) == ((), {}, {})
    assert remote.remove_empty_dir_depth is None
    assert (uploader.size_excludes, uploader.opened_excludes, uploader.can_be_throttled) == ((), (), True)
    assert uploader.account_quota_bytes == 805_306_368_000
    assert uploader.account_quota_hours == 24
    assert not uploader.mover.enabled and not uploader.schedule.enabled


def test_null_counts_as_missing() -> None:
    config = load(
        {
            "core": None,
            "hidden": None,
            **with_remote(rclone_excludes=None, rclone_extras=None, rclone_sleeps=None, rclone_command=None),
        }
    ).config
    assert config.remotes["google"].rclone_excludes == ()
    assert config.remotes["google"].rclone_command == "move"


def test_config_of_the_original_program_loads() -> None:
    document: dict[str, Any] = {
        "core": {"dry_run": False, "rclone_binary_path": "/usr/bin/rclone", "rclone_config_path": "/root/rclone.conf"},
        "hidden": {"/mnt/local/.unionfs-fuse": {"hidden_remotes": ["google"]}},
        "notifications": {
            "Pushover": {"service": "pushover", "app_token": "a", "user_token": "b", "priority": "0"},
            "Slack": {"service": "slack", "webhook_url": "https://hooks.slack.com/services/T1/B2/c3"},
            "apprise": {"service": "apprise", "url": "json://localhost", "title": ""},
        },
        "nzbget": {"enabled": False, "url": "https://user:password@nzbget.example.com"},
        "plex": {"enabled": False, "url": "", "token": "", "rclone": {"throttle_speeds": {"0": "off", "3": "30M"}}},
        "remotes": {
            "google": {
                "hidden_remote": "google:",
                "rclone_command": "move",
                "rclone_excludes": ["**partial~"],
                "rclone_extras": {"--checkers": 16, "--stats": "60s", "--verbose": 1, "--skip-links": None},
                "rclone_sleeps": {"Failed to copy: googleapi: Error 403": {"count": 5, "sleep": 25, "timeout": 3600}},
                "remove_empty_dir_depth": 2,
                "sync_remote": "google:/Backups",
                "upload_folder": "/mnt/local/Media",
                "upload_remote": "google:/Media",
            }
        },
        "syncer": {},
        "uploader": {
            "google": {
                "check_interval": 30,
                "exclude_open_files": True,
                "max_size_gb": 400,
                "opened_excludes": ["/downloads/"],
                "schedule": {"allowed_from": "04:00", "allowed_until": "8:00", "enabled": False},
                "size_excludes": ["downloads/*"],
                "service_account_path": "",
                "can_be_throttled": True,
                "mover": {
                    "enabled": True,
                    "move_from_remote": "google:Media",
                    "move_to_remote": "archive:Media",
                    "rclone_extras": {"--delete-empty-src-dirs": None},
                },
            }
        },
    }
    loaded = load(document)
    assert warnings_of(document) == ()
    remote, uploader = loaded.config.remotes["google"], loaded.config.uploader["google"]
    assert list(remote.rclone_extras.items())[:2] == [("--checkers", 16), ("--stats", "60s")]
    assert uploader.schedule.allowed_until == "08:00"
    assert uploader.service_account_path is None
    assert loaded.config.plex.rclone.throttle_speeds == {0: "off", 3: "30M"}


def test_service_accounts_named_at_the_remote_reach_the_uploader() -> None:
    config = load(with_remote(service_account_path="/keys/remote")).config
    assert config.uploader["google"].service_account_path == "/keys/remote"


def test_service_accounts_named_at_the_uploader_win() -> None:
    document = with_remote(service_account_path="/keys/remote")
    document["uploader"]["google"]["service_account_path"] = "/keys/uploader"
    assert load(document).config.uploader["google"].service_account_path == "/keys/uploader"
    document["uploader"]["google"]["service_account_path"] = "  "
    assert load(document).config.uploader["google"].service_account_path == "/keys/remote"


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("750G", 805_306_368_000), ("1.5M", 1_572_864), (750_000_000_000, 750_000_000_000), (7.5e11, 750_000_000_000)],
)
def test_account_quota_is_read_as_rclone_writes_sizes_or_as_bytes(written: object, size_bytes: int) -> None:
    config = load(with_uploader(account_quota=written, account_quota_hours=0.001)).config
    assert config.uploader["google"].account_quota_bytes == size_bytes
    assert config.uploader["google"].account_quota_hours == 0.001


@pytest.mark.parametrize("nonsense", [0, -1, "0", "-3G", "lots", "", "off", True, [], 1e300, "9" * 400, "99999999E"])
def test_account_quota_of_nothing_or_nonsense_is_a_fault_with_the_cure(nonsense: object) -> None:
    (fault,) = faults_of(with_uploader(account_quota=nonsense))
    assert fault.startswith("uploader.google.account_quota: ")
    assert 'must be a size above zero, as rclone writes it, for example "750G"' in fault


@pytest.mark.parametrize("nonsense", [0, -1, "x", float("inf"), 1e9])
def test_account_quota_hours_must_be_a_span_of_time(nonsense: object) -> None:
    (fault,) = faults_of(with_uploader(account_quota_hours=nonsense))
    assert fault.startswith("uploader.google.account_quota_hours: ")


@pytest.mark.parametrize("nonsense", ["25:99", "24:00", "noon", 2230, "12:5", "1²:00"])
def test_a_time_that_is_none_is_a_warning_that_shows_how_to_write_it(nonsense: object) -> None:
    schedule = {"enabled": True, "allowed_from": nonsense, "allowed_until": "07:30"}
    (fault,) = warnings_of(with_uploader(schedule=schedule))
    assert fault.startswith("uploader.google.schedule.allowed_from: ")
    assert "so a scheduler never starts this uploader" in fault
    assert 'must be a time of day in the form HH:MM, for example "22:30" (found ' in fault


def test_schedule_gives_its_bounds_in_minutes() -> None:
    schedule = {"enabled": True, "allowed_from": "22:30", "allowed_until": "07:05"}
    read = load(with_uploader(schedule=schedule)).config.uploader["google"].schedule
    assert (read.from_minutes, read.until_minutes) == (1350, 425)


def test_schedule_that_is_on_needs_both_bounds() -> None:
    faults = warnings_of(with_uploader(schedule={"enabled": True, "allowed_from": ""}))
    assert [fault.split(":")[0] for fault in faults] == [
        "uploader.google.schedule.allowed_from",
        "uploader.google.schedule.allowed_until",
    ]


def test_order_of_flags_is_the_users_and_dashes_are_added() -> None:
    extras = {"transfers": 8, "--fast-list": None, "v": None, "--drive-chunk-size=64M": None, "-l": True}
    read = load(with_remote(rclone_extras=extras)).config.remotes["google"].rclone_extras
    assert list(read.items()) == [
        ("--transfers", 8),
        ("--fast-list", None),
        ("-v", None),
        ("--drive-chunk-size", "64M"),
        ("-l", True),
    ]


@pytest.mark.parametrize(
    "sleep",
    [
        {"count": 0, "timeout": 1, "sleep": 1},
        {"count": 1, "timeout": -1, "sleep": 1},
        {"count": 1, "timeout": 1, "sleep": "long"},
        {"count": 1, "timeout": 1, "sleep": 0},
    ],
)
def test_trigger_that_cannot_work_is_a_fault(sleep: object) -> None:
    (fault,) = faults_of(with_remote(rclone_sleeps={"Error 403: x": sleep}))
    assert fault.startswith('remotes.google.rclone_sleeps."Error 403: x".')


def test_trigger_without_text_would_stop_every_run_and_is_not_watched_for() -> None:
    (fault,) = warnings_of(with_remote(rclone_sleeps={" ": {"count": 1, "timeout": 1, "sleep": 1}}))
    assert "would match every line, so this text is not watched for" in fault


@pytest.mark.parametrize("speed", ["fast", "10M:1M:1M", "", None, True, "1" * 400])
def test_bandwidth_that_is_none_means_no_throttling(speed: object) -> None:
    (fault,) = warnings_of(minimal(plex={"rclone": {"throttle_speeds": {"1": speed}}}))
    assert fault.startswith("plex.rclone.throttle_speeds.1: ")


def test_configuration_cannot_be_changed() -> None:
    config = load(minimal()).config
    with pytest.raises(ValidationError):
        config.core.dry_run = True  # type: ignore[misc]


def test_key_called_sections_in_the_file_is_unknown() -> None:
    loaded = load(minimal(sections={"dashboard": {}}))
    assert len(loaded.warnings) == 1 and loaded.warnings[0].startswith("sections: ")
    assert set(loaded.config.sections) == {"dashboard", "notifications"}


def test_section_that_no_plugin_registered_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        build({}, {}).config.section("dashboard")


def test_mover_may_name_a_remote_or_an_rclone_path() -> None:
    config: Config = load(minimal()).config
    assert config.rclone_path("google") == "google:Media"
    assert config.rclone_path("archive:Media") == "archive:Media"


def test_notification_of_a_plugins_service_keeps_its_own_keys() -> None:
    document: dict[str, Any] = minimal(notifications={"x": {"service": "matrix", "room": "!abc"}})
    section = build(document, SECTIONS, services=["matrix"]).config.section("notifications")
    assert warnings_of(document, services=["matrix"]) == ()
    assert isinstance(section, NotificationsSection)
    assert section.receivers["x"].extra("room") == "!abc"
    assert section.receivers["x"].extra("other") is None
