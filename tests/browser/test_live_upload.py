"""A real upload with the real rclone, watched live: by the page in Chromium, over every route, and over the stream."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from cloudplow_dashboard.state.patches import merge
from cloudplow_dashboard.web.routes import ROUTES
from tests import tools
from tests.integration.local_site import UPLOADER, LocalSite, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.rclone, pytest.mark.timeout(240)]

#: How long anything may take on a busy machine, in seconds. The upload itself takes about 25.
WAIT_SECONDS: Final = 90.0
FILES: Final = {
    **{f"Films/Film {number:02} (19{number:02})/Film {number:02}.mkv": 2_000_000 for number in range(12)},
    **{f"Series/Season 1/Épisode {number:02} – “Ünder”.mkv": 150_000 for number in range(16)},
    "Odd/<img src=x onerror=alert(1)> & 100%.mkv": 1_500_000,
    "Odd/生まれてはみたけれど 🎬.mkv": 1_500_000,
}
ACCOUNTS: Final = 4
ACCOUNT_QUOTA: Final = 9_000_000
SPEED: Final = "1.2M"

#: What `cloudplow upload` does; the dashboard stays up after the end until the input is closed.
UPLOAD: Final = """
import sys
from pathlib import Path
from cloudplow.commands.demo import upload_site
from cloudplow.demo.site import DemoSite

def finish(status):
    print(f"exit status {status}", flush=True)
    sys.stdin.read()
    return status

sys.exit(upload_site(DemoSite(Path(sys.argv[1]), "", {}), finish))
"""


# --- the upload ---


@dataclass
class Upload:
    """A running upload and its dashboard."""

    site: LocalSite
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return self.site.output()

    @property
    def address(self) -> str:
        """The dashboard's address; waits until there is one."""
        found = wait_for(lambda: re.search(r"Dashboard: (http://127\.0\.0\.1:\d+/)", self.output) or self.ended(), "it")
        assert isinstance(found, re.Match), self.output
        return str(found[1])

    def ended(self) -> bool:
        """Whether the process is gone, which it must not be before it is allowed to."""
        return self.process.poll() is not None

    def finished(self) -> bool:
        """Whether everything has been uploaded."""
        assert not self.ended(), self.output
        return "exit status " in self.output

    def get(self, path: str) -> bytes:
        """What a route answers; it must be 200."""
        with urllib.request.urlopen(f"{self.address}{path.lstrip('/')}", timeout=WAIT_SECONDS) as answer:
            assert answer.status == 200
            body: bytes = answer.read()
        return body

    def ask(self, path: str) -> Any:
        """The same, as JSON."""
        return json.loads(self.get(path))

    def transferring(self) -> set[str]:
        """The names of the files that are on their way, as rclone says."""
        return {file["name"] for file in self.ask("api/rclone_stats")["data"]["transferring"]}

    def close(self) -> int:
        """Let the process end, and return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WAIT_SECONDS)


@pytest.fixture
def site(tmp_path: Path, any_rclone: Path) -> LocalSite:
    """A slow upload through a pool that must switch accounts."""
    made = LocalSite(tmp_path / "site", any_rclone)
    for name, size in FILES.items():
        made.write(name, size)
    made.add_accounts(ACCOUNTS, quota=ACCOUNT_QUOTA)
    made.extras.update({"--bwlimit": SPEED, "--transfers": 4})
    made.config["plugins"].append("cloudplow_dashboard")
    made.config["dashboard"] = {"enabled": True, "port": 0, "refresh_interval": 1}
    made.save()
    return made


@pytest.fixture
def upload(site: LocalSite) -> Iterator[Upload]:
    with (site.root / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", UPLOAD, str(site.root)],
            env=site.environment(),
            cwd=site.root,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Upload(site, process)
    try:
        yield running
    finally:
        if not running.ended():
            process.terminate()
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


# --- the page ---


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with tools.chromium() as launched:
        yield launched


@dataclass
class Look:
    """A page that is looked at, and everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def names(self) -> set[str]:
        """The whole names of the files that the page shows as being transferred."""
        return set(self.page.locator("#transfers tbody .name__whole").all_text_contents())

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (what, self.text("body")[:1500], self.complaints)
            self.page.wait_for_timeout(50)

    def until_text(self, wanted: str, selector: str) -> None:
        self.until(lambda: wanted in self.text(selector), f"{wanted!r} in {selector}")


