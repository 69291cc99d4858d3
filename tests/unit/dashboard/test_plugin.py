"""The hooks, without a server."""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from pydantic import ValidationError

import cloudplow_dashboard
from cloudplow import events
from cloudplow_dashboard.checks import health_url
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.server import listener


def make_app(section: Any) -> Any:
    return SimpleNamespace(
        config=SimpleNamespace(section=lambda _name: section),
        events=events,
        state_files=SimpleNamespace(read=lambda _name: None, register=lambda *_: None, mark_dirty=lambda _name: None),
        version="3.0.0",
        services={},
    )


def receivers() -> int:
    return sum(len(signal.receivers) for signal in events.SIGNALS.values())


def test_the_hooks_are_found_in_the_module() -> None:
    manager = pluggy.PluginManager("cloudplow")
    manager.register(cloudplow_dashboard)

    names = {hook.name for hook in manager.get_hookcallers(cloudplow_dashboard) or []}

    assert names == {
        "cloudplow_add_commands",
        "cloudplow_check",
        "cloudplow_config_section",
        "cloudplow_healthcheck",
        "cloudplow_start",
        "cloudplow_stop",
    }


def test_the_section_and_its_defaults() -> None:
    name, model = cloudplow_dashboard.cloudplow_config_section()

    section = model()
    assert (name, section.enabled, section.host, section.port) == ("dashboard", False, "127.0.0.1", 47949)
    assert (section.refresh_interval, section.debug, section.rc_url, section.trusted_proxies) == (3, False, None, [])


