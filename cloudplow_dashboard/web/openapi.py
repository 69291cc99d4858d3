"""The table of routes as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cloudplow import __version__
from cloudplow_dashboard.web.answers import Error
from cloudplow_dashboard.web.parameters import OfUploader
from cloudplow_dashboard.web.route import Route
from cloudplow_dashboard.web.schemas import Schema, members_of, schemas_of

INTRODUCTION: Final = (
    "All routes are GET. Every key is always there; arrays and values are never null: an unknown time is 0, unknown "
    'seconds are -1, an unknown text is "". Times are epoch seconds, sizes bytes. A request that cannot be answered '
    "gets JSON with an error code. Answers about uploads have the header `X-State-Version: BOOT:VERSION`, the version "
    "of the state document that they belong to: all answers of one version say the same."
)
#: The answers of any route that report a fault, and that of one with an uploader.
FAULTS: Final = {
    "400": "A parameter has an invalid value or is not known, or the request can be read in two ways.",
    "403": "The host is not one of the dashboard's own, or a page of another site asks.",
    "413": "The request has a body; no route takes one.",
    "503": "There is no room for it at the moment; `Retry-After` says when to come back.",
}
_UNKNOWN: Final = {"404": "Nothing is known about this uploader."}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI document. Source: https://spec.openapis.org/oas/v3.1.0"""
    schemas, shared = schemas_of([Error, *(kind for route in routes for kind in route.answers.values())])
    error, rest = schemas[0], iter(schemas[1:])
    paths = {route.path: {"get": _operation(route, [next(rest) for _ in route.answers], error)} for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {"title": "cloudplow dashboard", "version": __version__, "description": INTRODUCTION},
        # Relative to this document, so that it also holds behind a proxy at a sub-path.
        "servers": [{"url": ".."}],
        "paths": paths,
        "components": {"schemas": shared},
    }


def _operation(route: Route, schemas: Sequence[Schema], error: Schema) -> dict[str, Any]:
    media = (name.replace("; charset=utf-8", "") for name in route.answers)
    answer: dict[str, Any] = {
        "description": route.summary,
        "content": {name: {"schema": schema} for name, schema in zip(media, schemas, strict=True)},
    }
    if route.headers:
        answer["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in route.headers.items()
        }
    responses: dict[str, Any] = {"200": answer}
    content = {"application/json": {"schema": error}}
    faults = FAULTS | (_UNKNOWN if issubclass(route.query, OfUploader) else {})
    responses |= {status: {"description": text, "content": content} for status, text in faults.items()}
    responses |= {str(status): {"description": text} for status, text in route.other_statuses.items()}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [_parameter(name, schema) for name, schema in members_of(route.query).items()],
        "responses": responses,
    }


def _parameter(name: str, schema: Schema) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": schema["description"],
        "schema": {key: value for key, value in schema.items() if key != "description"},
    }