def open_page(browser: Browser, address: str, *, stream: bool = True) -> Look:
    """Look at the page in a context of its own. stream: False to keep it from reaching api/events."""
    page = browser.new_context().new_page()
    look = Look(page)
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (e) => "
        "console.error('policy violation: ' + e.violatedDirective + ' ' + e.blockedURI));"
    )
    page.on("console", lambda message: look.complaints.append(f"{message.text} {message.location.get('url', '')}"))
    page.on("pageerror", lambda error: look.complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: look.complaints.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: look.requests.append(request.url))
    if not stream:
        page.route("**/api/events*", abort)
    page.goto(address)
    return look


def abort(route: Route) -> None:
    route.abort()


def sees_what_is_transferred(upload: Upload, look: Look) -> bool:
    """Whether the page shows exactly the files that were on their way before and after it was looked at."""
    before = upload.transferring()
    shown = look.names()
    return bool(before) and before == shown == upload.transferring()


# --- a viewer of the stream that drops again and again ---


class Viewer(threading.Thread):
    """Keeps a document from the first snapshot on by patches alone, over many connections, until the server ends."""

    def __init__(self, address: str) -> None:
        super().__init__(name="viewer", daemon=True)
        self.document: Any = None
        self.connections = 0
        self.missed = 0
        self.faults: list[str] = []
        self._host = address.removeprefix("http://").rstrip("/")
        self._id = ""
        self._steady = threading.Event()
        self._ending = threading.Event()
        self.start()

    def drop_no_more(self) -> None:
        """Stay with the connection that is open, or the next one."""
        self._steady.set()

    def expect_the_end(self) -> None:
        """From now on the end of the stream is no fault."""
        self._ending.set()

    def run(self) -> None:
        try:
            while True:
                self._watch(8)
                self._wait_until_something_is_missed()
        except (AssertionError, EOFError, OSError, ValueError, http.client.HTTPException) as error:
            if not (self._ending.is_set() and isinstance(error, EOFError)):
                self.faults.append(repr(error))

    def _watch(self, messages: int) -> None:
        with closing(http.client.HTTPConnection(self._host, timeout=WAIT_SECONDS)) as connection:
            connection.request("GET", "/api/events", headers={"Last-Event-ID": self._id} if self._id else {})
            with closing(connection.getresponse()) as stream:
                self.connections += 1
                while messages > 0 or self._steady.is_set():
                    self._take(*self._next(stream))
                    messages -= 1

    def _next(self, stream: http.client.HTTPResponse) -> tuple[str, Any]:
        name, data = "", None
        while line := stream.readline().decode():
            key, _, value = line.rstrip("\n").partition(": ")
            if key == "id":
                self._id = value
            elif key == "event":
                name = value
            elif key == "data":
                data = json.loads(value)
            elif not key and name:
                return name, data
        raise EOFError("the stream ended")

    def _take(self, name: str, data: Any) -> None:
        if self.document is None:
            assert name == "snapshot", name
            self.document = data
            return
        assert name == "patch", f"a {name} instead of what was missed"
        assert data["version"] == self.document["version"] + 1, (data["version"], self.document["version"])
        self.document = merge(self.document, data)

    def _wait_until_something_is_missed(self) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._steady.is_set() and time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://{self._host}/api/state", timeout=WAIT_SECONDS) as answer:
                missed = json.loads(answer.read())["version"] - self.document["version"]
            if missed >= 2:
                self.missed += missed
                return
            time.sleep(0.05)


def without_ts(document: Any) -> Any:
    return {key: value for key, value in document.items() if key != "ts"}


# --- what each route must say while an upload runs ---


def lines(body: bytes) -> list[str]:
    return body.decode().splitlines()


def metric(body: bytes, name: str) -> float:
    """The sum over all labels."""
    return sum(float(line.rpartition(" ")[2]) for line in lines(body) if re.match(rf"{name}(\{{| )", line))


def of(body: bytes) -> Any:
    return json.loads(body)


