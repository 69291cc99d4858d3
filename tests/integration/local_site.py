"""A folder with a configuration for one uploader whose clouds are local folders, and what its uploads came to.

The clouds: `vault:` is a crypt remote (what goes there is really copied, then deleted at the source), `plain:` is a
crypt remote that leaves names as they are, `disk:` is the local backend itself (a move there is a rename).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from cloudplow.demo.site import SECTIONS
from cloudplow.upload.doubts import LANDING_VARIABLE
from tests.harness.books import read_records
from tests.integration import event_log

REPOSITORY: Final = Path(__file__).parents[2]

UPLOADER: Final = "google"
#: A plugin, by name only: it changes whatever process imports it.
SHORT_PAUSES: Final = "tests.integration.short_pauses"
#: No upload of these tests takes longer, in seconds.
DEADLINE_SECONDS: Final = 60.0
#: "no secret at all", as `rclone obscure` writes it.
_PASSWORD: Final = "yKyYmb7aJNcIrRdnFLFK2Y9c1TF9Ei8MMgKoBT4-lw0"

#: Name -> (size, MD5). Names are bytes: those of a disk need not be UTF-8.
Contents = dict[bytes, tuple[int, str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command line. events: everything that a well-behaved receiver got, in its order."""

    status: int
    stdout: str
    stderr: str
    events: Sequence[Mapping[str, Any]] = ()

    def of(self, *signals: str) -> list[Mapping[str, Any]]:
        """The events of these signals."""
        return [event for event in self.events if event["signal"] in signals]

    @property
    def finished(self) -> Mapping[str, Any]:
        """The last event of the only session."""
        (event,) = self.of("session_finished")
        return event

    @property
    def transferred(self) -> dict[str, int]:
        """Sizes by name, of every file that was said to be transferred. Fails when one was said to be so twice."""
        events = self.of("file_transferred")
        sizes = {event["name"]: event["size"] for event in events}
        assert len(sizes) == len(events)
        return sizes

    @property
    def transferred_bytes(self) -> int:
        return sum(event["size"] for event in self.of("file_transferred"))

    @property
    def said(self) -> str:
        """All output, for messages of failed tests."""
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"


