"""The main path in Firefox and in WebKit: the page loads, changes come, a panel opens, the theme changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from tests.browser import page_fixture
from tests.browser.other_browsers import OtherBrowser, firefox, wait_for, webkit
from tests.browser.page_fixture import PageServer, serve_page

pytestmark = pytest.mark.browser


class _Opens(Protocol):
    def __call__(self, folder: Path) -> AbstractContextManager[OtherBrowser]: ...


@pytest.fixture(scope="module", params=[firefox, webkit], ids=["firefox", "webkit"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherBrowser]:
    opens: _Opens = request.param
    with opens(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def watched() -> Iterator[PageServer]:
    """An upload under way; the page notes what is said against it in `window.said`."""
    with serve_page(page_fixture.uploading()) as server:
        server.notes_complaints = True
        page_fixture.fill(server.history, "google", hours=48)
        yield server


def _show(other: OtherBrowser, server: PageServer) -> None:
    other.open(server.url)
    wait_for(other, "document.querySelector('#page[data-drawn]') !== null", "all panels")


def test_main_path(other: OtherBrowser, watched: PageServer) -> None:
    other.open(watched.url)
    wait_for(other, "document.getElementById('connection').textContent === 'Live'", "live")
    sentence = other.evaluate("document.querySelector('h1').innerText")
    assert sentence.startswith("Uploading google to gdrive:Media; done around ")
    assert other.evaluate("document.querySelectorAll('#transfers tbody tr').length") == 4

    watched.patch({"uploaders": {"google": {"session": {"files_done": 797}}}})
    wait_for(other, "document.getElementById('headline').innerText.includes('797')", "a change that comes by itself")

    other.evaluate("document.querySelector('#plan .explain summary').click()")
    wait_for(other, "document.querySelector('#plan .explain p').checkVisibility()", "an explanation that opens")
    other.evaluate("document.getElementById('history').scrollIntoView()")
    wait_for(other, "document.querySelector('#history .chart__line[d]') !== null", "a chart")
    assert "/s. As of " in other.evaluate("document.querySelector('#history .panel__line').innerText")

    ground = "getComputedStyle(document.documentElement).backgroundColor"
    colours = set()
    for _ in range(3):
        other.evaluate("document.getElementById('theme').click()")
        colours.add(other.evaluate(ground))
    assert len(colours) == 2, "light and dark"
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert other.evaluate("window.said") == []


def test_a_name_is_copied_once_and_whole(other: OtherBrowser, watched: PageServer) -> None:
    _show(other, watched)
    selected = """(() => {
      const selection = getSelection();
      selection.removeAllRanges();
      selection.selectAllChildren(document.getElementById('transfers'));
      return selection.toString();
    })()"""
    text = other.evaluate(selected)
    for name in page_fixture.FILES:
        assert text.count(name.rpartition("/")[2]) == 1
        assert name in text


def test_what_was_set_is_found_again_after_a_reload(other: OtherBrowser, watched: PageServer) -> None:
    _show(other, watched)
    other.evaluate("[...document.querySelectorAll('#accounts .sort')].find((b) => b.innerText === 'Spent').click()")
    other.evaluate("""(() => {
      const field = document.querySelector('#log select');
      field.value = 'Switches';
      field.dispatchEvent(new Event('input'));
      document.querySelector('#session summary').click();
    })()""")
    wait_for(other, "document.querySelectorAll('#log li').length === 3", "only switches")
    other.open(watched.url)
    wait_for(other, "document.querySelectorAll('#log li').length === 3", "only switches, still")
    assert other.evaluate("document.querySelector('#log select').value") == "Switches"
    assert other.evaluate("document.querySelector('#accounts [aria-sort]').innerText").startswith("Spent")
    assert other.evaluate("document.querySelector('#session details').open") is False
    assert other.evaluate("window.said") == []
