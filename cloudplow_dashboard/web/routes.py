"""Every route, once: Flask, `/api/openapi.json` and docs/api.md are made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cloudplow_dashboard.state.metrics import OPENMETRICS_TYPE, TEXT_TYPE
from cloudplow_dashboard.web import compat, overview, schemas, views
from cloudplow_dashboard.web.parameters import (
    LIMIT,
    METRIC,
    OFFSET,
    SEARCH,
    SINCE,
    SORT,
    STATE,
    STEP,
    UPLOADER,
    Parameter,
)
from cloudplow_dashboard.web.schemas import Schema

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One route; all are GET.

    view: None when something else than Flask answers it. answers: the schema of each media type, of which the first is
    the usual one. headers: headers of the answer that mean something, with what they mean.
    """

    path: str
    summary: str
    view: views.View | None
    answers: tuple[tuple[str, Schema], ...]
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    other_statuses: tuple[tuple[int, str], ...] = ()

    @property
    def name(self) -> str:
        """A name that no other route has."""
        return self.path.strip("/").replace("/", "_").replace(".", "_")


_TEXT: Final[Schema] = {"type": "string"}
_CSV: Final = (("text/csv", _TEXT),)
_TOTAL: Final = ("X-Total-Count", "How many there are in all.")
_TRUNCATED: Final = ("X-Truncated", '"true" when the oldest files of the session are left out.')


def _json(schema: Schema) -> tuple[tuple[str, Schema], ...]:
    return ((JSON, schema),)


def _openapi(_sources: views.Sources, _values: dict[str, Any]) -> Any:
    from cloudplow_dashboard.web.openapi import document

    return document(ROUTES)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "/api/health", "Whether the dashboard answers and what the engine does.", views.health, _json(schemas.HEALTH)
    ),
    Route(
        "/api/state",
        "The whole state as one document. It has a validator: ask again with `If-None-Match`.",
        views.whole_state,
        _json(schemas.STATE),
        headers=(("ETag", "Changes with the version of the document."),),
        other_statuses=((304, "Nothing has changed."),),
    ),
    Route(
        "/api/events",
        "Server-Sent Events: `snapshot` (the document of `/api/state`), then `patch` (JSON Merge Patch, RFC 7396). "
        "`Last-Event-ID` resumes, and so does `?last_event_id=BOOT:VERSION` for whoever has a state from elsewhere.",
        None,
        (("text/event-stream", _TEXT),),
        other_statuses=((503, "Too many viewers at the moment; `Retry-After` says when to come back."),),
    ),
    Route(
        "/api/summary",
        "One flat object about the upload, for Homepage, Home Assistant, Uptime Kuma and the like.",
        views.summary,
        _json(schemas.SUMMARY),
        (UPLOADER,),
    ),
    Route(
        "/api/uploaders",
        "Every uploader, with the figures that fit on one line.",
        views.every(overview.uploaders_side_by_side),
        _json(schemas.UPLOADERS),
        (UPLOADER,),
    ),
    Route(
        "/api/plan",
        "The plan of `cloudplow plan`, by uploader.",
        views.documents(lambda uploaders, _now: overview.plans(uploaders)),
        _json(schemas.DOCUMENTS),
        (UPLOADER,),
    ),
    Route(
        "/api/history",
        "One metric over time: points of [epoch seconds, value]. `speed` is the mean, the others are sums.",
        views.history,
        _json(schemas.HISTORY),
        (METRIC, SINCE, STEP, UPLOADER),
    ),
    Route(
        "/api/status",
        "Whether an upload runs, and where it is.",
        views.picked(lambda u, _now: compat.status(u)),
        _json(schemas.STATUS),
        (UPLOADER,),
    ),
    Route(
        "/api/session_stats",
        "Totals of the session. A scraper of metrics, by its Accept header, gets the answer of `/metrics`.",
        views.session_stats,
        (*_json(schemas.SESSION_STATS), (TEXT_TYPE, _TEXT), (OPENMETRICS_TYPE, _TEXT)),
        (UPLOADER,),
    ),
    Route(
        "/api/service_accounts",
        "The accounts, all of them unless a page is asked for.",
        views.service_accounts,
        _json(schemas.SERVICE_ACCOUNTS),
        (UPLOADER, OFFSET, LIMIT, STATE, SEARCH, SORT),
        headers=(_TOTAL,),
    ),
    Route(
        "/api/rclone_stats",
        "rclone's own statistics of the running stage.",
        views.picked(lambda u, _now: compat.rclone_stats(u)),
        _json(schemas.RCLONE_STATS),
        (UPLOADER,),
    ),
    Route(
        "/api/queue_distribution",
        "Sizes of what waits, by uploader: percentiles, buckets, a histogram, the oldest file.",
        views.documents(lambda uploaders, _now: compat.queue_distribution(uploaders)),
        _json(schemas.DOCUMENTS),
        (UPLOADER,),
    ),
    Route(
        "/api/transfer_history",
        "Sizes of what was transferred, by uploader.",
        views.documents(compat.transfer_history),
        _json(schemas.DOCUMENTS),
        (UPLOADER,),
    ),
    Route(
        "/api/queue_status",
        "What the running stage was told and how far it is.",
        views.picked(lambda u, _now: compat.queue_status(u)),
        _json(schemas.QUEUE_STATUS),
        (UPLOADER,),
    ),
    Route(
        "/api/export/session.csv",
        "The files of the session, or of the last one, as a download; the latest 10,000.",
        views.session_csv,
        _CSV,
        (UPLOADER,),
        headers=(_TOTAL, _TRUNCATED),
    ),
    Route(
        "/api/export/session.json",
        "The same as JSON, with the session's totals.",
        views.session_json,
        _json(schemas.SESSION_EXPORT),
        (UPLOADER,),
        headers=(_TOTAL, _TRUNCATED),
    ),
    Route(
        "/api/export/history.csv",
        "Speed, bytes, files and errors over time, as a download.",
        views.history_csv,
        _CSV,
        (SINCE, STEP, UPLOADER),
    ),
    Route(
        "/api/export/history.json",
        "The same as JSON; `step`: seconds of one row, `speed`: bytes per second.",
        views.history_json,
        _json(schemas.HISTORY_EXPORT),
        (SINCE, STEP, UPLOADER),
    ),
    Route(
        "/metrics",
        "Metrics for Prometheus: text 0.0.4, or OpenMetrics when the Accept header asks for it.",
        views.scrape,
        ((TEXT_TYPE, _TEXT), (OPENMETRICS_TYPE, _TEXT)),
    ),
    Route("/api/openapi.json", "This description.", _openapi, _json(schemas.ANYTHING)),
)
