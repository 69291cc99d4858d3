"""Where a round is played: a fake Drive, a source folder, a configuration, a state folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.fake_drive import FakeDrive, StoredFile
from tests.harness.drive_upload import Site, make_site, write_files
from tests.interruptions import crypt, telling
from tests.interruptions.disks import SLOW_FSYNC_SECONDS, StateDisk, can_mount
from tests.interruptions.processes import Upload, find_users, send_all
from tests.interruptions.scenario import STATE_KINDS, Scenario

REPOSITORY: Final = Path(__file__).parents[2]
DESTINATION: Final = "Media"
_CRYPT: Final = "secret"
#: How long an orphaned rclone may live on, and a connection whose sender has ended.
_QUIET_SECONDS: Final = 30.0
#: How long a command that only asks may take.
_COMMAND_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: its exit status, and everything that it printed."""

    status: int
    output: str


class Place:
    """Use as a context manager. Set `keep` to leave the folder as it is at the end.

    files: every name that a file had at the source -> its size and MD5. renamed: names that a file no longer has.
    """

    def __init__(self, root: Path, scenario: Scenario, slow_fsync: Path | None) -> None:
        self.root = root
        self.scenario = scenario
        self.keep = False
        self._slow_fsync = slow_fsync
        self._starts = 0
        root.mkdir(parents=True)
        self.drive = FakeDrive(root, accounts=scenario.accounts, quota_bytes=scenario.quota_bytes, mode=scenario.mode)
        self.drive.set_settings(bandwidth=scenario.bandwidth)
        self.site = self._make_site()
        self.files = write_files(self.site.source, scenario.sizes, per_folder=8, seed=scenario.seed)
        self.renamed: set[str] = set()
        self.disk = StateDisk(root / "state", mounted=bool(scenario.kinds & STATE_KINDS) and can_mount())

    def __enter__(self) -> Self:
        self.drive.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        send_all(find_users(self.drive.remotes.path), signal.SIGKILL)
        self.drive.stop()
        self.disk.close(keep=self.keep)

    def _make_site(self) -> Site:
        scenario = self.scenario
        extras: dict[str, int | str] = {"--transfers": scenario.transfers}
        if scenario.chunk_bytes is not None:
            extras |= {"--drive-chunk-size": f"{scenario.chunk_bytes}b", "--drive-upload-cutoff": "1M"}
        remote = {"rclone_command": scenario.command}
        quota = scenario.quota_bytes
        rclone = Path(scenario.rclone)
        self.drive.remotes.add_crypt(
            _CRYPT, f"gdrive:{DESTINATION}", filename_encryption="off", directory_name_encryption="false"
        )
        to = f"{_CRYPT}:" if scenario.crypt else f"gdrive:{DESTINATION}"
        site = make_site(self.root, self.drive, rclone, quota_bytes=quota, destination=to, extras=extras, remote=remote)
        site.config["plugins"] = [telling.PLUGIN]
        site.save()
        return site

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.disk.folder

    @property
    def told_path(self) -> Path:
        """Where the plugin writes what was told."""
        return self.root / "told.jsonl"

    def start(self, *, slow_fsync: bool = False) -> Upload:
        """Start an upload; its output is kept."""
        self._starts += 1
        with self._output_path.open("wb") as output:
            process = subprocess.Popen(
                self._command("upload"),
                env=self._environment(slow_fsync=slow_fsync),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Upload(process)

    def run(self, *words: str) -> Ended:
        """Run another command to its end."""
        try:
            done = subprocess.run(
                self._command(*words),
                env=self._environment(),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ended(-1, f"it took longer than {_COMMAND_SECONDS:.0f} s")
        return Ended(done.returncode, (done.stdout if done.returncode == 0 else done.stderr).decode("utf-8", "replace"))

    def outputs(self) -> dict[str, str]:
        """What each upload has printed so far, by the name of its file."""
        return {path.name: path.read_text("utf-8", "replace") for path in sorted(self.root.glob("output.*.txt"))}

    def wait_until_quiet(self, *, landed: bool = False) -> bool:
        """Wait until no rclone works here; False when that takes too long.

        landed: and until whatever killed ones had sent has arrived, however late.
        """
        deadline = time.monotonic() + _QUIET_SECONDS
        while find_users(self.drive.remotes.path) or (landed and self.drive.connections()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def at_source(self) -> dict[str, int]:
        """Sizes of the files that are at the source now, by name."""
        source = self.site.source
        return {
            path.relative_to(source).as_posix(): path.stat().st_size for path in source.rglob("*") if path.is_file()
        }

    def arrived(self) -> dict[str, StoredFile]:
        """What the Drive holds, by the names at the source, and with the sizes there.

        What is encrypted has no checksum of ours: it has that of the file of its name, if it is as long.
        """
        found = {name.removeprefix(f"{DESTINATION}/"): file for name, file in self.drive.files().items()}
        if not self.scenario.crypt:
            return found
        plain = {}
        for encrypted, file in found.items():
            name = encrypted.removesuffix(".bin")
            size, md5 = self.files.get(name, (0, file.md5))
            length = crypt.plain_bytes(file.size)
            plain[name] = replace(file, size=length, md5=md5 if length == size else file.md5)
        return plain

    def rename_folder(self, choice: float) -> None:
        """What a media manager does: a folder that still has files gets a better name."""
        names = sorted(self.at_source())
        if not names:
            return
        old = names[int(choice * len(names))].partition("/")[0]
        new = f"{old} (2024)"
        (self.site.source / old).rename(self.site.source / new)
        for name in names:
            if name.startswith(f"{old}/"):
                self.files[new + name.removeprefix(old)] = self.files[name]
                self.renamed.add(name)

    @property
    def _output_path(self) -> Path:
        return self.root / f"output.{self._starts}.txt"

    def _command(self, *words: str) -> list[str]:
        options = ("--config", str(self.site.config_path), "--cachefile", str(self.state / "cache.db"))
        return [sys.executable, "-m", "cloudplow", *options, *words]

    def _environment(self, *, slow_fsync: bool = False) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RCLONE_", "CLOUDPLOW_"))}
        kept |= {
            "HOME": str(self.root),
            "PYTHONPATH": str(REPOSITORY),
            "CLOUDPLOW_LANDING_SECONDS": f"{self.scenario.landing_seconds:g}",
            telling.PLACE: str(self.told_path),
        }
        if slow_fsync and self._slow_fsync is not None:
            kept |= {"LD_PRELOAD": str(self._slow_fsync), "SLOW_FSYNC_SECONDS": f"{SLOW_FSYNC_SECONDS:g}"}
        return kept
