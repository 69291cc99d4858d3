"""The program's own start and stop: each step is left, whatever happens in another."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cloudplow import hookimpl
from cloudplow.accounts.identity import read_key
from cloudplow.app import App
from cloudplow.errors import ConfigError, PluginError, StateError
from cloudplow.events import AccountsLearned, SessionRecovered, UploaderState
from cloudplow.hookspecs import PluginApp
from cloudplow.state.state_files import LEDGER_FILE, SESSION_FILE
from tests.unit.helpers import charge

KEY = {"client_email": "1@pool.invalid"}
MakeApp = Callable[..., App]


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    """An app on a folder of its own; the hooks given are those of its only plugin."""

    def make(**hooks: Callable[..., Any]) -> App:
        module = ModuleType("plugin_of_a_test")
        for hook, function in hooks.items():
            setattr(module, hook, hookimpl(function))
        sys.modules["plugin_of_a_test"] = module
        for folder in ("media", "keys"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "keys" / "1.json").write_text(json.dumps(KEY), encoding="utf-8")
        config = {
            "plugins": ["plugin_of_a_test"],
            "remotes": {"google": {"upload_folder": str(tmp_path / "media"), "upload_remote": "gdrive:"}},
            "uploader": {"google": {"service_account_path": str(tmp_path / "keys")}},
        }
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return App(tmp_path / "config.json", tmp_path, {})

    yield make
    sys.modules.pop("plugin_of_a_test", None)


def test_a_second_ctrl_c_in_a_plugin_does_not_keep_the_ledger_from_the_disk(make_app: MakeApp, tmp_path: Path) -> None:
    stopped: list[str] = []

    def interrupted() -> None:
        stopped.append("plugin")
        raise KeyboardInterrupt

    app = make_app(cloudplow_stop=interrupted)
    with pytest.raises(KeyboardInterrupt), app:
        app.state_files.register(SESSION_FILE, lambda: {"uploader": "google"})
        app.state_files.mark_dirty(SESSION_FILE)

    assert stopped == ["plugin"]
    assert json.loads((tmp_path / SESSION_FILE).read_bytes()) == {"uploader": "google"}


def test_what_was_charged_is_on_the_disk_whoever_interrupts_the_upload(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = str(tmp_path / "keys" / "1.json")

    apps: list[App] = []

    def interrupted(*_: Any) -> None:
        charge(apps[0].book, read_key(key).identity, 5000)
        raise KeyboardInterrupt

    monkeypatch.setattr("cloudplow.dispatch.dispatcher.Dispatcher.serve", interrupted)
    monkeypatch.setattr("cloudplow.app.steered", lambda *_: nullcontext())
    with pytest.raises(KeyboardInterrupt), make_app() as app:
        apps.append(app)
        app.upload_tasks([])

    (record,) = json.loads((tmp_path / LEDGER_FILE).read_bytes())["google"].values()
    assert record["bytes"] == 5000
    with make_app() as app:
        assert app.book.used_bytes(read_key(key).identity) == 5000


def test_a_ctrl_c_while_events_are_delivered_does_not_keep_plugins_from_their_end(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    app = make_app(cloudplow_stop=lambda: stopped.append("plugin"))

    def close() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app.bus, "close", close)
    with pytest.raises(KeyboardInterrupt), app:
        pass

    assert stopped == ["plugin"]


def test_a_plugin_that_cannot_start_leaves_nothing_running(make_app: MakeApp) -> None:
    def fails() -> None:
        raise OSError("no room")

    stopped: list[str] = []
    app = make_app(cloudplow_start=fails, cloudplow_stop=lambda: stopped.append("plugin"))
    with pytest.raises(PluginError, match="no room"), app:
        pass

    assert stopped == ["plugin"]


def test_a_plugin_gets_what_the_protocol_promises(make_app: MakeApp) -> None:
    given: list[PluginApp] = []
    with make_app(cloudplow_start=lambda app: given.append(app)):
        (app,) = given
        promised = [name for name in vars(PluginApp) if not name.startswith("_")]
        assert [name for name in promised if not hasattr(app, name)] == []
        assert app.controls.status()["google"].state is UploaderState.IDLE
        assert app.controls.stop("google") == {}
        with app.watch_rclone(None, 1.0):
            pass


def test_an_address_that_cannot_be_one_is_refused(make_app: MakeApp) -> None:
    with pytest.raises(ConfigError, match="must be an address such as"), make_app().watch_rclone("nonsense", 1.0):
        pass


@pytest.mark.parametrize(
    ("plex", "asked"),
    [
        ({}, []),
        ({"rclone": {"throttle_speeds": {"1": "5M"}}}, []),
        ({"rclone": {"url": "http://127.0.0.1:9"}}, [("http://127.0.0.1:9", "plex.rclone.url", False)]),
        ({"rclone": {"url": "nonsense"}}, []),
        ({"enabled": True, "url": "http://plex", "token": "t"}, [("http://localhost:7949", "plex.rclone.url", True)]),
    ],
)
def test_without_an_address_of_its_own_the_rclone_of_plex_is_watched_if_one_is_named(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plex: Any, asked: list[Any]
) -> None:
    watched: list[Any] = []

    class Watch:
        def __init__(self, url: str, *_: object, place: str, expected: bool) -> None:
            if url == "nonsense":
                raise ValueError
            watched.append((url, place, expected))

        def start(self) -> None: ...

        def stop(self) -> None: ...

    monkeypatch.setattr("cloudplow.rclone.rc.RcWatch", Watch)
    make_app()
    config = json.loads((tmp_path / "config.json").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config | {"plex": plex}), encoding="utf-8")
    with App(tmp_path / "config.json", tmp_path, {}).watch_rclone(None, 1.0):
        pass

    assert watched == asked


def test_what_an_earlier_process_left_is_handed_out_as_events(make_app: MakeApp, tmp_path: Path) -> None:
    key = str(tmp_path / "keys" / "1.json")
    record = {"bytes": 5000, "reset_time": time.time() + 3600, "first_upload": time.time()}
    (tmp_path / LEDGER_FILE).write_text(json.dumps({"google": {key: record}}), encoding="utf-8")
    session = {"uploader": "google", "active": True, "session_start_time": 1000.0}
    (tmp_path / SESSION_FILE).write_text(json.dumps(session), encoding="utf-8")

    with make_app() as app:
        recovered = app.recovered()

    assert [type(event) for event in recovered] == [SessionRecovered, AccountsLearned]
    assert isinstance(recovered[1], AccountsLearned)
    assert [(one.account, one.used_bytes) for one in recovered[1].accounts] == [("1.json", 5000)]


def test_a_key_folder_that_is_gone_is_no_reason_to_hand_out_nothing(make_app: MakeApp, tmp_path: Path) -> None:
    with make_app() as app:
        (tmp_path / "keys" / "1.json").unlink()
        (tmp_path / "keys").rmdir()
        assert app.recovered() == []


# Health


def test_waiting_is_healthy_and_what_hangs_or_cannot_be_written_is_one_sentence_each(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    monkeypatch.setattr(app.keeper, "save", lambda: None)
    assert app.problems() == []

    monkeypatch.setattr(app.controls, "tick_age_seconds", lambda: 30.0)
    monkeypatch.setattr(app.controls, "silences", lambda: {"google": 14 * 60.0})
    assert app.problems() == []

    def full() -> None:
        raise StateError("the disk is full")

    monkeypatch.setattr(app.keeper, "save", full)
    monkeypatch.setattr(app.controls, "tick_age_seconds", lambda: 300.0)
    monkeypatch.setattr(app.controls, "silences", lambda: {"google": 16 * 60.0})
    assert app.problems() == [
        "the scheduler has not looked for 300 s",
        "google: rclone has said nothing for 16 minutes",
        "the book cannot be written: the disk is full",
    ]
