"""The table of routes as OpenAPI 3.1 and as docs/api.md (`python -m cloudplow_dashboard.web.openapi > docs/api.md`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cloudplow import __version__
from cloudplow_dashboard.web.faults import error_document
from cloudplow_dashboard.web.parameters import Parameter
from cloudplow_dashboard.web.routes import ROUTES, Route
from cloudplow_dashboard.web.schemas import ERROR

_INTRODUCTION: Final = (
    "Everything is GET. Every key is always there; arrays and values are never null: an unknown time is 0, an unknown "
    'text is "". Times are epoch seconds, sizes bytes. A request that cannot be answered gets JSON with an error code.'
)
_FAULTS: Final = {
    "400": "A parameter is not what it must be.",
    "404": "Nothing is known about this uploader.",
}


def document(routes: Sequence[Route] = ROUTES) -> dict[str, Any]:
    """The OpenAPI document. Source: https://spec.openapis.org/oas/v3.1.0"""
    return {
        "openapi": "3.1.0",
        "info": {"title": "cloudplow dashboard", "version": __version__, "description": _INTRODUCTION},
        # Relative to this document, so that it also holds behind a proxy at a sub-path.
        "servers": [{"url": ".."}],
        "paths": {route.path: {"get": _operation(route)} for route in routes},
        "components": {"schemas": {"Error": ERROR}},
    }


def _operation(route: Route) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": route.summary}
    answer["content"] = {media.replace("; charset=utf-8", ""): {"schema": schema} for media, schema in route.answers}
    if route.headers:
        answer["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in route.headers}
    faults = _FAULTS if route.parameters else {}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses: dict[str, Any] = {"200": answer}
    responses |= {status: {"description": text, "content": error} for status, text in faults.items()}
    responses |= {str(status): {"description": text} for status, text in route.other_statuses}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [_parameter(one) for one in route.parameters],
        "responses": responses,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.summary,
        "schema": dict(parameter.schema),
    }


def markdown(routes: Sequence[Route] = ROUTES) -> str:
    """docs/api.md."""
    example = error_document("bad_parameter", "The parameter limit must be a whole number from 0 to 320000")
    lines = [
        "# HTTP API of the dashboard",
        "",
        "<!-- Made from the table of routes by `python -m cloudplow_dashboard.web.openapi > docs/api.md`. -->",
        "",
        *_wrapped(_INTRODUCTION),
        "The same in OpenAPI 3.1: `/api/openapi.json`. The shape of the state document: docs/architecture.md.",
        "",
        f"An error: `{str(example).replace(chr(39), chr(34))}`",
        "",
        "| route | gives |",
        "|---|---|",
        *(f"| [`{route.path}`](#{_anchor(route)}) | {route.summary} |" for route in routes),
    ]
    for route in routes:
        lines += ["", *_section(route)]
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 118, break_on_hyphens=False)


def _anchor(route: Route) -> str:
    return route.path.lower().replace("/", "").replace(".", "")


def _section(route: Route) -> Iterator[str]:
    yield f"## `{route.path}`"
    yield ""
    yield from _wrapped(route.summary)
    yield ""
    yield "Answers: " + ", ".join(f"`{media}`" for media, _ in route.answers) + "."
    if route.parameters:
        yield ""
        yield "| parameter | is | default | |"
        yield "|---|---|---|---|"
        for one in route.parameters:
            default = one.schema.get("default", "")
            shown = f"`{default}`" if default != "" else "-"
            yield f"| `{one.name}` | {one.wanted()} | {shown} | {one.summary} |"
    for name, text in route.headers:
        yield ""
        yield f"Header `{name}`: {text}"
    for status, text in route.other_statuses:
        yield ""
        yield f"Status {status}: {text}"
    keys = _keys(route)
    if keys:
        yield ""
        yield from _wrapped("Keys: " + ", ".join(keys))


def _keys(route: Route) -> list[str]:
    """The keys of an answer, or of its members when it is a list or carries them in `data`."""
    schema = route.answers[0][1]
    schema = schema.get("items", schema)
    properties = schema.get("properties", {})
    inner = properties.get("data", {}).get("properties")
    names = [f"`{name}`" for name in properties]
    return names + [f"`data.{name}`" for name in inner] if inner else names


if __name__ == "__main__":
    sys.stdout.write(markdown())
