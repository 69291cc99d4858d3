"""What all tests have: the real rclone in both versions, fake Drives, and the profiles of the property tests."""

from __future__ import annotations

import os
import signal
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Interrupted uploads are asked about for a minute; nothing of a test's own Drive is on its way that long.
os.environ.setdefault("CLOUDPLOW_LANDING_SECONDS", "2")

pytest_plugins = ["tests.rclone_binaries", "tests.fake_drive.pytest_plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--whole`: every combination of the large tables."""
    parser.addoption("--whole", action="store_true", help="play every combination of tests marked `thin`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test marked `thin(n)`, keep every n-th combination of its parameters, unless `--whole` is given.

    `thin(keep=f)` keeps those for which f(item) is true.
    """
    if config.getoption("--whole") or any("[" in argument for argument in config.args):
        return
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("thin") is not None:
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for name, table in tables.items():
        mark = table[0].get_closest_marker("thin")
        assert mark is not None
        if keep := mark.kwargs.get("keep"):
            left_out |= {one for one in table if not keep(one)}
            continue
        step = mark.args[0]
        # Not the first of each table: its first column would always be the same.
        first = zlib.crc32(name.encode()) % min(step, len(table))
        left_out |= set(table) - set(table[first::step])
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


# A shell starts what runs in the background with Ctrl-C ignored, and every program of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No time limit for each example: a busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For script/test --fast: the same with fewer examples, where a test does not say how many it needs.
settings.register_profile("quick", settings.get_profile("patient"), max_examples=20)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def runtime_dir() -> Iterator[Path]:
    """Where a control socket goes whose state folder has too long a path, as that of a test with a long name."""
    with tempfile.TemporaryDirectory(prefix="run-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)
