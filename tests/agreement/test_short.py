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
_FILES = re.compile(r"^Files\n([\d,]+)\nof ([\d,]+)", re.MULTILINE)
_LEFT = re.compile(r"^Left\n.*\n([\d,]+) files?", re.MULTILINE)
_ACCOUNT = re.compile(r"^Account\n(.+)\n\d+ of (\d+)(?:, stage (\d+) of (\d+))?", re.MULTILINE)


def read_headline(text: str) -> Figures:
    """What a person reads first, as figures."""
    found: Figures = {}
    if share := _SHARE.search(text):
        found[UPLOADER, "percentage"] = float(share[1])
    if files := _FILES.search(text):
        found[UPLOADER, "files_done"] = _number(files[1])
        found[UPLOADER, "files_total"] = _number(files[2])
    if left := _LEFT.search(text):
        found[UPLOADER, "files_left"] = _number(left[1])
    if account := _ACCOUNT.search(text):
        found[UPLOADER, "account"] = account[1]
        found[UPLOADER, "accounts_total"] = int(account[2])
        if account[3]:
            found[UPLOADER, "stage"], found[UPLOADER, "stages_total"] = int(account[3]), int(account[4])
    return found


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_headline_is_read_as_figures() -> None:
    text = "Uploading\n53.1%\n76.1 MB of 143.1 MB\nFiles\n1,021\nof 1,347\nAccount\n3.json\n3 of 6, stage 4 of 5\n"

    assert read_headline(text) == {
        (UPLOADER, "percentage"): 53.1,
        (UPLOADER, "files_done"): 1021,
        (UPLOADER, "files_total"): 1347,
        (UPLOADER, "account"): "3.json",
        (UPLOADER, "accounts_total"): 6,
        (UPLOADER, "stage"): 4,
        (UPLOADER, "stages_total"): 5,
    }
    assert read_headline("Done\n100.0%\nLeft\n0 B\n0 files\n") == {
        (UPLOADER, "percentage"): 100.0,
        (UPLOADER, "files_left"): 0,
    }


def reads(tab: Tab) -> Page:
    """Reads the figures of the headline from its text."""

    def look() -> Figures | None:
        if tab.locator("#connection").get_attribute("data-mode") != "live":
            return None
        return read_headline(tab.locator("#headline").inner_text()) or None

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
    read: set[str] = set()

    def page(address: str) -> Page:
        read_page = reads(tab)

        def look() -> Figures | None:
            if not opened.is_set():
                if not listens(int(address.split(":")[-1].strip("/"))):
                    return None
                tab.goto(address, wait_until="domcontentloaded")
                opened.set()
            found = read_page()
            read.update(name for _, name in found or {})
            return found

        return look

    result = play(tmp_path / "play", modern_rclone, seconds=0, kinds=(Play.whole,), page=page)

    print(result)
    assert result.faults == []
    assert result.sources["page"] > 5, "it has read the page"
    assert {"percentage", "files_done", "files_total", "account", "stage"} <= read
