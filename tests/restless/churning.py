"""Makes, renames, replaces and removes files and folders all the time, and knows what must arrive in the end.

Every content says which one it is and can be recomputed from that, so that half a file is seen wherever it turns up.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_HEADER: Final = 32
#: The longest pause in the middle of a file that is being written, in seconds.
SLOW_WRITE_SECONDS: Final = 2.0


def content(number: int, size: int) -> bytes:
    """What the file with this number holds."""
    return f"{number:012} {size:018}\n".encode() + random.Random(number).randbytes(size)


def number_of(found: bytes) -> int | None:
    """The number of a whole content; None for anything else."""
    try:
        number, size = int(found[:12]), int(found[13 : _HEADER - 1])
    except ValueError:
        return None
    return number if len(found) == _HEADER + size and found == content(number, size) else None


class Churn:
    """Works below `folder` on a thread of its own, from `start` to `stop`. scratch: a folder on the same disk."""

    def __init__(self, folder: Path, scratch: Path, *, seed: int, per_second: float, largest: int = 200_000) -> None:
        self._folder = folder
        self._scratch = scratch
        self._random = random.Random(seed)
        self._pause = 1 / per_second
        self._largest = largest
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._next = 0
        #: Where whole files were put, that nobody removed since: path -> number.
        self.standing: dict[Path, int] = {}
        #: Numbers of files that were removed or replaced: they may have arrived before, or not.
        self.gone: set[int] = set()
        self.done: dict[str, int] = {}

    def start(self) -> None:
        self._run(self._work)

    def stop(self) -> None:
        """Stop, once every file that is being written is whole."""
        self._stopping.set()
        while self._threads:
            self._threads.pop().join()

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        actions: list[tuple[Callable[[], bool], int]] = [
            (self._make, 30),
            (self._write_slowly, 8),
            (self._replace, 10),
            (self._rename, 12),
            (self._rename_folder, 3),
            (self._remove, 8),
            (self._remove_folder, 3),
            (self._flash_folder, 20),
        ]
        kinds, weights = zip(*actions, strict=True)
        while not self._stopping.wait(self._pause * self._random.uniform(0.2, 1.8)):
            (action,) = self._random.choices(kinds, weights)
            if action():
                name = action.__name__.strip("_")
                self.done[name] = self.done.get(name, 0) + 1

    # One action each; False if there was nothing to do it to.

    def _new(self) -> tuple[int, bytes]:
        self._next += 1
        return self._next, content(self._next, int(self._largest * self._random.random() ** 3))

    def _place(self) -> Path:
        parts = [f"Show {self._random.randrange(6)}", f"Season {self._random.randrange(3)}"]
        folder = self._folder.joinpath(*parts[: self._random.randrange(3)])
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _put(self, data: bytes, path: Path) -> None:
        """Put a whole file in its place in one step."""
        temporary = self._scratch / f"{threading.get_ident()}"
        temporary.write_bytes(data)
        temporary.replace(path)

    def _make(self) -> bool:
        number, data = self._new()
        path = self._place() / f"file {number}"
        self._put(data, path)
        with self._lock:
            self.standing[path] = number
        return True

    def _write_slowly(self) -> bool:
        number, data = self._new()
        path = self._place() / f"slow {number}"
        pauses = [self._random.uniform(0, SLOW_WRITE_SECONDS) for _ in range(2)]
        file = path.open("wb", buffering=0)

        def write() -> None:
            with file:
                for place, pause in enumerate(pauses):
                    file.write(data[place * len(data) // 3 : (place + 1) * len(data) // 3])
                    time.sleep(pause)
                file.write(data[2 * len(data) // 3 :])
                # Its folder may have been renamed or removed meanwhile: what counts is where it is, if anywhere.
                with self._lock:
                    where = Path(f"/proc/self/fd/{file.fileno()}").readlink()
                    if where.name.endswith(" (deleted)"):
                        self.gone.add(number)
                    else:
                        self.standing[where] = number

        self._run(write)
        return True

    def _pick(self) -> Path | None:
        """A file that is still there. With the lock held."""
        candidates = list(self.standing)
        self._random.shuffle(candidates)
        return next((path for path in candidates[:50] if path.exists()), None)

    def _replace(self) -> bool:
        """A new version takes a name over."""
        with self._lock:
            path = self._pick()
            if path is None:
                return False
            number, data = self._new()
            try:
                self._put(data, path)
            except OSError:
                return False
            self.gone.add(self.standing[path])
            self.standing[path] = number
        return True

    def _rename(self) -> bool:
        with self._lock:
            path = self._pick()
            if path is None:
                return False
            to = self._place() / f"renamed {self.standing[path]} {self._random.randrange(1000)}"
            try:
                path.rename(to)
            except OSError:
                return False  # it was uploaded in this moment
            self.standing[to] = self.standing.pop(path)
        return True

    def _rename_folder(self) -> bool:
        with self._lock:
            folder = self._folder / f"Show {self._random.randrange(6)}"
            to = self._folder / f"Moved {self._random.randrange(10**6)}"
            try:
                folder.rename(to)
            except OSError:
                return False
            for path in [path for path in self.standing if folder in path.parents]:
                moved = to / path.relative_to(folder)
                number = self.standing.pop(path)
                # One that was uploaded under its old name before that is there no longer.
                self.standing[moved if moved.exists() else path] = number
        return True

    def _remove(self) -> bool:
        with self._lock:
            path = self._pick()
            if path is None:
                return False
            path.unlink(missing_ok=True)
            self.gone.add(self.standing.pop(path))
        return True

    def _remove_folder(self) -> bool:
        with self._lock:
            folder = self._folder / f"Show {self._random.randrange(6)}"
            if not folder.exists():
                return False
            for path in [path for path in self.standing if folder in path.parents]:
                if path.exists():
                    self.gone.add(self.standing.pop(path))
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def _flash_folder(self) -> bool:
        """A folder that is there for a moment: a listing that looks into it just then ends early."""
        folder = self._folder / f"Flash {self._random.randrange(10**6)}" / "inner"
        folder.mkdir(parents=True, exist_ok=True)
        if self._stopping.wait(self._random.random() * 0.01):
            pass
        shutil.rmtree(folder.parent, ignore_errors=True)
        return True
