"""Firefox and WebKit, from Debian's packages: enough of each to open the page, look at it and press something.

Firefox is spoken to by WebDriver BiDi over a WebSocket, WebKit by WebDriver below a display that nobody sees.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from tests import tools

#: No updates, no reports, no search for a network.
_PREFERENCES: Final = {
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}
_ANSWER_SECONDS: Final = 30
#: Whatever proxy the environment names.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
WIDTH, HEIGHT = 1280, 900
#: In a container of root's nothing can be put into a sandbox, and there is no graphics card.
_WEBKIT_ENVIRONMENT: Final = {
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
    "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "NO_AT_BRIDGE": "1",
}


class OtherBrowser(Protocol):
    """A browser with one page."""

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        ...

    def evaluate(self, expression: str) -> Any:
        """What an expression gives, as JSON takes it."""
        ...


def wait_for(browser: OtherBrowser, expression: str, what: str, seconds: float = 15.0) -> None:
    """Until an expression is true. Fails with `what` when it does not come true."""
    deadline = time.monotonic() + seconds
    while not browser.evaluate(expression):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}\n{browser.evaluate('document.body.innerText')[:1500]}")
        time.sleep(0.05)


# --- Firefox ---------------------------------------------------------------------------------------------------------


class _Firefox:
    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._ask("session.new", {"capabilities": {}})
        self._context = self._ask("browsingContext.getTree", {})["contexts"][0]["context"]
        viewport = {"width": WIDTH, "height": HEIGHT}
        self._ask("browsingContext.setViewport", {"context": self._context, "viewport": viewport})

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") != number:
                continue
            assert answer["type"] == "success", answer
            return answer["result"]

    def open(self, url: str) -> None:
        self._ask("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def evaluate(self, expression: str) -> Any:
        answer = self._ask(
            "script.evaluate",
            {
                "expression": f"JSON.stringify({expression}) ?? 'null'",
                "target": {"context": self._context},
                "awaitPromise": True,
            },
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])


@contextmanager
def firefox(folder: Path) -> Iterator[OtherBrowser]:
    """A headless Firefox with an empty profile below `folder`; skips the test when there is none."""
    program = tools.require_program("firefox-esr")
    if importlib.util.find_spec("websocket") is None:
        tools.miss("websocket-client (from PyPI)")
    import websocket

    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    arguments = ("--headless", "--no-remote", "--profile", profile)
    environment = {**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with tools.listening_server(
        lambda port: [program, *arguments, f"--remote-debugging-port={port}", "about:blank"],
        folder / "firefox.log",
        environment,
    ) as port:
        # It speaks with nobody that comes from a page.
        socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}/session", timeout=_ANSWER_SECONDS, suppress_origin=True
        )
        try:
            yield _Firefox(socket)
        finally:
            socket.close()


# --- WebKit ----------------------------------------------------------------------------------------------------------


class _WebKit:
    """WebDriver, as the W3C describes it: a few requests."""

    def __init__(self, port: int, browser: Path) -> None:
        self._address = f"http://127.0.0.1:{port}/session"
        options = {"binary": str(browser), "args": ["--automation"]}
        capabilities = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        session = self._ask("POST", "", {"capabilities": capabilities})["sessionId"]
        self._address += f"/{session}"
        self._ask("POST", "/window/rect", {"width": WIDTH, "height": HEIGHT})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._address + path, data, {"Content-Type": "application/json"}, method=method
        )
        with _DIRECT.open(request, timeout=_ANSWER_SECONDS) as answer:
            return json.loads(answer.read())["value"]

    def open(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    def evaluate(self, expression: str) -> Any:
        script = f"return JSON.stringify({expression}) ?? 'null'"
        return json.loads(self._ask("POST", "/execute/sync", {"script": script, "args": []}))

    def close(self) -> None:
        """End the browser."""
        self._ask("DELETE", "")


@contextmanager
def _unseen_display(folder: Path) -> Iterator[str]:
    """The name of a display that nobody sees."""
    program = tools.require_program("Xvfb", "xvfb")
    reads, writes = os.pipe()
    with (folder / "xvfb.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-displayfd", str(writes), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writes,),
        )
    os.close(writes)
    try:
        with os.fdopen(reads) as told:
            number = told.readline().strip()
        assert number, (folder / "xvfb.log").read_text("utf-8", "replace")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def webkit(folder: Path) -> Iterator[OtherBrowser]:
    """A WebKit on a display of its own; skips the test when there is none. It stands for Safari."""
    program = tools.require_program("WebKitWebDriver", "webkit2gtk-driver")
    browser = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), None)
    if browser is None:
        tools.miss("MiniBrowser (Debian's package webkit2gtk-driver)")
    with _unseen_display(folder) as display:
        environment = {**os.environ, **_WEBKIT_ENVIRONMENT, "DISPLAY": display, "HOME": str(folder), "LANG": "C"}
        with tools.listening_server(
            lambda port: [program, f"--port={port}"], folder / "webkit.log", environment
        ) as port:
            driver = _WebKit(port, browser)
            try:
                yield driver
            finally:
                driver.close()