@pytest.mark.parametrize(
    "values",
    [{"port": 65536}, {"port": -1}, {"refresh_interval": 0}, {"refresh_interval": float("inf")}, {"host": ""}],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DashboardSection(**values)


@pytest.mark.parametrize("section", [None, DashboardSection()])
def test_without_being_enabled_nothing_starts(section: Any) -> None:
    app, before = make_app(section), receivers()

    cloudplow_dashboard.cloudplow_start(app)
    cloudplow_dashboard.cloudplow_stop(app)

    assert (receivers(), app.services) == (before, {})


def test_an_address_that_cannot_be_used_is_one_line_and_the_upload_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def taken(host: str, port: int) -> None:
        raise listener.BindError(f"another program is listening on {host}:{port}; stop it")

    monkeypatch.setattr("cloudplow_dashboard.dashboard.bind", taken)
    app, before = make_app(DashboardSection(enabled=True)), receivers()

    cloudplow_dashboard.cloudplow_start(app)
    cloudplow_dashboard.cloudplow_stop(app)

    assert [(record.name, record.levelno) for record in caplog.records] == [("cloudplow.dashboard", logging.ERROR)]
    assert caplog.messages == ["The dashboard is off: another program is listening on 127.0.0.1:47949; stop it"]
    assert (receivers(), app.services) == (before, {})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Somebody else listens; what waits for the port does so only by name."""
    made: list[Any] = []

    def wait(host: str, port: int, got: Any, late: Any) -> Any:
        made.append(SimpleNamespace(place=(host, port), got=got, late=late, start=lambda: None, stop=lambda: None))
        return made[-1]

    def taken(_host: str, _port: int) -> None:
        raise TAKEN

    monkeypatch.setattr("cloudplow_dashboard.dashboard.bind", taken)
    monkeypatch.setattr("cloudplow_dashboard.dashboard.PortWait", wait)
    return made


TAKEN = listener.BindError("another program is listening", is_taken=True)


@pytest.mark.parametrize("late", [True, False])
def test_a_port_that_is_taken_is_waited_for_and_then_it_is_one_line(
    waits: list[Any], caplog: pytest.LogCaptureFixture, late: bool
) -> None:
    app, before = make_app(DashboardSection(enabled=True)), receivers()

    cloudplow_dashboard.cloudplow_start(app)
    assert (app.services, caplog.messages) == ({"dashboard_wants_port": "47949"}, [])
    assert waits[0].place == ("127.0.0.1", 47949)
    if late:
        assert waits[0].late(TAKEN) is False
    cloudplow_dashboard.cloudplow_stop(app)

    assert caplog.messages == ["The dashboard is off: another program is listening"]
    assert (receivers(), app.services) == (before, {})


def test_the_command_alone_does_not_wait_for_its_port(
    waits: list[Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    app, before = make_app(DashboardSection(enabled=True)), receivers()
    app.uploads = False
    cloudplow_dashboard.cloudplow_start(app)

    assert run_the_command(app) == 1
    assert caplog.messages == ["The dashboard is off: another program is listening"]
    assert "the dashboard is not running" in capsys.readouterr().err
    cloudplow_dashboard.cloudplow_stop(app)
    assert (len(caplog.messages), waits, receivers(), app.services) == (1, [], before, {})


def test_a_fault_while_starting_stays_with_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_host: str, _port: int) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("cloudplow_dashboard.dashboard.bind", broken)

    cloudplow_dashboard.cloudplow_start(make_app(DashboardSection(enabled=True)))

    assert "The dashboard could not start and is off" in caplog.text


def test_the_package_names_its_entry_point() -> None:
    try:
        points = importlib.metadata.distribution("cloudplow").entry_points
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("cloudplow is not installed")

    assert [point.value for point in points if point.group == "cloudplow.plugins"] == ["cloudplow_dashboard"]


class Waiting:
    """An app whose command is asked to end at once."""

    def __init__(self, section: DashboardSection, **services: str) -> None:
        self.config = SimpleNamespace(section=lambda _name: section)
        self.services = services
        self.happened: list[Any] = []

    @contextmanager
    def watch_rclone(self, url: str | None, interval_seconds: float) -> Iterator[None]:
        self.happened.append((url, interval_seconds))
        yield
        self.happened.append("watched")

    @contextmanager
    def follow(self, receive: Any) -> Iterator[None]:
        self.happened.append(receive)
        yield
        self.happened.append("followed")

    def wait_for_stop(self) -> bool:
        self.happened.append("waited")
        return True


def run_the_command(app: Any) -> int:
    parser = argparse.ArgumentParser()
    cloudplow_dashboard.cloudplow_add_commands(parser.add_subparsers())
    options = parser.parse_args(["dashboard"])
    return int(options.handler(app, options))


def test_the_command_follows_what_runs_beside_it_until_it_is_asked_to_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = DashboardSection(enabled=True, rc_url="http://127.0.0.1:5572", refresh_interval=2)
    app: Any = Waiting(section, dashboard_url="http://127.0.0.1:1/")
    shows_it = SimpleNamespace(receive_from_outside="shows it")
    monkeypatch.setitem(cloudplow_dashboard._running, id(app), (app, shows_it))

    assert run_the_command(app) == 0
    assert app.happened == [("http://127.0.0.1:5572", 2), "shows it", "waited", "followed", "watched"]
    assert capsys.readouterr() == ("", "")


def test_the_command_says_why_there_is_no_dashboard(capsys: pytest.CaptureFixture[str]) -> None:
    app = Waiting(DashboardSection())

    assert (run_the_command(app), app.happened) == (1, [])
    assert capsys.readouterr().err == (
        "cloudplow: the dashboard is not running: set dashboard.enabled to true, and see the lines above\n"
    )


@pytest.mark.parametrize(
    ("section", "verdict", "words"),
    [
        (None, "ok", "off"),
        (DashboardSection(), "ok", "off"),
        (DashboardSection(enabled=True), "ok", "127.0.0.1:47949, reached from this machine only"),
        (DashboardSection(enabled=True, host="localhost"), "ok", "this machine only"),
        (DashboardSection(enabled=True, host="::1"), "ok", "this machine only"),
        (DashboardSection(enabled=True, host="0.0.0.0"), "warning", 'use "127.0.0.1" with a tunnel'),
        (DashboardSection(enabled=True, host="nas.lan"), "warning", "nas.lan can be reached from other machines"),
    ],
)
def test_the_check_says_who_can_reach_the_dashboard(section: DashboardSection | None, verdict: str, words: str) -> None:
    ((told, sentence),) = cloudplow_dashboard.cloudplow_check(make_app(section))

    assert (told, words in sentence, sentence.startswith("dashboard")) == (verdict, True, True)


def ask(section: DashboardSection | None) -> str | None:
    return cloudplow_dashboard.cloudplow_healthcheck(make_app(section).config)


@pytest.mark.parametrize("section", [None, DashboardSection()])
def test_a_dashboard_that_is_off_cannot_be_asked_how_it_is(section: DashboardSection | None) -> None:
    assert ask(section) is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::", "http://[::1]:47949/api/health"),
        ("fe80::1", "http://[fe80::1]:47949/api/health"),
        ("0.0.0.0", "http://127.0.0.1:47949/api/health"),
        ("nas.lan", "http://nas.lan:47949/api/health"),
    ],
)
def test_where_a_dashboard_is_asked(host: str, url: str) -> None:
    assert health_url(DashboardSection(enabled=True, host=host)) == url
