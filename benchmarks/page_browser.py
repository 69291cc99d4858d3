"""The browser of `benchmarks.page`, and what watches over each page that it opens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.tools import CHROMIUM_FLAGS, CHROMIUM_NAMES, find_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Request, Response

PROBE: Final = Path(__file__).with_name("page_probe.js")
#: What the page itself breaks off: a question that another one has overtaken, whatever was open when it was left.
BROKEN_OFF: Final = "net::ERR_ABORTED"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    program = find_program(*CHROMIUM_NAMES)
    if program is None:
        raise SystemExit("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """Everything that must not happen, over all pages of a session. Each list holds what was said."""

    violations: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many of each kind, by the words for it."""
        return {WORDS[kind]: len(found) for kind, found in vars(self).items()}

    def all(self) -> list[str]:
        """Everything that was said."""
        return [f"{WORDS[kind]}: {text}" for kind, found in vars(self).items() for text in found]


WORDS: Final = {
    "violations": "violations of the policy",
    "console": "messages in the console",
    "errors": "errors of scripts",
    "dialogs": "dialogs",
    "windows": "windows that opened",
    "elsewhere": "requests to other hosts",
    "failed": "requests that failed",
    "crashes": "crashes",
}


def open_page(context: BrowserContext, address: str, complaints: Complaints) -> Page:
    """An empty page that will be watched; address: of the dashboard, the only one that it may ask."""
    page = context.new_page()
    page.add_init_script(path=PROBE)

    def on_request(request: Request) -> None:
        if not request.url.startswith(address):
            complaints.elsewhere.append(request.url[:200])

    def on_response(response: Response) -> None:
        if response.status >= 400:
            complaints.failed.append(f"{response.status} {response.url}")

    def on_failed(request: Request) -> None:
        if request.failure != BROKEN_OFF:
            complaints.failed.append(f"{request.failure} {request.url}")

    def on_console(message: Any) -> None:
        where = message.location.get("url", "")
        complaints.console.append(f"{message.type}: {message.text} {where}")

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("requestfailed", on_failed)
    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.errors.append(str(error)))
    page.on("popup", lambda popup: complaints.windows.append(popup.url))
    page.on("crash", lambda _: complaints.crashes.append("the page crashed"))
    page.on("websocket", lambda socket: complaints.elsewhere.append(socket.url))

    def on_dialog(dialog: Any) -> None:
        complaints.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", on_dialog)
    return page


def probe(page: Page) -> dict[str, Any]:
    """What the page's probe has noted."""
    found: dict[str, Any] = page.evaluate("window.probe")
    return found


def measuring(page: Page) -> CDPSession:
    """What `memory` and `held_by_scripts` need."""
    devtools = page.context.new_cdp_session(page)
    for domain in ("Performance", "HeapProfiler"):
        devtools.send(f"{domain}.enable")
    return devtools


def memory(devtools: CDPSession) -> dict[str, float]:
    """What the page holds after its rubbish has been collected: `JSHeapUsedSize` in bytes, `Nodes` and others."""
    # Once more for what only the first round has set free.
    for _ in range(2):
        devtools.send("HeapProfiler.collectGarbage")
    return {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}


#: Kinds of things in a heap that scripts make. The rest is what the browser makes of the scripts and of the page:
#: compiled code most of all, of which there is more the longer a script runs.
MADE_BY_SCRIPTS: Final = frozenset(
    ("string", "concatenated string", "sliced string", "array", "object", "closure", "number", "bigint", "regexp")
)


DETACHED: Final = 2


def held_by_scripts(devtools: CDPSession) -> tuple[int, int]:
    """The bytes of all that scripts have made and still hold, and how many nodes that are no part of the page."""
    chunks: list[str] = []

    def take(event: Any) -> None:
        chunks.append(event["chunk"])

    devtools.on("HeapProfiler.addHeapSnapshotChunk", take)
    devtools.send("HeapProfiler.takeHeapSnapshot")
    devtools.remove_listener("HeapProfiler.addHeapSnapshotChunk", take)
    snapshot = json.loads("".join(chunks))
    meta = snapshot["snapshot"]["meta"]
    fields, kinds = meta["node_fields"], meta["node_types"][0]
    made = {place for place, kind in enumerate(kinds) if kind in MADE_BY_SCRIPTS}
    columns = (snapshot["nodes"][fields.index(name) :: len(fields)] for name in ("type", "self_size", "detachedness"))
    size = detached = 0
    for kind, bytes_held, where in zip(*columns, strict=True):
        size += bytes_held if kind in made else 0
        detached += where == DETACHED
    return size, detached