@dataclass(slots=True)
class LocalSite:
    """Change `config` as you like before a run; `remote` and `uploader` are parts of it."""

    root: Path
    rclone: Path
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.source, self.cloud):
            folder.mkdir(parents=True)
        self.add_remote("vault", type="crypt", remote=str(self.cloud), password=_PASSWORD)
        self.add_remote(
            "plain",
            type="crypt",
            remote=str(self.cloud),
            password=_PASSWORD,
            filename_encryption="off",
            directory_name_encryption="false",
        )
        self.add_remote("disk", type="local")
        self.config = {
            "core": {"rclone_binary_path": str(self.rclone), "rclone_config_path": str(self.root / "rclone.conf")},
            "plugins": [event_log.PLUGIN],
            "remotes": {
                UPLOADER: {
                    "upload_folder": str(self.source),
                    "upload_remote": "vault:Media",
                    "rclone_extras": {"--transfers": 4},
                }
            },
            "uploader": {UPLOADER: {"exclude_open_files": False}},
        }

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def cloud(self) -> Path:
        return self.root / "cloud"

    @property
    def accounts(self) -> Path:
        return self.root / "accounts"

    @property
    def config_path(self) -> Path:
        return self.root / "config.json"

    @property
    def events_path(self) -> Path:
        return self.root / event_log.FILE_NAME

    @property
    def remote(self) -> dict[str, Any]:
        remote: dict[str, Any] = self.config["remotes"][UPLOADER]
        return remote

    @property
    def extras(self) -> dict[str, Any]:
        extras: dict[str, Any] = self.remote["rclone_extras"]
        return extras

    @property
    def uploader(self) -> dict[str, Any]:
        uploader: dict[str, Any] = self.config["uploader"][UPLOADER]
        return uploader

    def add_remote(self, name: str, **settings: str) -> None:
        """Add a section to rclone's configuration."""
        lines = [f"[{name}]", *(f"{key} = {value}" for key, value in settings.items()), ""]
        with (self.root / "rclone.conf").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines))

    def add_accounts(self, count: int, *, quota: int | str, hours: float = 24) -> None:
        """Use a pool of accounts."""
        self.accounts.mkdir(exist_ok=True)
        for number in range(1, count + 1):
            key = {"type": "service_account", "client_email": f"{number}@pool.invalid"}
            (self.accounts / f"{number}.json").write_text(json.dumps(key), encoding="utf-8")
        self.uploader.update(service_account_path=str(self.accounts), account_quota=quota, account_quota_hours=hours)

    def shorten_pauses(self) -> None:
        """Try files that failed again sooner: for tests that are not about the pauses."""
        self.config["plugins"].append(SHORT_PAUSES)

    def write(self, name: str | bytes, size: int = 1000) -> Path:
        """Put a file of incompressible content into the source."""
        path = self.source / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(os.fsencode(name)).randbytes(size))
        return path

    def write_library(self, count: int, total_bytes: int) -> Contents:
        """Fill the source with files of very different sizes that sum to total_bytes exactly."""
        numbers = random.Random(count)
        weights = [min(30.0, numbers.paretovariate(0.7)) for _ in range(count)]
        share = total_bytes * 0.9 / sum(weights)
        sizes = [int(weight * share) for weight in weights]
        rest = total_bytes - sum(sizes)
        sizes = [size + rest // count + (number < rest % count) for number, size in enumerate(sizes)]
        for number, size in enumerate(sizes):
            self.write(f"Show {number % 7}/Season {number % 3}/Episode {number:03}.mkv", size)
        return contents(self.source)

    def environment(self, **more: str) -> dict[str, str]:
        """What cloudplow gets: nothing of the user's settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RCLONE_", "CLOUDPLOW_")) and name not in SECTIONS
        }
        made = {"HOME": str(self.root), "PYTHONPATH": str(REPOSITORY), LANDING_VARIABLE: "2"}
        return kept | made | more

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "cloudplow", "--config", str(self.config_path), *words]

    def save(self) -> None:
        """Write the configuration."""
        self.config_path.write_text(json.dumps(self.config), encoding="utf-8")

    def run(
        self, *words: str, environment: Mapping[str, str] | None = None, deadline_seconds: float = DEADLINE_SECONDS
    ) -> Run:
        """Run a command to its end."""
        self.save()
        self.events_path.unlink(missing_ok=True)
        done = subprocess.run(
            self.command(*words),
            env=environment or self.environment(),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=deadline_seconds,
            check=False,
        )
        return Run(
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
            self.told(),
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own; its output goes to `output.txt`."""
        self.save()
        self.events_path.unlink(missing_ok=True)
        with (self.root / "output.txt").open("wb") as output:
            return subprocess.Popen(
                self.command(*words),
                env=self.environment(),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """What a started command has printed so far."""
        return (self.root / "output.txt").read_text("utf-8", "replace")

    def told(self) -> list[dict[str, Any]]:
        """The events of the last run so far."""
        if not self.events_path.exists():
            return []
        complete = self.events_path.read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def ledger(self) -> dict[str, dict[str, Any]]:
        """What the book says about each account, by the name of its key file."""
        return read_records(self.root, self.config, UPLOADER)

    def ledger_bytes(self) -> int:
        """What all accounts together have used, with what a killed stage may have used."""
        return sum(record["bytes"] for record in self.ledger().values())

    def ask_rclone(self, *words: str, check: bool = True) -> str:
        """What an rclone command prints. check: it must end well."""
        done = subprocess.run(
            [self.rclone, *words, f"--config={self.root / 'rclone.conf'}"],
            env=self.environment(),
            capture_output=True,
            check=check,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout.decode("utf-8", "surrogateescape")

    def arrived(self, *, check: bool = True) -> Contents:
        """What the destination holds, read back through rclone (copied to a new folder, decrypted).

        check: it must all be readable, which a file cut off on its way to a local folder is not.
        """
        folder = self.root / f"restored {time.monotonic_ns()}"
        folder.mkdir()
        self.ask_rclone("copy", self.remote["upload_remote"], str(folder), "--retries=1", check=check)
        return contents(folder)


def contents(folder: Path) -> Contents:
    """Every regular file below a folder."""
    found: Contents = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
                found[os.fsencode(path.relative_to(folder))] = (file.tell(), digest.hexdigest())
    return found


def total_bytes(files: Contents) -> int:
    return sum(size for size, _ in files.values())


def wait_for(question: Callable[[], T], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Ask again and again until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return answer