#: Each route of the contract, and whether its answer is that of a running upload.
LIVE: Final[dict[str, Callable[[bytes], object]]] = {
    "/": lambda body: UPLOADER.encode() in body and b"vault:Media" in body,
    "/api/health": lambda body: of(body)["engine"] == "uploading" and 0 <= of(body)["last_event_age_seconds"] < 30,
    "/api/state": lambda body: of(body)["uploaders"][UPLOADER]["progress"]["bytes"] > 0,
    "/api/summary": lambda body: of(body)["active"] and of(body)["bytes_done"] > 0 and of(body)["speed"] > 0,
    "/api/uploaders": lambda body: of(body)["uploaders"][UPLOADER]["quota_used_bytes"] > 0,
    "/api/plan": lambda body: of(body)["available"] and of(body)["data"][UPLOADER]["stages"],
    "/api/history?metric=speed&since=-600": lambda body: any(value > 0 for _, value in of(body)["points"]),
    "/api/history?metric=bytes&since=-600": lambda body: any(value > 0 for _, value in of(body)["points"]),
    "/api/status": lambda body: of(body)["active"] and of(body)["current_sa"] and of(body)["total_sas"] == ACCOUNTS,
    "/api/session_stats": lambda body: (
        of(body)["data"]["transferred_files"] > 0 and of(body)["data"]["total_files"] == len(FILES)
    ),
    "/api/service_accounts": lambda body: (
        len(of(body)) == ACCOUNTS and any(0 < row["used_bytes"] <= ACCOUNT_QUOTA for row in of(body))
    ),
    "/api/rclone_stats": lambda body: of(body)["data"]["speed"] > 0 and of(body)["data"]["transferring"],
    "/api/queue_distribution": lambda body: of(body)["data"][UPLOADER]["max_file_size"] > 0,
    "/api/transfer_history": lambda body: of(body)["available"] and of(body)["data"][UPLOADER],
    "/api/queue_status": lambda body: of(body)["available"] and of(body)["data"]["stage_params"],
    "/api/export/session.csv": lambda body: len(lines(body)) > 1,
    "/api/export/session.json": lambda body: of(body)["files_total"] > 0 and of(body)["files"],
    "/api/export/history.csv": lambda body: len(lines(body)) > 1,
    "/api/export/history.json": lambda body: any(row["bytes"] > 0 for row in of(body)["rows"]),
    "/metrics": lambda body: metric(body, "cloudplow_transferred_bytes_total") > 0,
    "/api/openapi.json": lambda body: of(body)["openapi"].startswith("3.1"),
}


def test_every_route_is_looked_at() -> None:
    assert {path.partition("?")[0] for path in LIVE} == {"/"} | {route.path for route in ROUTES} - {"/api/events"}


@pytest.mark.alone
def test_an_upload_is_shown_live(upload: Upload, browser: Browser) -> None:
    address = upload.address
    viewer = Viewer(address)
    watched = open_page(browser, address)
    polled = open_page(browser, address, stream=False)

    watched.until_text("Live", "#connection")
    watched.until(lambda: sees_what_is_transferred(upload, watched), "the files that are on their way, streamed")

    not_yet = set(LIVE)

    def all_are_live() -> bool:
        not_yet.difference_update({path for path in not_yet if LIVE[path](upload.get(path))})
        return not not_yet

    watched.until(all_are_live, f"live answers of {not_yet}")

    polled.until_text("Polling every 1 s", "#connection")
    polled.until(lambda: sees_what_is_transferred(upload, polled), "the files that are on their way, polled")
    share = polled.text(".headline__share")
    polled.until(lambda: polled.text(".headline__share") != share, "numbers that change")
    assert not upload.finished(), "the upload was over before it had been watched"

    watched.until(upload.finished, "the end of the upload")
    assert "exit status 0" in upload.output, upload.output
    moved = f"finished at .*: {len(FILES)} files"
    for look in (watched, polled):
        look.until(lambda look=look: re.search(moved, look.text("h1")), "the sentence of the end")  # type: ignore[misc]
        look.until(lambda look=look: not look.names(), "an empty table")  # type: ignore[misc]

    viewer.drop_no_more()
    final: Any = {}

    def same() -> bool:
        nonlocal final
        final = upload.ask("api/state")
        return bool(without_ts(viewer.document) == without_ts(final))

    watched.until(lambda: same() or viewer.faults, "a viewer that has everything")
    assert viewer.faults == []
    assert viewer.connections > 3
    assert viewer.missed > 3
    session = final["uploaders"][UPLOADER]["session"]
    assert (session["outcome"], session["files_done"], session["bytes_done"]) == (
        "done",
        len(FILES),
        sum(FILES.values()),
    )
    assert len(session["accounts_used"]) > 2

    for look in (watched, polled):
        look.page.context.close()
    assert watched.complaints == []
    assert [text for text in polled.complaints if "/api/events" not in text] == []
    assert [url for look in (watched, polled) for url in look.requests if not url.startswith(address)] == []
    viewer.expect_the_end()
    assert upload.close() == 0
    viewer.join(WAIT_SECONDS)
    assert viewer.faults == []
    assert sorted(size for size, _ in upload.site.arrived().values()) == sorted(FILES.values())
