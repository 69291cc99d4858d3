"""A real Prometheus scrapes the dashboard, also with the scrape configuration of the first dashboard."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import tools

from .test_dashboard_server import Server

START_SECONDS = 60.0


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """A Prometheus that scrapes both paths of a target each second; gives its address."""
    jobs = "".join(
        f"  - job_name: {name}\n    metrics_path: {path}\n    static_configs: [{{targets: ['{target}']}}]\n"
        for name, path in (("metrics", "/metrics"), ("session_stats", "/api/session_stats"))
    )
    program = tools.require_program("prometheus")
    config = folder / "prometheus.yml"
    config.write_text(f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}", "utf-8")

    def command(port: int) -> list[str | Path]:
        return [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]

    with tools.listening_server(command, folder / "log") as port:
        yield f"http://127.0.0.1:{port}"


def query(address: str, expression: str) -> list[Any]:
    try:
        with urllib.request.urlopen(f"{address}/api/v1/query?query={urllib.parse.quote(expression)}") as answer:
            result: list[Any] = json.loads(answer.read())["data"]["result"]
            return result
    except (urllib.error.URLError, ConnectionError):
        return []


def test_a_real_prometheus_scrapes_both_routes(tmp_path: Path) -> None:
    tools.require_program("prometheus")
    server = Server()
    try:
        server.transfer(size=12345)
        with prometheus(tmp_path, f"127.0.0.1:{server.port}") as address:
            end = time.monotonic() + START_SECONDS
            found: dict[str, str] = {}
            while set(found) != {"metrics", "session_stats"} and time.monotonic() < end:
                time.sleep(0.1)
                expression = 'cloudplow_transferred_bytes_total{uploader="google"}'
                found = {one["metric"]["job"]: one["value"][1] for one in query(address, expression)}

            assert found == {"metrics": "12345", "session_stats": "12345"}, (tmp_path / "log").read_text()[-3000:]
            assert {one["value"][1] for one in query(address, "up")} == {"1"}
    finally:
        server.dashboard.stop()
