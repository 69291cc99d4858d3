"""The panels about the whole, the lists that are long, the tabs that share one stream, and what is shipped."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import math
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest

from cloudplow_dashboard.web.assets import MADE
from cloudplow_dashboard.web.compression import LASTING_LEVEL, LEVEL
from tests.browser import page_fixture
from tests.browser.conftest import Visit, Visitor
from tests.browser.page_fixture import BIG_POOL, GIB, PACKAGE, Document, PageServer, serve_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

#: The whole page with its chart, its icon and its manifest, but without the data, in bytes of gzip.
PAGE_BUDGET_BYTES: Final = 48 * 1024
#: The chart of the history, once it has something to show.
DRAWN: Final = "#history .chart__line[d]"
#: Rows of accounts that may be elements at once.
ROWS_LIMIT: Final = 60

#: As in a browser on a page that is not secure, which has no locks.
NO_LOCKS: Final = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });"
NO_CHANNEL: Final = "delete window.BroadcastChannel;"


def _google(**parts: Any) -> Document:
    return {"uploaders": {"google": parts}}


def test_names_in_new_places_stay_text(visit: Visitor) -> None:
    with serve_page(page_fixture.hostile()) as server:
        seen = visit(server)
        seen.see_history()
        for panel in ("#plan", "#accounts", "#sessions", "#log", "#side"):
            assert seen.page.locator(f"{panel} :is(img, script, b)").count() == 0
        assert "<b>google</b>" in seen.text("#side")
        assert "<img src=x onerror=alert(3)>" in seen.text("#sessions")
        rows = seen.page.evaluate("[...document.querySelectorAll('#plan li, #sessions li')].map((r) => r.offsetHeight)")
        assert max(rows) < 120


# --- while nothing is uploaded -------------------------------------------------------------------------------------


def test_while_it_waits_the_page_says_why_until_when_and_how_near_the_next_upload_is(visit: Visitor) -> None:
    with serve_page(page_fixture.waits()) as server:
        seen = visit(server)
        seen.until_text("google waits for more to upload", "#headline-sentence")
        text = seen.text("#headline")
        for words in ("Waiting", "53.0%", "212.0 GB of the 400.0 GB", "Next check in", "20m", "Last session", "Done"):
            assert words in text
        bar = seen.page.locator("#headline [role=progressbar]")
        assert bar.get_attribute("aria-label") == "What waits, of what an upload begins with"
        assert bar.get_attribute("aria-valuetext") == "53.0%, 212.0 GB of the 400.0 GB an upload begins with"
        assert "7 sessions" in seen.text("#sessions")

        server.patch({"uploaders": {"google": {"status": {"state": "vetoed", "why": "not now: a backup runs"}}}})
        seen.until_text("google: a backup runs", "#headline-sentence")
        seen.until_text("Held back", "#headline")


def test_while_it_waits_for_quota_the_bar_is_that_of_the_upload(visit: Visitor) -> None:
    with serve_page(page_fixture.cooling()) as server:
        seen = visit(server)
        seen.until_text("all 12 accounts are cooling", "#headline-sentence")
        text = seen.text("#headline")
        assert "4h 1" in text
        assert "until quota at " in text
        bar = seen.page.locator("#headline [role=progressbar]")
        assert bar.get_attribute("aria-label") == "Progress of the upload by bytes"


# --- capacity, plan, past sessions ---------------------------------------------------------------------------------


def test_capacity_says_what_comes_back_next(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until_text("63.0 GB", "#capacity")
        text = seen.text("#capacity")
        assert "Free now\n6.9 TB" in text
        assert "Spent\n1.9 TB" in text
        assert "1.8 TB returns within 24 hours; at most 687.0 GB in one hour." in text
        titles = seen.page.locator("#capacity .strip__area title").all_text_contents()
        assert len(titles) == 24
        assert titles[4].endswith(": 63.0 GB")
        heights = seen.page.evaluate(
            "[...document.querySelectorAll('.strip__bar')].map((bar) => Number(bar.getAttribute('height')))"
        )
        assert [hour for hour, height in enumerate(heights) if height > 0] == [4, 5, 8, 9, 19, 22]


def test_unspent_pool_has_no_strip(visit: Visitor) -> None:
    document = page_fixture.uploading()
    rows = page_fixture.accounts(total=3, used_up=0, active=-1)
    summary = page_fixture.summary_of(rows)
    document["uploaders"]["google"] |= {"accounts_summary": summary, "capacity": page_fixture.capacity(summary, 1.0)}
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("nothing used", "#capacity")
        assert not seen.page.locator("#capacity .strip").is_visible()


def test_plan_shows_each_account_with_its_stages(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until_text("1 running, 2 to come, 2 waiting", "#plan")
        rows = seen.page.locator("#plan .plan__row")
        assert [row.get_attribute("data-state") for row in rows.all()] == [
            "waiting",
            "waiting",
            "running",
            "next",
            "next",
        ]
        assert re.search(r"Waiting (\w+ )?\d\d:\d\d – ", rows.nth(0).inner_text())
        assert "61 files, 301.2 GB" in rows.nth(0).inner_text(), "of what is to come only"
        assert rows.nth(0).locator(".plan__stage").count() == 2
        assert "Running until" in rows.nth(2).inner_text()
        spans = seen.page.evaluate("""[...document.querySelectorAll('.plan__stage')].map((s) => {
            const [own, track] = [s.getBoundingClientRect(), s.parentElement.getBoundingClientRect()];
            return own.left >= track.left - 1 && own.left < track.right && own.width >= 3;
        })""")
        assert spans == [True] * 7


def test_plan_says_what_fits_nowhere(visit: Visitor) -> None:
    with serve_page(page_fixture.all_cooling()) as server:
        seen = visit(server)
        seen.until_text("Does not fit now: 413 files (775.0 GB); more can go from ", "#plan")
        assert "Not planned yet: 2 files (180.0 GB): it waits for quota beyond the next" in seen.text("#plan")


def test_long_plan_is_folded_around_the_stage_that_runs(visit: Visitor) -> None:
    document = page_fixture.uploading()
    rows = page_fixture.accounts(total=60, used_up=40, active=40)
    plan = page_fixture.plan(rows, done=40, running=40, now=time.time())
    document["uploaders"]["google"]["plan"] = plan | {"later": []}
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("41.json", "#plan")
        assert seen.page.locator("#plan .plan__row").count() == 3, "what is done is folded"
        seen.page.get_by_role("button", name="Show all 43 accounts").click()
        seen.until(lambda: seen.page.locator("#plan .plan__row").count() == 43, "all rows")


def test_past_sessions_and_downloads(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading(), prefix="/tools/cloudplow/") as server:
        seen = visit(server)
        seen.until_text("8 sessions", "#sessions")
        first = seen.page.locator("#sessions li").first.inner_text()
        assert "Done" in first
        assert "850 files, 1.5 TB" in first
        assert "every account was denied" in seen.text("#sessions")
        links = seen.page.locator("#sessions a").evaluate_all("(all) => all.map((one) => one.href)")
        base = f"{server.url}api/export/"
        assert links == [
            f"{base}session.csv?uploader=google",
            f"{base}session.json?uploader=google",
            f"{base}history.csv?uploader=google&since=-2592000",
            f"{base}history.json?uploader=google&since=-2592000",
        ]


def test_uploaders_stand_side_by_side(visit: Visitor) -> None:
    with serve_page(page_fixture.several()) as server:
        seen = visit(server)
        seen.until_text("Uploading google", "h1")
        cards = seen.page.locator("#side .side__card")
        assert cards.count() == 5
        assert "Nothing uploaded yet" in seen.text("#side")
        assert "30.0 MB/s, done by" in seen.text("#side")
        cards.filter(has_text="photos").click()
        seen.until_text("photos used up its quota", "h1")
        assert seen.page.locator("#side [aria-current]").inner_text().startswith("photos")


def test_single_uploader_has_no_cards(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until_text("Uploading google", "h1")
        assert not seen.page.locator("#side").is_visible()


def test_log_can_be_filtered(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.page.get_by_label("Filter the log").select_option("Switches")
        seen.until(lambda: seen.page.locator("#log li").count() == 3, "only switches")
        seen.page.get_by_label("Search the log").fill("2.JSON takes")
        seen.until(lambda: seen.page.locator("#log li").count() == 1, "only what was searched")
        seen.page.get_by_label("Search the log").fill("nothing of the kind")
        seen.until_text("No matching entries.", "#log")


def _places(seen: Visit, selector: str) -> list[float]:
    """Where the parts of a path begin, from left to right in percent."""
    path = seen.page.locator(selector).get_attribute("d") or ""
    return [float(part.split()[0]) for part in path.split("M")[1:]]


def test_queue_is_a_histogram_with_its_percentiles(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until_text("largest 78.0 GB", "#queue")
        counts = page_fixture.distribution()["size_histogram"]["counts"]
        assert len(_places(seen, ".sizes__bars")) == sum(count > 0 for count in counts)
        # From 8 KB to 128 GB are 24 doublings.
        expected = [100 * (math.log2(gib * 1024 * 1024) - 3) / 24 for gib in (0.71, 2.4, 6.8, 11.2, 48.5)]
        assert _places(seen, ".sizes__marks") == pytest.approx(expected, abs=0.01)
        labels = seen.page.locator(".sizes__axis span").all_text_contents()
        assert labels == ["8 KB", "512 KB", "32 MB", "2 GB", "128 GB"]


def test_queue_tells_of_its_oldest_file(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        at = server.document["uploaders"]["google"]["queue"]["distribution"]["oldest_modified_at"]
        day = time.strftime("%d %b %Y", time.localtime(at)).lstrip("0")
        seen.until_text(f"oldest {day}", "#queue")
        assert seen.page.locator(".queue__oldest .name").get_attribute("title") == page_fixture.FILES[0]


def test_queue_of_an_older_version_is_drawn_by_its_buckets(visit: Visitor) -> None:
    document = page_fixture.uploading()
    known = document["uploaders"]["google"]["queue"]["distribution"]
    for key in ("size_histogram", "oldest_modified_at", "oldest_file"):
        del known[key]
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("largest 78.0 GB", "#queue")
        assert len(_places(seen, ".sizes__bars")) == 5
        assert not seen.page.locator(".queue__oldest").is_visible()


def test_plan_says_what_does_not_fit_also_after_a_restart(visit: Visitor) -> None:
    document = page_fixture.finished()
    document["uploaders"]["google"]["plan"] = {"made_at": 0, "stages": [], "later": []}
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("Does not fit now: 413 files (775.6 GB); more can go from ", "#plan")
        server.patch(_google(session={"next_capacity_at": time.time() - 60}))
        seen.until_text("more can go again.", "#plan")
        server.patch(_google(session={"outcome": "done", "files_left": 0}))
        seen.until(lambda: not seen.page.locator("#plan .panel__line").is_visible(), "all went")


def test_ten_thousand_failures_stay_bounded(visit: Visitor) -> None:
    with serve_page(page_fixture.failed()) as server:
        seen = visit(server)
        seen.until_text("10,000", "#session")
        seen.until_text("Why 10,000 files failed", "#session")
        assert seen.page.locator("#session .failure").count() == 1, "all for the same reason"
        assert "10,000 files" in seen.text("#session .failure")
        assert seen.page.evaluate("document.querySelectorAll('*').length") < 3000


# --- accounts ------------------------------------------------------------------------------------------------------


@pytest.fixture
def big(visit: Visitor) -> Any:
    """A page with 2,850 accounts."""
    with serve_page(page_fixture.big_pool()) as server:
        server.pools["google"] = page_fixture.big_pool_rows()
        seen = visit(server)
        seen.until_text("2,850 accounts", "#accounts")
        seen.until_text("642.json", "#accounts")
        yield seen, server


def _shown(seen: Visit) -> list[str]:
    ordered = "(rows) => rows.map((r) => [Number(r.ariaRowIndex), r.querySelector('.account__name').textContent])"
    return [name for _, name in sorted(seen.page.locator("#accounts tbody tr").evaluate_all(ordered))]


@pytest.mark.alone
def test_of_many_accounts_only_those_in_view_are_elements(big: tuple[Visit, PageServer]) -> None:
    seen, server = big
    assert _shown(seen)[:2] == ["641.json", "642.json"], "what works comes first"
    assert server.count("/api/service_accounts", 200) == 1
    scroller = seen.page.locator("#accounts .scroller")
    frame = seen.page.evaluate("""async () => {
        const box = document.querySelector('#accounts .scroller');
        const frames = [];
        let before = performance.now();
        for (let step = 1; step <= 60; step += 1) {
            box.scrollTop = (box.scrollHeight * step) / 60;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            frames.push(now - before);
            before = now;
        }
        return frames.sort((a, b) => a - b)[30];
    }""")
    assert frame < 100, "scrolling is smooth, also on a machine that does other things: milliseconds of a frame"
    seen.until_text("7.json", "#accounts")
    assert "the key was revoked" in seen.text("#accounts"), "the failed one comes last"
    assert seen.page.locator("#accounts tbody tr").count() < ROWS_LIMIT
    assert scroller.locator("table").get_attribute("aria-rowcount") == str(BIG_POOL + 1)
    assert server.count("/api/service_accounts", 200) <= 30


def test_accounts_can_be_searched_filtered_and_sorted(big: tuple[Visit, PageServer]) -> None:
    seen, _server = big
    seen.page.get_by_label("Search accounts").fill("285")
    found = {"285.json", "1285.json", "2285.json", "2850.json"}
    seen.until(lambda: set(_shown(seen)) == found, "those with 285")
    seen.page.get_by_label("Search accounts").fill("")
    seen.page.get_by_role("button", name="639 cooling").click()
    seen.until(lambda: _shown(seen)[:2] == ["1.json", "2.json"], "only the cooling ones")
    seen.page.get_by_role("button", name="Resets in").click()
    seen.page.get_by_role("button", name="Resets in").click()
    seen.until(lambda: _shown(seen)[:1] == ["640.json"], "the last to come back first")
    assert seen.page.locator("#accounts th[aria-sort=descending]").inner_text().startswith("Resets in")
    seen.page.get_by_label("Search accounts").fill("no such account")
    seen.until_text("No matching accounts.", "#accounts")


def test_small_pool_is_sorted_on_the_page(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until(lambda: _shown(seen) == [f"{i}.json" for i in range(1, 13)], "in their order")
        seen.page.get_by_role("button", name="Spent", exact=True).click()
        seen.until(
            lambda: (
                _shown(seen)[:3] == ["2.json", "1.json", "3.json"] or _shown(seen)[:3] == ["1.json", "2.json", "3.json"]
            ),
            "most used first",
        )
        seen.page.get_by_role("button", name="9 ready").click()
        seen.until(lambda: len(_shown(seen)) == 9, "only the ready ones")
        assert server.count("/api/service_accounts") == 0


def test_account_that_changes_is_shown_at_once_in_a_large_pool(big: tuple[Visit, PageServer]) -> None:
    seen, server = big
    server.patch(_google(accounts={"641.json": {"used_bytes": 500 * GIB}}))
    seen.until_text("500.0 GB", "#accounts")


#: The colours along the middle of a picture, from left to right.
COLOURS: Final = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes]));
  const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  pen.drawImage(picture, 0, 0);
  const line = pen.getImageData(0, Math.floor(picture.height / 2), picture.width, 1).data;
  return Array.from({ length: picture.width }, (_, at) => [...line.slice(4 * at, 4 * at + 3)]);
}"""
#: Colours that differ by no more than this are one: browsers dither.
SAME_COLOUR: Final = 3


