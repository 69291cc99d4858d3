"""Uploads of every kind, one after the other, while everything that says something about them is read."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.agreement.reading import Figures
from tests.agreement.watching import Watcher
from tests.fake_drive import FakeDrive
from tests.harness.drive_upload import UPLOADER, Site, make_site, write_files
from tests.tools import free_port

MB: Final = 1_000_000
ACCOUNTS: Final = 4
QUOTA_BYTES: Final = 6 * MB
#: What was spent comes back after so many hours: so that a long play sees it come back.
QUOTA_HOURS: Final = 60 / 3600
#: Large enough to be on their way for seconds, and small ones between them.
SIZES: Final = (2_500_000, 1_500_000, *[150_000] * 12, 2_000_000, 0, 1_000_000)
_DEADLINE_SECONDS: Final = 60.0

Page = Callable[[], Figures | None]


@dataclass(slots=True)
class Result:
    """What a play came to. faults: what must not be; sources: how often each was read."""

    faults: list[str] = field(default_factory=list)
    rounds: int = 0
    documents: int = 0
    answers: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        head = f"{self.rounds} rounds of reading, {self.answers} answers, {self.documents} documents; {self.kinds}"
        return "\n".join([head, str(dict(self.sources)), *self.faults])


class Play:
    """One site, one Drive, one watcher."""

    def __init__(self, root: Path, rclone: Path, drive: FakeDrive, page: Callable[[str], Page] | None = None) -> None:
        self.drive = drive
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.site = self._make_site(root, rclone)
        look = page(self.address) if page is not None else None
        self.watcher = Watcher(self.address, root, UPLOADER, look)
        self._batch = 0

    def _make_site(self, root: Path, rclone: Path) -> Site:
        extras = {"--bwlimit": "1M", "--transfers": 3, "--drive-chunk-size": "256k", "--drive-upload-cutoff": "256k"}
        site = make_site(root, self.drive, rclone, quota_bytes=QUOTA_BYTES, quota_hours=QUOTA_HOURS, extras=extras)
        site.config["plugins"] = ["tests.integration.event_log", "cloudplow_dashboard"]
        site.config["dashboard"] = {"enabled": True, "port": self.port, "refresh_interval": 1}
        site.save()
        return site

    # --- kinds of rounds ---------------------------------------------------------------------------------------------

    def whole(self) -> None:
        """An upload through several accounts to its end."""
        self._add_files()
        with self._running("upload") as process:
            self._until_it_ends(process)

    def denied(self) -> None:
        """The first account is denied before its quota is used."""
        self._add_files()
        self.drive.set_quota(1, limit_bytes=1)
        with self._running("upload") as process:
            self._until_it_ends(process)
        self.drive.set_quota(1, limit_bytes=None)

    def failing(self) -> None:
        """A file cannot be read."""
        self._add_files(small_only=True)
        bad = self.site.source / "bad.mkv"
        bad.symlink_to("nowhere")
        with self._running("upload") as process:
            self._until_it_ends(process)
        bad.unlink(missing_ok=True)

    def dry(self) -> None:
        """A dry run."""
        self._add_files()
        with self._running("upload", "--dry-run") as process:
            self._until_it_ends(process)

    def killed(self) -> None:
        """kill -9 in the middle; then the dashboard alone."""
        self._add_files()
        with self._running("upload"):
            self.watcher.wait(4)
        with self._running("dashboard"):
            self.watcher.wait(3)

    def stopped(self) -> None:
        """SIGTERM in the middle; then the dashboard alone."""
        self._add_files()
        with self._running("upload") as process:
            self.watcher.wait(4)
            process.terminate()
            self._until_it_ends(process)
        with self._running("dashboard"):
            self.watcher.wait(3)

    def waiting(self) -> None:
        """More than all quotas: it waits for what comes back, and goes on."""
        self._add_files()
        self._add_files()
        self._add_files()
        with self._running("upload", "--wait") as process:
            self._until_it_ends(process, 45)

    def limited(self) -> None:
        """Its speed is limited, and then not."""
        self._add_files()
        with self._running("upload") as process:
            self.watcher.wait(3)
            self.site.run("limit", "300k")
            self.watcher.wait(2)
            self.site.run("limit", "off")
            self._until_it_ends(process)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _add_files(self, *, small_only: bool = False) -> None:
        self._batch += 1
        sizes = [size for size in SIZES if not small_only or size < MB]
        write_files(self.site.source / f"batch {self._batch}", sizes, seed=self._batch)

    @contextmanager
    def _running(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
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
            # With its rclone, which is in the same session.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _until_it_ends(self, process: subprocess.Popen[bytes], seconds: float = _DEADLINE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            self.watcher.wait(0.2)


KINDS: Final[tuple[Callable[[Play], None], ...]] = (
    Play.whole,
    Play.killed,
    Play.dry,
    Play.denied,
    Play.stopped,
    Play.failing,
    Play.limited,
    Play.waiting,
)


def play(
    root: Path,
    rclone: Path,
    *,
    seconds: float,
    kinds: tuple[Callable[[Play], None], ...] = KINDS,
    page: Callable[[str], Page] | None = None,
) -> Result:
    """Play the kinds in turn for so long, at least each of them once if seconds is 0. root: a new folder."""
    result = Result()
    (root / "drive").mkdir(parents=True)
    with FakeDrive(root / "drive", accounts=ACCOUNTS) as drive:
        one = Play(root / "site", rclone, drive, page)
        one.watcher.start()
        ends_at = time.monotonic() + seconds
        for kind in itertools.cycle(kinds) if seconds else kinds:
            if seconds and time.monotonic() > ends_at:
                break
            kind(one)
            result.kinds[kind.__name__] = result.kinds.get(kind.__name__, 0) + 1
        one.watcher.stop()
        result.faults = one.watcher.judged()
        result.rounds, result.documents = one.watcher.rounds, len(one.watcher.documents)
        read = [*one.watcher.versioned, *one.watcher.loose]
        result.answers, result.sources = len(read), Counter(reading.source for reading in read)
    said = (root / "site" / "output.txt").read_text("utf-8", "replace")
    if "Traceback" in said:
        result.faults.append(f"a traceback: {said[-2000:]}")
    return result
