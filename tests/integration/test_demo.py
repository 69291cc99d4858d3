"""The demo as a user runs it: the real engine, the real rclone, the real dashboard."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cloudplow.delivery import EventBus
from cloudplow.demo.demo import Finish, run_demo
from cloudplow.demo.library import library_files
from cloudplow.demo.site import ACCOUNTS, UPLOADER, DemoSite
from cloudplow.events import FileTransferred, SessionFinished, SessionOutcome
from cloudplow.rclone.process import run

pytestmark = pytest.mark.rclone

ROOT: Final = Path(__file__).parents[2]
#: No demo of the tests takes longer, in seconds.
DEADLINE_SECONDS: Final = 90.0


def installed_rclones() -> list[str]:
    """Every rclone here: the system's and the embedded one."""
    places = [shutil.which("rclone", path="/usr/bin"), str(Path(sysconfig.get_path("scripts")) / "rclone")]
    return [place for place in places if place and Path(place).exists()]


@pytest.fixture(params=installed_rclones() or [""], ids=lambda path: str(path).strip("/").replace("/", "-")[-12:])
def rclone(request: pytest.FixtureRequest) -> str:
    if not request.param:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("rclone is not installed")
    return str(request.param)


# The check at the end, with an upload that does the work in its own way


def move_everything(site: DemoSite, *, stages: int = ACCOUNTS) -> None:
    """Moves all, and tells of it in the names of so many accounts."""
    assert run([site.rclone, "move", str(site.library), "vault:Media"]).code == 0
    bus = EventBus()
    for number, file in enumerate(library_files()):
        account = f"{number % stages + 1}.json"
        bus.publish(FileTransferred(uploader=UPLOADER, name=file.name, size=file.size, account=account, stage=1))
    bus.publish(
        SessionFinished(
            uploader=UPLOADER,
            outcome=SessionOutcome.DONE,
            files=0,
            bytes=0,
            files_left=0,
            bytes_left=0,
            next_capacity_at=None,
        )
    )
    bus.close()


def test_every_file_is_read_back_and_compared(tmp_path: Path, rclone: str) -> None:
    said: list[str] = []

    def upload(site: DemoSite, finish: Finish) -> int:
        move_everything(site)
        return finish(0)

    status = run_demo(tmp_path, exit_when_done=True, upload=upload, rclone=rclone, port=0, say=said.append)

    assert status == 0, said
    assert any(text.startswith("Verified: ") for text in said)
    assert not [text for text in said if text.startswith("FAULT")]


def test_one_damaged_file_is_found(tmp_path: Path, rclone: str) -> None:
    said: list[str] = []

    def upload(site: DemoSite, finish: Finish) -> int:
        victim = site.library / library_files()[-1].name
        content = bytearray(victim.read_bytes())
        content[-1] ^= 1
        victim.write_bytes(content)
        move_everything(site)
        return finish(0)

    status = run_demo(tmp_path, exit_when_done=True, upload=upload, rclone=rclone, port=0, say=said.append)

    assert status == 1
    faults = [text for text in said if text.startswith("FAULT")]
    assert len(faults) == 1
    assert "different contents" in faults[0]


def test_an_upload_that_fails_decides_the_status(tmp_path: Path, rclone: str) -> None:
    def upload(site: DemoSite, finish: Finish) -> int:
        move_everything(site)
        return finish(3)

    status = run_demo(tmp_path, exit_when_done=True, upload=upload, rclone=rclone, port=0, say=lambda _text: None)

    assert status == 3


# The whole of it


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def demo_environment(home: Path, rclone: str) -> dict[str, str]:
    temporary = home.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(rclone).parent), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "RCLONE_", "CLOUDPLOW_"))}
    return kept | {"HOME": str(home), "TMPDIR": str(temporary), "PATH": path, "PYTHONPATH": str(ROOT)}


def demo_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cloudplow", "demo", "--port", "0", *arguments]


