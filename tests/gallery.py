"""Pictures of every state of the page, to look at.

    python -m tests.gallery OUT_DIR                                   every state in four widths, light and dark
    python -m tests.gallery OUT_DIR --only failed --width 360 --light
    python -m tests.gallery OUT_DIR --fold                            only what is on the screen without scrolling
    python -m tests.gallery OUT_DIR --axe FILE                        also what the checker of accessibility finds

One browser and one page for all. `sheet-WIDTH-THEME-N.png` shows many of them at once.
"""

from __future__ import annotations

import argparse
import base64
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudplow_dashboard.state.history import History
from tests import tools
from tests.browser import page_fixture
from tests.browser.gallery_states import GALLERY
from tests.browser.inspection import faults, violations
from tests.browser.page_fixture import Document, PageServer, serve_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS: Final = (360, 768, 1280, 2560)
HEIGHTS: Final = {360: 740, 768: 1024, 1280: 900, 2560: 1440}
THEMES: Final = ("light", "dark")
#: How fast an upload was before it stood still.
MEGABYTES_PER_SECOND: Final = 230
#: Pictures beside each other on a contact sheet, and their width there, in pixels.
COLUMNS: Final = {360: 7, 768: 5, 1280: 3, 2560: 2}
SHOWN: Final = {360: 270, 768: 380, 1280: 640, 2560: 960}
ROWS_OF_SHEET: Final = {360: 2, 768: 2, 1280: 3, 2560: 3}


def history_of(document: Document) -> History:
    """What the uploaders of a document did before: nothing where none has had a session; up to the end of the last."""
    history = History()
    for name, uploader in document["uploaders"].items():
        session, progress = uploader.get("session", {}), uploader.get("progress", {})
        if any(one["bytes_done"] for one in uploader.get("sessions", ())):
            # Of one that is slow for weeks nothing of the last days is quick.
            long = document["ts"] - session["started_at"] > 86_400
            until = session["ended_at"] or (session["started_at"] if long else 0)
            page_fixture.fill(history, name, hours=48, until=until)
        if uploader.get("active") and session["bytes_done"]:
            speed = progress["speed"] or MEGABYTES_PER_SECOND * 1e6
            seconds = min(240, int(document["ts"] - session["started_at"]))
            page_fixture.fill_minutes(history, name, seconds, speed)
    return history


def show(page: Page, server: PageServer, name: str, width: int, theme: str) -> None:
    """Open the page with a state, in this width and theme, its history loaded."""
    server.document = page_fixture.complete(GALLERY[name]())
    server.history = history_of(server.document)
    server.drop_streams()
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(server.url)
    page.wait_for_selector("#page[data-drawn]", state="attached")
    page.evaluate("document.getElementById('history').scrollIntoView()")
    page.wait_for_timeout(120)
    if page.locator("#history [data-body]").is_visible():
        page.wait_for_selector("#history .panel__line:not(:empty)", timeout=3000)
    page.evaluate("scrollTo(0, 0)")
    deadline = time.monotonic() + 3
    while page.locator("#connection").inner_text() != "Live" and time.monotonic() < deadline:
        page.wait_for_timeout(20)


def contact_sheet(browser: Browser, pictures: Sequence[tuple[str, Path]], width: int, target: Path) -> None:
    """One picture of many, with their names."""
    shown = SHOWN[width]
    parts = [
        f"<figure><figcaption>{name}</figcaption><img width={shown} src='data:image/png;base64,"
        f"{base64.b64encode(path.read_bytes()).decode()}'></figure>"
        for name, path in pictures
    ]
    page = browser.new_page(viewport={"width": COLUMNS[width] * (shown + 12) + 12, "height": 400})
    page.set_content(
        "<style>body{margin:6px;display:flex;flex-wrap:wrap;align-items:start;background:#888;font:14px sans-serif}"
        f"figure{{margin:6px;width:{shown}px}}"
        "figcaption{color:#fff;background:#333;padding:2px 6px}img{display:block}"
        f"</style>{''.join(parts)}"
    )
    page.screenshot(path=target, full_page=True)
    page.close()


def take(
    out: Path, names: Iterable[str], widths: Sequence[int], themes: Sequence[str], *, fold: bool, axe: str = ""
) -> list[str]:
    """Take the pictures; returns what is wrong. fold: only what is on the screen without scrolling; axe: its source."""
    out.mkdir(parents=True, exist_ok=True)
    wrong = []
    names = list(names)
    with serve_page(page_fixture.uploading()) as server, tools.chromium() as browser:
        page = browser.new_page()
        for width in widths:
            for theme in themes:
                pictures = []
                for name in names:
                    show(page, server, name, width, theme)
                    path = out / f"{name}-{width}-{theme}.png"
                    page.screenshot(path=path, full_page=not fold)
                    pictures.append((name, path))
                    if axe:
                        found = [*faults(page, width), *violations(page, axe)]
                        wrong += [f"{name}, {width} px, {theme}: {one}" for one in found]
                size = COLUMNS[width] * ROWS_OF_SHEET[width]
                for number in range(0, len(pictures), size):
                    sheet = out / f"sheet-{width}-{theme}-{number // size + 1}.png"
                    contact_sheet(browser, pictures[number : number + size], width, sheet)
                    print(sheet)
    return wrong


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", default=sorted(GALLERY), choices=sorted(GALLERY))
    parser.add_argument("--width", nargs="*", type=int, default=WIDTHS, choices=WIDTHS)
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--fold", action="store_true")
    parser.add_argument("--axe", type=Path)
    given = parser.parse_args()
    themes = THEMES[:1] if given.light else THEMES
    axe = given.axe.read_text(encoding="utf-8") if given.axe else ""
    wrong = take(given.out, given.only, given.width, themes, fold=given.fold, axe=axe)
    print("\n".join([*wrong, f"{len(wrong)} faults"]) if axe else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
