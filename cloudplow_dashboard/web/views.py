"""What each route answers. Views read memory only: no cache file, no call to rclone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from cloudplow_dashboard.state import exports, metrics
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import UploaderState
from cloudplow_dashboard.web import compat, overview
from cloudplow_dashboard.web.account_list import account_list
from cloudplow_dashboard.web.compat import Uploaders
from cloudplow_dashboard.web.faults import ApiError
from cloudplow_dashboard.web.parameters import Values


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the answers come from."""

    state: DashboardState
    history: History


#: Gives a JSON-ready document, or a whole response.
View = Callable[[Sources, Values], Any]


def json_response(document: Any, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(encode_json(document) + b"\n", status, content_type="application/json")


def _asked(sources: Sources, values: Values) -> str | None:
    """The uploader that was asked for, None for no one in particular. Raises ApiError for an unknown one."""
    name: str | None = values["uploader"]
    if name is not None and not sources.state.read(lambda uploaders: name in uploaders):
        raise ApiError(404, "unknown_uploader", "No uploader has this name, or nothing is known about it yet")
    return name


def picked(make: Callable[[UploaderState | None, float], Any]) -> View:
    """An answer about one uploader: the named one, or the one that "the" upload means."""

    def view(sources: Sources, values: Values) -> Any:
        name, now = _asked(sources, values), sources.state.clock()
        return sources.state.read(lambda uploaders: make(overview.pick(uploaders, name), now))

    return view


def every(make: Callable[[Uploaders, float], Any]) -> View:
    """An answer about the uploaders side by side, or about the named one only."""

    def view(sources: Sources, values: Values) -> Any:
        name, now = _asked(sources, values), sources.state.clock()
        return sources.state.read(lambda known: make({name: known[name]} if name is not None else known, now))

    return view


def documents(make: Callable[[Uploaders, float], dict[str, Any]]) -> View:
    """`{available, data}` with documents by uploader."""

    def view(sources: Sources, values: Values) -> Any:
        name, now = _asked(sources, values), sources.state.clock()
        return sources.state.read(lambda uploaders: compat.by_uploader(make(uploaders, now), name))

    return view


def health(sources: Sources, _values: Values) -> Any:
    """`/api/health`."""
    return sources.state.health()


def summary(sources: Sources, values: Values) -> Any:
    """`/api/summary`."""
    told = sources.state.health()
    return picked(lambda u, now: overview.summary(u, told, now))(sources, values)


def whole_state(sources: Sources, _values: Values) -> Response:
    """`/api/state`, with a validator."""
    snapshot = sources.state.snapshot()
    etag = f"{sources.state.boot}-{snapshot.version}"
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = Response(snapshot.body, content_type="application/json")
    response.set_etag(etag)
    return response


def session_stats(sources: Sources, values: Values) -> Any:
    """`/api/session_stats`: JSON, or metrics for a scraper."""
    accept = request.headers.get("Accept", "")
    if metrics.is_scraper(accept):
        response = scrape(sources, values)
    else:
        response = json_response(picked(compat.session_stats)(sources, values))
    response.headers["Vary"] = "Accept"
    return response


def scrape(sources: Sources, _values: Values) -> Response:
    """`/metrics`."""
    body, content_type = metrics.render(sources.state, request.headers.get("Accept", ""))
    response = Response(body, content_type=content_type)
    response.headers["Vary"] = "Accept"
    return response


def service_accounts(sources: Sources, values: Values) -> Response:
    """`/api/service_accounts`; how many there are on all pages is in a header."""
    choice = {name: value for name, value in values.items() if name != "uploader"}
    page, total = every(lambda uploaders, now: account_list(uploaders, now, **choice))(sources, values)
    response = json_response(page)
    response.headers["X-Total-Count"] = str(total)
    return response


def history(sources: Sources, values: Values) -> Any:
    """`/api/history`."""
    name = _asked(sources, values)
    return sources.history.query(values["metric"], name, values["since"], values["step"])


def _attachment(pieces: Any, content_type: str, name: str) -> Response:
    response = Response(pieces, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _session_head(u: UploaderState | None) -> tuple[dict[str, Any], list[Any]]:
    u = u or UploaderState("")
    head = {
        "uploader": u.name,
        "session": u.part("session", 0),
        "files_total": u.files.total,
        "truncated": u.files.truncated,
    }
    return head, list(u.files.entries)


def _session_export(ending: str) -> View:
    def view(sources: Sources, values: Values) -> Response:
        head, entries = picked(lambda u, _now: _session_head(u))(sources, values)
        name = exports.file_name("session", head["uploader"], ending=ending)
        if ending == ".csv":
            response = _attachment(exports.session_csv(entries), "text/csv; charset=utf-8", name)
        else:
            response = _attachment(exports.session_json(head, entries), "application/json", name)
        response.headers["X-Total-Count"] = str(head["files_total"])
        response.headers["X-Truncated"] = "true" if head["truncated"] else "false"
        return response

    return view


session_csv = _session_export(".csv")
session_json = _session_export(".json")


def _history_export(ending: str) -> View:
    def view(sources: Sources, values: Values) -> Response:
        uploader = _asked(sources, values) or ""
        step, rows = sources.history.table(uploader or None, values["since"], values["step"])
        name = exports.file_name("history", uploader, ending=ending)
        if ending == ".csv":
            return _attachment(exports.history_csv(step, rows), "text/csv; charset=utf-8", name)
        document = exports.history_json(uploader, step, rows)
        return _attachment(encode_json(document) + b"\n", "application/json", name)

    return view


history_csv = _history_export(".csv")
history_json = _history_export(".json")