def health(address: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{address}api/health", timeout=5) as answer:
        document: dict[str, object] = json.load(answer)
    return document


def test_demo_uploads_through_the_pool_and_leaves_nothing_behind(tmp_path: Path, home: Path, rclone: str) -> None:
    done = subprocess.run(
        demo_command("--exit", "--speed", "40M"),
        env=demo_environment(home, rclone),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified: " in done.stdout
    assert re.search(rf"347 of 347 files, .*, ([45]|{ACCOUNTS}) of {ACCOUNTS} accounts", done.stdout)
    assert list(home.iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_given_folder_stays_for_a_look(tmp_path: Path, home: Path, rclone: str) -> None:
    folder = tmp_path / "a demo"

    done = subprocess.run(
        demo_command("--exit", "--speed", "100M", "--folder", str(folder)),
        env=demo_environment(home, rclone),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    ledger = json.loads((folder / "sa_quota_cache.json").read_text(encoding="utf-8"))
    assert sum(entry["bytes"] for entry in ledger[UPLOADER].values()) == sum(file.size for file in library_files())
    assert (folder / "config.json").is_file()


class Terminal:
    """The demo on a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.text = ""

    def read_until(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (match := re.search(pattern, self.text)) is None:
            assert time.monotonic() < deadline, self.text
            if select.select([self._ours], [], [], 1)[0]:
                try:
                    chunk = os.read(self._ours, 65536)
                except OSError as error:  # how a terminal says that its other side is closed
                    assert error.errno == errno.EIO
                    chunk = b""
                assert chunk, f"the demo ended early: {self.text}"
                self.text += chunk.decode("utf-8", "replace")
        return match

    def drain(self) -> None:
        """Read what is left, so that nobody waits for us."""
        with contextlib.suppress(OSError):
            while select.select([self._ours], [], [], 0.5)[0] and (chunk := os.read(self._ours, 65536)):
                self.text += chunk.decode("utf-8", "replace")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(home: Path, rclone: str) -> Iterator[Terminal]:
    demo = Terminal(demo_command("--speed", "40M"), demo_environment(home, rclone), home)
    yield demo
    demo.close()


def test_on_a_terminal_the_dashboard_stays_up_until_ctrl_c(terminal: Terminal, tmp_path: Path) -> None:
    address = terminal.read_until(r"Dashboard: (http://127\.0\.0\.1:\d+/)")[1]
    terminal.read_until(r"press Ctrl-C to stop it")
    time.sleep(0.5)  # it must stay up; not a wait for something to happen

    assert terminal.process.poll() is None
    assert health(address)["status"] == "healthy"

    terminal.process.send_signal(signal.SIGINT)
    terminal.drain()
    assert terminal.process.wait(20) == 0, terminal.text
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_in_the_middle_ends_it_and_cleans_up(home: Path, rclone: str, tmp_path: Path) -> None:
    terminal = Terminal(demo_command("--speed", "2M"), demo_environment(home, rclone), home)
    try:
        terminal.read_until(r"about \d+ seconds")
        time.sleep(3)  # into the upload
        terminal.process.send_signal(signal.SIGINT)
        terminal.drain()

        assert terminal.process.wait(20) == 130, terminal.text
    finally:
        terminal.close()
    assert list((tmp_path / "tmp").iterdir()) == []


# The core without a web server


def test_command_line_works_without_a_web_server_installed() -> None:
    program = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"flask", "werkzeug", "jinja2", "uvicorn", "cloudplow_dashboard"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
from cloudplow.cli import main
try:
    sys.exit(main(["--help"]))
except SystemExit as end:
    sys.exit(end.code)
"""
    done = run([sys.executable, "-c", program], environment=os.environ | {"PYTHONPATH": str(ROOT)}, timeout_seconds=30)

    assert done.code == 0, done.stderr
    assert b"upload" in done.stdout
