"""config.json.sample: complete, without faults, and the same text as the package writes."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from cloudplow.config.loader import build, read_document, write_sample

TOP = Path(__file__).resolve().parents[3]


class Dashboard(BaseModel):
    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = 47949
    refresh_interval: float = 3
    debug: bool = False
    rc_url: str | None = None
    trusted_proxies: list[str] = []


def test_sample_loads_without_fault_and_without_warning() -> None:
    loaded = build(read_document(TOP / "config.json.sample", {}), {"dashboard": Dashboard})
    assert loaded.warnings == ()
    dashboard = loaded.config.section("dashboard")
    assert isinstance(dashboard, Dashboard)
    assert (dashboard.host, dashboard.refresh_interval) == ("127.0.0.1", 1)


def test_written_sample_equals_the_one_in_the_repository(tmp_path: Path) -> None:
    write_sample(tmp_path / "new" / "config.json")
    assert (tmp_path / "new" / "config.json").read_text() == (TOP / "config.json.sample").read_text()
