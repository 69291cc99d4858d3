"""The hooks, without a server."""

from __future__ import annotations

import importlib.metadata
import logging
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from pydantic import ValidationError

import cloudplow_dashboard
from cloudplow import events
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

    assert names == {"cloudplow_config_section", "cloudplow_start", "cloudplow_stop"}


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
        raise listener.BindError(f"another program listens on {host}:{port}; stop it")

    monkeypatch.setattr("cloudplow_dashboard.dashboard.bind", taken)
    app, before = make_app(DashboardSection(enabled=True)), receivers()

    cloudplow_dashboard.cloudplow_start(app)
    cloudplow_dashboard.cloudplow_stop(app)

    assert [(record.name, record.levelno) for record in caplog.records] == [("cloudplow.dashboard", logging.ERROR)]
    assert caplog.messages == ["The dashboard is off: another program listens on 127.0.0.1:47949; stop it"]
    assert (receivers(), app.services) == (before, {})


def test_a_fault_while_starting_stays_with_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_host: str, _port: int) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("cloudplow_dashboard.dashboard.bind", broken)

    cloudplow_dashboard.cloudplow_start(make_app(DashboardSection(enabled=True)))

    assert "The dashboard is off because of a fault" in caplog.text


def test_the_package_names_its_entry_point() -> None:
    try:
        points = importlib.metadata.distribution("cloudplow").entry_points
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("cloudplow is not installed")

    assert [point.value for point in points if point.group == "cloudplow.plugins"] == ["cloudplow_dashboard"]
