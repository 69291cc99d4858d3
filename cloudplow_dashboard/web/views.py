"""What each route answers. Views read memory only: no cache file, no call to rclone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from flask import Response, after_this_request, request

from cloudplow_dashboard.state import exports, metrics
from cloudplow_dashboard.state.bounded import FileEntry
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document import Health
from cloudplow_dashboard.state.exports import SessionHead
from cloudplow_dashboard.state.history import HistoryAnswer
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.state.uploader_state import Uploaders, UploaderState
from cloudplow_dashboard.web import compat, overview
from cloudplow_dashboard.web.accept import is_scraper, wants_openmetrics
from cloudplow_dashboard.web.account_list import account_list
from cloudplow_dashboard.web.answers import Distributions, Plans
from cloudplow_dashboard.web.answers_overview import Summary
from cloudplow_dashboard.web.faults import ApiError
from cloudplow_dashboard.web.parameters import AccountsQuery, HistoryQuery, OfUploader, Query, Span
from cloudplow_dashboard.web.route import Sources

T = TypeVar("T")

#: On every answer about uploads: `BOOT:VERSION` of the state document that it belongs to.
VERSION_HEADER: Final = "X-State-Version"


def json_response(document: Any, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(encode_json(document) + b"\n", status, content_type="application/json")


def _asked(sources: Sources, query: OfUploader) -> str | None:
    """The uploader that was asked for, None for no one in particular. Raises ApiError for an unknown one."""
    name = query.uploader
    if name is not None and not sources.state.read(lambda uploaders: name in uploaders):
        raise ApiError(404, "unknown_uploader", "There is no uploader of this name, or nothing is known about it yet")
    return name


def _read(sources: Sources, reader: Callable[[Uploaders], T]) -> T:
    """Read the state; the answer says which version of the document it belongs to."""
    version, found = sources.state.read_at(reader)
    _belongs_to(sources, version)
    return found


def _belongs_to(sources: Sources, version: int) -> None:
    @after_this_request
    def note(response: Response) -> Response:
        response.headers[VERSION_HEADER] = f"{sources.state.boot}:{version}"
        return response


def picked(make: Callable[[UploaderState | None, float], T]) -> Callable[[Sources, OfUploader], T]:
    """An answer about one uploader: the named one, or the one that "the" upload means."""

    def view(sources: Sources, query: OfUploader) -> T:
        name, now = _asked(sources, query), sources.state.clock()
        return _read(sources, lambda uploaders: make(overview.pick(uploaders, name), now))

    return view


def every(make: Callable[[Uploaders, float], T]) -> Callable[[Sources, OfUploader], T]:
    """An answer about the uploaders side by side, or about the named one only."""

    def view(sources: Sources, query: OfUploader) -> T:
        name, now = _asked(sources, query), sources.state.clock()
        return _read(sources, lambda known: make({name: known[name]} if name is not None else known, now))

    return view


def distributions(make: Callable[[Uploaders, float], dict[str, Distribution]]) -> Callable[..., Distributions]:
    """Distributions of sizes by uploader, or that of the named one."""

    def view(sources: Sources, query: OfUploader) -> Distributions:
        name, now = _asked(sources, query), sources.state.clock()
        return _read(sources, lambda uploaders: compat.distributions(make(uploaders, now), name))

    return view


def health(sources: Sources, _query: Query) -> Health:
    """`/api/health`."""
    return sources.state.health()


def summary(sources: Sources, query: OfUploader) -> Summary:
    """`/api/summary`."""
    state = sources.state
    return picked(lambda u, now: overview.summary(u, state.health(), state.head(), now))(sources, query)


def plan(sources: Sources, query: OfUploader) -> Plans:
    """`/api/plan`."""
    name = _asked(sources, query)
    return _read(sources, lambda uploaders: overview.plans(uploaders, name))


def whole_state(sources: Sources, _query: Query) -> Response:
    """`/api/state`, with a validator."""
    snapshot = sources.state.snapshot()
    _belongs_to(sources, snapshot.version)
    etag = f"{sources.state.boot}-{snapshot.version}"
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = Response(snapshot.body, content_type="application/json")
    response.set_etag(etag)
    return response


def session_stats(sources: Sources, query: OfUploader) -> Response:
    """`/api/session_stats`: JSON, or metrics for a scraper."""
    if is_scraper(request.accept_mimetypes):
        response = scrape(sources, query)
    else:
        response = json_response(picked(compat.session_stats)(sources, query))
    response.headers["Vary"] = "Accept"
    return response


def scrape(sources: Sources, _query: Query) -> Response:
    """`/metrics`."""
    openmetrics = wants_openmetrics(request.accept_mimetypes)
    version, body = metrics.render_at(sources.state, openmetrics=openmetrics)
    _belongs_to(sources, version)
    response = Response(body, content_type=metrics.OPENMETRICS_TYPE if openmetrics else metrics.TEXT_TYPE)
    response.headers["Vary"] = "Accept"
    return response


def service_accounts(sources: Sources, query: AccountsQuery) -> Response:
    """`/api/service_accounts`; how many there are on all pages is in a header."""
    choice = query.model_dump(exclude={"uploader"})
    page, total = every(lambda uploaders, now: account_list(uploaders, now, **choice))(sources, query)
    response = json_response(page)
    response.headers["X-Total-Count"] = str(total)
    return response


def history(sources: Sources, query: HistoryQuery) -> HistoryAnswer:
    """`/api/history`."""
    name = _asked(sources, query)
    return sources.history.query(query.metric, name, query.since, query.step)


def _attachment(pieces: bytes | Iterable[bytes], content_type: str, name: str) -> Response:
    response = Response(pieces, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _session_head(u: UploaderState | None) -> tuple[SessionHead, list[FileEntry]]:
    u = u or UploaderState("")
    head: SessionHead = {
        "uploader": u.name,
        "session": u.session_document(),
        "files_total": u.files.total,
        "truncated": u.files.truncated,
    }
    return head, list(u.files.entries)


def _session_export(ending: str) -> Callable[[Sources, OfUploader], Response]:
    def view(sources: Sources, query: OfUploader) -> Response:
        head, entries = picked(lambda u, _now: _session_head(u))(sources, query)
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


def _history_export(ending: str) -> Callable[[Sources, Span], Response]:
    def view(sources: Sources, query: Span) -> Response:
        uploader = _asked(sources, query) or ""
        step, rows = sources.history.table(uploader or None, query.since, query.step)
        name = exports.file_name("history", uploader, ending=ending)
        if ending == ".csv":
            return _attachment(exports.history_csv(step, rows), "text/csv; charset=utf-8", name)
        document = exports.history_json(uploader, step, rows)
        return _attachment(encode_json(document) + b"\n", "application/json", name)

    return view


history_csv = _history_export(".csv")
history_json = _history_export(".json")
