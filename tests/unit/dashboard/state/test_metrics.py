"""Metrics: what they say, which form, bounds. promtool is the judge where it is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from cloudplow.events import SessionOutcome, SwitchReason
from cloudplow_dashboard.state import metrics
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app
from tests.unit.dashboard.helpers import (
    NOW,
    account_quota,
    accounts_learned,
    file_failed,
    file_transferred,
    make_state,
    progress,
    queue_learned,
    sa_switched,
    session_finished,
    session_started,
    stage_started,
)

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
OLD_PROMETHEUS = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture
def state() -> DashboardState:
    return make_state()


@pytest.fixture
def client(state: DashboardState) -> FlaskClient:
    return create_app(state).test_client()


def a_big_pool(state: DashboardState, accounts: int = 2850) -> None:
    quotas = (account_quota(f"{n}.json", n, returns=((NOW + n + 1, n + 1),)) for n in range(accounts))
    for event in (
        session_started(),
        queue_learned(10, 1000),
        accounts_learned(*quotas),
        sa_switched("5.json"),
        stage_started(account="5.json", account_index=5),
        progress(speed=77.0),
        file_transferred(size=100),
        file_transferred(size=50, already_there=True),
        file_failed(),
        session_finished("quota_used"),
        session_started(),
        stage_started(account="5.json", account_index=5),
    ):
        state.apply(event)


def samples(text: str, parser: Any = parse_text) -> dict[tuple[str, ...], float]:
    """Values by name, uploader, and what other label there is."""
    found = {}
    for family in parser(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            uploader = [labels.pop("uploader")] if "uploader" in labels else []
            found[(sample.name, *uploader, *labels.values())] = sample.value
    return found


def test_what_the_metrics_say(client: FlaskClient, state: DashboardState) -> None:
    a_big_pool(state)

    answer = client.get("/metrics")
    found = samples(answer.get_data(as_text=True))

    assert answer.content_type == metrics.TEXT_TYPE
    assert found[("cloudplow_transferred_bytes_total", "google")] == 100
    assert found[("cloudplow_transferred_files_total", "google")] == 2
    assert found[("cloudplow_already_present_files_total", "google")] == 1
    assert found[("cloudplow_failed_files_total", "google")] == 1
    assert found[("cloudplow_account_switches_total", "google", "quota_used")] == 1
    assert found[("cloudplow_sessions_total", "google", "quota_used")] == 1
    assert found[("cloudplow_session_active", "google")] == 1
    assert found[("cloudplow_phase", "google", "uploading")] == 1
    assert found[("cloudplow_phase", "google", "idle")] == 0
    assert found[("cloudplow_accounts", "google", "active")] == 1
    assert found[("cloudplow_accounts", "google", "ready")] == 2849
    assert found[("cloudplow_quota_limit_bytes", "google")] == 2850 * 1000
    assert found[("cloudplow_quota_next_return_time_seconds", "google")] == NOW + 1
    assert found[("cloudplow_build_info", "3.0.0")] == 1


def test_counters_are_there_before_they_count(client: FlaskClient, state: DashboardState) -> None:
    state.apply(session_started())

    found = samples(client.get("/metrics").get_data(as_text=True))

    assert [found[("cloudplow_sessions_total", "google", outcome)] for outcome in SessionOutcome] == [0] * 5
    assert [found[("cloudplow_account_switches_total", "google", reason)] for reason in SwitchReason] == [0] * 5


def test_series_stay_bounded_whatever_the_pool_holds(client: FlaskClient, state: DashboardState) -> None:
    a_big_pool(state)

    found = samples(client.get("/metrics").get_data(as_text=True))
    accounts = {key[2] for key in found if key[0] == "cloudplow_account_quota_used_bytes"}

    assert len(accounts) == metrics.ACCOUNTS_LIMIT
    assert {"5.json", "2849.json"} <= accounts
    assert len(found) < 300


def test_what_is_on_its_way_and_unsettled_has_gauges_of_its_own(client: FlaskClient, state: DashboardState) -> None:
    state.apply(accounts_learned(account_quota("1.json", 500, in_flight_bytes=200, unsettled_bytes=50)))

    found = samples(client.get("/metrics").get_data(as_text=True))

    for prefix, labels in (("cloudplow_quota", ("google",)), ("cloudplow_account_quota", ("google", "1.json"))):
        assert found[(f"{prefix}_used_bytes", *labels)] == 500
        assert found[(f"{prefix}_in_flight_bytes", *labels)] == 200
        assert found[(f"{prefix}_unsettled_bytes", *labels)] == 50
    assert found[("cloudplow_quota_free_bytes", "google")] == 250


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PROMETHEUS, metrics.OPENMETRICS_TYPE),
        ("application/openmetrics-text", metrics.OPENMETRICS_TYPE),
        ("application/openmetrics-text;q=0, text/plain;version=0.0.4", metrics.TEXT_TYPE),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4,*/*;q=0.1", metrics.TEXT_TYPE),
        (OLD_PROMETHEUS, metrics.TEXT_TYPE),
        (BROWSER, metrics.TEXT_TYPE),
        ("*/*", metrics.TEXT_TYPE),
        ("", metrics.TEXT_TYPE),
        (";;,,q=;q=x", metrics.TEXT_TYPE),
    ],
)
def test_the_form_follows_the_accept_header(client: FlaskClient, accept: str, content_type: str) -> None:
    answer = client.get("/metrics", headers={"Accept": accept})

    assert (answer.status_code, answer.content_type) == (200, content_type)
    assert "Accept" in answer.headers["Vary"]


def test_both_forms_say_the_same(client: FlaskClient, state: DashboardState) -> None:
    a_big_pool(state, 5)
    text = client.get("/metrics").get_data(as_text=True)
    openmetrics = client.get("/metrics", headers={"Accept": PROMETHEUS}).get_data(as_text=True)

    assert openmetrics.endswith("# EOF\n")
    assert samples(text) == samples(openmetrics, parse_openmetrics)


@pytest.mark.parametrize(
    ("accept", "scraper"),
    [
        (PROMETHEUS, True),
        (OLD_PROMETHEUS, True),
        (BROWSER, False),
        ("*/*", False),
        ("", False),
        ("application/json", False),
        ("text/plain", False),
        ("application/json, text/plain, */*", False),
    ],
)
def test_session_stats_answers_scrapers_with_metrics(client: FlaskClient, accept: str, scraper: bool) -> None:
    answer = client.get("/api/session_stats", headers={"Accept": accept})

    assert ("cloudplow_build_info" in answer.text) is scraper
    assert (answer.json is None) is scraper if not scraper else True
    assert answer.headers["Vary"].startswith("Accept")


def test_hostile_names_are_escaped(client: FlaskClient, state: DashboardState) -> None:
    evil = 'a"\n} b 1\n# '
    state.apply(accounts_learned(account_quota(evil, 5)))

    found = samples(client.get("/metrics").get_data(as_text=True))

    assert found[("cloudplow_account_quota_used_bytes", "google", evil)] == 5


@pytest.mark.process
def test_promtool_finds_nothing_to_complain_of(client: FlaskClient, state: DashboardState) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: install Debian's package prometheus")
        pytest.skip("promtool is missing: install Debian's package prometheus")
    a_big_pool(state)

    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=client.get("/metrics").data,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
