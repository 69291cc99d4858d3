"""Flask: every GET route but the stream. Requests read memory only: no cache file, no call to rclone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, render_template, request, send_from_directory
from werkzeug.exceptions import HTTPException

from cloudplow_dashboard import compat, overview
from cloudplow_dashboard.security import kind_of, response_headers
from cloudplow_dashboard.state import DashboardState
from cloudplow_dashboard.stream import encode_json

log = logging.getLogger("cloudplow.dashboard")

HERE: Final = Path(__file__).parent
_NAME_LIMIT: Final = 1024
_ERROR_CODES: Final = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 500: "internal_error"}


class ApiError(Exception):
    """A request that cannot be answered; becomes `{error: {code, message}}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(message)


def error_document(code: str, message: str) -> dict[str, Any]:
    """The body of every answer that reports a fault."""
    return {"error": {"code": code, "message": message}}


def create_app(state: DashboardState) -> Flask:
    """The Flask application that answers from `state`."""
    app = Flask("cloudplow_dashboard", static_folder=None, template_folder=str(HERE / "templates"))
    app.url_map.merge_slashes = False
    _add_pages(app, state)
    for path, view in _api_views(state).items():
        name = path.removeprefix("/api/")
        app.add_url_rule(path, name, _json_view(view), methods=["GET"], provide_automatic_options=False)
    app.add_url_rule("/api/state", "state", _state_view(state), methods=["GET"], provide_automatic_options=False)
    _add_error_handlers(app)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in response_headers(kind_of(request.path)).items():
            response.headers[name] = value
        return response

    return app


def _add_pages(app: Flask, state: DashboardState) -> None:
    def page() -> str:
        return render_template(
            "index.html",
            version=state.app_version,
            refresh_interval=state.refresh_interval,
            document=state.document(),
        )

    def static(filename: str) -> Response:
        return send_from_directory(HERE / "static", filename)

    app.add_url_rule("/", "page", page, methods=["GET"], provide_automatic_options=False)
    app.add_url_rule("/static/<path:filename>", "static", static, methods=["GET"], provide_automatic_options=False)


def _json_response(document: Any, status: int = 200) -> Response:
    return Response(encode_json(document) + b"\n", status, content_type="application/json")


def _json_view(view: Callable[[], Any]) -> Callable[[], Response]:
    return lambda: _json_response(view())


def _state_view(state: DashboardState) -> Callable[[], Response]:
    def view() -> Response:
        snapshot = state.snapshot()
        etag = f"{state.boot}-{snapshot.version}"
        if request.if_none_match.contains_weak(etag):
            response = Response(status=304)
        else:
            response = Response(snapshot.body, content_type="application/json")
        response.set_etag(etag)
        return response

    return view


def _asked_uploader(state: DashboardState) -> str | None:
    """The value of `?uploader=`; None when it is not there. Raises ApiError for a bad or unknown one."""
    values = request.args.getlist("uploader")
    if not values:
        return None
    name = values[0]
    if len(values) > 1 or not name or len(name) > _NAME_LIMIT:
        raise ApiError(400, "bad_parameter", "Give the parameter uploader once, with the name of one uploader")
    if not state.read(lambda uploaders: name in uploaders):
        raise ApiError(404, "unknown_uploader", "No uploader has this name, or nothing is known about it yet")
    return name


def _api_views(state: DashboardState) -> dict[str, Callable[[], Any]]:
    """The views by path; each returns a JSON-ready document."""

    def picked(make: Callable[[Any], Any]) -> Callable[[], Any]:
        """An answer about one uploader: the named one, or the one that "the" upload means."""

        def view() -> Any:
            name = _asked_uploader(state)
            return state.read(lambda uploaders: make(overview.pick(uploaders, name)))

        return view

    def every(make: Callable[[dict[str, Any]], Any]) -> Callable[[], Any]:
        """An answer about the uploaders side by side, or about the named one only."""

        def view() -> Any:
            name = _asked_uploader(state)
            return state.read(lambda uploaders: make({name: uploaders[name]} if name is not None else uploaders))

        return view

    def documents(make: Callable[[dict[str, Any]], Any]) -> Callable[[], Any]:
        """`{available, data}` with documents by uploader."""

        def view() -> Any:
            name = _asked_uploader(state)
            return state.read(lambda uploaders: compat.by_uploader(make(uploaders), name))

        return view

    now = state.clock
    return {
        "/api/health": state.health,
        "/api/status": picked(compat.status),
        "/api/session_stats": picked(lambda u: compat.session_stats(u, now())),
        "/api/service_accounts": every(lambda uploaders: compat.service_accounts(uploaders, now())),
        "/api/rclone_stats": picked(compat.rclone_stats),
        "/api/queue_distribution": documents(compat.queue_distribution),
        "/api/transfer_history": documents(lambda uploaders: compat.transfer_history(uploaders, now())),
        "/api/queue_status": picked(compat.queue_status),
        "/api/uploaders": every(lambda uploaders: overview.uploaders_side_by_side(uploaders, now())),
        "/api/summary": picked(lambda u: overview.summary(u, state.health(), now())),
        "/api/plan": documents(overview.plans),
    }


def _add_error_handlers(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def on_api_error(error: ApiError) -> Response:
        return _json_response(error_document(error.code, error.message), error.status)

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _ERROR_CODES.get(status, error.name.lower().replace(" ", "_"))
        response = _json_response(error_document(code, error.name), status)
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    @app.errorhandler(Exception)
    def on_fault(_error: Exception) -> Response:
        log.exception("The dashboard could not answer %s", request.path)
        return _json_response(error_document("internal_error", "The dashboard could not answer; see the log"), 500)
