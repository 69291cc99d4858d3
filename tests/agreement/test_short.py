"""All sources read through short uploads; for longer: `python -m tests.agreement`."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agreement.playing import Page, Play, play
from tests.agreement.reading import Figures
from tests.harness.drive_upload import UPLOADER
from tests.tools import chromium, listens

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab


@pytest.mark.rclone
@pytest.mark.timeout(240)
def test_no_two_sources_disagree_through_switches_a_denial_a_dry_run_and_a_kill(
    modern_rclone: Path, tmp_path: Path
) -> None:
    kinds = (Play.denied, Play.killed, Play.dry)
    result = play(tmp_path / "play", modern_rclone, seconds=0, kinds=kinds)

    print(result)
    assert result.faults == []
    assert result.rounds > 10, "it has read something"
    assert min(result.sources[one] for one in ("stream", "metrics", "events", "the book", "api/summary")) > 5


_SHARE = re.compile(r"(\d{1,3}\.\d)\s?%")


def reads(tab: Tab) -> Page:
    """Reads the share of what is done from the text of the headline: what a person sees first."""

    def look() -> Figures | None:
        if tab.locator("#connection").get_attribute("data-mode") != "live":
            return None
        found = _SHARE.search(tab.locator("#headline").inner_text())
        return {(UPLOADER, "percentage"): float(found[1])} if found else None

    return look


@pytest.fixture
def tab() -> Iterator[Tab]:
    with chromium() as browser:
        yield browser.new_page()


@pytest.mark.rclone
@pytest.mark.browser
@pytest.mark.timeout(240)
def test_the_page_says_what_the_document_says(modern_rclone: Path, tmp_path: Path, tab: Tab) -> None:
    opened = threading.Event()

    def page(address: str) -> Page:
        read = reads(tab)

        def look() -> Figures | None:
            if not opened.is_set():
                if not listens(int(address.split(":")[-1].strip("/"))):
                    return None
                tab.goto(address, wait_until="domcontentloaded")
                opened.set()
            return read()

        return look

    result = play(tmp_path / "play", modern_rclone, seconds=0, kinds=(Play.whole,), page=page)

    print(result)
    assert result.faults == []
    assert result.sources["page"] > 5, "it has read the page"
