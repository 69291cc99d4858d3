"""The routes, through Flask's test client."""

from __future__ import annotations

import json
import re
from typing import Any

import jinja2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cloudplow import events
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app
from cloudplow_dashboard.web.security import CONTENT_SECURITY_POLICY
from tests.unit.dashboard.helpers import (
    NOW,
    UPLOADER,
    Clock,
    account_quota,
    accounts_learned,
    file_failed,
    file_transferred,
    make_state,
    plan_made,
    progress,
    queue_learned,
    session_finished,
    session_recovered,
    session_started,
    stage_finished,
    stage_started,
    suspended,
    transferring,
)
from tests.unit.dashboard.state.test_state import assert_fit_for_json

ROUTES = [
    "/api/health",
    "/api/status",
    "/api/session_stats",
    "/api/service_accounts",
    "/api/rclone_stats",
    "/api/queue_distribution",
    "/api/transfer_history",
    "/api/queue_status",
    "/api/uploaders",
    "/api/summary",
    "/api/plan",
    "/api/state",
]
BY_UPLOADER = [route for route in ROUTES if route not in ("/api/health", "/api/state")]
GIB = 1 << 30
MIB = 1 << 20


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> DashboardState:
    return make_state(clock)


@pytest.fixture
def app(state: DashboardState) -> Flask:
    app = create_app(state)
    app.jinja_loader = jinja2.DictLoader({"index.html": "{{ version }} {{ refresh_interval }} {{ document.engine }}"})
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def feed(state: DashboardState, *happened: events.Event) -> None:
    for event in happened:
        state.apply(event)


def a_session(state: DashboardState) -> None:
    """An upload of two files under way, 100 seconds old."""
    feed(
        state,
        session_started(at=NOW - 100),
        queue_learned(10, 10 * GIB),
        accounts_learned(
            account_quota("1.json", 96 * GIB, limit_bytes=100 * GIB, resets_at=NOW + 52_925),
            account_quota("2.json", 25 * GIB, limit_bytes=100 * GIB, resets_at=NOW + 59),
            account_quota("10.json", 0, limit_bytes=100 * GIB),
        ),
        stage_started(account="2.json", account_index=1),
        file_transferred(size=GIB),
        file_transferred("b.mkv", size=GIB),
        progress(
            transferring(size=2 << 20, bytes=1 << 20, speed=1 << 19, eta=2.0, percentage=50),
            checking=("c.mkv",),
            done_at=NOW + 400,
        ),
        plan_made({"stages": [{"account": "2.json"}]}),
    )


