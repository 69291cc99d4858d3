"""Every route, once: Flask, `/api/openapi.json` and docs/api.md are made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from flask import Response

from cloudplow_dashboard.state.document import Health, StateDocument
from cloudplow_dashboard.state.exports import HistoryExport, SessionExport
from cloudplow_dashboard.state.history import HistoryAnswer
from cloudplow_dashboard.state.metrics import OPENMETRICS_TYPE, TEXT_TYPE
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.web import answers, answers_overview, compat, openapi, overview, views
from cloudplow_dashboard.web.parameters import AccountsQuery, HistoryQuery, OfUploader, Query, Span, StreamQuery
from cloudplow_dashboard.web.route import Access, Route, Sources

JSON: Final = "application/json"

_CSV: Final = {"text/csv": str}
_METRICS: Final = {TEXT_TYPE: str, OPENMETRICS_TYPE: str}
_TOTAL: Final = {"X-Total-Count": "The total number."}
_TRUNCATED: Final = {"X-Truncated": '"true" when the oldest files of the session are left out.'}


_OPEN: Final = Access("nothing")
_READ: Final = Access("read")
_SCRAPE: Final = Access("metrics")
_DOWNLOAD: Final = Access("read", is_download=True)

#: What Flask serves beside the routes; below a path with a slash at its end, everything.
PAGES: Final[Mapping[str, Access]] = {"/": _READ, "/static/": _READ}


@cache
def _document() -> bytes:
    return encode_json(openapi.document(ROUTES)) + b"\n"


def _description(_sources: Sources, _query: Query) -> Response:
    return Response(_document(), content_type=JSON)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "/api/health", "Whether the dashboard answers and what the engine does.", views.health, {JSON: Health}, _OPEN
    ),
    Route(
        "/api/state",
        "The whole state as one document. It has an ETag: ask again with `If-None-Match`.",
        views.whole_state,
        {JSON: StateDocument},
        _READ,
        headers={"ETag": "Changes with the version of the document."},
        other_statuses={304: "Nothing has changed."},
    ),
    Route(
        "/api/events",
        "Server-Sent Events: `snapshot` (the document of `/api/state`), then `patch` (JSON Merge Patch, RFC 7396). "
        "`Last-Event-ID` resumes, and so does `?last_event_id=BOOT:VERSION` for a client that already has a state.",
        None,
        {"text/event-stream": answers.StreamEvent},
        _READ,
        StreamQuery,
    ),
    Route(
        "/api/summary",
        "One flat object about the upload, for Homepage, Home Assistant, Uptime Kuma and the like.",
        views.summary,
        {JSON: answers_overview.Summary},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/uploaders",
        "Every uploader, with the figures that fit on one line.",
        views.every(overview.uploaders_side_by_side),
        {JSON: answers_overview.UploaderLines},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/plan",
        "The plan of `cloudplow plan`, by uploader.",
        views.plan,
        {JSON: answers.Plans},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/history",
        "One metric over time: points of [epoch seconds, value]. `speed` is the mean, the others are sums.",
        views.history,
        {JSON: HistoryAnswer},
        _READ,
        HistoryQuery,
    ),
    Route(
        "/api/status",
        "Whether an upload runs, and where it is.",
        views.picked(lambda u, _now: compat.status(u)),
        {JSON: answers.Status},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/session_stats",
        "Totals of the session. A scraper, known by its Accept header, gets the answer of `/metrics`.",
        views.session_stats,
        {JSON: answers.SessionStats} | _METRICS,
        _READ,
        OfUploader,
    ),
    Route(
        "/api/service_accounts",
        "The accounts: all of them, unless a part is asked for.",
        views.service_accounts,
        {JSON: list[answers.AccountRow]},
        _READ,
        AccountsQuery,
        headers=_TOTAL,
    ),
    Route(
        "/api/rclone_stats",
        "rclone's own statistics of the running stage.",
        views.picked(lambda u, _now: compat.rclone_stats(u)),
        {JSON: answers.RcloneStats},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/queue_distribution",
        "Sizes of what waits, by uploader: percentiles, buckets, a histogram, the oldest file.",
        views.distributions(lambda uploaders, _now: compat.queue_distribution(uploaders)),
        {JSON: answers.Distributions},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/transfer_history",
        "Sizes of what was transferred, by uploader.",
        views.distributions(compat.transfer_history),
        {JSON: answers.Distributions},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/queue_status",
        "With what the running stage was started, and how far it has got.",
        views.picked(lambda u, _now: compat.queue_status(u)),
        {JSON: answers.QueueStatus},
        _READ,
        OfUploader,
    ),
    Route(
        "/api/export/session.csv",
        "The files of the session, or of the last one, as a download; at most the latest 10,000.",
        views.session_csv,
        _CSV,
        _DOWNLOAD,
        OfUploader,
        headers=_TOTAL | _TRUNCATED,
    ),
    Route(
        "/api/export/session.json",
        "The same as JSON, with the session's totals.",
        views.session_json,
        {JSON: SessionExport},
        _DOWNLOAD,
        OfUploader,
        headers=_TOTAL | _TRUNCATED,
    ),
    Route(
        "/api/export/history.csv",
        "Speed, bytes, files and errors over time, as a download.",
        views.history_csv,
        _CSV,
        _DOWNLOAD,
        Span,
    ),
    Route(
        "/api/export/history.json",
        "The same as JSON; `step`: seconds of one row, `speed`: bytes per second.",
        views.history_json,
        {JSON: HistoryExport},
        _DOWNLOAD,
        Span,
    ),
    Route(
        "/metrics",
        "Metrics for Prometheus: text 0.0.4, or OpenMetrics when the Accept header asks for it.",
        views.scrape,
        _METRICS,
        _SCRAPE,
    ),
    Route("/api/openapi.json", "This API, described in OpenAPI 3.1.", _description, {JSON: dict[str, Any]}, _READ),
)
