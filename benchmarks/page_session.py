"""A session of the page: uploads go through everything, people do what people do, and nothing may be said about it."""

from __future__ import annotations

import json
import math
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.page_browser import Complaints, chromium, held_by_scripts, measuring, memory, open_page, probe
from benchmarks.page_paint import VIEWPORT, WAIT_MS
from benchmarks.page_people import ACTS, open_second_tab, tidy
from benchmarks.page_story import UPLOADER
from benchmarks.page_upload import MadeUp

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

#: How long a cycle of the uploads takes at most and at least, in seconds, and how many there are at least.
CYCLE_SECONDS: Final = 50.0
SHORTEST_CYCLE_SECONDS: Final = 6.0
CYCLES: Final = 2
#: Samples that are not compared: the page is used for the first time.
WARMING_UP: Final = 2
#: From so many samples on, growth can be told from breathing.
SAMPLES: Final = 6
#: What the page may hold more in the last third of a session than in the first, as a share.
GROWTH: Final = 0.05
#: Words that the page must have shown meanwhile: every phase and several ends.
STATES: Final = (
    "Idle",
    "Listing",
    "Switching",
    "Uploading",
    "Throttled",
    "Suspended",
    "Interrupted",
    "Done",
    "Quota used",
)
#: Elements that can only come from a name.
FOREIGN: Final = (
    "body :is(script, iframe, style, link, meta, base, object, b, a[href^='javascript:'], img:not(.top__logo))"
)
#: What a browser itself says about a server that does not answer.
NETWORK: Final = ("Failed to load resource: net::ERR_", "net::ERR_", "503 ")
#: A page that has fallen back to polling tries the stream every half minute.
RETRY_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Sample:
    """What the page holds at rest. at: seconds; heap, scripts: bytes, of everything and of what scripts have made.

    elements: those included that scripts hold outside of the page; nodes: those included that the browser keeps so that
    typing can be undone.
    """

    at: float
    heap: float
    scripts: float
    elements: float
    nodes: float
    listeners: float


@dataclass
class Result:
    """What came of a session."""

    seconds: float = 0.0
    cycles: int = 0
    complaints: Complaints = field(default_factory=Complaints)
    #: What the browser said about a server that was taken away on purpose.
    expected: list[str] = field(default_factory=list)
    gaps: list[Any] = field(default_factory=list)
    streams: int = 0
    snapshots: int = 0
    patches: int = 0
    differences: list[str] = field(default_factory=list)
    foreign: int = 0
    words: set[str] = field(default_factory=set)
    acts: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)

    def growth(self, of: Callable[[Sample], float]) -> float | None:
        """How much more there is in the last third than in the first, as a share; None with too few samples."""
        settled = [of(sample) for sample in self.samples[WARMING_UP:]]
        third = len(settled) // 3
        if len(settled) < SAMPLES:
            return None
        return median(settled[-third:]) / median(settled[:third]) - 1

    def counts(self) -> dict[str, int]:
        """Everything that has to be 0."""
        acts = [*ACTS, SECOND_TAB]
        return self.complaints.counts() | {
            "patches that were missed": len(self.gaps),
            "differences from the state": len(self.differences),
            "elements made of names": self.foreign,
            "states that were not seen": len(set(STATES) - self.words),
            "things that could not be done": sum(not self.acts[act] for act in acts),
            "things that grow": sum((self.growth(of) or 0.0) > GROWTH for of in HELD.values()),
        }

    def details(self) -> list[str]:
        """What stands behind counts that are not 0."""
        said = [*self.complaints.all(), *self.differences]
        said += [f"a patch led from {old} to {new}" for old, new in self.gaps]
        said += [f"never seen: {word}" for word in STATES if word not in self.words]
        return said + [f"never done: {act}" for act in (*ACTS, SECOND_TAB) if not self.acts[act]]


#: What must not grow.
HELD: Final[dict[str, Callable[[Sample], float]]] = {
    "made by scripts": lambda sample: sample.scripts,
    "elements": lambda sample: sample.elements,
    "listeners": lambda sample: sample.listeners,
}
SECOND_TAB: Final = "open a second tab"


