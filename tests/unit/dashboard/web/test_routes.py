"""The table of routes: its OpenAPI document, its manual, and that every answer keeps what they promise."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from cloudplow.distribution import distribution_document
from cloudplow.events import AccountState
from cloudplow_dashboard.state.patches import merge, position_of
from cloudplow_dashboard.web.answers_overview import Summary
from cloudplow_dashboard.web.app import create_app
from cloudplow_dashboard.web.manual import markdown
from cloudplow_dashboard.web.openapi import document
from cloudplow_dashboard.web.route import Route
from cloudplow_dashboard.web.routes import JSON, ROUTES
from cloudplow_dashboard.web.schemas import PLACE, Schema
from tests.examples import examples
from tests.unit.dashboard.helpers import (
    DOCUMENTS,
    EVENTS,
    account_quota,
    accounts_learned,
    file_failed,
    file_transferred,
    make_state,
    plan_made,
    progress,
    queue_learned,
    sa_switched,
    session_finished,
    session_started,
    stage_finished,
    stage_started,
    transferring,
)

ROOT = Path(__file__).parents[4]
DESCRIBED = document(ROUTES)
JSON_ROUTES = [route for route in ROUTES if JSON in route.answers]
FLASK_ROUTES = [route for route in ROUTES if route.view is not None]
HAPPENED = [
    session_started(),
    accounts_learned(account_quota("1.json", 5), account_quota("2.json")),
    queue_learned(),
    plan_made({"stages": [{"account": "1.json"}, {"account": "2.json"}], "later": [{"account": "1.json"}]}),
    sa_switched("1.json", ""),
    stage_started(),
    file_transferred(),
    file_failed(),
    progress(transferring(), checking=("x",)),
    stage_finished(),
    session_finished(),
    session_started(),
    stage_started(2, "2.json"),
    progress(transferring(), checking=("x",)),
]


def described(route: Route) -> Schema:
    answer: Schema = DESCRIBED["paths"][route.path]["get"]["responses"]["200"]["content"][JSON]["schema"]
    return answer


def named(name: str) -> Schema:
    schema: Schema = DESCRIBED["components"]["schemas"][name]
    return schema


def validator(schema: Schema, *, closed: bool = False) -> OAS31Validator:
    """Checks answers. closed: also that they hold no key that is not described."""
    components = DESCRIBED["components"]
    if closed:
        components = json.loads(json.dumps(components))
        for one in components["schemas"].values():
            one |= {"additionalProperties": False} if "properties" in one else {}
    return OAS31Validator(schema | {"components": components})


def a_client(*happened: Any) -> FlaskClient:
    state = make_state()
    for event in happened:
        state.apply(event)
    return create_app(state).test_client()


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return a_client(*HAPPENED)


def test_the_description_is_valid_and_describes_every_route(client: FlaskClient) -> None:
    answer = client.get("/api/openapi.json").json
    assert answer is not None

    validate(answer)

    assert answer["openapi"] == "3.1.0"
    assert set(answer["paths"]) == {route.path for route in ROUTES}
    names = [operation["get"]["operationId"] for operation in answer["paths"].values()]
    assert len(set(names)) == len(names)


def test_every_rule_of_the_server_is_in_the_table(client: FlaskClient) -> None:
    rules = {rule.rule for rule in client.application.url_map.iter_rules()}

    assert rules - {"/", "/static/<path:filename>"} == {route.path for route in FLASK_ROUTES}


def test_the_manual_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == markdown(), (
        "run: python -m cloudplow_dashboard.web.manual > docs/api.md"
    )


@cache
def blocks_of_the_manual(language: str) -> list[str]:
    """The code blocks of a language in docs/api.md."""
    return re.findall(rf"^```{language}\n(.*?)^```$", markdown(), re.MULTILINE | re.DOTALL)


@given(st.dictionaries(st.sampled_from("abc"), DOCUMENTS), st.dictionaries(st.sampled_from("abc"), DOCUMENTS))
def test_the_merge_of_the_manual_does_what_every_viewer_does(target: Any, patch: Any) -> None:
    (code,) = blocks_of_the_manual("python")
    names: dict[str, Any] = {}
    exec(code, names)

    assert len(code.splitlines()) == 10
    assert json.dumps(names["merge"](target, patch)) == json.dumps(merge(target, patch))


def test_the_frame_of_the_manual_is_one_of_the_stream() -> None:
    frame = next(block for block in blocks_of_the_manual("") if block.startswith("id: "))
    fields = dict(line.split(": ", 1) for line in frame.splitlines())
    patch = json.loads(fields["data"])
    before: dict[str, Any] = {"uploaders": {"google": {"failures": {"1": {}, "2": {}}}}}

    assert (fields["event"], position_of(fields["id"], "k3f9")) == ("patch", patch["version"])
    assert list(merge(before, patch)["uploaders"]["google"]["failures"]) == ["2", "3"]


@pytest.mark.parametrize("happened", [[], HAPPENED], ids=["nothing", "an upload"])
@pytest.mark.parametrize("route", JSON_ROUTES, ids=lambda route: route.path)
def test_answers_are_as_described(route: Route, happened: list[Any]) -> None:
    answer = a_client(*happened).get(route.path)

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    validator(described(route), closed=True).validate(json.loads(answer.data))


def test_what_is_not_described_is_noticed() -> None:
    answer = a_client(*HAPPENED).get("/api/state").json
    assert answer is not None
    answer["uploaders"]["google"]["progress"]["novelty"] = 1

    assert not validator({"$ref": PLACE + "StateDocument"}, closed=True).is_valid(answer)


def test_a_queue_is_described_to_the_last_key() -> None:
    known = distribution_document([5, 10**9], source="lsf", upload_folder="Media", duration_seconds=1, now=1)

    assert set(named("Distribution")["properties"]) == set(known)
    for name, part in (("SizeStatistics", "statistics"), ("SizeMetadata", "metadata")):
        assert set(named(name)["properties"]) == set(known[part])
    validator(named("Distribution"), closed=True).validate(known)
    client = a_client(session_started(), queue_learned(distribution=known))
    for path in ("/api/queue_distribution", "/api/queue_distribution?uploader=google"):
        answer = client.get(path).json
        assert answer is not None
        validator(named("Distributions")).validate(answer)
        assert '"counts": [1, ' in json.dumps(answer)


@given(st.lists(EVENTS, max_size=12))
@settings(max_examples=examples(40), deadline=None)
def test_answers_are_as_described_whatever_happened(happened: list[Any]) -> None:
    client = a_client(*happened)
    for route in JSON_ROUTES:
        answer = client.get(route.path)
        assert answer.status_code == 200
        validator(described(route)).validate(json.loads(answer.data))


def test_the_summary_counts_the_accounts_in_every_state() -> None:
    keys = Summary.__annotations__.keys() - {"accounts_total"}

    assert {key for key in keys if key.startswith("accounts_")} == {f"accounts_{state}" for state in AccountState}


def _value(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "enum" in schema:
        fitting: st.SearchStrategy[str] = st.sampled_from(schema["enum"])
    elif schema["type"] == "string":
        fitting = st.sampled_from(["google", "1.json", "x" * 1024, "ü"])
    else:
        fitting = st.integers(int(schema["minimum"]), int(schema["maximum"])).map(str)
    odd = st.sampled_from(["", "-1", "1e400", "nan", "inf", "0x10", "1_0", " 1", "٣", "9" * 40, "\0", "x" * 2000, "%"])
    return st.one_of(fitting, odd, st.text(max_size=20))


@st.composite
def requests(draw: st.DrawFn) -> tuple[Route, list[tuple[str, str]]]:
    """A described route with parameters that fit, that do not, twice, or that nobody knows."""
    route = draw(st.sampled_from(FLASK_ROUTES))
    parameters = DESCRIBED["paths"][route.path]["get"]["parameters"]
    query = []
    for parameter in parameters:
        times = draw(st.sampled_from([0, 1, 1, 1, 2]))
        query += [(parameter["name"], draw(_value(parameter["schema"]))) for _ in range(times)]
    if draw(st.booleans()):
        query.append((draw(st.text(max_size=10)), draw(st.text(max_size=10))))
    return route, query


@given(requests(), st.sampled_from(["", "gzip", "*;q=0", "gzip;q=x"]), st.text(st.characters(codec="ascii")))
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_brings_a_route_down(
    client: FlaskClient, request: tuple[Route, list[tuple[str, str]]], encoding: str, accept: str
) -> None:
    route, query = request
    accept = "".join(character for character in accept if character.isprintable())
    answer = client.get(route.path, query_string=query, headers={"Accept-Encoding": encoding, "Accept": accept})

    assert answer.status_code in (200, 400, 404)
    assert answer.data
    if answer.status_code != 200:
        validator(named("Error")).validate(json.loads(answer.data))
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/history?metric=x", "metric must be one of speed, bytes, files, errors, accounts"),
        ("/api/history?step=-1", "step must be a whole number from 0 to 2592000"),
        ("/api/history?since=nan", "since must be a number from"),
        ("/api/history?step=1&step=2", "Give the parameter step only once"),
        ("/api/service_accounts?limit=x", "limit must be a whole number"),
        ("/api/service_accounts?limit=1_0", "limit must be a whole number"),
        ("/api/service_accounts?offset=%201", "offset must be a whole number"),
        ("/api/history?step=%C2%A01", "step must be a whole number"),
        ("/api/history?since=1_0", "since must be a number from"),
        ("/api/service_accounts?sort=x", "sort must be one of index, -index"),
        ("/api/status?uploader=", "uploader must be a text of 1 to 1024 characters"),
    ],
)
def test_bad_parameters_are_told(client: FlaskClient, path: str, wanted: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_parameter")  # type: ignore[index]
    assert wanted in answer.text
