"""Whatever happens, every answer of one version of the document says the same, and its numbers add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow_dashboard.state import metrics
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import Uploaders
from cloudplow_dashboard.web import compat, overview
from cloudplow_dashboard.web.account_list import account_list
from cloudplow_dashboard.web.app import create_app
from tests.agreement import reading
from tests.agreement.comparing import disagreements, sums
from tests.agreement.reading import Reading
from tests.examples import examples
from tests.unit.dashboard.helpers import EVENTS, Clock, make_state

#: What answers each route, without Flask: an example must not take long.
ANSWERS: dict[str, tuple[Callable[[Uploaders, float, DashboardState], Any], Callable[[Any], reading.Figures]]] = {
    "/api/uploaders": (lambda us, now, _: overview.uploaders_side_by_side(us, now), reading.uploaders),
    "/api/summary": (
        lambda us, now, state: overview.summary(compat.focus(us), state.health(), state.head(), now),
        reading.summary,
    ),
    "/api/session_stats": (lambda us, now, _: compat.session_stats(compat.focus(us), now), reading.session_stats),
    "/api/status": (lambda us, _now, _: compat.status(compat.focus(us)), reading.status),
    "/api/rclone_stats": (lambda us, _now, _: compat.rclone_stats(compat.focus(us)), reading.rclone_stats),
    "/api/service_accounts": (lambda us, now, _: account_list(us, now)[0], reading.service_accounts),
}
ROUTES = ["/api/state", *ANSWERS, "/metrics", "/api/plan", "/api/queue_status", "/api/export/session.json"]


def read_all(state: DashboardState) -> list[Reading]:
    document: Any = state.document()
    found = [Reading("/api/state", 0, 0, reading.state(document), str(document["version"]))]
    for path, (answer, read) in ANSWERS.items():

        def figures(us: Uploaders, answer: Any = answer, read: Any = read) -> reading.Figures:
            told: reading.Figures = read(answer(us, state.clock(), state))
            return told

        version, told = state.read_at(figures)
        found.append(Reading(path, 0, 0, told, str(version)))
    version, body = metrics.render_at(state, openmetrics=False)
    return [*found, Reading("/metrics", 0, 0, reading.metrics(body.decode()), str(version))]


@settings(max_examples=examples(100))
@given(happened=st.lists(st.one_of(EVENTS, st.sampled_from([1.0, 7.0, 70.0])), max_size=25))
def test_all_answers_of_one_version_say_the_same_and_add_up(happened: list[Any]) -> None:
    clock = Clock()
    state = make_state(clock)
    for one in happened:
        if isinstance(one, float):
            clock.now += one
        else:
            state.receive(None, event=one)

    readings = read_all(state)

    assert len({one.version for one in readings}) == 1
    assert disagreements(readings) == []
    document: Any = state.document()
    assert sums(document) == []


@pytest.mark.parametrize("path", ROUTES)
def test_every_answer_says_to_which_version_it_belongs(path: str) -> None:
    state = make_state()

    response = create_app(state).test_client().get(path)

    assert response.headers["X-State-Version"] == f"boot:{state.version}"
