"""Events of another process in the dashboard, without a server."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import pytest

from cloudplow import events
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.dashboard import Dashboard
from cloudplow_dashboard.state.history import Metric
from tests.unit.dashboard import helpers

HAS_A_DASHBOARD: Final = {"dashboard_url": "http://127.0.0.1:47949/"}


@pytest.fixture
def dirty() -> list[str]:
    return []


@pytest.fixture
def dashboard(dirty: list[str]) -> Dashboard:
    files = SimpleNamespace(read=lambda _name: None, register=lambda *_: None, mark_dirty=dirty.append)
    app: Any = SimpleNamespace(events=events, state_files=files, version="3.0.0", services={})
    return Dashboard(app, DashboardSection(enabled=True))


def receive(
    dashboard: Dashboard, *told: events.Event, past: bool = False, services: Mapping[str, str] | None = None
) -> None:
    for event in told:
        dashboard.receive_from_outside(event, past=past, services=services or {})


def files_over_time(dashboard: Dashboard) -> float:
    return sum(value for _, value in dashboard.history.query(Metric.FILES, None, 0, 0)["points"])


def test_the_page_shows_them_with_their_numbers(dashboard: Dashboard) -> None:
    receive(dashboard, helpers.session_started(seq=41, at=helpers.NOW, session_id="s9"), past=True)
    receive(dashboard, helpers.queue_learned(seq=42, session_id="s9"), helpers.stage_started(seq=43, session_id="s9"))

    document = dashboard.state.document()
    assert document["uploaders"]["google"]["phase"] == "uploading"
    assert document["uploaders"]["google"]["session"]["id"] == "s9"
    assert list(document["facts"]) == ["41", "42", "43"]
    assert document["facts"]["41"]["at"] == helpers.NOW


def test_what_is_past_is_not_history_of_now(dashboard: Dashboard) -> None:
    receive(dashboard, helpers.file_transferred("a"), helpers.file_transferred("b"), past=True)
    assert files_over_time(dashboard) == 0

    receive(dashboard, helpers.file_transferred("c"))
    assert files_over_time(dashboard) == 1


def test_the_history_is_kept_by_one_process_only(dashboard: Dashboard, dirty: list[str]) -> None:
    receive(dashboard, helpers.file_transferred("a"), services=HAS_A_DASHBOARD)
    dashboard._history_file.close()
    assert dirty == []

    receive(dashboard, helpers.file_transferred("b"))
    dashboard._history_file.close()
    assert dirty == ["dashboard_history.json"]


@pytest.fixture
def served(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The dashboard seems to serve on port 47949; what happens to that."""
    happened: list[str] = []
    dashboard._port = 47949
    server: Any = SimpleNamespace(stop=lambda: happened.append("let go"))
    dashboard.server = server

    def wait(_host: str, port: int, got: Any, late: Any) -> Any:
        del got, late
        return SimpleNamespace(
            start=lambda: happened.append(f"waits for {port}"), stop=lambda: happened.append("waits no more")
        )

    monkeypatch.setattr("cloudplow_dashboard.dashboard.PortWait", wait)
    return happened


FOLLOWED: Final = events.ProgramFollowed(pid=7)
ENDED: Final = events.ProgramEnded()


def test_the_port_goes_to_the_upload_that_wants_it_and_comes_back_after_it(
    dashboard: Dashboard, served: list[str], dirty: list[str]
) -> None:
    receive(dashboard, FOLLOWED, helpers.file_transferred("a"), services={"dashboard_wants_port": "47949"})
    assert served == ["let go"]
    dashboard._history_file.close()
    assert dirty == []

    receive(dashboard, ENDED)
    assert served == ["let go", "waits for 47949"]
    receive(dashboard, FOLLOWED, services={"dashboard_url": "http://127.0.0.1:47949/"})
    assert served == ["let go", "waits for 47949", "waits no more"]


@pytest.mark.parametrize("services", [{}, HAS_A_DASHBOARD, {"dashboard_wants_port": "47950"}])
def test_it_keeps_its_port_while_nobody_wants_it(
    dashboard: Dashboard, served: list[str], services: dict[str, str]
) -> None:
    receive(dashboard, FOLLOWED, services=services)
    receive(dashboard, ENDED)
    assert served == []


def test_nobody_waits_any_more_when_the_program_has_ended(dashboard: Dashboard, served: list[str]) -> None:
    receive(dashboard, FOLLOWED, helpers.uploader_status("waiting", "waiting: 5 B of 9 B"), past=True)
    assert dashboard.state.document()["uploaders"]["google"]["status"]["why"] == "waiting: 5 B of 9 B"
    receive(dashboard, ENDED)
    assert dashboard.state.document()["uploaders"]["google"]["status"]["why"] == ""
    assert served == []