def get(client: FlaskClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.json


def test_status_when_idle(client: FlaskClient) -> None:
    answer = get(client, "/api/status")

    assert answer["active"] is False
    assert answer["message"] == "No active upload session"


def test_status_after_an_upload_that_an_earlier_process_did_not_finish(
    client: FlaskClient, state: DashboardState
) -> None:
    feed(state, session_recovered())

    answer = get(client, "/api/status")

    assert (answer["active"], answer["message"]) == (False, "The last upload was interrupted")
    assert (answer["recovered"], answer["outcome"], answer["current_sa"]) == (True, "interrupted", "3.json")


def test_status_of_an_upload(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)

    answer = get(client, "/api/status")

    assert answer["session_start"].count("-") == 2
    assert {key: answer[key] for key in ("active", "uploader", "current_sa", "sa_index", "total_sas")} == {
        "active": True,
        "uploader": UPLOADER,
        "current_sa": "2.json",
        "sa_index": 1,
        "total_sas": 3,
    }
    assert (answer["stage"], answer["total_stages"], answer["upload_folder"]) == (1, 2, "Media")


def test_session_stats(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)

    answer = get(client, "/api/session_stats")

    assert answer["available"] is True
    assert answer["data"] | {"session_start": ""} == {
        "total_files": 10,
        "transferred_files": 2,
        "remaining_files": 8,
        "file_percentage": 20.0,
        "total_bytes": 10 * GIB,
        "total_bytes_human": "10.0 GB",
        "transferred_bytes": 2 * GIB + MIB,
        "transferred_bytes_human": "2.0 GB",
        "in_flight_bytes": MIB,
        "remaining_bytes": 8 * GIB - MIB,
        "remaining_bytes_human": "8.0 GB",
        "byte_percentage": 20.0,
        "duration_seconds": 100.0,
        "duration_human": "1m 40s",
        "avg_speed": 21500000,
        "avg_speed_human": "20.5 MB/s",
        "eta_seconds": 400,
        "eta_human": "6m 40s",
        "finish_at": NOW + 400,
        "stale_since": 0,
        "session_start": "",
        "sas_used": ["2.json"],
        "failed_files": 0,
        "uploader": UPLOADER,
    }


def test_the_duration_of_a_session_that_ended_stands_still(
    client: FlaskClient, state: DashboardState, clock: Clock
) -> None:
    a_session(state)
    feed(state, session_finished())
    clock.now += 5000

    data = get(client, "/api/session_stats")["data"]

    assert (data["duration_seconds"], data["eta_seconds"], data["eta_human"]) == (100.0, 0, "-")


def test_service_accounts(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)

    first, second, third = get(client, "/api/service_accounts")

    assert (first["sa_file"], first["status"], first["percentage"]) == ("1.json", "complete", 96.0)
    assert (first["used_bytes"], first["quota_bytes"]) == (96 * GIB, 100 * GIB)
    assert (first["used_gb"], first["quota_gb"]) == (96.0, 100.0)
    assert (first["reset_time"], first["reset_in"]) == (NOW + 52_925, "14h 42m")
    assert (second["sa_file"], second["status"], second["reset_in"]) == ("2.json", "active", "0h 0m")
    assert (third["sa_file"], third["status"], third["reset_in"], third["reset_time"]) == (
        "10.json",
        "ready",
        "Ready",
        0,
    )
    assert "sa_file_full" not in first


def test_what_is_on_its_way_or_unsettled_counts_in_the_share_of_an_account(
    client: FlaskClient, state: DashboardState
) -> None:
    quota = account_quota(
        "1.json", 60 * GIB, in_flight_bytes=30 * GIB, unsettled_bytes=6 * GIB, limit_bytes=100 * GIB, resets_at=NOW + 60
    )
    feed(state, accounts_learned(quota))

    (row,) = get(client, "/api/service_accounts")

    assert (row["used_bytes"], row["in_flight_bytes"], row["unsettled_bytes"]) == (60 * GIB, 30 * GIB, 6 * GIB)
    assert (row["used_gb"], row["percentage"], row["status"]) == (60.0, 96.0, "complete")
    summary = get(client, "/api/summary")
    assert (summary["quota_used_bytes"], summary["quota_free_bytes"]) == (60 * GIB, 4 * GIB)
    assert (summary["quota_in_flight_bytes"], summary["quota_unsettled_bytes"]) == (30 * GIB, 6 * GIB)
    account = get(client, "/api/state")["uploaders"][UPLOADER]["accounts"]["1.json"]
    assert (account["in_flight_bytes"], account["unsettled_bytes"]) == (30 * GIB, 6 * GIB)


def test_an_account_whose_window_has_passed_is_ready(client: FlaskClient, state: DashboardState, clock: Clock) -> None:
    a_session(state)
    clock.now += 60_000

    assert {account["reset_in"] for account in get(client, "/api/service_accounts")} == {"Ready"}


def test_rclone_stats(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)

    answer = get(client, "/api/rclone_stats")

    data = answer["data"]
    assert answer["available"] is True
    assert (data["bytes"], data["bytes_human"], data["speed"], data["speed_human"]) == (40, "40.0 B", 10.0, "10.0 B/s")
    assert (data["eta"], data["eta_human"], data["errors"], data["checking"]) == (46.0, "46s", 0, ["c.mkv"])
    assert data["transferring"] == [
        {
            "name": "Show/S01E01.mkv",
            "size": 2 << 20,
            "size_human": "2.0 MB",
            "bytes": 1 << 20,
            "bytes_human": "1.0 MB",
            "speed": 1 << 19,
            "speed_human": "512.0 KB/s",
            "eta": 2.0,
            "eta_human": "2s",
            "percentage": 50,
        }
    ]


def test_distributions_by_uploader(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)

    every = get(client, "/api/queue_distribution")
    one = get(client, f"/api/queue_distribution?uploader={UPLOADER}")
    history = get(client, f"/api/transfer_history?uploader={UPLOADER}")

    assert every == {"available": True, "data": {UPLOADER: {"statistics": {"total_files": 10}}}}
    assert one == {"available": True, "data": {"statistics": {"total_files": 10}}}
    assert history["data"]["statistics"]["total_files"] == 2


def test_queue_status(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)

    data = get(client, "/api/queue_status")["data"]

    assert data["queue_stats"] == {
        "listed": 10,
        "left": 8,
        "left_bytes": 8 * GIB - MIB,
        "checks": 0,
        "totalChecks": 1,
        "totalTransfers": 5,
        "checking": ["c.mkv"],
        "checking_count": 1,
        "transferring_count": 1,
    }
    assert {"strategy", "max_transfer", "max_size", "transfers", "order_by", "max_backlog"} <= set(data["stage_params"])


def test_the_summary_says_of_engine_and_uploader_what_is_so_at_the_same_moment(
    client: FlaskClient, state: DashboardState, clock: Clock
) -> None:
    feed(state, progress(transferring()))
    clock.now += 121

    told = get(client, "/api/summary")
    assert (told["engine"], told["active"]) == ("idle", False)


def test_the_plan(client: FlaskClient, state: DashboardState) -> None:
    none = get(client, "/api/plan")
    a_session(state)
    now = state.read(lambda uploaders: (uploaders[UPLOADER].progress["speed"], uploaders[UPLOADER].eta))

    assert none == {"available": False, "data": {}}
    assert get(client, "/api/plan")["data"] == {
        UPLOADER: {
            "speed": now[0],
            "done_at": now[1]["speed_at"],
            "done_with_quotas_at": now[1]["quotas_at"],
            "stages": [{"account": "2.json"}],
        }
    }

    feed(state, session_finished(), session_started(session_id="next"))
    assert get(client, "/api/plan") == none, "as in the state document, a session begins without one"


def test_uploaders_side_by_side(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)
    feed(state, events.UploaderSuspended(uploader="dropbox", reason="later", until=NOW + 5))

    every = get(client, "/api/uploaders")["uploaders"]

    assert set(every) == {UPLOADER, "dropbox"}
    assert (every["dropbox"]["phase"], every["dropbox"]["suspended_until"]) == ("suspended", NOW + 5)
    assert every["dropbox"].keys() == every[UPLOADER].keys()
    assert set(get(client, "/api/uploaders?uploader=dropbox")["uploaders"]) == {"dropbox"}


def test_the_summary_is_flat_and_always_has_the_same_keys(client: FlaskClient, state: DashboardState) -> None:
    idle = get(client, "/api/summary")
    a_session(state)
    busy = get(client, "/api/summary")

    assert idle.keys() == busy.keys()
    assert not any(isinstance(value, dict | list) for value in busy.values())
    assert (idle["engine"], busy["engine"], busy["accounts_active"]) == ("idle", "uploading", 1)
    assert {key: type(value) for key, value in idle.items() if isinstance(value, str)} == {
        key: type(value) for key, value in busy.items() if isinstance(value, str)
    }


def test_without_a_name_the_active_uploader_is_meant(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)
    feed(state, events.ThrottleChanged(uploader="dropbox", at=NOW + 50, limit=None, streams=0))

    assert get(client, "/api/status")["uploader"] == UPLOADER
    assert get(client, "/api/status?uploader=dropbox")["active"] is False


def test_health(client: FlaskClient, state: DashboardState, clock: Clock) -> None:
    clock.now += 7
    feed(state, suspended())
    clock.now += 3

    assert get(client, "/api/health") == {
        "status": "healthy",
        "version": "3.0.0",
        "uptime_seconds": 10.0,
        "engine": "idle",
        "last_event_age_seconds": 3.0,
        "recovered": False,
    }


def test_the_state_has_a_validator(client: FlaskClient, state: DashboardState) -> None:
    a_session(state)
    first = client.get("/api/state")
    etag = first.headers["ETag"]

    same = client.get("/api/state", headers={"If-None-Match": f'"other", W/{etag}'})
    feed(state, file_transferred("c"))
    changed = client.get("/api/state", headers={"If-None-Match": etag})

    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", etag)
    assert (changed.status_code, changed.headers["ETag"] != etag) == (200, True)
    assert json.loads(changed.data)["version"] == json.loads(first.data)["version"] + 1


@pytest.mark.parametrize("route", ROUTES)
def test_every_answer_is_json_without_null_in_every_situation(
    route: str, client: FlaskClient, state: DashboardState
) -> None:
    empty = client.get(route)
    a_session(state)
    busy = client.get(route)
    feed(state, file_failed(), stage_finished(), session_finished("quota_used"))
    ended = client.get(route)

    for response in (empty, busy, ended):
        assert response.content_type == "application/json"
        assert_fit_for_json(response.json)


@pytest.mark.parametrize("route", ROUTES)
def test_no_secret_is_in_any_answer(route: str, client: FlaskClient, state: DashboardState) -> None:
    secret = "/secretplace/keys"
    feed(
        state,
        session_started(upload_folder=f"{secret}/Media", upload_remote="gdrive,token=secretplace:Media"),
        queue_learned(distribution={"metadata": {"upload_folder": f"{secret}/Media"}}),
        accounts_learned(account_quota(f"{secret}/1.json", why=f"key {secret}/1.json of secretplace@example.org")),
        stage_started(account=f"{secret}/1.json"),
        plan_made({"stages": [{"account": f"{secret}/1.json", "token": "x", "note": f"see {secret}/x"}]}),
        file_failed(error=f"open {secret}/a.mkv: denied, token=secretplace, http://u:secretplace@localhost:5572/x"),
        suspended(f"because of {secret}/x"),
        stage_finished(reason=f"because of {secret}/x"),
        session_finished("failed", reason=f"because of {secret}/x"),
    )

    assert "secretplace" not in client.get(route).text


@pytest.mark.parametrize("route", BY_UPLOADER)
def test_an_unknown_uploader_is_not_found(route: str, client: FlaskClient) -> None:
    response = client.get(f"{route}?uploader=nobody")

    assert response.status_code == 404
    assert response.json is not None
    assert response.json["error"]["code"] == "unknown_uploader"


@pytest.mark.parametrize("query", ["uploader=", "uploader=a&uploader=b", "uploader=" + "x" * 2000])
@pytest.mark.parametrize("route", BY_UPLOADER)
def test_a_bad_parameter_is_told(route: str, query: str, client: FlaskClient) -> None:
    response = client.get(f"{route}?{query}")

    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"]["code"] == "bad_parameter"


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/api/state/", "//api/state", "/static/none.js", "/api/"])
def test_unknown_routes_are_not_found_as_json(path: str, client: FlaskClient) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.json == {"error": {"code": "not_found", "message": "Not Found"}}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("route", [*ROUTES, "/", "/static/x.js"])
def test_wrong_methods_are_refused_as_json(route: str, method: str, client: FlaskClient) -> None:
    response = client.open(route, method=method)

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.json is not None
    assert response.json["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("route", [*ROUTES, "/"])
def test_head_is_answered_without_a_body(route: str, client: FlaskClient) -> None:
    response = client.head(route)

    assert (response.status_code, response.data) == (200, b"")


@pytest.mark.parametrize("path", [*ROUTES, "/", "/nothing", "/api/nothing", "/api/status?uploader=nobody"])
def test_every_answer_carries_the_security_headers(path: str, client: FlaskClient) -> None:
    headers = client.get(path).headers

    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == ("no-store" if path.startswith("/api/") else "no-cache")


def test_a_fault_is_logged_and_answered_without_a_traceback(
    client: FlaskClient, state: DashboardState, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(state, "read_at", broken)

    response = client.get("/api/status")

    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "secret detail" in caplog.text


def test_the_page_is_rendered_from_the_state(client: FlaskClient) -> None:
    response = client.get("/")

    assert response.text == "3.0.0 3.0 idle"
    assert re.match("text/html", response.content_type)
