"""How quickly and how lightly the page appears: one load of it, measured."""

from __future__ import annotations

import gzip
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.page_browser import Complaints, measuring, memory, open_page, probe
from cloudplow_dashboard.web.compression import LEVEL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

VIEWPORT: Final[ViewportSize] = {"width": 1280, "height": 900}
WAIT_MS: Final = 30_000
#: How long nothing may be asked for until a load counts as over, in milliseconds.
QUIET_MS: Final = 600

_TIMES: Final = """() => {
  const paints = Object.fromEntries(performance.getEntriesByType("paint").map((one) => [one.name, one.startTime]));
  const [navigation] = performance.getEntriesByType("navigation");
  const all = [...performance.getEntriesByType("resource"), navigation];
  const name = (one) => new URL(one.name).pathname;
  return {
    paints,
    answered: navigation.responseStart,
    blocking: all.filter((one) => one.renderBlockingStatus === "blocking" && one !== navigation).map(name),
  };
}"""


@dataclass
class Traffic:
    """What went over the wire, as the browser's own tools say. `bytes` are by kind and include headers."""

    kinds: dict[str, str] = field(default_factory=dict)
    bytes: Counter[str] = field(default_factory=Counter)
    count: Counter[str] = field(default_factory=Counter)
    headers: dict[str, int] = field(default_factory=dict)
    bodies: Counter[str] = field(default_factory=Counter)
    stream_bytes: int = 0

    def watch(self, page: Page) -> None:
        devtools = page.context.new_cdp_session(page)
        devtools.on("Network.requestWillBeSent", self._sent)
        devtools.on("Network.responseReceived", self._answered)
        devtools.on("Network.dataReceived", self._received)
        devtools.on("Network.loadingFinished", self._finished)
        devtools.send("Network.enable")

    def _sent(self, event: Any) -> None:
        kind = str(event.get("type", "Other"))
        self.kinds[event["requestId"]] = kind
        self.count[kind] += 1

    def _answered(self, event: Any) -> None:
        self.headers[event["requestId"]] = int(event["response"]["encodedDataLength"])

    def _received(self, event: Any) -> None:
        # A stream never finishes; it is sent as it is, so that its length is what went over the wire.
        if self.kinds.get(event["requestId"]) == "EventSource":
            self.stream_bytes += int(event["dataLength"])

    def _finished(self, event: Any) -> None:
        name, size = event["requestId"], int(event["encodedDataLength"])
        kind = self.kinds.get(name, "Other")
        self.bytes[kind] += size
        self.bodies[kind] += max(0, size - self.headers.get(name, 0))

    @property
    def total(self) -> int:
        """Everything that has arrived as a whole."""
        return self.bytes.total()


@dataclass
class Load:
    """One load of the page. Times are milliseconds since it was asked for.

    drawn, shown: when the scripts had drawn everything, and when that was painted.
    """

    first_paint: float
    contentful_paint: float
    largest_paint: float
    drawn: float
    shown: float
    live: float
    answered: float
    #: What the first paint showed of the headline, and whether the scripts had written it.
    painted: str
    painted_by: str
    requests: int
    bytes: dict[str, int]
    total: int
    stream_bytes: int
    with_history: int
    history_requests: int
    #: The same without headers, without the state in the page and without what was asked of the API.
    page_alone: int
    blocking: list[str]
    long_tasks: int
    blocking_ms: float
    layout_shift: float
    heap: float
    nodes: float


def settle(page: Page, traffic: Traffic) -> None:
    """Wait until nothing more is asked for."""
    seen, quiet = -1, 0
    for _ in range(WAIT_MS // 100):
        now = sum(traffic.count.values()) + traffic.total
        quiet = quiet + 100 if now == seen else 0
        seen = now
        if quiet >= QUIET_MS:
            return
        page.wait_for_timeout(100)
    raise SystemExit("The page asks for more and more")


def _state_bytes(address: str) -> int:
    """What the state in the page adds to it, compressed."""
    with urllib.request.urlopen(address, timeout=WAIT_MS / 1000) as answer:
        whole = answer.read()
    before, _, rest = whole.partition(b'id="initial">')
    after = rest.partition(b"</script>")[2]
    return len(gzip.compress(whole, LEVEL)) - len(gzip.compress(before + after, LEVEL))


def load(context: BrowserContext, address: str, complaints: Complaints) -> Load:
    """Load the page in a tab of its own, look at it, then at its history."""
    page = open_page(context, address, complaints)
    traffic = Traffic()
    traffic.watch(page)
    page.goto(address)
    page.locator('#connection[data-mode="live"]').wait_for(timeout=WAIT_MS)
    settle(page, traffic)
    found, times = probe(page), page.evaluate(_TIMES)
    complaints.violations.extend(found["violations"])
    requests, total, kinds = traffic.count.total(), traffic.total, dict(traffic.bytes)
    stream_bytes = traffic.stream_bytes
    held = memory(measuring(page))
    page.locator("#history").scroll_into_view_if_needed()
    page.locator("#history .chart__line[d]").wait_for(timeout=WAIT_MS)
    settle(page, traffic)
    painted_at = times["paints"].get("first-contentful-paint", float("inf"))
    by_server = painted_at < found["marks"]["headline"]
    made = Load(
        first_paint=times["paints"].get("first-paint", float("inf")),
        contentful_paint=painted_at,
        largest_paint=found["largest"] or painted_at,
        drawn=found["marks"]["drawn"],
        shown=found["marks"]["shown"],
        live=found["marks"]["live"],
        answered=times["answered"],
        painted=found["served" if by_server else "drawn"],
        painted_by="the server" if by_server else "the scripts",
        requests=requests,
        bytes=kinds,
        total=total,
        stream_bytes=stream_bytes,
        with_history=traffic.total,
        history_requests=traffic.count.total(),
        page_alone=traffic.bodies.total() - traffic.bodies["Fetch"] - _state_bytes(address),
        blocking=times["blocking"],
        long_tasks=found["longTasks"],
        blocking_ms=found["blocked"],
        layout_shift=found["shifted"],
        heap=held["JSHeapUsedSize"],
        nodes=held["Nodes"],
    )
    page.close()
    return made


@dataclass(frozen=True, slots=True)
class Plain:
    """The page with scripts off: what is painted then, the server wrote."""

    contentful_paint: float
    sentence: str
    share: str
    amount: str
    files: int
    in_view: bool


def load_without_scripts(browser: Browser, address: str) -> Plain:
    context = browser.new_context(viewport=VIEWPORT, java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    while not (times := page.evaluate(_TIMES))["paints"]:
        page.wait_for_timeout(50)
    box = page.locator("h1").bounding_box()
    made = Plain(
        contentful_paint=times["paints"].get("first-contentful-paint", float("inf")),
        sentence=page.locator("h1").inner_text(),
        share=page.locator(".headline__share").inner_text(),
        amount=page.locator(".headline__amount").inner_text(),
        files=page.locator("#transfers li").count(),
        in_view=box is not None and box["y"] + box["height"] < VIEWPORT["height"],
    )
    context.close()
    return made
