"""The fake Google Drive as a server: speed limits, stopping, connections that end, what other processes may see."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.fake_drive import Mode
from tests.fake_drive.pytest_plugin import MakeDrive, fake_drive_fixture
from tests.integration.test_fake_drive import MB, STOP, run, write_many

__all__ = ["fake_drive_fixture"]
pytestmark = pytest.mark.rclone


def test_bandwidth_and_latency_slow_it_down(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    write_many(tmp_path / "source", 2, 5 * MB)
    drive.set_settings(bandwidth=10 * MB, latency_seconds=0.05)
    began = time.monotonic()

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:").returncode == 0

    assert time.monotonic() - began > 0.9


def test_it_stops_in_the_middle_of_uploads(any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive()
    drive.set_settings(connection_bandwidth=MB)
    write_many(tmp_path / "source", 4, 20 * MB)
    command = [str(any_rclone), "copy", str(tmp_path / "source"), "gdrive:"]
    with subprocess.Popen(command, env=drive.process_env(), stderr=subprocess.DEVNULL) as process:
        while drive.usage(1).received < MB:
            time.sleep(0.02)
        drive.stop()
        process.kill()

    assert drive.files() == {}


def test_a_killed_upload_holds_no_quota(any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(quota_bytes=20 * MB, mode=Mode.WOULD_EXCEED)
    write_many(tmp_path / "source", 1, 20 * MB)
    drive.set_settings(connection_bandwidth=2 * MB)
    command = [str(any_rclone), "copy", str(tmp_path / "source"), "gdrive:"]
    with subprocess.Popen(command, env=drive.process_env(), stderr=subprocess.DEVNULL) as process:
        while drive.usage(1).received < MB:
            time.sleep(0.02)
        process.kill()
    drive.set_settings(connection_bandwidth=None)
    while drive.connections():
        time.sleep(0.02)

    assert run(any_rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP).returncode == 0


def test_other_hosts_are_refused(fake_drive: MakeDrive) -> None:
    drive = fake_drive()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": drive.env()["HTTPS_PROXY"]}))

    with pytest.raises(OSError, match="403"):
        opener.open("https://example.org/", timeout=10)

    with drive.world.lock:
        assert drive.world.refused_hosts == ["example.org:443"]


def test_the_control_port_shows_and_changes(rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(control_port=0)
    address = f"http://127.0.0.1:{drive.control_port}"
    config = {"quota": {"limit_bytes": MB, "mode": "would_exceed"}, "spend": {"1.json": MB - 500}}
    with urllib.request.urlopen(f"{address}/config", json.dumps(config).encode(), timeout=10) as answer:
        assert answer.status == 200
    write_many(tmp_path / "source", 1, 1000)

    assert run(rclone, drive, "copy", tmp_path / "source", "gdrive:", STOP).returncode == 7

    with urllib.request.urlopen(f"{address}/state?files=1", timeout=10) as answer:
        state = json.load(answer)
    assert state["accounts"]["1.json"]["denials"] == 1
    assert state["accounts"]["1.json"]["in_window"] == MB - 500
    assert state["files"] == {}


def test_it_runs_by_hand(any_rclone: Path, tmp_path: Path) -> None:
    """`python -m tests.fake_drive` prints what to export, and ends at SIGINT."""
    write_many(tmp_path / "source", 1, 1000)
    command = [sys.executable, "-m", "tests.fake_drive", "--accounts=2", "--quota=50M", "--control-port=0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*command, "--dir", str(tmp_path / "drive")], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = list(itertools.takewhile(str.strip, process.stdout))  # an empty line ends what it has to say
        exports = [line for line in lines if line.startswith("export ")]
        script = "".join([*exports, f"{any_rclone} copy {tmp_path}/source gdrive:\n"])
        copied = subprocess.run(["/bin/sh", "-c", script], env=os.environ, timeout=60, check=False)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0

    assert copied.returncode == 0
    assert any("/state" in line for line in lines)
