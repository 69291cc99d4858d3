"""An uploader to a fake Drive whose cloudplow is started, killed and asked through its command line, and judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cloudplow.demo.site import SECTIONS
from cloudplow.upload.doubts import LANDING_VARIABLE
from tests.fake_drive import FakeDrive
from tests.harness.drive_upload import UPLOADER, Site, make_site, write_files
from tests.integration import event_log
from tests.integration.local_site import REPOSITORY, wait_for
from tests.interruptions import judging
from tests.interruptions.books import Account, read_answer
from tests.interruptions.judging import Files
from tests.interruptions.processes import Upload

MB: Final = 1_000_000
LANDING_SECONDS: Final = 2.0
#: No command of these tests takes longer, in seconds.
DEADLINE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """All output, for messages of failed tests."""
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"

    @property
    def warnings(self) -> list[str]:
        """Lines of its log that warn."""
        return [line for line in (self.stdout + self.stderr).splitlines() if "WARN" in line or "ERROR" in line]


@dataclass(slots=True)
class BookSite:
    """The state folder is `state`, apart from everything else. files: every name that was at the source.

    environment: what cloudplow gets besides; renamed: names that a file no longer has.
    """

    drive: FakeDrive
    site: Site
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)
    environment: dict[str, str] = field(default_factory=dict)
    _uploads: list[Upload] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.site.root

    @property
    def state(self) -> Path:
        return self.site.root / "state"

    @property
    def source(self) -> Path:
        return self.site.source

    @property
    def log_file(self) -> Path:
        return self.root / "cloudplow.log"

    @property
    def uploader(self) -> dict[str, Any]:
        uploader: dict[str, Any] = self.site.config["uploader"][UPLOADER]
        return uploader

    @property
    def remote(self) -> dict[str, Any]:
        remote: dict[str, Any] = self.site.config["remotes"][UPLOADER]
        return remote

    @property
    def moving(self) -> bool:
        return bool(self.remote.get("rclone_command", "move") == "move")

    def write(self, sizes: Iterable[int], *, below: str = "", seed: int = 1) -> None:
        """Put more files into the source, with other contents for another seed."""
        written = write_files(self.source / below, list(sizes), per_folder=8, seed=seed)
        self.files |= {f"{below}/{name}" if below else name: content for name, content in written.items()}

    def command(self, *words: str) -> list[str]:
        """The argument list of a command."""
        self.site.save()
        options = ("--config", str(self.site.config_path), "--cachefile", str(self.state / "cache.db"))
        return [sys.executable, "-m", "cloudplow", *options, *words]

    def make_environment(self, **more: str) -> dict[str, str]:
        """What cloudplow gets: nothing of the user's settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RCLONE_", "CLOUDPLOW_")) and name not in SECTIONS
        }
        made = {"HOME": str(self.root), "PYTHONPATH": str(REPOSITORY), LANDING_VARIABLE: str(LANDING_SECONDS)}
        return kept | made | self.environment | more

    def run(self, *words: str, **environment: str) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*words),
            env=self.make_environment(**environment),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def start(self, *words: str, **environment: str) -> Upload:
        """Start a command (an upload if none is named); its output is kept."""
        with (self.root / f"output.{len(self._uploads) + 1}.txt").open("wb") as output:
            process = subprocess.Popen(
                self.command(*(words or ("upload",))),
                env=self.make_environment(**environment),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._uploads.append(Upload(process))
        return self._uploads[-1]

    def output(self) -> str:
        """What the last started command has printed so far."""
        return (self.root / f"output.{len(self._uploads)}.txt").read_text("utf-8", "replace")

    def finish(self, upload: Upload) -> int:
        """Wait for the end of a started command; its exit status."""
        status = upload.wait(DEADLINE_SECONDS)
        assert status is not None, f"still running\n{self.output()}"
        return status

    def upload(self, *, expect: int = 0) -> Ended:
        """Upload to the end."""
        done = self.run("upload")
        assert done.status == expect, done.said
        assert "Traceback" not in done.said
        return done

    def wait_for_uploads(self, count: int, account: int | None = None) -> None:
        """Wait until so many files are on the Drive, of one account or of all."""

        def uploads() -> int:
            usages = self.drive.usages()
            return sum(one.uploads for name, one in usages.items() if account is None or name == f"{account}.json")

        wait_for(lambda: uploads() >= count, f"{count} uploads\n{self.output()}")

    def wait_for_told(self, signal: str, count: int = 1, since: int = 0) -> None:
        """Wait until so many events of this kind came after the first `since` of all events."""
        wait_for(
            lambda: sum(1 for one in self.told()[since:] if one["signal"] == signal) >= count,
            f"{signal}\n{self.output()}",
        )

    def told(self, *signals: str) -> list[dict[str, Any]]:
        """The events of all commands so far, or only those of these signals."""
        path = self.state / event_log.FILE_NAME
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("}\n")]
        return [event for event in events if not signals or event["signal"] in signals]

    def accounts(self) -> dict[str, Account]:
        """What `cloudplow accounts --json` says, by the name of the key file."""
        return read_answer(self.accounts_text())

    def accounts_text(self) -> str:
        """The answer of `cloudplow accounts --json`."""
        done = self.run("accounts", "--json")
        assert done.status == 0, done.said
        return done.stdout

    def records(self) -> dict[str, dict[str, Any]]:
        """The same, whole."""
        return {one["account"]: one for one in json.loads(self.accounts_text())[UPLOADER]}

    def used(self) -> dict[str, int]:
        """What each account has spent for certain."""
        return {name: one.used_bytes for name, one in self.accounts().items()}

    def committed(self) -> dict[str, int]:
        """What the Drive has counted for each account."""
        return {name: usage.committed for name, usage in self.drive.usages().items()}

    def at_source(self) -> dict[str, int]:
        """Sizes of the files at the source, by name."""
        found = (path for path in self.source.rglob("*") if path.is_file())
        return {path.relative_to(self.source).as_posix(): path.stat().st_size for path in found}

    def judged_files(self) -> Files:
        """Where everything is."""
        return Files(
            known=self.files,
            renamed=self.renamed,
            at_source=self.at_source(),
            arrived={name.removeprefix("Media/"): file for name, file in self.drive.files().items()},
            duplicates=self.drive.duplicates(),
            moving=self.moving,
        )

    def assert_not_below(self, when: str = "") -> None:
        """No account's book is below what the Drive has counted."""
        drive = self.drive.usages()
        assert judging.judge_books(self.accounts(), drive, when) == []

    def assert_settled(self, *, denied: Collection[str] = ()) -> None:
        """All is known: books and Drive are equal, every file is whole and once, everything was told once.

        What waited for the receivers of a started command when it was killed, nobody tells: some files for each.
        denied: accounts that may have been refused.
        """
        kills = sum(1 for upload in self._uploads if upload.wait(0) == -signal.SIGKILL)
        drive = self.drive.usages()
        findings = judging.judge_end(self.accounts(), drive)
        findings += judging.judge_denials(drive, denied)
        files = self.judged_files()
        findings += judging.judge_files(files)
        findings += judging.judge_told(files, self.told(), kills)
        assert not findings, "\n".join([*(one.text for one in findings), str(self.told("session_finished"))])


def make_book_site(
    root: Path,
    drive: FakeDrive,
    rclone: Path,
    *,
    quota_bytes: int,
    hours: float = 24.0,
    command: str = "move",
    extras: Mapping[str, Any] | None = None,
) -> BookSite:
    """A site with all accounts of a fake Drive."""
    site = make_site(
        root,
        drive,
        rclone,
        quota_bytes=quota_bytes,
        quota_hours=hours,
        extras=dict(extras or {}),
        remote={"rclone_command": command},
    )
    site.config["plugins"] = [event_log.PLUGIN]
    made = BookSite(drive, site)
    made.state.mkdir()
    return made
