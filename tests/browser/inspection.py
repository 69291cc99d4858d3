"""What must be true of every state of the page: it fits the screen, nothing lies on anything, nobody is kept out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

OVERLAPS: Final = (Path(__file__).parent / "overlaps.js").read_text(encoding="utf-8").partition("\n")[2]
HOLES: Final = (Path(__file__).parent / "holes.js").read_text(encoding="utf-8").partition("\n")[2].strip().rstrip(";")
#: How much of the screen's height may stay empty at the end of a column.
MOST_EMPTY: Final = 0.3
#: How much wider than it is the content of a box is.
INNER: Final = "[...document.querySelectorAll('.panel__body, .headline')].map((p) => p.scrollWidth - p.clientWidth)"
#: Everything that is folded, of panels too.
OPEN_ALL: Final = """() => {
  document.querySelectorAll('details').forEach((box) => { box.open = true; });
  document.querySelectorAll('.panel').forEach((panel) => { panel.dataset.open = ''; });
}"""
DRAWN: Final = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
#: Where states differ most.
TOP: Final[tuple[str, ...]] = ("header", "#headline", "#guide")


def faults(page: Page, width: int) -> list[str]:
    """What is wider than the screen or its box, and texts that lie on each other, when all is open."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(OPEN_ALL)
    page.evaluate(DRAWN)
    found = [f"on each other: {one}" for one in page.evaluate(OVERLAPS)]
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"the page is {wide} px wide")
    if (more := max(page.evaluate(INNER))) > 0:
        found.append(f"a box has content that is {more} px wider")
    return [f"{width} px: {one}" for one in found]


def holes(page: Page, width: int, height: int) -> list[str]:
    """What columns leave empty on a screen of this size."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(DRAWN)
    return [f"{width} px: {one}" for one in page.evaluate(HOLES, MOST_EMPTY)]


def violations(page: Page, axe: str, *, where: tuple[str, ...] = (), colours_only: bool = False) -> list[str]:
    """What the checker of accessibility finds, by all its rules. axe: its source; where: selectors, none for all.

    Between light and dark only colours differ.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if colours_only:
        options["runOnly"] = ["color-contrast"]
    context = {"include": [[one] for one in where]} if where else None
    found = page.evaluate("([context, options]) => axe.run(context ?? document, options)", [context, options])
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
