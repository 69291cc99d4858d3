"""E2 and E11 in a browser: what a page of another site gets of the dashboard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cloudplow_dashboard.server.asked import Asked, Refusal
from cloudplow_dashboard.server.guard import Rules, decide
from cloudplow_dashboard.web.route import Access
from tests import tools

from .test_dashboard_server import WAIT_SECONDS, quiet_server

__all__ = ["quiet_server"]

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>elsewhere</title>
<img src="{0}/static/icons/favicon.svg"><link rel="stylesheet" href="{0}/static/page.css">
<script src="{0}/static/page.js"></script><iframe src="{0}/"></iframe>
<script>
  fetch("{0}/api/state", {{ mode: "no-cors" }}).catch(() => 0);
  new EventSource("{0}/api/events");
</script>
<script type="speculationrules">{{ "prefetch": [{{ "source": "list", "urls": ["{0}/api/summary"] }}] }}</script>
<a href="{0}/">the dashboard</a>"""
WANTED = {
    "/api/summary",
    "/static/icons/favicon.svg",
    "/static/page.css",
    "/static/page.js",
    "/",
    "/api/state",
    "/api/events",
}


@pytest.fixture
def elsewhere(quiet_server: Any) -> Iterator[str]:
    """A page of another site, on this machine, so that the browser lets it ask us at all."""
    body = PAGE.format(f"http://127.0.0.1:{quiet_server.port}").encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the guard said last of each path: a browser does not tell what it has not given to a page."""
    statuses: dict[str, int] = {}

    def watched(asked: Asked, by: Rules) -> Access | Refusal:
        decision = decide(asked, by)
        statuses[asked.raw_path.decode()] = decision.status if isinstance(decision, Refusal) else 200
        return decision

    monkeypatch.setattr("cloudplow_dashboard.server.asgi.decide", watched)
    return statuses


def test_e2_e11_a_page_of_another_site_can_link_to_us_and_gets_nothing_else(
    quiet_server: Any, elsewhere: str, decided: dict[str, int]
) -> None:
    with tools.chromium() as browser:
        page = browser.new_page()
        page.goto(elsewhere)
        deadline = time.monotonic() + WAIT_SECONDS
        while not decided.keys() >= WANTED and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert {path: decided.get(path) for path in WANTED} == dict.fromkeys(WANTED, 403)

        page.get_by_text("the dashboard").click()
        page.wait_for_url(f"http://127.0.0.1:{quiet_server.port}/")
        assert page.locator("#connection").count() == 1
        assert decided["/"] == 200
