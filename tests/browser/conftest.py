"""The browser for the tests of the page, and what watches over each page that they open."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import tools
from tests.browser import page_fixture
from tests.browser.page_fixture import PACKAGE, PageServer, serve_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ARTIFACTS: Final = PACKAGE.parent / "test-artifacts"
AXE: Final = ARTIFACTS / "cache" / "axe.min.js"
#: What `script/vendor` answers when npm cannot be reached.
UNREACHABLE: Final = 3


def vendor(*arguments: str) -> None:
    """Run `script/vendor`; skips, by name, when npm cannot be reached. Fails in continuous integration."""
    run = subprocess.run(
        [PACKAGE.parent / "script" / "vendor", *arguments], capture_output=True, text=True, check=False, timeout=90
    )
    if run.returncode == UNREACHABLE and os.environ.get("CI") != "true":
        pytest.skip(f"npm cannot be reached: {run.stderr.strip()}")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of the checker of accessibility."""
    if not AXE.exists():
        # Another worker may fetch it at the same time.
        fetched = AXE.with_name(f"axe-{os.getpid()}.js")
        vendor("--axe", str(fetched))
        fetched.replace(AXE)
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with tools.chromium() as launched:
        yield launched


@dataclass
class Visit:
    """A page that is being looked at, and everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self, selector: str = "body") -> str:
        """What is to be read there."""
        return self.page.locator(selector).inner_text()

    def until(self, condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        """Wait for a condition. Fails with `what` when it does not come true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {what}\n{self.text()[:1500]}\n{self.complaints}")
            self.page.wait_for_timeout(50)

    def until_text(self, wanted: str, selector: str = "body", seconds: float = 10.0) -> None:
        """Wait for a text."""
        self.until(lambda: wanted in self.text(selector), f"{wanted!r} in {selector}", seconds)

    def see_history(self) -> None:
        """Scroll to the history, so that it is loaded, and back; on a narrow screen it must be open."""
        self.page.evaluate("document.getElementById('history').scrollIntoView()")
        self.until(lambda: self.page.locator("#history .controls").count() > 0, "the history is loaded")
        self.until(lambda: self.text("#history .panel__line") != "", "the history has been read")
        self.page.evaluate("scrollTo(0, 0)")

    def module(self, name: str, expression: str, argument: Any = None) -> Any:
        """Evaluate an expression with a module of the page as `m` and the argument as `a`."""
        load = f"await import(new URL('static/js/{name}', location.href))"
        return self.page.evaluate(f"async (a) => {{ const m = {load}; return {expression}; }}", argument)


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visitor]:
    """Opens pages; in the end each must have stayed without complaints and without requests to elsewhere."""
    visits: list[tuple[Visit, PageServer, bool]] = []

    def open_page(
        server: PageServer,
        *,
        width: int = 1280,
        theme: str = "light",
        quiet: bool = True,
        context: BrowserContext | None = None,
        script: str = "",
        clock: bool = False,
    ) -> Visit:
        """context: a browser that has tabs already; script: what runs before the page's own.

        clock: the page's time can be put forward.
        """
        context = context or browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
        )
        page = context.new_page()
        made = Visit(page)
        visits.append((made, server, quiet))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => "
            "console.error('policy violation: ' + e.violatedDirective + ' ' + e.blockedURI));"
        )
        if script:
            page.add_init_script(script)
        if clock:
            page.clock.install()
        page.on("console", lambda message: made.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: made.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: made.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: made.requests.append(request.url))
        page.goto(server.url)
        page.wait_for_selector("#page[data-drawn]", state="attached", timeout=10_000)
        return made

    yield open_page
    for made, server, quiet in visits:
        if quiet:
            assert made.complaints == []
        assert [url for url in made.requests if not url.startswith(server.url)] == []
        made.page.context.close()


@pytest.fixture
def server() -> Iterator[PageServer]:
    """An upload under way."""
    with serve_page(page_fixture.uploading()) as running:
        yield running
