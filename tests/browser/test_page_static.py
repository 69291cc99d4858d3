"""The page in a real browser, in front of a server that does as it is told."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from cloudplow.units import format_bytes, format_duration
from cloudplow_dashboard.web.assets import ENTRY, LATER, STATIC, join_modules
from cloudplow_dashboard.web.names import variables
from tests.browser import page_fixture
from tests.browser.conftest import Visitor
from tests.browser.page_fixture import DOCUMENTS, Document, PageServer, serve_page, transfer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

#: Modules that become one object each in the joined script.
WHOLE: Final = frozenset({"clock.js", "format.js", "words.js"})
#: What the page says about text on a surface must be readable (WCAG AA).
MIN_CONTRAST: Final = 4.5


def _google(**parts: Any) -> Document:
    return {"uploaders": {"google": parts}}


# --- what is shown -----------------------------------------------------------------------------------------------


def test_upload_is_described_in_one_sentence(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("Uploading google to gdrive:Media; done around", "h1")
    seen.until_text("3.json\n3 of 12, stage 3 of 4", "#headline")
    seen.until_text("Live", "#connection")
    assert seen.page.locator(".headline__share").inner_text() == "70.7%"


def test_transferring_files_are_shown(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    for name in page_fixture.FILES:
        seen.until_text(name, "#transfers")


def test_a_silent_rclone_is_told_and_its_silence_grows(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    server.patch(_google(progress={"speed": 0, "silent_since": time.time() - 70}))
    seen.until_text("; nothing from rclone for 1m 1", "h1")
    assert seen.text(".badge") == "Stalled"
    assert "; nothing from rclone for 1m 1" in server.page().decode()
    seen.until_text("; nothing from rclone for 1m 13s", "h1")


def test_a_limit_and_notifications_that_fail_are_said_also_while_nothing_runs(visit: Visitor) -> None:
    document = DOCUMENTS["finished"]()
    chat, other = {"failed": 3, "error": "HTTP 500", "at": document["ts"]}, {"failed": 1, "error": "", "at": 1.0}
    document |= {"limit": 5 << 20, "notifications_failed": 4, "notifications": {"<b>": other, "chat": chat}}
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("Limited to 5.0 MB/s", "#headline")
        seen.until_text("Notifications failed: chat and 1 more", "#headline")
        chip = seen.page.locator(".chip", has_text="Notifications failed")
        assert "chat: 3 failures, the last at" in (chip.get_attribute("title") or "")


def test_page_says_the_essential_without_scripts(browser: Browser, server: PageServer) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url)
    text = page.locator("body").inner_text()
    assert "Uploading google to gdrive:Media" in text
    assert page_fixture.FILES[0] in text
    assert "1.8 TB of 2.5 TB" in text
    moves = page.locator(".bar--great .bar__fill").evaluate("(fill) => getComputedStyle(fill).transitionDuration")
    assert moves == "0s", "a bar that nobody has filled is empty at once, and not full before"
    context.close()


def test_patch_changes_numbers_and_keeps_rows(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("38%", "#transfers")
    seen.page.evaluate("document.querySelectorAll('#transfers tbody tr').forEach((row, i) => { row.kept = i + 1; })")
    changed = transfer(page_fixture.FILES[0], 61.4, 0.5, 20.0)
    server.patch(_google(progress={"at": time.time(), "transferring": {"1": changed}}))
    seen.until_text("50%", "#transfers")
    kept = seen.page.evaluate("[...document.querySelectorAll('#transfers tbody tr')].map((row) => row.kept)")
    assert kept == [1, 2, 3, 4]


def test_finished_file_leaves_and_a_new_one_comes_last(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text(page_fixture.FILES[1], "#transfers")
    moving = {"2": None, "11": transfer("New/file.mkv", 1, 0.1, 5)}
    server.patch(_google(progress={"transferring": moving}))
    seen.until_text("New/file.mkv", "#transfers")
    names = seen.page.locator("#transfers tbody .name__whole").all_text_contents()
    assert names == [page_fixture.FILES[0], page_fixture.FILES[2], page_fixture.FILES[3], "New/file.mkv"]


def test_what_is_below_the_transfers_stays_while_small_files_come_and_go(
    server: PageServer, visit: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = visit(server)
    seen.until_text(page_fixture.FILES[1], "#transfers")
    place = "document.getElementById('plan').offsetTop"
    before = seen.page.evaluate(place)
    server.patch(_google(phase="switching", progress={"transferring": dict.fromkeys("1234")}))
    seen.until_text("The next account is about to start.", "#transfers")
    assert abs(seen.page.evaluate(place) - before) <= 2
    # By the server's clock.
    later = SimpleNamespace(**vars(time) | {"time": lambda: time.time() + 12})
    monkeypatch.setattr(page_fixture, "time", later)
    server.patch({"limit": 0})
    seen.until(lambda: seen.page.evaluate(place) < before - 50, "room that nobody needs for long is given back")


def test_progress_does_not_jump_when_a_file_is_done(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("70.7%", ".headline__share")
    session = server.document["uploaders"]["google"]["session"]
    big = server.document["uploaders"]["google"]["progress"]["transferring"]["1"]
    # The fact comes at once, while the statistics still list the file as being on its way.
    server.patch(_google(session={"bytes_done": session["bytes_done"] + big["bytes"], "files_done": 792}))
    seen.until_text("792", "#headline")
    assert seen.text(".headline__share") == "70.7%"


def test_many_transfers_are_folded(visit: Visitor) -> None:
    document = page_fixture.uploading()
    moving = {str(i): transfer(f"file {i:03}.mkv", 1, 0.5, 1) for i in range(1, 61)}
    document["uploaders"]["google"]["progress"]["transferring"] = moving
    with serve_page(document) as server:
        seen = visit(server)
        button = seen.page.get_by_role("button", name="Show all 60 transfers")
        assert seen.page.locator("#transfers tbody tr").count() == 20
        button.press("Enter")
        seen.until(lambda: seen.page.locator("#transfers tbody tr").count() == 60, "all rows")


def test_quota_that_ends_first_is_said(visit: Visitor) -> None:
    document = page_fixture.uploading()
    google = document["uploaders"]["google"]
    google["plan"]["waiting_bytes"] = google["session"]["bytes_left"] // 2
    google["eta"]["quotas_at"] = time.time() + 20 * 3600
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("; quota used up around", "h1")
        seen.until_text(", everything done around", "h1")
        seen.until_text("must wait", "#headline")


def test_quota_that_ends_first_is_seen_without_a_plan(visit: Visitor) -> None:
    document = page_fixture.uploading()
    document["uploaders"]["google"]["plan"] = {}
    for row in document["uploaders"]["google"]["accounts"].values():
        if row["state"] == "ready":
            row |= {"state": "cooling", "used_bytes": row["limit_bytes"]}
    document["uploaders"]["google"]["capacity"]["free_bytes"] = 100 * page_fixture.GIB
    with serve_page(document) as server:
        visit(server).until_text("; quota used up around", "h1")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("finished", "google used up its quota at "),
        ("interrupted", "google was interrupted at "),
        ("idle", "Nothing has been uploaded yet"),
    ],
)
def test_times_without_an_upload_have_their_own_view(name: str, sentence: str, visit: Visitor) -> None:
    with serve_page(DOCUMENTS[name]()) as server:
        seen = visit(server)
        seen.until_text(sentence, "h1")
        assert not seen.page.locator("#transfers").is_visible()


def test_recovered_session_says_so(visit: Visitor) -> None:
    with serve_page(page_fixture.interrupted()) as server:
        seen = visit(server)
        seen.until_text("Recovered after a restart", "#headline")
        server.patch({"program": "none"})
        seen.until_text("cloudplow is not running", "#headline")
        assert "Recovered" not in seen.text("#headline"), "nobody restarted anything"
        seen.until_text("Interrupted", ".badge")


def test_queue_and_its_sizes_are_shown(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("1,204 files", "#queue")
    text = seen.text("#queue")
    assert "2.5 TB" in text
    for wanted in ("P50", "P99", "48.5 GB", "Exact: every file was listed at"):
        assert wanted in text


def test_log_takes_new_facts_and_lets_old_ones_go(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("Stage 3 began on 3.json: 305 files, 749.9 GB", "#log li:first-child")
    fact = {"seq": 14, "at": time.time(), "uploader": "google", "kind": "new_kind", "text": "Something new"}
    server.patch({"facts": {"1": None, "14": fact}})
    seen.until_text("Something new", "#log li:first-child")
    seen.page.get_by_role("button", name="Show all 13 entries").click()
    assert "Upload of Media to gdrive:Media began" not in seen.text("#log")


def test_failures_have_reasons(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("the file changed while it was read", "#session")
    assert "TV/Old Tapes/tape 03.avi" in seen.text("#session")


def test_uploader_can_be_chosen(visit: Visitor) -> None:
    document = page_fixture.uploading()
    document["uploaders"]["photos"] = page_fixture.finished()["uploaders"]["google"]
    with serve_page(document) as server:
        seen = visit(server)
        seen.until_text("Uploading google", "h1")
        seen.page.get_by_role("button", name="photos").click()
        seen.until_text("photos used up its quota", "h1")
        seen.page.reload()
        seen.until_text("photos used up its quota", "h1")


# --- what must not happen ----------------------------------------------------------------------------------------


def test_hostile_names_stay_text(visit: Visitor) -> None:
    with serve_page(page_fixture.hostile()) as server:
        seen = visit(server)
        seen.until_text("Live", "#connection")
        shown = seen.page.locator("#transfers tbody .name__whole").all_text_contents()
        assert sorted(shown) == sorted(page_fixture.hostile_names())
        assert seen.page.locator("main img, main script, main b").count() == 0
        heights = seen.page.evaluate("[...document.querySelectorAll('#transfers tbody tr')].map((r) => r.offsetHeight)")
        assert max(heights) <= 1.2 * min(heights)


def test_focused_name_is_shown_whole(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    name = seen.page.locator("#transfers .name").first
    name.focus()
    assert name.locator(".name__whole").bounding_box() is not None
    seen.until(lambda: (name.locator(".name__whole").bounding_box() or {"width": 0})["width"] > 50, "the whole name")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"uploaders": {"a": {}}},
        {"uploaders": {"a": None}, "facts": None},
        {"uploaders": [], "facts": {}, "refresh_interval": "x", "app_version": 3},
        {"uploaders": {"a": {"active": True, "phase": "new_phase", "session": 3, "progress": [], "accounts": "x"}}},
        {"uploaders": {"a": {"active": True, "phase": "uploading", "progress": {"transferring": {"f": 1, "": {}}}}}},
        {"uploaders": {"a": {"queue": {"available": True}, "failures": [None, 1], "accounts": {"1": {}, "2": None}}}},
        {"facts": [None, {}, {"at": 1e300}, {"seq": 1, "text": 5}], "uploaders": {"__proto__": {"active": True}}},
    ],
)
def test_missing_and_wrong_values_never_break_the_page(document: Document, visit: Visitor) -> None:
    with serve_page({"boot": "b", "version": 1, **document}) as server:
        seen = visit(server)
        seen.until_text("Live", "#connection")
        assert seen.page.locator("h1").inner_text() != ""


def test_page_works_below_a_path(visit: Visitor) -> None:
    with serve_page(page_fixture.uploading(), prefix="/tools/cloudplow/") as server:
        seen = visit(server)
        seen.until_text("Uploading google", "h1")
        seen.until_text("Live", "#connection")
        assert server.count("/api/events", 200) == 1


def test_text_is_readable_in_both_themes(server: PageServer, visit: Visitor) -> None:
    measure = """() => {
      const probe = document.body.appendChild(document.createElement('i'));
      const light = (name) => {
        probe.style.color = `var(${name})`;
        const rgb = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255);
        const [r, g, b] = rgb.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const found = {};
      for (const text of ['--text', '--text-2', '--text-3', '--accent-text', '--ok', '--warn', '--bad']) {
        for (const ground of ['--bg', '--surface', '--raised']) {
          const [a, b] = [light(text), light(ground)].sort((x, y) => y - x);
          found[text + ' on ' + ground] = (a + 0.05) / (b + 0.05);
        }
      }
      const [a, b] = [light('--warn'), light('--warn-soft')].sort((x, y) => y - x);
      found['--warn on --warn-soft'] = (a + 0.05) / (b + 0.05);
      probe.remove();
      return found;
    }"""
    for theme in ("light", "dark"):
        ratios = visit(server, theme=theme).page.evaluate(measure)
        assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < MIN_CONTRAST} == {}


def test_theme_is_remembered(server: PageServer, visit: Visitor) -> None:
    seen = visit(server, theme="light")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    by_system = seen.page.evaluate(background)
    button = seen.page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    assert seen.page.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = seen.page.evaluate(background)
    assert dark != by_system
    seen.page.reload()
    assert seen.page.evaluate(background) == dark


# --- the connection ----------------------------------------------------------------------------------------------


def test_dropped_stream_is_taken_up_again(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("Live", "#connection")
    server.drop_streams()
    server.patch(_google(session={"files_done": 799}))
    seen.until_text("799", "#headline")
    seen.until_text("Live", "#connection")


def test_page_dims_with_the_time_when_nothing_answers_and_recovers(server: PageServer, visit: Visitor) -> None:
    seen = visit(server, quiet=False, clock=True)
    seen.until_text("Live", "#connection")
    server.reachable = False
    server.drop_streams()
    seen.until_text("Reconnecting", "#connection")
    seen.page.clock.fast_forward(12_000)
    seen.until_text("Stale since ", "#connection", seconds=20)
    assert seen.page.locator("#page").get_attribute("data-stale") == ""
    server.reachable = True
    server.patch(_google(session={"files_done": 801}), send=False)
    seen.until_text("801", "#headline", seconds=20)
    assert seen.page.locator("#page").get_attribute("data-stale") is None


def test_refused_stream_falls_back_to_polling_and_comes_back(server: PageServer, visit: Visitor) -> None:
    server.stream_mode = "refused"
    seen = visit(server, quiet=False, clock=True)
    for _ in range(3):
        seen.page.wait_for_timeout(300)
        seen.page.clock.fast_forward(2_500)
    seen.until_text("Polling every 1 s", "#connection", seconds=15)
    server.patch(_google(session={"files_done": 805}))
    seen.until_text("805", "#headline")
    seen.until(lambda: server.count("/api/state", 304) >= 2, "unchanged states are not sent again")
    server.stream_mode = "works"
    seen.page.evaluate("window.dispatchEvent(new Event('online'))")
    seen.until_text("Live", "#connection")
    polls = server.count("/api/state")
    # Longer than between two polls, and shorter than the silence after which the stream itself is doubted.
    seen.page.clock.fast_forward(1_200)
    seen.page.wait_for_timeout(100)
    assert server.count("/api/state") == polls, "polling ends with the stream"


def test_stream_that_is_held_back_falls_back_to_polling(server: PageServer, visit: Visitor) -> None:
    server.stream_mode = "silent"
    seen = visit(server, clock=True)
    seen.page.clock.fast_forward(9_000)
    server.patch(_google(session={"files_done": 806}), send=False)
    seen.until_text("Polling every 1 s", "#connection", seconds=15)
    seen.until_text("806", "#headline")


def test_stream_that_dies_silently_is_noticed(server: PageServer, visit: Visitor) -> None:
    seen = visit(server, clock=True)
    seen.until_text("Live", "#connection")
    server.patch(_google(session={"files_done": 807}), send=False)
    for _ in range(5):
        seen.page.clock.fast_forward(5_000)
    seen.until_text("807", "#headline")


@pytest.mark.parametrize("interval", [1, 3])
def test_a_server_that_hangs_is_told_within_five_seconds_of_its_last_word(visit: Visitor, interval: int) -> None:
    document = {**page_fixture.uploading(), "refresh_interval": interval}
    with serve_page(document) as server:
        seen = visit(server, clock=True)
        seen.until_text("Live", "#connection")
        # Asked, it takes the question and says nothing.
        seen.page.route("**/api/state", lambda route: None)
        # From now on its time is ours: however slow the machine is, it hears at once.
        now_ms = seen.page.evaluate("Date.now()")
        seen.page.clock.pause_at(datetime.fromtimestamp(now_ms / 1000 + 1, UTC))
        server.patch(_google(session={"files_done": 807}))

        def drawn() -> bool:
            seen.page.clock.run_for(20)
            return "807" in seen.text("#headline")

        seen.until(drawn, "807")
        seen.page.evaluate(
            "window.saidAt = Date.now(); new MutationObserver(() => { window.toldAt ??= Date.now(); })"
            ".observe(document.getElementById('page'), { attributeFilter: ['data-stale'] })"
        )
        for _ in range(40):
            seen.page.clock.run_for(200)
            if seen.page.evaluate("window.toldAt"):
                break
        assert interval + 1 < seen.page.evaluate("window.toldAt - window.saidAt") / 1000 <= 5.2
        assert "Stale since" in seen.text("#connection")
        seen.page.unroute_all(behavior="ignoreErrors")


def test_broken_frames_are_survived(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    seen.until_text("Live", "#connection")
    server.send_raw(b": comment\n\nevent: patch\ndata: {half\n\nevent: patch\ndata: null\n\nevent: other\ndata: {}\n\n")
    server.patch(_google(session={"files_done": 808}))
    seen.until_text("808", "#headline")


def test_patch_that_does_not_follow_is_not_applied_but_the_whole_is_asked_for(
    server: PageServer, visit: Visitor
) -> None:
    seen = visit(server)
    seen.until_text("Live", "#connection")
    server.patch(_google(session={"files_done": 809}), send=False)
    server.patch(_google(session={"files_failed": 77}))
    seen.until_text("809", "#headline")
    seen.until_text("77", "#session")
    assert server.count("/api/state", 200) == 1
    server.patch(_google(session={"files_failed": 78}))
    seen.until_text("78", "#session")
    seen.until_text("Live", "#connection")
    assert server.count("/api/state") == 1, "what follows is applied again"


# --- the modules -------------------------------------------------------------------------------------------------


def test_sizes_and_durations_read_as_the_api_says_them(server: PageServer, visit: Visitor) -> None:
    seen = visit(server)
    sizes = [0, -1, 1, 1023, 1024, 1536, 1 << 20, 805_306_368_000, 1 << 40, 3.7 * (1 << 50), 1 << 62]
    assert seen.module("format.js", "a.map(m.bytes)", sizes) == [format_bytes(size) for size in sizes]
    seconds = [-1, 0, 0.5, 1, 59, 60, 243, 3599, 3600, 7620, 180_000]
    assert seen.module("format.js", "a.map(m.duration)", seconds) == [format_duration(value) for value in seconds]


def test_names_that_modules_share_hide_nothing_of_the_browser(browser: Browser) -> None:
    # In the joined script they are names of the whole script: a module that wants `history` must not get another's.
    joined = join_modules(ENTRY, lambda path: (STATIC / "js" / path).read_text(encoding="utf-8"), LATER)
    declared = re.compile(r"^(?:export )?(?:async function|function|const|let) (\w+)", re.MULTILINE)
    texts = [path.read_text(encoding="utf-8") for path in (STATIC / "js").rglob("*.js") if path.name not in WHOLE]
    names = sorted({*(name for text in texts for name in declared.findall(text)), *variables(joined)})
    assert len(names) > 500
    page = browser.new_page()
    assert page.evaluate("(names) => names.filter((name) => name in window)", names) == []
    page.close()
