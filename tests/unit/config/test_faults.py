"""Faults and warnings: all at once, each with its place and what to do, none with a secret."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, IPvAnyAddress, field_validator, model_validator

from cloudplow.config.loader import build, plugin_names
from cloudplow.errors import ConfigError

from .documents import faults_of, load, minimal, told_of, warnings_of, with_remote, with_uploader


def test_all_faults_come_at_once_whatever_finds_them() -> None:
    document = minimal(
        hidden={"/mnt/x": {"hidden_remotes": ["gogle"]}},
        plex={"enabled": True, "token": "t"},
        notifications={"chat": {"service": "slack"}},
        syncer={"s": {"sync_from": "google", "sync_to": "nowhere"}},
        dashboard={"port": 99999},
        core={"dry_run": "maybe"},
    )
    document["remotes"]["google"]["rclone_extras"] = {"--files-from": "x"}
    document["uploader"]["goggle"] = {"schedule": {"allowed_from": "25:99"}, "check_interval": 0}
    with pytest.raises(ConfigError) as caught:
        load(document)
    faults, warnings = caught.value.faults, caught.value.warnings
    assert [fault.split(": ")[0] for fault in faults] == [
        "core.dry_run",
        "uploader.goggle",
        "remotes.google.rclone_extras.--files-from",
    ]
    assert sorted(warning.split(": ")[0] for warning in warnings) == sorted(
        [
            "uploader.goggle.check_interval",
            "uploader.goggle.schedule.allowed_from",
            'hidden."/mnt/x".hidden_remotes[0]',
            "remotes.google.sync_remote",
            "syncer.s.sync_to",
            "plex.url",
            "dashboard.port",
            "notifications.chat.webhook_url",
        ]
    )
    assert "dashboard.port: must be at most 65535 (found 99999), so there is no dashboard; correct it" in warnings
    assert 'core.dry_run: must be true or false (found "maybe")' in faults


def test_uploader_without_its_remote_names_both() -> None:
    (fault,) = faults_of({"remotes": {"google": {}}, "uploader": {"goggle": {}}})
    assert '"goggle"' in fault and '"google"' in fault


def test_remote_of_an_uploader_needs_a_folder_and_a_target() -> None:
    faults = faults_of({"remotes": {"google": {"upload_folder": " "}}, "uploader": {"google": {}}})
    assert [fault.split(":")[0] for fault in faults] == ["remotes.google.upload_folder", "remotes.google.upload_remote"]


def test_remote_without_uploader_needs_neither() -> None:
    assert load({"remotes": {"google": {}}}).warnings == ()


def test_hidden_remote_that_is_not_set_is_told_at_the_remote() -> None:
    (fault,) = warnings_of(minimal(hidden={"/mnt/x": {"hidden_remotes": ["google"]}}))
    assert fault.startswith("remotes.google.hidden_remote: is missing, but hidden needs it")


@pytest.mark.parametrize("reference", ["gogle", "", None])
def test_mover_that_is_on_needs_places_that_exist(reference: str | None) -> None:
    mover = {"enabled": True, "move_from_remote": reference, "move_to_remote": "archive:Media"}
    (fault,) = warnings_of(with_uploader(mover=mover))
    assert fault.startswith("uploader.google.mover.move_from_remote: ")
    assert "so nothing is moved on after an upload; " in fault


def test_mover_that_is_off_may_hold_anything() -> None:
    load(with_uploader(mover={"enabled": False, "move_from_remote": "gogle"}))


def test_service_that_nobody_offers_is_a_warning_that_lists_the_known_ones() -> None:
    (fault,) = warnings_of(minimal(notifications={"x": {"service": "slak", "webhook_url": "secret"}}))
    assert fault.startswith('notifications.x.service: must be one of "apprise", ')
    assert fault.endswith(' (found "slak"), so x gets no notifications; correct it')


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (minimal(remotes="x"), 'remotes: must be an object, for example {"name": "value"}'),
        (with_remote(rclone_command="sync"), 'rclone_command: must be "move" or "copy" (found "sync")'),
        (with_remote(rclone_excludes="*.nfo"), 'must be a list, for example ["a", "b"] (found "*.nfo")'),
        (with_remote(rclone_excludes=[[]]), "rclone_excludes[0]: must be a string, in double quotes"),
        (with_remote(remove_empty_dir_depth=1.5), "must be a whole number, without a decimal point (found 1.5)"),
        (with_remote(rclone_extras={"--x": []}), "--x: must be a string, a number, true, false, or null"),
        (with_uploader(check_interval="often"), 'must be a number, without quotes (found "often")'),
        (with_uploader(mover={"rclone_extras": 5}), "rclone_extras: must be an object"),
        (
            minimal(syncer={"s": {"service": "local"}}),
            "syncer.s.sync_from: is missing, so the syncer s does not run; add it",
        ),
        (minimal(plugins={"a": 1}), "plugins: must be a list"),
        (
            minimal(uploader={"google": None}),
            'uploader.google: must be an object, for example {"name": "value"} (found null)',
        ),
    ],
)
def test_common_slips_are_told_in_plain_words(document: dict[str, Any], sentence: str) -> None:
    assert any(sentence in fault for fault in told_of(document))


SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    "document",
    [
        minimal(plex={"enabled": "perhaps", "token": [SECRET], "url": [SECRET]}),
        minimal(sabnzbd={"enabled": True, "apikey": {"x": SECRET}}),
        minimal(nzbget={"enabled": True, "url": [f"http://user:{SECRET}@host"]}),
        minimal(notifications={"x": {"service": "slack", "webhook_url": {"a": SECRET}, "priority": "x"}}),
        minimal(notifications={"x": {"service": "pushover", "app_token": [SECRET]}}),
        with_remote(rclone_extras={f"--drive-client-secret {SECRET}": None}),
        with_remote(rclone_extras={f"--drive-client-secret={SECRET}": 5}),
        with_remote(rclone_extras={"--log-level": SECRET, "--header": [SECRET]}),
        with_remote(upload_folder=[f"https://user:{SECRET}@host/"]),
        minimal(core={"dry_run": f"https://user:{SECRET}@host/"}),
        minimal(secretive={"password": SECRET}),
    ],
)
def test_no_fault_shows_a_secret(document: dict[str, Any]) -> None:
    class Secretive(BaseModel):
        password: str = ""

        @field_validator("password")
        @classmethod
        def refuse(cls, value: str) -> str:
            raise ValueError(f"the password {value} is too weak")

    sections: dict[str, type[BaseModel]] = {"secretive": Secretive}
    try:
        told = build(document, sections).warnings
    except ConfigError as error:
        told = (*error.faults, *error.warnings)
    assert told
    assert SECRET not in "".join(told)


def test_control_characters_are_escaped_and_long_values_cut() -> None:
    document = with_uploader(check_interval="\x1b[2J\u202e" + "x" * 500)
    document["remotes"]["bad\x1b]0;\x07name"] = {"rclone_command": "\ud800"}
    document["uploader"]["new\nline"] = {}
    told = told_of(document)
    assert len(told) >= 3
    for fault in told:
        assert fault.isprintable()
        assert len(fault) < 350


def test_nul_in_a_text_is_a_fault_because_no_path_can_hold_it() -> None:
    (fault,) = faults_of(with_remote(upload_folder="/mnt/\0x"))
    assert fault == "remotes.google.upload_folder: contains a NUL character; remove it"


def test_unknown_keys_are_warnings_with_their_place_and_a_guess() -> None:
    document = with_remote(
        rclone_exclude=["x"], color=1, rclone_sleeps={"t": {"count": 1, "timeout": 1, "sleep": 1, "y": 0}}
    )
    document["uploader"]["google"]["schedule"] = {"allowed_form": "08:00"}
    document["dashbord"] = {}
    document["dashboard"] = {"prt": 1}
    assert load(document).warnings == (
        'remotes.google.rclone_exclude: unknown key, ignored; did you mean "rclone_excludes"?',
        "remotes.google.color: unknown key, ignored; remove it",
        "remotes.google.rclone_sleeps.t.y: unknown key, ignored; remove it",
        'uploader.google.schedule.allowed_form: unknown key, ignored; did you mean "allowed_from"?',
        'dashboard.prt: unknown key, ignored; did you mean "port"?',
        'dashbord: unknown section in config.json, ignored; did you mean "dashboard"?',
    )


def test_plugin_model_decides_itself_about_unknown_keys_and_whole_sections() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        size: int = 1

        @model_validator(mode="after")
        def refuse(self) -> Strict:
            if self.size == 2:
                raise ValueError("size 2 needs a colour; add colour")
            return self

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    loaded = build({"open": {"anything": 1}, "strict": None}, {"open": Open, "strict": Strict})
    assert loaded.warnings == ()
    with pytest.raises(ConfigError) as caught:
        build({"strict": {"colour": 1}}, {"strict": Strict})
    assert caught.value.faults == ("strict.colour: is not a known key; remove it",)
    with pytest.raises(ConfigError) as caught:
        build({"strict": {"size": 2}}, {"strict": Strict})
    assert caught.value.faults == ("strict: size 2 needs a colour; add colour",)


def test_plugin_model_that_breaks_is_a_fault_of_its_section() -> None:
    class Broken(BaseModel):
        @model_validator(mode="before")
        @classmethod
        def fail(cls, data: Any) -> Any:
            return data["nothing"]

    with pytest.raises(ConfigError) as caught:
        build({"broken": {}}, {"broken": Broken})
    assert caught.value.faults[0].startswith("broken: its plugin failed to check it (KeyError)")


def test_plugin_names_default_order_and_faults() -> None:
    assert plugin_names({}) == ["cloudplow_dashboard"]
    assert plugin_names({"plugins": []}) == []
    assert plugin_names({"plugins": ["b", "a", "b"]}) == ["b", "a"]
    with pytest.raises(ConfigError, match="plugins: must be a list"):
        plugin_names({"plugins": {}})
    with pytest.raises(ConfigError) as caught:
        plugin_names({"plugins": ["a", 1, ""]})
    assert len(caught.value.faults) == 2


def test_name_of_the_wrong_kind_is_told_at_its_own_place() -> None:
    (fault,) = warnings_of(minimal(plex={"rclone": {"throttle_speeds": {"many": "50M"}}}))
    assert fault == (
        'plex.rclone.throttle_speeds.many: must be a whole number, without quotes (found "many"), '
        "so Plex is not watched; correct it"
    )


def test_number_that_is_too_long_to_print_is_not_shown() -> None:
    (fault,) = warnings_of(with_uploader(max_size_gb=-(10**5000)))
    assert fault == (
        "uploader.google.max_size_gb: must be a number, without quotes, so the default of 200 is used; correct it"
    )


def test_fault_of_a_plugins_own_kind_is_told_in_the_plugins_words() -> None:
    class Section(BaseModel):
        address: IPvAnyAddress | None = None

    with pytest.raises(ConfigError) as caught:
        build({"own": {"address": "nowhere"}}, {"own": Section})
    assert caught.value.faults == (
        'own.address: is not valid: value is not a valid IPv4 or IPv6 address (found "nowhere")',
    )
