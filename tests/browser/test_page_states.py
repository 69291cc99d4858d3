"""Every state of the page: nothing lies on anything else, nothing is cut off, nobody is kept out.

`python -m tests.gallery` makes the pictures of all of them, in every width and both themes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.browser import page_fixture
from tests.browser.conftest import Visit, Visitor
from tests.browser.gallery_states import GALLERY
from tests.browser.inspection import OPEN_ALL, TOP, faults, holes, violations
from tests.browser.page_fixture import DOCUMENTS, Document, PageServer, serve_page

pytestmark = pytest.mark.browser

WIDTHS: Final = (360, 768, 1280, 2560)
#: States that are looked at as a whole; of the others what differs: the header and the headline.
WHOLE: Final = frozenset(
    {
        *("hostile", "widest", "big_pool", "every_wait", "five_uploaders", "uploading", "failed", "all_cooling"),
        *("first_use", "forty_days", "more_than_quota"),
    }
)
STATES: Final[dict[str, Callable[[], Document]]] = {**DOCUMENTS, **GALLERY}


def look_at(seen: Visit, axe: str, *, whole: bool) -> list[str]:
    """What is wrong in the widths, and in both themes."""
    where = () if whole else TOP
    found = [fault for width in (WIDTHS if whole else (360, 1280)) for fault in faults(seen.page, width)]
    for theme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=theme)
        found += violations(seen.page, axe, where=where, colours_only=theme == "dark")
    return found


@pytest.fixture(scope="module")
def stage() -> Iterator[PageServer]:
    """A server for every state, one after the other."""
    with serve_page(page_fixture.uploading()) as server:
        for uploader in ("google", "media"):
            page_fixture.fill(server.history, uploader, hours=48)
        server.pools["google"] = page_fixture.big_pool_rows()
        yield server


@pytest.mark.parametrize("name", sorted(STATES))
def test_every_state_fits_its_screen_and_is_accessible(name: str, stage: PageServer, visit: Visitor, axe: str) -> None:
    stage.document = page_fixture.complete(STATES[name]())
    seen = visit(stage)
    seen.until_text("Live", "#connection")
    if name in WHOLE and seen.page.locator("#history").is_visible():
        seen.see_history()
    sizes = ((1280, 900), (2560, 1440)) if name in GALLERY else ()
    assert [gap for width, height in sizes for gap in holes(seen.page, width, height)] == []
    assert look_at(seen, axe, whole=name in WHOLE) == []


def test_lost_and_found_connection_fits_and_is_accessible(visit: Visitor, axe: str) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, quiet=False)
        seen.until_text("Live", "#connection")
        server.reachable = False
        server.drop_streams()
        seen.until_text("Reconnecting", "#connection")
        seen.until_text("Stale since", "#connection", seconds=30)
        assert look_at(seen, axe, whole=True) == []
        seen.page.set_viewport_size({"width": 360, "height": 740})
        name = seen.page.locator(".top__name").bounding_box()
        assert name is not None
        assert name["height"] < 30, "the name beside it is not broken into lines"
        server.reachable = True
        server.patch({"uploaders": {"google": {"session": {"files_done": 795}}}})
        seen.until_text("Live", "#connection", seconds=40)
        seen.until_text("795", "#headline")


def test_numbers_stand_still_while_the_page_is_stale_and_its_title_says_so(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, quiet=False)
        seen.until_text("Live", "#connection")
        server.reachable = False
        # Nothing is said any more, but nobody hangs up: only the silence tells.
        seen.until_text("Stale since", "#connection", seconds=12)
        assert seen.page.title().startswith("Stale · ")
        assert "favicon-warn" in (seen.page.locator("link[rel=icon]").get_attribute("href") or "")
        before = seen.text("#headline")
        seen.page.wait_for_timeout(2200)
        assert seen.text("#headline") == before


def test_the_end_stays_when_the_program_has_ended(visit: Visitor) -> None:
    with serve_page(page_fixture.done()) as server:
        seen = visit(server, quiet=False)
        seen.until_text("Done", ".badge")
        server.patch({"engine": "stopped"})
        seen.until_text("cloudplow has ended: this is its last state", "#headline")
        server.reachable = False
        server.drop_streams()
        seen.until_text("Ended", "#connection")
        seen.page.wait_for_timeout(7000)
        assert seen.text("#connection") == "Ended"
        assert seen.text(".badge") == "Done"
        assert seen.page.locator("#page").get_attribute("data-stale") is None
        assert seen.page.title().startswith("Done · google")
        assert "favicon-ok" in (seen.page.locator("link[rel=icon]").get_attribute("href") or "")


#: What the first screen of a phone must say without scrolling: whether it is all right, and when it is done or goes on.
FIRST_SCREEN: Final = {
    "uploading": ("Uploading", "TB of 2.5 TB", "Time left", "done around"),
    "waiting": ("Waiting", "53.0%", "Next check in"),
    "cooling": ("Cooling", "4h 1", "until quota at"),
    "interrupted": ("Interrupted", "5 of 344 files uploaded, 339 left", "cloudplow upload google"),
    "failed": ("Failed", "10,000 files", "cloudplow check"),
    "a_week_idle": ("Waiting", "Last session", "Next check in"),
    "first_use": ("Nothing has been uploaded yet", "cloudplow check", "cloudplow upload"),
    "stopped_done": ("Done", "100.0%", "this is its last state"),
    "five_uploaders": ("Uploading", "TB of 2.5 TB", "Time left"),
    "more_than_quota": ("Uploading", "TB of 30.0 TB", "Quota lasts", "must wait", "everything done around"),
    "dry_run_now": ("Dry run", "1.5 TB", "in 678 files would go so far"),
    "paused_for": ("Paused", "until ", "It goes on by itself then."),
}


def test_first_screen_of_a_phone_says_how_it_is_and_what_comes_next(stage: PageServer, visit: Visitor) -> None:
    seen = visit(stage, width=360)
    seen.page.set_viewport_size({"width": 360, "height": 740})
    for name, wanted in FIRST_SCREEN.items():
        stage.document = page_fixture.complete(STATES[name]())
        seen.page.reload()
        seen.page.wait_for_selector("#page[data-drawn]", state="attached")
        for words in wanted:
            place = seen.page.locator("main").get_by_text(words).locator("visible=true").first.bounding_box()
            assert place is not None, (name, words)
            assert place["y"] + place["height"] <= 740, (name, words, place)
        header = seen.page.locator(".top").bounding_box()
        assert header is not None
        assert header["height"] <= 57, f"{name}: the header is one line"


def test_on_a_phone_targets_are_large_and_no_panel_scrolls_by_itself(stage: PageServer, visit: Visitor) -> None:
    stage.document = page_fixture.complete(page_fixture.several())
    seen = visit(stage, width=360)
    seen.page.evaluate(OPEN_ALL)
    seen.see_history()
    small = seen.page.evaluate("""[...document.querySelectorAll('button, a, select, input, summary')]
        .filter((one) => one.checkVisibility() && !one.matches('.skip'))
        .map((one) => [one.textContent || one.placeholder, Math.round(one.getBoundingClientRect().height),
                       Number.parseFloat(getComputedStyle(one).fontSize), one.matches('select, input')])
        .filter(([, height, size, field]) => height < 40 || (field && size < 16))""")
    assert small == []
    scrollers = seen.page.evaluate("""[...document.querySelectorAll('main *')]
        .filter((one) => one.scrollHeight > one.clientHeight + 1)
        .filter((one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowY)).length""")
    assert scrollers == 0
    sticky = seen.page.evaluate("""[...document.querySelectorAll('main *')]
        .filter((one) => getComputedStyle(one).position === 'sticky').length""")
    assert sticky == 0, "nothing comes to lie on the header while it is scrolled"


def test_on_a_tablet_the_figures_of_the_headline_stand_in_one_row_and_no_panel_is_an_empty_half(
    stage: PageServer, visit: Visitor
) -> None:
    seen = visit(stage, width=768)
    for name in ("uploading", "waiting", "vetoed", "cooling", "failed", "done", "interrupted", "a_week_idle"):
        stage.document = page_fixture.complete(STATES[name]())
        seen.page.reload()
        seen.page.wait_for_selector("#page[data-drawn]", state="attached")
        tops = seen.page.evaluate("[...document.querySelectorAll('.figure')].map((one) => one.offsetTop)")
        assert len(set(tops)) == 1, (name, tops)
        halves = seen.page.evaluate("""[['#capacity', '.strip__box'], ['#queue', '.sizes'], ['#log', '.log']]
            .filter(([panel, content]) => !document.querySelector(`${panel} ${content}`).checkVisibility())
            .filter(([panel]) => document.querySelector(panel).offsetWidth < 600)""")
        assert halves == [], name


def test_what_stands_still_is_not_drawn_as_if_it_moved(stage: PageServer, visit: Visitor) -> None:
    seen = visit(stage)
    for name, tone in {"uploading": None, "throttled": None, "stalled": "warn", "suspended": "warn"}.items():
        stage.document = page_fixture.complete(STATES[name]())
        seen.page.reload()
        seen.page.wait_for_selector("#page[data-drawn]", state="attached")
        assert seen.page.locator(".bar--great").get_attribute("data-tone") == tone, name
        running = seen.page.locator("#plan .plan__row[data-state=running]").all_inner_texts()
        assert ("until" in "".join(running)) == (tone is None), name


@pytest.mark.parametrize("width", [640, 320], ids=["200%", "400%"])
def test_nothing_is_lost_when_it_is_magnified(width: int, stage: PageServer, visit: Visitor) -> None:
    # 1280 px at 200 % and 400 %.
    for name in ("uploading", "failed", "five_uploaders", "first_use"):
        stage.document = page_fixture.complete(STATES[name]())
        seen = visit(stage, width=width)
        assert faults(seen.page, width) == [], name


def test_text_of_twice_the_size_fits_a_phone_and_no_figure_is_cut(stage: PageServer, visit: Visitor) -> None:
    seen = visit(stage, width=360)
    for name in ("uploading", "failed", "cooling", "first_use"):
        stage.document = page_fixture.complete(STATES[name]())
        seen.page.reload()
        seen.page.wait_for_selector("#page[data-drawn]", state="attached")
        seen.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360, name
        cut = seen.page.evaluate("""[...document.querySelectorAll('.headline__share, .figure__value, h2')]
            .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
            .map((one) => one.textContent)""")
        assert cut == [], name


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}], ids=["forced colours", "print"])
def test_plan_and_bars_are_seen_in_forced_colours_and_on_paper(
    media: dict[str, str], stage: PageServer, visit: Visitor
) -> None:
    stage.document = page_fixture.complete(page_fixture.uploading())
    seen = visit(stage)
    seen.page.emulate_media(**media)  # type: ignore[arg-type]
    looks = seen.page.evaluate("""() => {
        const look = (selector) => {
            const style = getComputedStyle(document.querySelector(selector));
            return [style.backgroundColor, style.forcedColorAdjust, style.printColorAdjust];
        };
        const stage = (state) => `.plan__stage[data-state=${state}]`;
        return [stage('running'), stage('done'), '.plan__track', '.bar__fill'].map(look);
    }""")
    running, done, track, fill = (look[0] for look in looks)
    assert len({running, track}) == 2
    assert len({done, track}) == 2
    assert fill not in ("rgba(0, 0, 0, 0)", track)


def test_everything_is_reached_by_keyboard_alone(stage: PageServer, visit: Visitor) -> None:
    stage.document = page_fixture.complete(page_fixture.failed())
    seen = visit(stage)
    reached = []
    for _ in range(70):
        seen.page.keyboard.press("Tab")
        reached.append(
            seen.page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()")
        )
    for wanted in ("Skip to the content", "Copy “cloudplow check”", "What is a stage?", "What do P50 and P99 mean?"):
        assert wanted in reached
