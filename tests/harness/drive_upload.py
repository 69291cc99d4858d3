"""Uploads a generated folder to a fake Drive with the real rclone, in this process or through the command line."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudplow import events
from cloudplow.app import App
from cloudplow.events import Event, SessionFinished
from tests.fake_drive import FakeDrive
from tests.harness.books import read_records

UPLOADER = "google"


def pareto_sizes(count: int, total_bytes: int, *, smallest: int, largest: int, seed: int = 1) -> list[int]:
    """Sizes with a long tail between two bounds that sum to exactly total_bytes."""
    random_source = random.Random(seed)
    raw = [min(largest, smallest * random_source.paretovariate(0.55)) for _ in range(count)]
    factor = total_bytes / sum(raw)
    sizes = [max(smallest, min(largest, int(size * factor))) for size in raw]
    short = total_bytes - sum(sizes)
    order = sorted(range(count), key=lambda index: sizes[index])
    for index in order:
        step = max(smallest - sizes[index], min(largest - sizes[index], short))
        sizes[index] += step
        short -= step
        if short == 0:
            break
    return sizes


def write_files(
    folder: Path, sizes: Sequence[int], *, per_folder: int = 40, seed: int = 1
) -> dict[str, tuple[int, str]]:
    """Write a file of each size; returns name -> (size, md5)."""
    random_source = random.Random(seed)
    block = random_source.randbytes(1 << 20)
    written: dict[str, tuple[int, str]] = {}
    for number, size in enumerate(sizes):
        name = f"Show {number // per_folder:03}/Episode {number:05}.mkv"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("wb") as file:
            piece = f"{number}\n".encode()[:size]
            left = size
            while left:
                piece = piece[:left]
                file.write(piece)
                digest.update(piece)
                left -= len(piece)
                piece = block
        written[name] = (size, digest.hexdigest())
    return written


@dataclass
class Seen:
    """Every event of a run, in the order of delivery."""

    events: list[Event] = field(default_factory=list)

    def of(self, event_type: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, event_type)]

    def transferred_bytes(self) -> int:
        return sum(event.size for event in self.of(events.FileTransferred))

    def on_event(self, _sender: str, *, event: Event, **_extra: Any) -> None:
        self.events.append(event)


@contextmanager
def recorded() -> Iterator[Seen]:
    """Record all events while inside."""
    seen = Seen()
    for signal in events.SIGNALS.values():
        signal.connect(seen.on_event)
    try:
        yield seen
    finally:
        for signal in events.SIGNALS.values():
            signal.disconnect(seen.on_event)


@dataclass(slots=True)
class Site:
    """A folder with a configuration for one uploader to a fake Drive."""

    root: Path
    config: dict[str, Any]

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def config_path(self) -> Path:
        return self.root / "config.json"

    def save(self) -> None:
        """Write the configuration."""
        self.config_path.write_text(json.dumps(self.config))

    def ledger(self) -> dict[str, dict[str, Any]]:
        """What the book says of the uploader's accounts, by the base name of the key file."""
        return read_records(self.root, self.config, UPLOADER)

    def ledger_bytes(self) -> int:
        return sum(entry["bytes"] for entry in self.ledger().values())

    def upload(self, **options: Any) -> tuple[SessionFinished, Seen]:
        """Upload in this process."""
        self.save()
        with recorded() as seen, App(self.config_path, self.root, environ={}) as app:
            tasks = app.tasks([])
            app.begin_tasks(tasks)
            finished = app.upload_tasks(tasks, **options)
        return finished[-1], seen

    def command(self, *words: str) -> list[str]:
        """The argument list of a cloudplow command on this site."""
        self.save()
        return [sys.executable, "-m", "cloudplow", "--config", str(self.config_path), *words]

    def run(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a cloudplow command to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout, check=False)


def make_site(
    root: Path,
    drive: FakeDrive,
    rclone: Path,
    *,
    quota_bytes: int | None = None,
    quota_hours: float = 24,
    destination: str = "gdrive:Media",
    extras: dict[str, Any] | None = None,
    remote: dict[str, Any] | None = None,
) -> Site:
    """A site whose rclone talks to the fake Drive. quota_bytes: None uses no pool of accounts."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "source").mkdir(exist_ok=True)
    uploader: dict[str, Any] = {"exclude_open_files": False}
    if quota_bytes is not None:
        uploader |= {
            "service_account_path": str(drive.accounts_directory),
            "account_quota": quota_bytes,
            "account_quota_hours": quota_hours,
        }
    config = {
        "core": {"rclone_binary_path": str(drive.wrap(rclone)), "rclone_config_path": str(drive.remotes.path)},
        "remotes": {
            UPLOADER: {
                "upload_folder": str(root / "source"),
                "upload_remote": destination,
                "rclone_extras": {"--transfers": 8, **(extras or {})},
                **(remote or {}),
            }
        },
        "uploader": {UPLOADER: uploader},
        "plugins": [],
    }
    site = Site(root, config)
    site.save()
    return site
