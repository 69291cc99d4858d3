"""Every state of the page in every width and both themes. Pictures are left in test-artifacts/page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.browser import page_fixture
from tests.browser.conftest import ARTIFACTS, Visit, Visitor
from tests.browser.page_fixture import DOCUMENTS, serve_page

pytestmark = pytest.mark.browser

SHOTS: Final = ARTIFACTS / "page"
WIDTHS: Final = (360, 768, 1280, 2560)
#: Of which a picture is kept, of every state.
PICTURES: Final = ((360, "dark"), (768, "light"), (1280, "light"), (1280, "dark"), (2560, "dark"))
OVERLAPS: Final = (Path(__file__).parent / "overlaps.js").read_text(encoding="utf-8").partition("\n")[2]


def violations(seen: Visit, source: str, theme: str) -> list[str]:
    """What the checker of accessibility finds. Between light and dark only colours differ."""
    if not seen.page.evaluate("'axe' in window"):
        seen.page.evaluate(source)
    options = {"resultTypes": ["violations"]} | ({"runOnly": ["color-contrast"]} if theme == "dark" else {})
    found = seen.page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def look_at(name: str, seen: Visit, axe: str) -> None:
    """In every width and both themes: nothing lies on anything else, nothing is cut off, nobody is kept out."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = seen.page
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            if (width, theme) in PICTURES:
                page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png", full_page=True)
            page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
            where = f"{name}, {width} px, {theme}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where
            inner = (
                "[...document.querySelectorAll('.panel__body, .headline')].map((p) => p.scrollWidth - p.clientWidth)"
            )
            assert max(page.evaluate(inner)) <= 0, where
            assert page.evaluate(OVERLAPS) == [], where
            assert violations(seen, axe, theme) == [], where


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_state_fits_every_screen_and_is_accessible(name: str, visit: Visitor, axe: str) -> None:
    with serve_page(DOCUMENTS[name]()) as server:
        for uploader in server.document["uploaders"]:
            page_fixture.fill(server.history, uploader, hours=48)
        server.pools["google"] = page_fixture.big_pool_rows()
        seen = visit(server)
        seen.until_text("Live", "#connection")
        seen.see_history()
        look_at(name, seen, axe)


def test_lost_and_found_connection_fits_every_screen_and_is_accessible(visit: Visitor, axe: str) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, quiet=False)
        seen.until_text("Live", "#connection")
        seen.see_history()
        server.reachable = False
        server.drop_streams()
        seen.until_text("Reconnecting", "#connection")
        look_at("reconnecting", seen, axe)
        seen.until_text("Stale since", "#connection", seconds=30)
        look_at("stale", seen, axe)
        server.reachable = True
        server.patch({"uploaders": {"google": {"session": {"files_done": 795}}}})
        seen.until_text("Live", "#connection", seconds=40)
        seen.until_text("795", "#session")
        look_at("reconnected", seen, axe)
