"""All sources and the page read through short uploads; for longer: `python -m tests.agreement`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agreement.playing import Play, play
from tests.agreement.tab import Tab
from tests.tools import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserTab


@pytest.fixture
def browser_tab() -> Iterator[BrowserTab]:
    with chromium() as browser:
        yield browser.new_page()


@pytest.mark.rclone
@pytest.mark.browser
@pytest.mark.timeout(240)
def test_no_two_sources_disagree_through_switches_a_denial_a_frozen_program_a_kill_and_a_dry_run(
    modern_rclone: Path, tmp_path: Path, browser_tab: BrowserTab
) -> None:
    kinds = (Play.denied, Play.frozen_and_killed, Play.dry)
    result = play(tmp_path / "play", modern_rclone, seconds=0, kinds=kinds, opens=partial(Tab, browser_tab))

    print(result)
    assert result.faults == []
    assert result.rounds > 10, "it has read something"
    often = ("stream", "metrics", "events", "the book", "the status", "api/summary", "api/plan", "page")
    assert min(result.sources[one] for one in (*often, "api/export/session.csv")) > 5
    assert all(result.sources[f"cloudplow {word}"] for word in ("status", "accounts", "plan"))
    assert result.points > 1000, "of the history"
    assert result.histories > 0, "on the page"
    assert result.compared > 50 * result.sources["page"], "all of the page"
