"""A state folder that can be full, out of inodes or read-only, and a disk that is slow to sync."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from tests.interruptions.scenario import Kind

SLOW_FSYNC_SECONDS: Final = 0.6
_SOURCE: Final = Path(__file__).with_name("slow_fsync.c")
_FILLER: Final = "filler"
_OPTIONS: Final = "size=8m,nr_inodes=300"


@cache
def can_mount() -> bool:
    """Whether this user can mount a tmpfs."""
    return os.geteuid() == 0 and _runs("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")


def can_spoil(kind: Kind) -> bool:
    """Whether a state folder can be made unusable in this way."""
    return can_mount() or (kind is Kind.STATE_READ_ONLY and os.geteuid() != 0)


def build_slow_fsync(folder: Path) -> Path | None:
    """Compile the library to preload; None when there is no compiler."""
    compiler = shutil.which("cc")
    library = folder / "slow_fsync.so"
    if compiler is None or not _runs(compiler, "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"):
        return None
    return library


class StateDisk:
    """The file system of a state folder. mounted: a small one of its own, until `close`."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self._mounted = mounted
        self._covered = False
        folder.mkdir(parents=True)
        if mounted:
            _mount("-t", "tmpfs", "-o", _OPTIONS, "tmpfs", str(folder))

    def spoil(self, kind: Kind) -> None:
        """Make it unusable in this way until `heal`."""
        match kind:
            case Kind.STATE_FULL:
                self._fill()
            case Kind.STATE_NO_INODES:
                self._use_up_inodes()
            case _:
                self._forbid_writing()

    def heal(self) -> None:
        """Make it usable again, whatever was wrong."""
        if self._covered:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)
            self._covered = False
        if self._mounted:
            _mount("-o", f"remount,rw,{_OPTIONS}", str(self.folder))
        else:
            self.folder.chmod(0o755)
        for filler in self.folder.glob(f"{_FILLER}*"):
            filler.unlink()

    def close(self, *, keep: bool) -> None:
        """Unmount. keep: its files, in an ordinary folder."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.heal()
        if not self._mounted:
            return
        kept = self.folder.with_name(f"{self.folder.name}.kept")
        if keep:
            shutil.copytree(self.folder, kept, ignore=shutil.ignore_patterns("*.sock"))
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)
        self._mounted = False
        if keep:
            self.folder.rmdir()
            kept.rename(self.folder)

    def _fill(self) -> None:
        with (self.folder / _FILLER).open("wb", buffering=0) as filler, _until_full():
            for block in (1 << 16, 1 << 12, 1):
                with _until_full():
                    while True:
                        filler.write(b"\0" * block)

    def _use_up_inodes(self) -> None:
        with _until_full():
            for number in range(1_000_000):
                (self.folder / f"{_FILLER}{number}").touch()

    def _forbid_writing(self) -> None:
        if not self._mounted:
            self.folder.chmod(0o555)
        elif not _runs("mount", "-o", "remount,ro", str(self.folder)):
            # Something is open for writing. What is opened from now on is read-only.
            _mount("--bind", str(self.folder), str(self.folder))
            self._covered = True
            _mount("-o", "remount,bind,ro", str(self.folder))


@contextlib.contextmanager
def _until_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


def _runs(*words: str) -> bool:
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
