"""config.json.sample: complete, without faults, and the same text as the package writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudplow.config.loader import build, read_document, with_defaults, write_sample
from cloudplow.config.models import SECTIONS as CORE_SECTIONS
from cloudplow.errors import ConfigError

from .documents import SECTIONS, Dashboard

TOP = Path(__file__).resolve().parents[3]


def test_sample_loads_without_a_warning_but_for_what_is_not_there_yet() -> None:
    loaded = build(read_document(TOP / "config.json.sample", {}), SECTIONS)
    assert [one for one in loaded.warnings if "not there yet" not in one] == []
    dashboard = loaded.config.section("dashboard")
    assert isinstance(dashboard, Dashboard)
    assert (dashboard.host, dashboard.refresh_interval) == ("127.0.0.1", 1)


def test_sample_has_every_section_and_nothing_switched_on_outside_this_machine() -> None:
    document = read_document(TOP / "config.json.sample", {})
    assert set(CORE_SECTIONS) | {"dashboard", "notifications"} == set(document)
    config = build(document, SECTIONS).config
    assert not (config.plex.enabled or config.nzbget.enabled or config.sabnzbd.enabled)
    assert all(syncer.use_copy for syncer in config.syncer.values())


def test_sample_shows_every_key_that_has_a_default() -> None:
    document = read_document(TOP / "config.json.sample", {})
    added = with_defaults(document)
    for section in ("core", "plex", "nzbget", "sabnzbd"):
        assert set(added[section]) == set(document[section])
    assert set(added["uploader"]["google"]) == set(document["uploader"]["google"])
    assert set(added["remotes"]["google"]) == set(document["remotes"]["google"])


def test_written_sample_equals_the_one_in_the_repository(tmp_path: Path) -> None:
    write_sample(tmp_path / "new" / "config.json")
    assert (tmp_path / "new" / "config.json").read_text() == (TOP / "config.json.sample").read_text()


def test_sample_never_overwrites_a_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_sample(path)
    assert path.read_text() == "{}"
