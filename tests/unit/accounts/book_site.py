"""One machine with a state folder, a Drive and a cloudplow on it, and what the book must say of it at any moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Final

from cloudplow.accounts.booked_stage import FileState, Stage, StageFile
from cloudplow.accounts.contents import GENERATION, Contents
from cloudplow.accounts.identity import read_key
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.trusted_clock import LEAP_SECONDS
from cloudplow.errors import StateError
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE, peek
from cloudplow.state.state_files import LEDGER_FILE
from tests.unit.accounts.fake_disk import FakeDisk, KilledError
from tests.unit.accounts.fake_world import (
    LONGEST,
    WINDOWS,
    Denied,
    Drive,
    Known,
    Landing,
    Machine,
    Phantom,
    Process,
    Spent,
    left,
    write_key,
)

MINUTE: Final = 60.0
#: Charges closer together than this come back together, in seconds; one more for rounding.
MERGE_SECONDS: Final = 61.0
#: Times in the book are rounded, in seconds.
ROUNDING: Final = 0.01
_FLAGS: Final = {BOOK_FILE: "saved", BACKUP_FILE: "backed_up", LEDGER_FILE: "exported"}


class Site:
    """Account 1 is shared by both uploaders; the key of account 2 cannot be read at first."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.disk = FakeDisk()
        self.disk.on_written = self._on_written
        self.drive = Drive()
        folder = self.disk.folder.parent / "keys"
        folder.mkdir()
        self.keys = [str(folder / f"{number}.json") for number in range(3)]
        for key in self.keys[:2]:
            write_key(key)
        #: By uploader.
        self.running: dict[str, Stage] = {}
        self.source: dict[str, dict[str, int]] = {name: {} for name in WINDOWS}
        #: What the book on the disk says of how long files of a stage may take to appear, by its number.
        self.landing_seconds: dict[int, float] = {}
        self.denied: dict[tuple[str, int], Denied] = {}
        self.last_file = 0
        #: Corrections of the clock that are too small to be noticed, in seconds.
        self.slack = 0.0
        #: Until then, true time, the book may say more than the Drive.
        self.vague_until = self.machine.true
        #: How far the book's clock is ahead of the true time, when last seen, in seconds.
        self.error = 0.0
        self.start([*WINDOWS])

    @property
    def ledger(self) -> Ledger:
        """The book of the running process."""
        return self.process.ledger

    def identity(self, account: int) -> str:
        """As the key says now."""
        return read_key(self.keys[account]).identity

    def vague(self) -> None:
        """Something has happened after which the book may say too much for a while."""
        self.vague_until = max(self.vague_until, self.machine.true + 2 * LONGEST)

    def do(self, action: Callable[[], Any]) -> bool:
        """Do something that may write; True if that worked. A killed process is followed by another one."""
        try:
            action()
        except StateError:
            return False
        except KilledError:
            self.forget_unsaved()
            self.start([*WINDOWS])
            return False
        return True

    # What is known where

    def _known(self) -> Iterable[Known]:
        return [*(one.known for one in self.drive.spent), *(one.known for one in self.denied.values())]

    def _on_written(self, name: str) -> None:
        if name == BOOK_FILE:
            self._note_landing()
        for one in self._known():
            if name == BOOK_FILE or one.saved:
                setattr(one, _FLAGS[name], True)

    def _note_landing(self) -> None:
        if hasattr(self, "process"):
            self.landing_seconds |= {one.number: one.landing_seconds for one in self.ledger.content.stages.values()}

    def save(self) -> None:
        """The saver's turn; what it could not write stays to be written."""
        if self.do(self.process.files._save_dirty) and self.disk.full_in is None:
            self._note_landing()

    def _forget(self, is_known: Callable[[Known], bool]) -> None:
        self.drive.spent = [one for one in self.drive.spent if not one.only_charged or is_known(one.known)]
        self.denied = {key: one for key, one in self.denied.items() if is_known(one.known)}

    def forget_unsaved(self) -> None:
        """Uploads that came to nothing, denials, and how slow a line was: nothing knows of those of the last second."""
        self.running.clear()
        for one in self.drive.landing:
            one.at = min(one.at, self.machine.true + self.landing_seconds.get(one.stage, MINUTE))
        self._forget(lambda one: one.saved)

    def damage(self, name: str, how: str, place: int) -> None:
        """One of the three files is replaced by an older version, removed or torn."""
        if not self.disk.damage(name, how, place) or name != BOOK_FILE:
            return
        exported = self.disk.folder / LEDGER_FILE
        document = json.loads(exported.read_bytes()) if exported.exists() else {}
        generations = [record["generation"] for keys in document.values() for record in keys.values()]
        backup = json.loads(peek(self.disk.folder / BACKUP_FILE, ("fact", GENERATION)) or b"0")
        newer = max(generations, default=0) > backup
        if newer:
            self.vague()  # what they say of an open stage may be counted twice
        self._forget(lambda one: one.backed_up or (newer and one.exported))

    def kill(self, share: float) -> None:
        """What running stages have sent may still land, after a share of the time that is known to be possible."""
        for stage in self.running.values():
            self.send_off(stage, share, stage.landing_seconds)
        self.disk.kill()
        self.forget_unsaved()

    # Starting

    def start(self, names: list[str]) -> None:
        """Start, again and again if it is killed meanwhile."""
        while True:
            self.disk.begin()
            kill_in, self.disk.kill_in = self.disk.kill_in, None
            self._look_on(names)
            self.disk.kill_in = kill_in
            try:
                self.process = Process(self.disk.folder, self.machine, self.keys)
                self.process.configure(names)
                self.process.own()
            except KilledError:
                self.forget_unsaved()
                continue
            break
        for uploader in names:
            for stage in self.ledger.unsettled(uploader):
                self.take_over(stage)
        self.disk.remember()

    def _look_on(self, names: list[str]) -> None:
        """`cloudplow plan` while nobody uploads: it knows all that is spent, and changes nothing."""
        before = self.disk.content()
        reader = Process(self.disk.folder, self.machine, self.keys)
        reader.configure(names)
        content = reader.opening.read_only(running=False)
        self._set_clock_that_would_be_believed(content)
        for stage in content.stages.values():
            if stage.uploader not in names:
                self.count_all(stage)
        reader.ledger.take(content)
        self._allow_for_the_reboot(content, reader.ledger.now() - self.machine.true)
        reader.know_accounts()
        self.check_never_below(reader.ledger)
        assert self.disk.content() == before

    def _set_clock_that_would_be_believed(self, content: Contents) -> None:
        """A wall clock that is ahead after a reboot by less than a window cannot be told from a right one."""
        anchor, machine = content.anchor, self.machine
        if anchor is None or anchor.boot_id == machine().boot_id or anchor.held_since:
            return
        if 0 < machine.wall - anchor.at <= LONGEST and machine.offset > LEAP_SECONDS:
            machine.offset = 0.0

    def _allow_for_the_reboot(self, content: Contents, error: float) -> None:
        """What was dated while the clock was behind, if that was not noticed before the machine was switched off."""
        anchor = content.anchor
        if anchor is not None and anchor.boot_id != self.machine().boot_id and not anchor.held_since:
            for one in self.drive.spent:
                if one.lag + error > LEAP_SECONDS:
                    one.early = max(one.early, one.lag + error)
        self._see_clock(error)

    def _see_clock(self, error: float) -> None:
        if abs(error) > 1 or abs(error - self.error) > 1:
            self.vague()
        if 0 < error - self.error <= LEAP_SECONDS:
            self.slack += error - self.error
        self.error = error

    def notice_clock(self) -> None:
        """What the book writes when it sees that the clock was set may be the last step of its process."""
        if not self.disk.killed:
            self.do(self.ledger.now)

    def lag(self) -> float:
        """How far the book's clock is behind."""
        self._see_clock(self.ledger.now() - self.machine.true)
        return -self.error

    def leave(self) -> None:
        """The orderly end, as far as the disk allows."""
        for uploader in list(self.running):
            self.end(uploader, MERGE_SECONDS)
        try:
            for name in (BOOK_FILE, LEDGER_FILE):
                self.process.files.save_if_dirty(name)
        except (StateError, KilledError):
            pass
        self.process.saving.close()
        self.forget_unsaved()

    # Stages

    def pass_time(self, seconds: float, *, settling: bool = False) -> None:
        """Time goes by; settling: the destination is asked as soon as that says something."""
        until = self.machine.true + seconds
        for pause in (61.0, 301.0, seconds):
            if self.machine.true + pause < until or pause == seconds:
                self.machine.true = until if pause == seconds else self.machine.true + pause
                self.notice_clock()
                self.drive.land(self.machine.true, -self.error)
                if settling:
                    for uploader in WINDOWS:
                        self.settle(uploader)

    def candidates(self, uploader: str, sizes: list[int], *, moving: bool) -> list[StageFile]:
        """Files to upload: those that are left first, then new ones. What is known to have arrived costs nothing."""
        unsettled = self.ledger.unsettled(uploader)
        doubtful = {file.name for stage in unsettled for file in stage.in_state(FileState.WAITING)}
        source = self.source[uploader]
        left_here = [name for name in source if moving or (uploader, name) not in self.drive.files]
        names = [name for name in left_here if name not in doubtful][: len(sizes)]
        for size in sizes[len(names) :]:
            self.last_file += 1
            names.append(f"{self.last_file}.mkv")
            source[names[-1]] = size
        arrived = self.ledger.arrived(uploader)
        assert all((uploader, name) in self.drive.files for name in arrived)
        return [StageFile(name, source[name], 0 if name in arrived else source[name], 1) for name in names]

    def spent(self, stage: Stage, size: int, **more: Any) -> Spent:
        """What the Drive counts now."""
        true = self.machine.true
        return Spent(stage.number, int(stage.account_name), stage.uploader, size, true, true, self.lag(), **more)

    def is_uploaded(self, stage: Stage, name: str) -> bool:
        """Whether this stage has uploaded a file."""
        there = self.drive.files.get((stage.uploader, name))
        return there is not None and there.stage == stage.number

    def send_off(self, stage: Stage, share: float, landing_seconds: float) -> None:
        """The first file that is still waiting is on its way; it will be there after a share of the time."""
        for file in stage.in_state(FileState.WAITING):
            if (stage.uploader, file.name) not in self.drive.files and file.name in self.source[stage.uploader]:
                at, account = self.machine.true + share * landing_seconds, int(stage.account_name)
                self.drive.landing.append(Landing(stage.number, at, account, stage.uploader, file.name, file.size))
                return

    def end(self, uploader: str, landing_seconds: float) -> None:
        """rclone has ended; 0 seconds: well."""
        stage = self.running.pop(uploader)
        doubtful = {file.name for file in stage.in_state(FileState.WAITING)}
        if not landing_seconds and stage.moving:
            source, there = self.source[uploader], self.drive.files
            doubtful = {name for name in doubtful if name not in source or (uploader, name) in there}
        self.ledger.end_stage(stage, doubtful, landing_seconds)
        self.take_over(stage)

    # Settling, as the Settler does it

    def take_over(self, stage: Stage) -> None:
        """What was sent is settled at once."""
        if sent := list(stage.in_state(FileState.SENT)):
            self._book_found(stage, {file.name: 0 for file in sent})

    def settle(self, uploader: str) -> None:
        """Ask the Drive."""
        for stage in self.ledger.unsettled(uploader):
            waiting = list(stage.in_state(FileState.WAITING))
            final = self.ledger.now() >= (stage.ended_at or 0) + stage.landing_seconds
            found = {file.name: file.cost for file in waiting if (uploader, file.name) in self.drive.files}
            self._book_found(stage, found)
            if final:
                self.ledger.settle(stage, {}, [file.name for file in waiting if file.name not in found], ())

    def _book_found(self, stage: Stage, found: dict[str, int]) -> None:
        source = self.source[stage.uploader]
        self._count(stage, found)
        self.ledger.settle(stage, found, (), {name for name in found if not stage.moving or name not in source})

    def count_all(self, stage: Stage) -> None:
        """All that is in doubt will count as spent now, wherever it is."""
        for one in self.drive.landing:
            if one.stage == stage.number:
                one.early = stage.landing_seconds  # it is dated now, though it is not there yet
        self._count(stage, {file.name for file in stage.files})

    def _count(self, stage: Stage, names: Collection[str]) -> None:
        for file in stage.in_state(FileState.WAITING):
            if file.name not in names:
                continue
            if self.is_uploaded(stage, file.name):
                there = self.drive.files[stage.uploader, file.name]
                there.dated_by = max(there.dated_by, self.machine.true)
            elif file.cost:
                latest = self.machine.true + stage.landing_seconds
                self.drive.phantoms.append(Phantom(int(stage.account_name), stage.uploader, file.cost, latest))

    # What must hold

    def check_never_below(self, ledger: Ledger) -> None:
        """Now and later, the book says as much as the Drive counts, if nothing more happens."""
        true = self.machine.true
        error = ledger.now() - true
        for account in range(3):
            identity = self.identity(account)
            returns = ledger.returns(identity)
            assert left(returns, 0) == ledger.used_bytes(identity, with_reserved=True)
            counted = self.drive.least(account, self.slack + ROUNDING)
            for at in [true, *(back.at - ROUNDING for back in counted if back.at > true)]:
                book, least = left(returns, at + error), left(counted, at)
                when = f"in {at - true:.0f} s" if at > true else "now"
                assert book >= least, f"account {account}, {when}: the book says {book}, the Drive counts {least}"

    def check_exact(self) -> None:
        """Now and later, the book says no more than the Drive counts, if all was well for long enough."""
        true = self.machine.true
        if true < self.vague_until:
            return
        for account in range(3):
            returns = self.ledger.returns(self.identity(account), with_reserved=False)
            counted = self.drive.most(account, MERGE_SECONDS)
            for at in [true, *(back.at for back in counted if back.at > true)]:
                book, most = left(returns, at), left(counted, at)
                when = f"in {at - true:.0f} s" if at > true else "now"
                assert book <= most, f"account {account}, {when}: the book says {book}, the Drive counts {most}"

    def check_denied(self) -> None:
        """No denial ends early, or is forgotten."""
        true = self.machine.true
        if true < self.vague_until:
            return
        for (_, account), one in self.denied.items():
            if one.until - self.slack > true:
                assert self.ledger.denied(self.identity(account)) is not None

    def used(self) -> list[int]:
        """What is spent and reserved of each account."""
        return [self.ledger.used_bytes(self.identity(account), with_reserved=True) for account in range(3)]

    def key_can_be_read(self) -> None:
        """Of account 2, from now on."""
        if not Path(self.keys[2]).exists():
            write_key(self.keys[2])
            self.process.know_accounts()