def _alike(one: Sequence[int], other: Sequence[int]) -> bool:
    return all(abs(a - b) <= SAME_COLOUR for a, b in zip(one, other, strict=True))


def _colours(line: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """The different ones."""
    found: list[Sequence[int]] = []
    for colour in line:
        if not any(_alike(colour, known) for known in found):
            found.append(colour)
    return found


def _parts_of_the_bar(seen: Visit, shares: Sequence[float]) -> list[list[Sequence[int]]]:
    """The colours of each part of the bar of the active account. shares: how far each one reaches."""
    picture = seen.page.locator("tr[data-state=active] .bar").screenshot()
    line = seen.page.evaluate(COLOURS, base64.b64encode(picture).decode())
    ends = [0, *(round(share * len(line)) for share in shares)]
    # The very ends may be mixed colours.
    return [_colours(line[begin + 4 : end - 4]) for begin, end in itertools.pairwise(ends)]


@pytest.mark.parametrize(
    ("width", "media"),
    [
        (1280, {"color_scheme": "light"}),
        (1280, {"color_scheme": "dark"}),
        (360, {"color_scheme": "dark"}),
        (1280, {"forced_colors": "active"}),
        (1280, {"color_scheme": "dark", "forced_colors": "active"}),
        (1280, {"media": "print"}),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else str(value),
)
def test_bar_of_an_account_tells_used_on_its_way_and_unsettled_apart(
    width: int, media: dict[str, Any], visit: Visitor
) -> None:
    document = page_fixture.uploading()
    document["uploaders"]["google"]["accounts"]["3.json"] |= {
        "used_bytes": 300 * GIB,
        "in_flight_bytes": 150 * GIB,
        "unsettled_bytes": 150 * GIB,
    }
    with serve_page(document) as server:
        seen = visit(server, width=width)
        seen.page.emulate_media(**media)
        if width < 720:
            seen.page.locator("#accounts .panel__fold").click()
        seen.until_text("600.0 GB", "#accounts")

        used, sent, unsettled, free = _parts_of_the_bar(seen, (0.4, 0.6, 0.8, 1))

        assert [len(used), len(sent), len(free)] == [1, 1, 1]
        assert len(_colours([*used, *sent, *free])) == 3
        assert len(unsettled) > 1, "hatched"
        assert any(_alike(one, free[0]) for one in unsettled), "what is behind it shows through"


def test_what_is_on_its_way_and_unsettled_stands_in_words_too(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        words = "315.0 GB used, 90.0 GB on its way, 60.0 GB unsettled"
        seen.until_text(words, "tr[data-state=active]")
        bar = seen.page.locator("tr[data-state=active] .bar")
        assert bar.get_attribute("aria-valuenow") == "62"
        assert bar.get_attribute("aria-valuetext") == bar.get_attribute("title") == f"465.0 GB of 750.0 GB: {words}"
        assert seen.page.locator(".cell[data-state=active]").get_attribute("title") == (
            f"3.json: active, 465.0 GB of 750.0 GB: {words}"
        )
        assert "1.8 TB used, 90.0 GB on its way, 60.0 GB unsettled" in seen.text("#accounts .pool")

        settled = {"used_bytes": 400 * GIB, "in_flight_bytes": 0, "unsettled_bytes": 0}
        server.patch(_google(accounts={"3.json": settled}))
        seen.until_text("400.0 GB", "tr[data-state=active]")
        assert "used" not in seen.text("tr[data-state=active]"), "there is nothing to tell apart"
        assert bar.evaluate("(node) => node.style.length") == 0


# --- history -------------------------------------------------------------------------------------------------------


def test_history_is_loaded_when_it_is_looked_at(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        page_fixture.fill(server.history, "google", hours=48)
        seen = visit(server, width=360)
        seen.until_text("Live", "#connection")
        seen.page.evaluate("document.getElementById('history').scrollIntoView()")
        seen.page.wait_for_timeout(300)
        assert server.count("/api/history") == 1, "folded; only the line of the speed in the headline asked"
        seen.page.locator("#history .panel__fold").click()
        seen.see_history()
        seen.until(lambda: seen.page.locator(DRAWN).count() == 1, "a chart")
        assert "on average while uploading" in seen.text("#history")
        assert re.search(r"As of (\w+ )?\d\d:\d\d:\d\d\.", seen.text("#history"))
        for metric, words in (
            ("Data", "in one hour"),
            ("Files", "files in one hour"),
            ("Failures", "Nothing in this period"),
        ):
            seen.page.locator("#history").get_by_role("button", name=metric).click()
            seen.until_text(words, "#history")
        seen.page.locator("#history").get_by_role("button", name="Accounts").click()
        seen.until(lambda: seen.page.locator("#history .bucket").count() >= 1, "accounts")
        seen.page.locator("#history").get_by_role("button", name="30 d").click()
        seen.until_text("in one day", "#history")


def test_new_data_go_into_the_chart_that_is_there(visit: Visitor) -> None:
    document = page_fixture.uploading()
    document["uploaders"]["google"]["sessions"] = []
    with serve_page(document) as server:
        page_fixture.fill(server.history, "google", hours=48)
        seen = visit(server, clock=True)
        seen.see_history()
        chart = seen.page.locator("#history")
        seen.until(lambda: seen.page.locator(DRAWN).count() == 1, "a chart")
        seen.page.evaluate("document.querySelector('#history svg').first = true")
        line = seen.page.locator("#history .chart__line")
        before, asked = line.get_attribute("d"), server.count("/api/history")
        chart.scroll_into_view_if_needed()
        seen.page.clock.fast_forward(11_000)
        seen.until(lambda: server.count("/api/history") > asked, "asked again")
        seen.until(lambda: line.get_attribute("d") != before, "drawn again")
        before = line.get_attribute("d")
        chart.get_by_role("button", name="24 h").click()
        seen.until(lambda: line.get_attribute("d") != before, "another range")
        assert seen.page.evaluate("document.querySelector('#history svg').first") is True


def test_days_are_those_of_the_viewer(browser: Browser, visit: Visitor) -> None:
    zone = browser.new_context(timezone_id="America/New_York")
    with serve_page(page_fixture.uploading()) as server:
        page_fixture.fill(server.history, "google", hours=48)
        seen = visit(server, context=zone)
        # 4 to 9 March 2026; in the night to the 8th the clocks there go forward.
        midnights = [1772600400 + hours * 3600 for hours in (0, 24, 48, 72, 96, 119)]
        hours = [[at, 1] for at in range(midnights[0], midnights[-1], 3600)]
        days = seen.module("history/ask.js", "m.byDay(a)", hours)
        assert days == [[at, (until - at) // 3600] for at, until in itertools.pairwise(midnights)]
        seen.see_history()
        seen.page.locator("#history").get_by_role("button", name="Data").click()
        seen.page.locator("#history").get_by_role("button", name="7 d").click()
        seen.until_text("in one day", "#history")
        assert "step=3600" in next(url for url in reversed(seen.requests) if "api/history" in url)


def test_history_of_a_first_session_begins_with_an_hour(visit: Visitor) -> None:
    document = page_fixture.uploading()
    document["uploaders"]["google"]["sessions"] = []
    with serve_page(document) as server:
        seen = visit(server)
        seen.see_history()
        assert seen.page.locator("#history [aria-pressed=true]").all_text_contents() == ["Speed", "1 h"]


@pytest.mark.parametrize("way", ["abort", "refuse"])
def test_history_that_fails_says_so_and_nothing_else(way: str, visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, quiet=False)
        answer = (lambda r: r.abort()) if way == "abort" else (lambda r: r.fulfill(status=503, body="{}"))
        seen.page.route("**/api/history**", answer)
        seen.page.evaluate("document.getElementById('history').scrollIntoView()")
        seen.until_text("The history could not be read", "#history")
        assert "Nothing in this period" not in seen.text("#history")
        assert not seen.page.locator("#history .chart").is_visible()


def test_history_of_another_uploader_is_not_shown_for_one_whose_own_has_not_come(visit: Visitor) -> None:
    with serve_page(page_fixture.DOCUMENTS["several"]()) as server:
        for name in server.document["uploaders"]:
            page_fixture.fill(server.history, name, hours=48)
        seen = visit(server)
        seen.see_history()
        seen.until_text("on average", "#history")
        seen.page.route("**/api/history**", lambda _request: None)

        seen.page.locator("#uploaders .tab[aria-pressed=false]").first.click()

        seen.until_text("Asking for the history", "#history")
        assert "on average" not in seen.text("#history")
        assert not seen.page.locator("#history .chart").is_visible()


def test_chart_ends_now_also_where_the_viewers_clock_is_fast(visit: Visitor) -> None:
    fast = "const real = Date.now; Date.now = () => real() + 600_000;"
    with serve_page(page_fixture.uploading()) as server:
        page_fixture.fill(server.history, "google", hours=48)
        page_fixture.fill_minutes(server.history, "google")
        seen = visit(server, script=fast)
        seen.until_text("Live", "#connection")
        seen.see_history()
        seen.page.locator("#history").get_by_role("button", name="1 h").click()
        seen.until_text("on average", "#history")
        line = seen.page.locator("#history .chart__line").get_attribute("d") or ""
        last = float(line.rpartition("L")[2].split()[0])
        assert 980 < last <= 1000, "of 1000: the newest value stands at the end"


def test_browser_that_calls_its_language_c_has_a_chart(visit: Visitor) -> None:
    strange = "Object.defineProperty(Navigator.prototype, 'language', { get: () => 'C' });"
    with serve_page(page_fixture.uploading()) as server:
        page_fixture.fill(server.history, "google", hours=48)
        seen = visit(server, script=strange)
        seen.see_history()
        seen.until(lambda: seen.page.locator(DRAWN).count() == 1, "a chart")


# --- what somebody asks for ------------------------------------------------------------------------------------------


def test_commands_can_be_copied(visit: Visitor) -> None:
    with serve_page(page_fixture.idle()) as server:
        seen = visit(server)
        seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        assert not seen.page.locator(".column").first.is_visible(), "one card, and no panels that say nothing"
        for command in ("check", "plan", "upload"):
            seen.page.get_by_role("button", name=f"Copy “cloudplow {command}”").click()
            seen.until_text("Copied", "#guide")
            assert seen.page.evaluate("navigator.clipboard.readText()") == f"cloudplow {command}"


def test_name_is_selected_and_copied_once_and_whole(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until_text(page_fixture.FILES[0], "#transfers")
        seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        seen.page.keyboard.press("Control+a")
        seen.page.keyboard.press("Control+c")
        text = seen.page.evaluate("navigator.clipboard.readText()")
        for name in page_fixture.FILES[1:]:
            assert text.count(name.rpartition("/")[2]) == 1
            assert name in text
        box = seen.page.locator("#transfers .name").nth(1).bounding_box()
        assert box is not None
        seen.page.mouse.click(5, 300)
        seen.page.mouse.move(box["x"] + 1, box["y"] + 10)
        seen.page.mouse.down()
        seen.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 10, steps=4)
        seen.page.mouse.up()
        assert len(seen.page.evaluate("getSelection().toString()")) > 20


#: Notes what is notified; permission is given when it is asked for.
NOTIFIES: Final = """window.notified = [];
class Told { constructor(title, options) { if (Told.permission === 'granted') window.notified.push(options.body); } }
Told.permission = 'default';
Told.requestPermission = async () => (Told.permission = 'granted');
window.Notification = Told;"""


def test_end_is_notified_if_somebody_asked_for_it(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, script=NOTIFIES)
        assert seen.page.evaluate("Notification.permission") == "default", "nobody is asked by the page itself"
        seen.page.get_by_role("button", name="Notify me when an upload ends").click()
        seen.until_text("Notifies when an upload ends", "#notify")
        ended = page_fixture.done()["uploaders"]["google"]
        server.patch(_google(**{part: ended[part] for part in ("active", "phase", "session", "progress")}))
        seen.until(lambda: seen.page.evaluate("notified.length") == 1, "a notification")
        assert seen.page.evaluate("notified[0]").startswith("google finished at ")


def test_page_that_is_not_secure_says_why_it_does_not_notify(visit: Visitor) -> None:
    insecure = "Object.defineProperty(window, 'isSecureContext', { value: false });"
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, script=insecure)
        seen.until_text("need https", "#notify")
        assert not seen.page.locator("#notify button").is_visible()


def test_browser_that_lets_no_page_notify_is_not_asked_for_it(visit: Visitor) -> None:
    # As on Android: the constructor is there, and throws.
    refuses = NOTIFIES.replace("if (Told.permission", "throw new TypeError('Illegal constructor'); if (Told.permission")
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, script=refuses)
        seen.until_text("lets no page like this one notify", "#notify")
        assert not seen.page.locator("#notify button").is_visible()


def test_panels_that_were_opened_on_a_phone_are_open_after_a_reload(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server, width=360)
        fold = seen.page.locator("#capacity .panel__fold")
        assert fold.get_attribute("aria-expanded") == "false"
        fold.press("Enter")
        seen.until_text("Free now", "#capacity")
        seen.page.reload()
        seen.until_text("Free now", "#capacity")
        assert "Session" in seen.text("#session")
        assert not seen.page.locator("#session .stats").is_visible()


def test_speed_line_is_filled_at_once(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        page_fixture.fill_minutes(server.history, "google")
        seen = visit(server)
        line = seen.page.locator(".spark__line")
        seen.until(lambda: (line.get_attribute("d") or "").count("L") > 30, "three minutes of speeds")


# --- one stream for all tabs ---------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.parametrize("script", ["", NO_LOCKS], ids=["locks", "no locks"])
def test_eight_tabs_share_one_stream_and_hand_it_over(script: str, visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        first = visit(server, script=script)
        context = first.page.context
        tabs = [first, *(visit(server, context=context, script=script) for _ in range(7))]
        for tab in tabs:
            tab.until_text("Live", "#connection")
        server.patch(_google(session={"files_done": 811}))
        for tab in tabs:
            tab.until_text("811", "#headline")
        first.until(lambda: server.streams == 1, "one stream in all")
        opened = server.count("/api/events")
        first.page.close(run_before_unload=True)
        tabs[1].until(lambda: server.count("/api/events") > opened, "another tab takes over", seconds=3)

        def one_stream() -> bool:
            server.send_raw(b": anybody there\n\n")  # the server notices only so that a tab went away
            return server.streams == 1

        tabs[1].until(one_stream, "again one stream")
        server.patch(_google(session={"files_done": 812}))
        for tab in tabs[1:]:
            tab.until_text("812", "#headline")
            tab.until_text("Live", "#connection")
        for tab in tabs[1:]:
            tab.page.evaluate("setTimeout(() => location.reload(), 300)")
        tabs[1].page.wait_for_timeout(1000)
        for tab in tabs[1:]:
            tab.until(lambda tab=tab: tab.page.locator("#connection").inner_text() == "Live", "all at once are live")  # type: ignore[misc]
        tabs[1].until(one_stream, "one stream after all came at once")
        server.patch(_google(session={"files_done": 813}))
        for tab in tabs[1:]:
            tab.until_text("813", "#headline")


def test_tab_has_its_own_stream_without_channels(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        first = visit(server, script=NO_CHANNEL)
        second = visit(server, script=NO_CHANNEL, context=first.page.context)
        for tab in (first, second):
            tab.until_text("Live", "#connection")
        assert server.streams == 2


def test_tab_that_joins_late_has_the_newest_state(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        first = visit(server)
        first.until_text("Live", "#connection")
        old = server.document
        server.patch(_google(session={"files_done": 821}))
        first.until_text("821", "#headline")
        page = server.page
        server.page = lambda: page().replace(b'"files_done": 821', b'"files_done": 791')  # type: ignore[method-assign]
        assert old["version"] < server.document["version"]
        second = visit(server, context=first.page.context)
        server.patch(_google(session={"files_failed": 77}))
        second.until_text("77", "#session")
        second.until_text("Live", "#connection")


# --- what is shipped -----------------------------------------------------------------------------------------------


def test_page_can_be_installed() -> None:
    static = PACKAGE / "static"
    manifest = json.loads((static / "manifest.webmanifest").read_text(encoding="utf-8"))
    assert manifest["start_url"] == manifest["scope"] == "../", "relative to the manifest: the page itself"
    for icon in manifest["icons"]:
        content = (static / icon["src"]).read_bytes()
        if icon["type"] == "image/png":
            width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
            assert icon["sizes"] == f"{width}x{height}"
    template = (PACKAGE / "templates" / "index.html").read_text(encoding="utf-8")
    assert 'rel="manifest" href="static/manifest.webmanifest"' in template
    assert 'name="theme-color"' in template


def _gzipped(content: bytes) -> int:
    return len(gzip.compress(content, LASTING_LEVEL))


def test_page_is_light(visit: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_page(page_fixture.uploading()) as server:
        seen = visit(server)
        seen.until_text("Live", "#connection")
        seen.see_history()
        seen.until(lambda: seen.page.locator("#history svg").count() == 1, "a chart")
        loaded = {url.partition("?")[0].removeprefix(server.url) for url in seen.requests}
        files = {name for name in loaded if name.startswith("static/")} | {"static/manifest.webmanifest"}
        whole = len(gzip.compress(server.page(), LEVEL))
        server.document = {"boot": "b", "version": 1}
        frame = len(gzip.compress(server.page(), LEVEL))
    assert {"static/page.js", "static/page.css"} <= files
    sizes = {name: _gzipped(_content(name)) for name in sorted(files)} | {"index.html": frame}
    with capsys.disabled():
        told = ", ".join(f"{name.rpartition('/')[2]} {size:,}" for name, size in sizes.items())
        print(f"\ngzip: {told}; in all {sum(sizes.values()) / 1024:.1f} KB, and the first state {whole - frame:,}")
    assert sum(sizes.values()) <= PAGE_BUDGET_BYTES


def _content(name: str) -> bytes:
    made = MADE.get(name.removeprefix("static/"))
    return made[1]() if made else (PACKAGE / name).read_bytes()


def test_a_history_whose_script_did_not_come_is_asked_for_again(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading()) as server:
        page_fixture.fill(server.history, "google", hours=48)
        seen = visit(server, quiet=False, clock=True)
        page = seen.page
        page.route("**/render/history.js*", lambda route: route.abort())
        page.evaluate("document.getElementById('history').scrollIntoView()")
        page.wait_for_timeout(300)
        assert page.locator("#history .chart__line").count() == 0
        page.unroute_all(behavior="wait")
        page.clock.fast_forward(6_000)
        page.wait_for_selector("#history .chart__line[d]", state="attached", timeout=8_000)
