"""Whatever happens in whatever order: the book never says that less is spent than a Drive has counted.

Beside the ledger goes the truth: what each account really uploaded, and how long ago. Files arrive with and without a
word, stages end, are asked for, given up and corrected, processes end and are killed, their database is lost, clocks
leap and machines reboot.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cloudplow.accounts.booked_stage import FileState, Stage
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE
from cloudplow.state.state_files import LEDGER_FILE
from tests.examples import examples
from tests.unit.accounts.processes import Process
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, open_stage, stage_file

UPLOADERS = ("google", "other")
ACCOUNTS = ("anna", "ben")
LANDING = 60.0
#: Charges within a minute are kept as one.
MERGED = 61.0


class LedgerMachine(RuleBasedStateMachine):
    """Two uploaders, each with one rclone at a time, on two accounts that both use."""

    @initialize(wrong_by=st.sampled_from([0.0, 400 * DAY, -400 * DAY, -DAY]))
    def begin(self, wrong_by: float) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.clock = FakeClock()
        self.clock.leap(wrong_by)
        #: Seconds that really passed since the beginning.
        self.true = 0.0
        self.truth: dict[str, list[tuple[float, int]]] = {account: [] for account in ACCOUNTS}
        #: Files at the destination, with their sizes there.
        self.there: dict[str, int] = {}
        self.running: dict[str, Stage] = {}
        self.files = 0
        #: Whether only things happened of which the book must know everything exactly.
        self.exact = True
        #: Whether something was spent beyond a reservation that only the newest database knows.
        self.beyond = False
        self.start()

    def start(self) -> None:
        self.process = Process(self.folder, self.clock, dict.fromkeys(UPLOADERS, DAY))
        self.ledger = self.process.own()
        self.running = {}

    def spend(self, account: str, size: int) -> None:
        self.truth[account].append((self.true, size))

    # What a session does.

    @rule(
        uploader=st.sampled_from(UPLOADERS),
        account=st.sampled_from(ACCOUNTS),
        sizes=st.lists(st.integers(1, 400), min_size=1, max_size=4),
    )
    def open(self, uploader: str, account: str, sizes: list[int]) -> None:
        if uploader in self.running:
            return
        before = self.ledger.used_bytes(account, with_reserved=True)
        names = [f"{self.files + place}" for place in range(len(sizes))]
        self.files += len(sizes)
        files = [stage_file(name, size) for name, size in zip(names, sizes, strict=True)]
        self.running[uploader] = open_stage(
            self.ledger, account, *files, uploader=uploader, landing_seconds=LANDING, moving=uploader == "google"
        )
        assert self.ledger.used_bytes(account, with_reserved=True) == before + sum(sizes)
        self.beyond = self.beyond and bool(self.running)

    @rule(uploader=st.sampled_from(UPLOADERS), said=st.sampled_from(["", "sent", "done"]), more=st.integers(0, 9))
    def a_file_arrives(self, uploader: str, said: str, more: int) -> None:
        stage = self.running.get(uploader)
        left = [] if stage is None else [one for one in stage.files if one.name not in self.there]
        if stage is None or not left:
            return
        file = left[0]
        size = file.size + (more if said else 0)
        before = self.ledger.used_bytes(stage.account)
        self.there[file.name] = size
        self.spend(stage.account, size)
        if said:
            self.ledger.sent(stage, file.name, size)
            assert self.ledger.used_bytes(stage.account) == before + size
        if said == "done":
            self.ledger.done(stage, file.name)
        if said and more:
            self.beyond = True
            self.process.save()

    @rule(uploader=st.sampled_from(UPLOADERS), size=st.integers(1, 100))
    def an_upload_comes_to_nothing(self, uploader: str, size: int) -> None:
        if (stage := self.running.get(uploader)) is not None:
            self.ledger.wasted(stage, size)
            self.spend(stage.account, size)
            self.beyond = True
            self.process.save()

    @rule(uploader=st.sampled_from(UPLOADERS), all_in_doubt=st.booleans())
    def rclone_ends(self, uploader: str, all_in_doubt: bool) -> None:
        if (stage := self.running.pop(uploader, None)) is None:
            return
        waiting = [file.name for file in stage.in_state(FileState.WAITING)]
        doubtful = {name for name in waiting if all_in_doubt or name in self.there}
        self.ledger.end_stage(stage, doubtful, LANDING)

    @rule(data=st.data(), final=st.booleans())
    def the_destination_is_asked(self, data: st.DataObject, final: bool) -> None:
        stages = [stage for uploader in UPLOADERS for stage in self.ledger.unsettled(uploader)]
        stages = [stage for stage in stages if stage not in self.running.values()]
        if not stages:
            return
        stage = data.draw(st.sampled_from(stages))
        waiting = list(stage.in_state(FileState.WAITING))
        asked = waiting[: data.draw(st.integers(1, 5))]
        found = {file.name: self.there[file.name] for file in asked if file.name in self.there}
        sent = {file.name: 0 for file in stage.in_state(FileState.SENT)}
        self.ledger.settle(stage, sent | found, (), [*sent, *found])
        if final:
            self.ledger.settle(stage, {}, [file.name for file in asked if file.name not in found], ())

    @rule(uploader=st.sampled_from(UPLOADERS))
    def nobody_can_be_asked(self, uploader: str) -> None:
        for stage in self.ledger.unsettled(uploader)[:1]:
            self.ledger.give_up(stage)
            self.exact = False

    @rule(uploader=st.sampled_from(UPLOADERS), account=st.sampled_from(ACCOUNTS), size=st.integers(0, 900))
    def somebody_knows_better(self, uploader: str, account: str, size: int) -> None:
        self.ledger.correct(uploader, account, size)
        self.truth[account] = [(self.true, size)]
        self.exact = False

    @rule(account=st.sampled_from(ACCOUNTS))
    def a_dry_run(self, account: str) -> None:
        before = {one: self.ledger.returns(one) for one in ACCOUNTS}
        rehearsal = self.ledger.rehearsal()
        assert {one: rehearsal.returns(one) for one in ACCOUNTS} == before
        stage = open_stage(rehearsal, account, 5, 7)
        rehearsal.sent(stage, "1", 5)
        rehearsal.end_stage(stage, (), 0.0)
        for uploader in UPLOADERS:
            for one in rehearsal.unsettled(uploader):
                rehearsal.give_up(one)
        assert {one: self.ledger.returns(one) for one in ACCOUNTS} == before

    # Processes.

    @rule()
    def the_saver_saves(self) -> None:
        self.process.save()
        self.beyond = self.beyond and bool(self.running)

    @rule()
    def the_saver_exports(self) -> None:
        self.process.export()

    @rule()
    def process_is_killed(self) -> None:
        self.process.kill()
        self.exact = False
        self.start()

    @precondition(lambda self: not self.running)
    @rule()
    def process_ends(self) -> None:
        before = {account: self.ledger.returns(account) for account in ACCOUNTS}
        self.process.end()
        looking = Process(self.folder, self.clock, dict.fromkeys(UPLOADERS, DAY))
        assert {account: looking.look().returns(account) for account in ACCOUNTS} == before
        self.start()
        assert {account: self.ledger.returns(account) for account in ACCOUNTS} == before
        self.beyond = False

    @precondition(lambda self: not self.beyond)
    @rule(lost=st.sampled_from(["removed", "damaged", "older", "export"]))
    def a_file_is_lost(self, lost: str) -> None:
        self.process.kill()
        self.exact = False
        book, backup = self.folder / BOOK_FILE, self.folder / BACKUP_FILE
        match lost:
            case "removed":
                book.unlink()
            case "damaged":
                book.write_bytes(b"\0" * 5000)
            case "older":
                book.write_bytes(backup.read_bytes())
            case "export":
                (self.folder / LEDGER_FILE).unlink(missing_ok=True)
        (self.folder / f"{BOOK_FILE}-journal").unlink(missing_ok=True)
        self.start()

    # Time.

    @rule(seconds=st.sampled_from([1, 60, 3600, 7 * 3600, 86_399]) | st.integers(0, 86_400))
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds)
        self.true += seconds
        self.ledger.now()

    @rule(seconds=st.sampled_from([-400 * DAY, -DAY, -HOUR, HOUR, DAY, 400 * DAY]))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.clock.leap(seconds)
        self.exact = False

    @rule()
    def a_time_server_sets_the_clock_right(self) -> None:
        self.clock.at = self.clock.confirmed_at = NOON + self.true
        self.ledger.now()
        self.clock.confirmed_at = 0.0
        self.exact = False

    def frame_is_known(self) -> bool:
        """Whether the book's clock is not behind without knowing it: a reboot would hide that for good."""
        clock = self.ledger.clock
        return clock.now() > NOON + self.true - LANDING or clock.anchor().held_since > 0

    @precondition(frame_is_known)
    @rule(
        down=st.integers(0, 3 * 86_400),
        up=st.integers(0, 3600),
        leap=st.sampled_from([0.0, 0.0, -400 * DAY, 400 * DAY]),
    )
    def the_machine_reboots(self, down: int, up: int, leap: float) -> None:
        self.process.kill()
        self.clock.reboot(down, up)
        self.true += down + up
        self.clock.leap(leap)
        self.exact = False
        self.start()

    # What must be so.

    @invariant()
    def nothing_is_forgotten(self) -> None:
        for account in ACCOUNTS:
            spent = sum(size for at, size in self.truth[account] if at + DAY > self.true)
            assert self.ledger.used_bytes(account, with_reserved=True) >= spent
            assert sum(one.bytes for one in self.ledger.returns(account)) >= spent

    @invariant()
    def nothing_is_made_up(self) -> None:
        if self.exact and not self.ledger.content.stages:
            for account in ACCOUNTS:
                spent = sum(size for at, size in self.truth[account] if at + DAY + MERGED > self.true)
                assert self.ledger.used_bytes(account) <= spent

    def teardown(self) -> None:
        self.process.kill()
        self.temporary.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=examples(60), stateful_step_count=30)
