"""External programs that tests need: where they are, or a skip that names what is missing.

In continuous integration (environment CI=true) a missing program is a failure, so that no test disappears unseen.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Where Debian puts servers; not on the PATH of everybody.
_SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/sbin")
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: How often a program is started again that ended at once: somebody else may have taken its port.
_STARTS: Final = 3
START_SECONDS: Final = 30.0


def miss(what: str) -> NoReturn:
    """Skip the test, or fail it in continuous integration. what: the program, and the package that has it."""
    message = f"{what} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def find_program(*names: str) -> Path | None:
    """The first of these programs that is on the PATH or where servers are."""
    path = os.pathsep.join([*os.get_exec_path(), *_SYSTEM_FOLDERS])
    found = (shutil.which(name, path=path) for name in names)
    return next((Path(one) for one in found if one), None)


def require_program(name: str, package: str = "") -> Path:
    """The program; skips the test when it is missing. package: Debian's, when it has another name."""
    found = find_program(name)
    if found is None:
        miss(f"{name} (Debian's package {package or name})")
    return found


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A headless Chromium; skips the test when there is none. flags: more of them."""
    if importlib.util.find_spec("playwright") is None:
        miss("playwright")
    program = find_program(*CHROMIUM_NAMES)
    if program is None:
        miss("Chromium (Debian's package chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=[*CHROMIUM_FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def free_port() -> int:
    """A port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def listening_server(
    command_for: Callable[[int], Sequence[str | Path]], log_path: Path, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A server of another project as a process of ours, from the moment it listens; gives its port.

    command_for: the command for a port; log_path: gets what it prints.
    """
    for _ in range(_STARTS):
        port = free_port()
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command_for(port), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        try:
            if _comes_up(process, port):
                yield port
                return
        finally:
            _end(process)
    pytest.fail(f"it did not start: {log_path.read_text('utf-8', 'replace')[-3000:]}")


def _comes_up(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if listens(port):
            return process.poll() is None
        time.sleep(0.02)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
