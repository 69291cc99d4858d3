"""Flask: the page, its files, and every route of the table but the stream."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, render_template, request, send_from_directory
from werkzeug.exceptions import HTTPException

from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.assets import MADE, STATIC
from cloudplow_dashboard.web.compression import compress
from cloudplow_dashboard.web.faults import ApiError, error_document
from cloudplow_dashboard.web.parameters import parse
from cloudplow_dashboard.web.route import Route, Sources
from cloudplow_dashboard.web.routes import ROUTES
from cloudplow_dashboard.web.security import kind_of, response_headers
from cloudplow_dashboard.web.views import json_response

log = logging.getLogger("cloudplow.dashboard")

HERE: Final = Path(__file__).parents[1]
_ERROR_CODES: Final = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 500: "internal_error"}


def create_app(state: DashboardState, history: History | None = None) -> Flask:
    """The Flask application that answers from `state` and `history`."""
    app = Flask("cloudplow_dashboard", static_folder=None, template_folder=str(HERE / "templates"))
    app.url_map.merge_slashes = False
    sources = Sources(state, history or History(state.clock))
    _add_pages(app, state)
    for route in ROUTES:
        if route.view is not None:
            _add(app, route.path, route.name, _answer(route, sources))
    _add_error_handlers(app)

    @app.after_request
    def add_headers(response: Response) -> Response:
        kind = kind_of(request.path)
        for name, value in response_headers(kind).items():
            response.headers[name] = value
        # The server says the date itself; a file of ours is no download that needs a name.
        response.headers.pop("Date", None)
        if kind == "static":
            response.headers.pop("Content-Disposition", None)
        return compress(response, request.accept_encodings, lasting=kind == "static")

    return app


def _add(app: Flask, path: str, name: str, view: Callable[..., Any]) -> None:
    app.add_url_rule(path, name, view, methods=["GET"], provide_automatic_options=False)


def _answer(route: Route, sources: Sources) -> Callable[[], Response]:
    """The view function of a route."""
    view = route.view
    assert view is not None

    def answer() -> Response:
        made = view(sources, parse(route.query, dict(request.args.lists())))
        return made if isinstance(made, Response) else json_response(made)

    return answer


def _add_pages(app: Flask, state: DashboardState) -> None:
    def page() -> str:
        return render_template(
            "index.html",
            version=state.app_version,
            refresh_interval=state.refresh_interval,
            document=state.document(),
        )

    def static(filename: str) -> Response:
        if filename in MADE:
            content_type, make = MADE[filename]
            response = Response(make(), content_type=content_type)
            response.add_etag()
        else:
            # Werkzeug's conditions fail on dates that no calendar holds; a validator is enough for files of ours.
            response = send_from_directory(STATIC, filename, conditional=False)
        etag = response.get_etag()[0]
        if etag is not None and request.if_none_match.contains_weak(etag):
            response.status_code = 304
        return response

    _add(app, "/", "page", page)
    _add(app, "/static/<path:filename>", "static", static)


def _add_error_handlers(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def on_api_error(error: ApiError) -> Response:
        return json_response(error_document(error.code, error.message), error.status)

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _ERROR_CODES.get(status, error.name.lower().replace(" ", "_"))
        response = json_response(error_document(code, error.name), status)
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    @app.errorhandler(Exception)
    def on_fault(_error: Exception) -> Response:
        log.exception("The dashboard could not answer %s", request.path)
        return json_response(
            error_document("internal_error", "The dashboard could not answer this request; its log says why"), 500
        )
