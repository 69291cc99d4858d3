"""A cloudplow with two uploaders that comes and goes, beside a watcher that reads what is said of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.agreement.watching import PERIOD_SECONDS, Sight, Watcher
from tests.fake_drive import FakeDrive
from tests.harness.drive_upload import UPLOADER, Site, make_site, write_files
from tests.tools import free_port

MB: Final = 1_000_000
#: Accounts of the first uploader, and of the other one.
ACCOUNTS: Final = 4
OTHER_ACCOUNTS: Final = 2
#: The other uploader; both upload at the same time.
OTHER: Final = "films"
QUOTA_BYTES: Final = 6 * MB
OTHER_QUOTA_BYTES: Final = 3 * MB
#: What was spent comes back after so many hours: so that a long play sees it come back.
QUOTA_HOURS: Final = 60 / 3600
#: Large enough to be on their way for seconds, and small ones between them.
SIZES: Final = (2_500_000, 1_500_000, *[150_000] * 12, 2_000_000, 0, 1_000_000)
OTHER_SIZES: Final = (1_200_000, *[70_000] * 6, 900_000, 0)
#: Of the first one, and of the other one.
SPEEDS: Final = ("1M", "300k")
_DEADLINE_SECONDS: Final = 60.0


class Place:
    """One site, one Drive, one watcher. opens: gives what reads a page at an address."""

    def __init__(self, root: Path, rclone: Path, drive: FakeDrive, opens: Callable[[str], Sight] | None = None) -> None:
        self.drive = drive
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.site = self._make_site(root, rclone)
        sight = opens(self.address) if opens is not None else None
        self.watcher = Watcher(self.address, root, sight, self._command)
        self._batch = 0

    def _command(self, *words: str) -> list[str]:
        """As the site's, which writes the configuration anew: not while others read it."""
        return [sys.executable, "-m", "cloudplow", "--config", str(self.site.config_path), *words]

    @property
    def other_source(self) -> Path:
        """The folder of the other uploader."""
        return self.site.root / "other source"

    def _make_site(self, root: Path, rclone: Path) -> Site:
        extras = {"--transfers": 3, "--drive-chunk-size": "256k", "--drive-upload-cutoff": "256k"}
        site = make_site(root, self.drive, rclone, quota_bytes=QUOTA_BYTES, quota_hours=QUOTA_HOURS, extras=extras)
        site.config["plugins"] = ["tests.integration.event_log", "cloudplow_dashboard"]
        site.config["dashboard"] = {"enabled": True, "port": self.port, "refresh_interval": 1}
        site.config["core"]["max_parallel_uploads"] = 2
        self._add_other(site)
        for name, speed in zip((UPLOADER, OTHER), SPEEDS, strict=True):
            site.config["remotes"][name]["rclone_extras"]["--bwlimit"] = speed
        site.save()
        return site

    def _add_other(self, site: Site) -> None:
        """The other uploader: a folder, a destination and accounts of its own."""
        keys, source = site.root / "other accounts", site.root / "other source"
        for folder in (keys, source):
            folder.mkdir()
        for number in range(ACCOUNTS + 1, ACCOUNTS + OTHER_ACCOUNTS + 1):
            key = self.drive.key_file(number)
            key.rename(keys / key.name)
        remote = site.config["remotes"][UPLOADER]
        own = {"upload_folder": str(source), "upload_remote": "gdrive:Films"}
        site.config["remotes"][OTHER] = remote | own | {"rclone_extras": dict(remote["rclone_extras"])}
        pool = {"service_account_path": str(keys), "account_quota": OTHER_QUOTA_BYTES}
        site.config["uploader"][OTHER] = site.config["uploader"][UPLOADER] | pool
        # For `run`: an upload is due once there is anything.
        for uploader in site.config["uploader"].values():
            uploader["max_size_gb"] = 0

    # --- parts of rounds ---------------------------------------------------------------------------------------------

    def add_files(self, *, small_only: bool = False, times: int = 1, other_times: int = 1) -> None:
        """New files for both. times, other_times: how often, for the first and for the other one."""
        self._batch += 1
        for source, sizes, often in ((self.site.source, SIZES, times), (self.other_source, OTHER_SIZES, other_times)):
            few = [size for size in sizes if not small_only or size < MB // 2]
            for number in range(often):
                write_files(source / f"batch {self._batch}.{number}", few, seed=self._batch * 10 + number)

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """While inside, a cloudplow runs; what is left of it is killed at the end."""
        environment = {**os.environ, "CLOUDPLOW_LANDING_SECONDS": "1"}
        with (self.site.root / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                self.site.command(*words),
                cwd=Path(__file__).parents[2],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                self.watcher.note_killed()
            # With its rclone, which is in the same session.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.watcher.note_gone()

    @contextmanager
    def frozen(self, pid: int) -> Iterator[None]:
        """While inside, a process of ours does nothing."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def rclone_of(self, process: subprocess.Popen[bytes], uploader: str) -> int | None:
        """The rclone that uploads for an uploader, None when there is none."""
        for pid in _below(process.pid):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                folder: Any = self.site.config["remotes"][uploader]["upload_folder"]
                if folder in words and any(word in ("move", "copy", "moveto", "copyto") for word in words):
                    return pid
        return None

    def until_it_ends(self, process: subprocess.Popen[bytes], seconds: float = _DEADLINE_SECONDS) -> None:
        """Watch until the process has ended, at most so long."""
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            self.watcher.wait(PERIOD_SECONDS)
        if process.poll() is not None:
            self.watcher.note_gone()


def _below(pid: int) -> Iterator[int]:
    """Processes that a process has started, and those that these have."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                yield int(child)
                yield from _below(int(child))