def run(seconds: float, *, rough: bool = False) -> Result:
    """A session of so many seconds. rough: in its midst the server is started anew, and the network is gone for a
    while; what the browser then says about it does not count as a complaint."""
    result = Result(cycles=max(CYCLES + rough, math.ceil(seconds / CYCLE_SECONDS)))
    began = time.monotonic()
    made = MadeUp()
    made.ask("fill")
    try:
        with chromium() as browser:
            context = browser.new_context(viewport=VIEWPORT)
            page = open_page(context, made.address, result.complaints)
            devtools = measuring(page)
            page.goto(made.address)
            live(page)
            for number in range(result.cycles):
                left = (began + seconds - time.monotonic()) / (result.cycles - number)
                made.ask(f"cycle {max(SHORTEST_CYCLE_SECONDS, left)}")
                _be_busy(page, made, result, second_tab=number % 3 == 0)
                if rough and number == 0:
                    made = _restart(page, made)
                    continue
                _compare(page, made, result)
                _sample(page, devtools, result, time.monotonic() - began)
            _catch_up(page, result)
            page.wait_for_timeout(max(0.0, began + seconds - time.monotonic()) * 1000)
            _note(page, result)
            _leave_and_return(page, result)
            result.seconds = time.monotonic() - began
            context.close()
    finally:
        made.close()
    if rough:
        _forgive(result)
    return result


def live(page: Page, wait_ms: float = WAIT_MS) -> None:
    page.locator('#connection[data-mode="live"]').wait_for(timeout=wait_ms)


def _be_busy(page: Page, made: MadeUp, result: Result, *, second_tab: bool) -> None:
    """Do one thing after the other until the uploads rest."""
    tidy(page)
    if second_tab:
        result.acts[SECOND_TAB] += open_second_tab(page, result.complaints)
    while True:
        # What has been done least comes first.
        for act in sorted(ACTS, key=lambda name: result.acts[name]):
            if made.resting:
                return
            result.acts[act] += ACTS[act](page)


def _catch_up(page: Page, result: Result) -> None:
    """On a slow machine some things have not had their turn."""
    for act in ACTS:
        if not result.acts[act]:
            result.acts[act] += ACTS[act](page)


def _restart(page: Page, made: MadeUp) -> MadeUp:
    """Another dashboard in the place of this one, then a while without network."""
    made.close()
    page.wait_for_timeout(1500)
    new = MadeUp(made.port)
    live(page, RETRY_MS)
    new.ask("upload")
    page.context.set_offline(True)
    page.wait_for_timeout(2500)
    page.context.set_offline(False)
    live(page, RETRY_MS)
    return new


def _state(made: MadeUp) -> Any:
    with urllib.request.urlopen(f"{made.address}api/state", timeout=20) as answer:
        return json.loads(answer.read())


def _figure(page: Page, label: str) -> str:
    """A number of the headline."""
    figure = page.locator("#headline .figure", has=page.get_by_text(label, exact=True))
    return figure.locator(".figure__value").inner_text() if figure.count() else ""


def _shown(page: Page) -> dict[str, Any]:
    tidy(page)
    return {
        "version": probe(page)["version"],
        "files": _figure(page, "Files").replace(",", ""),
        "fact": page.locator("#log .log__text").first.text_content(),
        "uploaders": page.locator("#uploaders .tab").count(),
        "transfers": page.locator("#transfers tbody tr").count(),
    }


def _compare(page: Page, made: MadeUp, result: Result) -> None:
    """Whether the page shows what is, now that nothing changes."""
    shown, wanted = {}, {}
    for _ in range(30):
        state = _state(made)
        google = state["uploaders"][UPLOADER]
        wanted = {
            "version": state["version"],
            "files": str(google["session"]["files_done"]),
            "fact": state["facts"][max(state["facts"], key=int)]["text"],
            "uploaders": len(state["uploaders"]),
            "transfers": 0,
        }
        shown = _shown(page)
        if shown == wanted:
            break
        page.wait_for_timeout(200)
    result.differences += [f"{key}: {shown[key]!r} for {wanted[key]!r}" for key in wanted if shown[key] != wanted[key]]
    result.foreign += page.locator(FOREIGN).count()


def _sample(page: Page, devtools: CDPSession, result: Result, at: float) -> None:
    page.wait_for_timeout(300)
    held = memory(devtools)
    elements = page.evaluate("document.querySelectorAll('*').length")
    made, detached = held_by_scripts(devtools)
    result.samples.append(
        Sample(at, held["JSHeapUsedSize"], made, elements + detached, held["Nodes"], held["JSEventListeners"])
    )


def _note(page: Page, result: Result) -> None:
    """What the probe of this load has seen."""
    found = probe(page)
    result.complaints.violations += found["violations"]
    result.gaps += found["gaps"]
    result.words |= set(found["words"])
    for name in ("streams", "snapshots", "patches"):
        setattr(result, name, getattr(result, name) + found[name])


def _leave_and_return(page: Page, result: Result) -> None:
    page.reload()
    live(page)
    _note(page, result)
    page.goto("about:blank")
    page.go_back()
    live(page)
    _note(page, result)


def _forgive(result: Result) -> None:
    """Set apart what a browser says about a server that is gone."""
    for said in (result.complaints.console, result.complaints.failed):
        gone = [text for text in said if text.removeprefix("error: ").startswith(NETWORK) and "/api/" in text]
        result.expected += gone
        said[:] = [text for text in said if text not in gone]
