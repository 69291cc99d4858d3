"""docs/api.md: made from the table of routes by `python -m cloudplow_dashboard.web.manual > docs/api.md`."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cloudplow_dashboard.state.patches import (
    KEEP_ALIVE,
    KEEP_ALIVE_SECONDS,
    PREAMBLE,
    RING_BYTES,
    RING_FRAMES,
    encode_json,
    frame,
)
from cloudplow_dashboard.web import openapi
from cloudplow_dashboard.web.faults import error_document
from cloudplow_dashboard.web.parameters import wanted
from cloudplow_dashboard.web.route import Route
from cloudplow_dashboard.web.routes import ROUTES
from cloudplow_dashboard.web.schemas import PLACE, Schema, members_of

#: The merge of RFC 7396, for those who follow the stream from Python; a test runs it.
MERGE: Final = """\
def merge(target, patch):
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
"""
_PATCH: Final = {
    "uploaders": {"google": {"session": {"files_done": 12}, "failures": {"3": {"name": "a.mkv"}, "1": None}}},
    "version": 18,
    "ts": 1760000000.0,
}
#: What a client of the stream has to know.
_STREAM: Final = (
    "`id` is `BOOT:VERSION`. BOOT is another one after each start of the program; VERSION is that of the document to "
    "which the frame leads, and each patch has the one after its predecessor's.",
    "`data` is one line of JSON: for `snapshot` the whole document, for `patch` a JSON Merge Patch (RFC 7396). Objects "
    "are merged, everything else is replaced, lists as a whole. **null deletes a member**: above, the third failure "
    "pushed out the first one.",
    "Facts come at once; what only statistics changed comes every `refresh_interval` seconds.",
    f"Every {KEEP_ALIVE_SECONDS} seconds comes a comment line, `{KEEP_ALIVE.decode().strip()}`, which has no id.",
    "**Resume**: connect with the last id in the header `Last-Event-ID`, as browsers do by themselves, and you get the "
    "patches that you missed; nothing when you missed none. With the id in `?last_event_id=` you are then told so, by "
    "a patch of `version` and `ts` only.",
    f"**An old or unknown id** (more than {RING_FRAMES} patches or {RING_BYTES >> 20} MiB back, or of another BOOT), "
    "or none, gets a `snapshot`, which replaces what you have.",
    "A patch whose version is not the one after yours does not fit: ask for the whole with `/api/state`.",
)
#: Media types whose answers are described key by key.
_OBJECTS: Final = ("application/json", "text/event-stream")
#: Status, codes and meaning of what any route may answer instead.
_FAULTS: Final = (
    (
        "400",
        "`bad_parameter`",
        "A parameter has an invalid value, is there twice, or is not known; the message says which.",
    ),
    ("400", "`bad_request`", "It is no HTTP, or two programs could read it in different ways."),
    ("403", "`host_not_allowed`", "The host is not one of the dashboard's own: see `dashboard.allowed_hosts`."),
    ("403", "`cross_site`", "A page of another site asks, as the browser says; links to the dashboard are allowed."),
    ("404", "`not_found`, `unknown_uploader`", "There is no such route; nothing is known about this uploader."),
    ("405", "`method_not_allowed`", "`Allow` says which methods there are."),
    ("413", "`body_not_taken`", "The request has a body; no route takes one. The connection ends."),
    ("500", "`internal_error`", "The log of the dashboard says why."),
    ("503", "`busy`, `too_many_viewers`", "There is no room at the moment; `Retry-After` says when to come back."),
)


def markdown(routes: Sequence[Route] = ROUTES) -> str:
    """docs/api.md."""
    described = openapi.document(routes)
    example = error_document("bad_parameter", "The parameter limit must be a whole number from 0 to 320000")
    lines = [
        "# HTTP API of the dashboard",
        "",
        "<!-- Made from the table of routes by `python -m cloudplow_dashboard.web.manual > docs/api.md`. -->",
        "",
        *_wrapped(openapi.INTRODUCTION),
        "The same in OpenAPI 3.1: `/api/openapi.json`.",
        "",
        f"An error: `{json.dumps(example)}`",
        "",
        "| status | code | means |",
        "|---|---|---|",
        *(f"| {status} | {codes} | {text} |" for status, codes, text in _FAULTS),
        "",
        "| route | gives |",
        "|---|---|",
        *(f"| [`{route.path}`](#{_anchor(route.path)}) | {route.summary} |" for route in routes),
    ]
    for route in routes:
        lines += ["", *_section(route, described["paths"][route.path]["get"])]
    lines += ["", "## Objects", "", "What the answers are made of. Every key is always there unless it says otherwise."]
    for name, schema in described["components"]["schemas"].items():
        lines += ["", *_object(name, schema)]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip("\n") + "\n"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 118, break_on_hyphens=False)


def _anchor(heading: str) -> str:
    return heading.lower().replace("/", "").replace(".", "")


def _section(route: Route, operation: dict[str, Any]) -> Iterator[str]:
    yield f"## `{route.path}`"
    yield ""
    yield from _wrapped(route.summary)
    yield ""
    contents = operation["responses"]["200"]["content"].values()
    yield "Answers: " + ", ".join(
        f"`{media}`" + (f": {_kind(one['schema'])}" if media in _OBJECTS else "")
        for media, one in zip(route.answers, contents, strict=True)
    )
    members = members_of(route.query)
    if members:
        yield ""
        yield "| parameter | is | default | |"
        yield "|---|---|---|---|"
        for name, schema in members.items():
            default = schema.get("default", "")
            shown = f"`{default}`" if default != "" else "-"
            yield f"| `{name}` | {wanted(schema)} | {shown} | {schema['description']} |"
    for name, text in route.headers.items():
        yield ""
        yield f"Header `{name}`: {text}"
    for status, text in route.other_statuses.items():
        yield ""
        yield f"Status {status}: {text}"
    if route.path == "/api/events":
        yield ""
        yield from _stream()


def _stream() -> Iterator[str]:
    yield "The stream begins with how long to wait before connecting again, in milliseconds:"
    yield from _block(PREAMBLE.decode())
    yield "One frame of it, of the event `patch`:"
    yield from _block(frame("patch", "k3f9", 18, encode_json(_PATCH)).decode())
    for item in _STREAM:
        yield from textwrap.wrap(item, 118, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
    yield ""
    yield "The merge, in Python:"
    yield from _block(MERGE, "python")


def _block(text: str, language: str = "") -> Iterator[str]:
    yield from ("", f"```{language}", *text.rstrip("\n").split("\n"), "```", "")


def _object(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    for paragraph in schema.get("description", "").split("\n\n"):
        yield from _wrapped(" ".join(paragraph.split()))
        yield ""
    if "enum" in schema:
        yield "One of " + ", ".join(f"`{word}`" for word in schema["enum"]) + "."
        return
    yield "| key | is |"
    yield "|---|---|"
    for key, member in schema["properties"].items():
        yield f"| `{key}` | {_kind(member)} |"


def _kind(schema: Schema) -> str:
    """What a value is, for people."""
    if "description" in schema:
        return str(schema["description"])
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PLACE)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "const" in schema:
        return f'`"{schema["const"]}"`'
    if "enum" in schema:
        return "one of " + ", ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'])}"
    if schema["type"] == "object":
        members = schema.get("additionalProperties")
        return f"object: key to {_kind(members)}" if isinstance(members, dict) else "any object"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}[schema["type"]]


if __name__ == "__main__":
    sys.stdout.write(markdown())
