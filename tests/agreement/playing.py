"""Uploads of every kind, one after the other, while everything that says something about them is read."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.agreement.place import ACCOUNTS, OTHER, OTHER_ACCOUNTS, Place
from tests.agreement.watching import Sight
from tests.fake_drive import FakeDrive
from tests.harness.drive_upload import UPLOADER

#: Longer than a page, or a document, may go without news before it says so.
SILENCE_SECONDS: Final = 9.0
SHORT_SILENCE_SECONDS: Final = 8.0
#: One cause may have many.
SHOWN_FAULTS: Final = 100


@dataclass(slots=True)
class Result:
    """What a play came to. faults: what must not be; sources: how often each was read."""

    faults: list[str] = field(default_factory=list)
    rounds: int = 0
    documents: int = 0
    answers: int = 0
    compared: int = 0
    late: int = 0
    unknown: int = 0
    points: int = 0
    histories: int = 0
    longest: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        head = f"{self.rounds} rounds of reading, {self.answers} answers, {self.documents} documents; {self.kinds}"
        page = f"{self.compared} figures of the page compared, {self.late} looks were late, {self.unknown} of nobody's"
        page += f" document; {self.histories} looks at its history"
        page += f"; {self.points} points of the history"
        page += "".join(f"; `cloudplow {word}` took {seconds:.1f} s at most" for word, seconds in self.longest.items())
        more = [f"... and {len(self.faults) - SHOWN_FAULTS} more"] if len(self.faults) > SHOWN_FAULTS else []
        return "\n".join([head, str(dict(self.sources)), page, *self.faults[:SHOWN_FAULTS], *more])


class Play(Place):
    """The kinds of rounds. Two uploaders upload at the same time in each of them."""

    def whole(self) -> None:
        """An upload through several accounts to its end."""
        self.add_files()
        with self.running("upload") as process:
            self.until_it_ends(process)

    def denied(self) -> None:
        """The first account is denied before its quota is used; the other uploader goes on."""
        self.add_files()
        self.drive.set_quota(1, limit_bytes=1)
        with self.running("upload") as process:
            self.until_it_ends(process)
        self.drive.set_quota(1, limit_bytes=None)

    def failing(self) -> None:
        """A file cannot be read."""
        self.add_files(small_only=True)
        bad = self.site.source / "bad.mkv"
        bad.symlink_to("nowhere")
        with self.running("upload") as process:
            self.until_it_ends(process)
        bad.unlink(missing_ok=True)

    def dry(self) -> None:
        """A dry run."""
        self.add_files()
        with self.running("upload", "--dry-run") as process:
            self.until_it_ends(process)

    def killed(self) -> None:
        """kill -9 in the middle; then the dashboard alone."""
        self.add_files()
        with self.running("upload"):
            self.watcher.wait(4)
        with self.running("dashboard"):
            self.watcher.wait(3)

    def stopped(self) -> None:
        """SIGTERM in the middle; then the dashboard alone."""
        self.add_files()
        with self.running("upload") as process:
            self.watcher.wait(4)
            process.terminate()
            self.until_it_ends(process)
        with self.running("dashboard"):
            self.watcher.wait(3)

    def waiting(self) -> None:
        """Both have more than all their quotas: they wait for what comes back, and go on; the other one waits first."""
        self.add_files(times=3, other_times=4)
        with self.running("upload", "--wait") as process:
            self.until_it_ends(process, 45)

    def limited(self) -> None:
        """Their speed is limited, and then not."""
        self.add_files()
        with self.running("upload") as process:
            self.watcher.wait(3)
            self.site.run("limit", "300k")
            self.watcher.wait(2)
            self.site.run("limit", "off")
            self.until_it_ends(process)

    def paused(self) -> None:
        """The scheduler starts both; one is paused while the other goes on, and resumed."""
        self.add_files()
        with self.running("run") as process:
            self.watcher.wait(4)
            self.site.run("pause", OTHER)
            self.watcher.wait(4)
            self.site.run("resume", OTHER)
            self.watcher.wait(9)
            process.terminate()
            self.until_it_ends(process)

    def frozen_program(self) -> None:
        """The program does nothing for a while, and then goes on."""
        self.add_files()
        with self.running("upload") as process:
            self.watcher.wait(4)
            self.watcher.note_gone()
            with self.frozen(process.pid):
                self.watcher.wait(SILENCE_SECONDS)
            self.watcher.note_back()
            self.until_it_ends(process)

    def frozen_and_killed(self) -> None:
        """The same, but soon after it goes on it is killed; then the dashboard alone."""
        self.add_files()
        with self.running("upload") as process:
            self.watcher.wait(3)
            self.watcher.note_gone()
            with self.frozen(process.pid):
                self.watcher.wait(SHORT_SILENCE_SECONDS)
            self.watcher.note_back()
            self.watcher.wait(2)
        with self.running("dashboard"):
            self.watcher.wait(3)

    def frozen_rclone(self) -> None:
        """The rclone of one uploader does nothing for a while; the other one goes on."""
        self.add_files()
        with self.running("upload") as process:
            self.watcher.wait(3)
            pid = self.rclone_of(process, UPLOADER)
            if pid is not None:
                with self.frozen(pid), self.watcher.silent(UPLOADER):
                    self.watcher.wait(SILENCE_SECONDS)
            self.until_it_ends(process)

    def restarted(self) -> None:
        """kill -9 twice, with the next one at once and after a while, beside a page that stays open."""
        self.add_files()
        with self.running("upload"):
            self.watcher.wait(4)
        with self.running("upload"):
            self.watcher.wait(5)
        self.watcher.wait(SILENCE_SECONDS)
        with self.running("upload") as process:
            self.until_it_ends(process)


Kind = Callable[[Play], None]
KINDS: Final[tuple[Kind, ...]] = (
    Play.whole,
    Play.killed,
    Play.dry,
    Play.frozen_program,
    Play.frozen_and_killed,
    Play.denied,
    Play.stopped,
    Play.frozen_rclone,
    Play.failing,
    Play.paused,
    Play.limited,
    Play.restarted,
    Play.waiting,
)


def play(
    root: Path,
    rclone: Path,
    *,
    seconds: float,
    kinds: tuple[Kind, ...] = KINDS,
    opens: Callable[[str], Sight] | None = None,
) -> Result:
    """Play the kinds in turn for so long, each of them once if seconds is 0.

    root: a new folder; opens: gives what reads a page at an address.
    """
    result = Result()
    (root / "drive").mkdir(parents=True)
    with FakeDrive(root / "drive", accounts=ACCOUNTS + OTHER_ACCOUNTS) as drive:
        one = Play(root / "site", rclone, drive, opens)
        one.watcher.start()
        ends_at = time.monotonic() + seconds
        for kind in itertools.cycle(kinds) if seconds else kinds:
            if seconds and time.monotonic() > ends_at:
                break
            kind(one)
            result.kinds[kind.__name__] = result.kinds.get(kind.__name__, 0) + 1
        one.watcher.stop()
        result.faults = one.watcher.judged()
        watcher = one.watcher
        result.rounds, result.documents = watcher.rounds, len(watcher.documents)
        result.compared = sum(len(one.said) for one in watcher.looks)
        result.points = sum(len(one.points) for one in watcher.past.curves)
        read = [*watcher.versioned, *watcher.loose]
        result.answers = len(read) + len(watcher.looks) + len(watcher.past.curves)
        result.late, result.unknown = watcher.late, watcher.unknown
        result.histories = watcher.past.compared
        result.longest = watcher.asker.longest if watcher.asker is not None else {}
        if result.faults:
            watcher.keep(root / "watched.txt")
        result.sources = Counter(one.source.partition("?")[0] for one in read) + Counter({"page": len(watcher.looks)})
    said = (root / "site" / "output.txt").read_text("utf-8", "replace")
    if "Traceback" in said:
        result.faults.append(f"a traceback: {said[-2000:]}")
    return result
