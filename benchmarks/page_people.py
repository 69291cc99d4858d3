"""What people do with the page, one thing after another. Each returns False when there was nothing to do it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from benchmarks.page_browser import Complaints, open_page, probe
from benchmarks.page_paint import VIEWPORT, WAIT_MS
from benchmarks.page_story import IDLER, LONER, PHOTOS, UPLOADER

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

#: How long people look at what they have done, in milliseconds.
LOOK_MS: Final = 60
WIDTHS: Final = (320, 768, 1920, 1280)

#: A headless tab is never hidden, so that it has to be made believe.
_HIDE: Final = """(hidden) => {
  for (const [name, value] of [["hidden", hidden], ["visibilityState", hidden ? "hidden" : "visible"]]) {
    Object.defineProperty(document, name, { configurable: true, get: () => value });
  }
  document.dispatchEvent(new Event("visibilitychange"));
}"""

_PRESS: Final = """(nodes) => {
  const node = nodes.find((one) => one.checkVisibility());
  node?.click();
  return node !== undefined;
}"""


def look(page: Page) -> None:
    page.wait_for_timeout(LOOK_MS)


def press(button: Locator) -> bool:
    """Click the first of them that is there; in one go, as it may go away at any moment."""
    done: bool = button.evaluate_all(_PRESS)
    look(button.page)
    return done


def scroll(page: Page) -> bool:
    for step in (700, 700, 700, 700, 700, -1200, -9000):
        page.mouse.move(640, 450)
        page.mouse.wheel(0, step)
        look(page)
    return True


def open_details(page: Page) -> bool:
    summary = page.locator("#session summary")
    if not summary.is_visible():
        return False
    if not page.locator("#session details").evaluate("(node) => node.open"):
        press(summary)
    found: int = page.locator("#session .failure .name").evaluate_all(
        "(names) => { names.at(-1)?.focus(); return names.length; }"
    )
    look(page)
    return found > 0


def show_all(page: Page) -> bool:
    found = [press(button) for button in page.locator(".more").all()]
    return any(found)


def filter_log(page: Page) -> bool:
    group = page.locator("#log select")
    if not group.is_visible():
        return False
    for name in group.locator("option").all_text_contents():
        group.select_option(name)
        look(page)
    group.select_option("Everything")
    search = page.locator("#log input[type=search]")
    for text in ("stage", "<script>", "\\", "no such thing", ""):
        search.fill(text)
        look(page)
    return True


def search_accounts(page: Page) -> bool:
    search = page.locator("#accounts input[type=search]")
    if not search.is_visible():
        return False
    for text in ("1", "<b>", ".*", "no such account", ""):
        search.fill(text)
        look(page)
    for button in [*page.locator("#accounts .pick").all(), *page.locator("#accounts .sort").all()]:
        press(button)
        press(button)
    scroller = page.locator("#accounts .scroller")
    for top in (500, 4000, 99_999, 0):
        scroller.evaluate("(node, top) => { node.scrollTop = top; }", top)
        look(page)
    return True


def switch_theme(page: Page) -> bool:
    done = [press(page.locator("#theme")) for _ in range(3)]
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        look(page)
    return all(done)


def read_history(page: Page) -> bool:
    page.locator("#history").scroll_into_view_if_needed()
    look(page)
    metrics, ranges = (page.locator("#history .choices").nth(place).locator("button").all() for place in (0, 1))
    for place, metric in enumerate(metrics):
        press(metric)
        press(ranges[place % len(ranges)])
    done = [press(button) for button in (*ranges, *metrics[:1])]
    if (box := page.locator("#history .chart").bounding_box()) is not None:
        for share in (0.2, 0.5, 0.8):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
            look(page)
    return bool(done) and all(done)


def choose(page: Page, uploader: str) -> bool:
    for tab in page.locator("#uploaders .tab").all():
        if tab.get_attribute("title") == uploader:
            return press(tab)
    return False


def look_at_others(page: Page) -> bool:
    done = [choose(page, LONER), choose(page, IDLER), choose(page, PHOTOS)]
    # More accounts than the document holds: these come page by page.
    page.wait_for_timeout(4 * LOOK_MS)
    done.append(search_accounts(page))
    done.append(press(page.locator("#side .side__card")))
    return all([*done, choose(page, UPLOADER)])


def use_the_keyboard(page: Page) -> bool:
    for key in ["Tab"] * 12 + ["Shift+Tab"] * 3 + ["End", "Home", "Escape"]:
        page.keyboard.press(key)
    look(page)
    return True


def resize(page: Page) -> bool:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": VIEWPORT["height"]})
        look(page)
    return True


def hide_and_show(page: Page) -> bool:
    page.evaluate(_HIDE, True)
    page.wait_for_timeout(10 * LOOK_MS)
    page.evaluate(_HIDE, False)
    return True


def download(page: Page) -> bool:
    links = page.locator("#sessions a[href*=export]").all()
    for link in links:
        with page.expect_download() as started:
            link.evaluate("(node) => node.click()")
        if started.value.failure():
            return False
        started.value.delete()
    return bool(links)


def open_second_tab(page: Page, complaints: Complaints) -> bool:
    second = open_page(page.context, page.url.partition("#")[0], complaints)
    second.goto(page.url)
    second.locator('#connection[data-mode="live"]').wait_for(timeout=WAIT_MS)
    look(second)
    complaints.violations.extend(probe(second)["violations"])
    second.close()
    return True


def tidy(page: Page) -> None:
    """The page as it was in the beginning, so that what it holds can be compared."""
    choose(page, UPLOADER)
    while press(page.locator(".more[aria-expanded=true]")):
        pass
    details = page.locator("#session details")
    if details.evaluate("(node) => node.open"):
        press(details.locator("summary"))
    page.mouse.move(5, 5)
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")


#: In this order, again and again.
ACTS: Final[dict[str, Callable[[Page], bool]]] = {
    "scroll": scroll,
    "open details": open_details,
    "show all rows": show_all,
    "filter the log": filter_log,
    "search accounts": search_accounts,
    "switch the theme": switch_theme,
    "read the history": read_history,
    "look at other uploaders": look_at_others,
    "use the keyboard": use_the_keyboard,
    "resize": resize,
    "hide and show the tab": hide_and_show,
    "download": download,
}
