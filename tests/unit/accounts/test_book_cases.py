"""Short cases of the book, most of them found by its model (`test_book_model`): what was once wrong stays right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.accounts.identity import read_key
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import Reading, TrustedClock
from cloudplow.errors import StateError
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE
from cloudplow.state.state_files import LEDGER_FILE
from tests.unit.accounts.fake_disk import FakeDisk
from tests.unit.accounts.fake_world import WINDOWS, Machine, Process, write_key
from tests.unit.helpers import DAY, HOUR, NOON, spent_and_ever

MINUTE = 60.0


class Host:
    """A machine with a state folder; `process` owns the book."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.disk = FakeDisk()
        folder = self.disk.folder.parent / "keys"
        folder.mkdir()
        self.keys = [str(folder / f"{number}.json") for number in range(3)]
        for key in self.keys[:2]:
            write_key(key)
        self.start()

    def start(self, *names: str) -> None:
        """Another process, after the one before is gone; what it had not written is lost."""
        self.disk.begin()
        self.process = Process(self.disk.folder, self.machine, self.keys)
        self.process.configure(names or WINDOWS)
        self.process.own()

    def kill(self) -> None:
        """The process is gone."""
        self.disk.kill()

    @property
    def ledger(self) -> Ledger:
        """The book."""
        return self.process.ledger

    def save(self) -> None:
        """The saver writes."""
        self.process.files._save_dirty()

    def account(self, number: int) -> str:
        """The identity of an account."""
        return read_key(self.keys[number]).identity

    def used(self, number: int = 0) -> int:
        """What is spent and reserved."""
        return self.ledger.used_bytes(self.account(number), with_reserved=True)

    def open(self, *names: str, uploader: str = "day", account: int = 0, size: int = 100) -> Stage:
        """Open a stage that copies these."""
        return self.ledger.open_stage(
            uploader,
            self.account(account),
            [StageFile(name, size, size) for name in names],
            account_name=f"{account}.json",
            destination="google:",
            folder="/media",
            moving=False,
            landing_seconds=MINUTE,
        )

    def upload(self, name: str, **options: Any) -> None:
        """A whole stage of one file."""
        stage = self.open(name, **options)
        self.ledger.sent(stage, name, stage.files[0].cost)
        self.ledger.done(stage, name)
        self.ledger.end_stage(stage, (), 0)


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.disk.close()


# Settling


def test_what_lands_after_its_stage_is_dated_when_it_can_have_landed(host: Host) -> None:
    stage = host.open("a")
    host.ledger.end_stage(stage, {"a"}, 15 * MINUTE)
    host.machine.true += 15 * MINUTE  # it lands at the last moment
    host.ledger.settle(stage, {"a": 100}, (), {"a"})
    host.machine.true += DAY - 1
    assert host.used() == 100
    host.machine.true += 1
    assert host.used() == 0


def test_what_may_still_land_is_reserved_until_it_would_come_back(host: Host) -> None:
    stage = host.open("a")
    host.ledger.end_stage(stage, {"a"}, 15 * MINUTE)
    host.machine.true += DAY + 15 * MINUTE - 1
    assert host.ledger.unsettled("day") == [stage]
    assert host.used() == 100
    host.machine.true += 1
    assert host.ledger.unsettled("day") == []
    assert host.used() == 0


def test_settling_a_stage_that_is_settled_charges_nothing_again(host: Host) -> None:
    stage = host.open("a")
    host.ledger.end_stage(stage, {"a"}, 0)
    host.ledger.settle(stage, {"a": 100}, (), {"a"})
    host.ledger.settle(stage, {}, (), ())
    assert host.used() == 100
    assert spent_and_ever(host.ledger, host.account(0)) == (100, 100)


def test_landing_time_of_a_slow_line_is_known_after_a_kill(host: Host) -> None:
    stage = host.open("a")
    host.ledger.note_progress(stage, 0, 15 * MINUTE)
    host.save()
    host.kill()
    host.start()
    assert host.ledger.unsettled("day")[0].landing_seconds == 15 * MINUTE


# Accounts


def test_stage_of_an_account_whose_key_could_not_be_read_goes_with_it(host: Host) -> None:
    stage = host.open("a", uploader="short", account=2)
    write_key(host.keys[2])
    host.process.know_accounts()
    assert host.used(2) == 100
    host.ledger.sent(stage, "a", 100)
    host.ledger.end_stage(stage, (), 0)
    assert host.used(2) == 100


def test_stage_of_an_uploader_that_is_gone_is_charged_once(host: Host) -> None:
    host.open("a")
    host.kill()
    for name in ("b", "c"):
        host.start("short")
        host.upload(name, uploader="short", account=1)
        host.kill()
    host.start()
    assert host.used() == 100
    assert host.ledger.unsettled("day") == []


# The clock


def lag_behind(host: Host) -> None:
    """After three days switched off, nothing confirms the clock: it goes on from where it was."""
    host.kill()
    host.machine.reboot(3 * DAY, 0)
    host.start()
    assert host.ledger.now() < host.machine.true - DAY


def test_what_an_earlier_process_dated_moves_with_the_clock(host: Host) -> None:
    lag_behind(host)
    host.machine.true += 10 * HOUR
    host.upload("a")
    host.machine.true += HOUR
    host.upload("b", uploader="short", account=1)
    host.save()
    host.kill()
    host.start()
    host.machine.true += 13 * HOUR + MINUTE
    assert abs(host.ledger.now() - host.machine.true) < 1
    assert host.used() == 100
    host.machine.true += 10 * HOUR
    assert host.used() == 0


def test_what_moves_while_the_book_is_opened_is_not_lost(host: Host) -> None:
    lag_behind(host)
    host.machine.true += HOUR
    host.upload("a")
    host.save()
    host.kill()
    host.machine.true += 23 * HOUR + MINUTE
    for _ in range(2):
        host.start()
        assert abs(host.ledger.now() - host.machine.true) < 1
        assert host.used() == 100
        host.kill()


def test_what_moves_is_written_together_with_the_time(host: Host) -> None:
    lag_behind(host)
    host.machine.true += HOUR
    host.upload("a")
    host.save()
    host.ledger.learn_limit("short", host.account(1), 900, 1000)
    host.machine.true += 23 * HOUR + MINUTE
    host.process.saving._write()
    host.kill()
    host.start()
    assert host.used() == 100


def test_clock_that_was_behind_stays_so_when_the_machine_is_switched_off_for_a_moment(host: Host) -> None:
    host.kill()
    host.machine.reboot(20 * HOUR, -30 * HOUR)
    host.start()
    host.upload("a", uploader="short", account=1)
    host.save()
    host.kill()
    host.machine.reboot(5, 0)
    host.start()
    assert host.used(1) == 100


@pytest.mark.parametrize("ahead", [10 * MINUTE, 10 * HOUR])
def test_clock_that_is_ahead_by_less_than_a_window_after_a_reboot_is_believed(host: Host, ahead: float) -> None:
    """That is a limit: nothing tells it from a machine that was off for longer."""
    host.upload("a")
    host.save()
    host.kill()
    host.machine.reboot(MINUTE, ahead)
    host.start()
    assert host.ledger.now() == host.machine.wall


@pytest.mark.parametrize("offset", [0.0, -DAY])
def test_clock_goes_on_where_boots_have_no_names(offset: float) -> None:
    since_boot, wall = 50 * DAY, NOON
    clock = TrustedClock(lambda: Reading(wall, since_boot), confirmed_at=lambda: 0.0)
    anchor = clock.anchor()
    since_boot, wall = since_boot + 10, wall + 10 + offset
    clock.resume(anchor)
    assert clock.now() == NOON + 10


# Writing


class SlowToWrite(Ledger):
    """Just before its content is written, another thread ends a stage."""

    stage: Stage | None = None

    @property
    def lock(self) -> Any:
        """See the class."""
        stage, self.stage = self.stage, None
        if stage is not None:
            self.end_stage(stage, (), 0)
        return super().lock


def test_end_of_a_stage_is_never_written_without_what_its_account_was_charged(host: Host) -> None:
    process = host.process
    process.saving.close()
    process.saving = Saving(process.files)
    process.ledger = ledger = SlowToWrite(clock=TrustedClock(host.machine), saving=process.saving)
    process.configure(WINDOWS)
    process.own()
    stage = host.open("a")
    ledger.sent(stage, "a", 100)
    ledger.stage = stage
    process.saving._write()
    host.kill()
    host.start()
    assert host.used() == 100


def test_backup_that_could_not_be_written_is_written_next_time(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.upload("a")
    with monkeypatch.context() as full:
        full.setattr(host.process.saving.book, "back_up", lambda: (_ for _ in ()).throw(StateError("full")))
        host.save()
    host.save()
    assert host.disk.content()[BACKUP_FILE] == host.disk.content()[BOOK_FILE]


# Older copies


def test_backup_takes_the_place_of_an_older_book_for_good(host: Host) -> None:
    stage = host.open("a")
    host.disk.remember()
    host.ledger.sent(stage, "a", 100)
    host.ledger.end_stage(stage, (), 0)
    host.save()
    host.kill()
    assert host.disk.damage(BOOK_FILE, "older", 0)
    for _ in range(2):
        host.start()
        assert (host.used(), host.ledger.unsettled("day")) == (100, [])
        host.kill()


def older_book(host: Host) -> None:
    """Book and backup copy become what they were; only the exports know what came later."""
    kept = {name: (host.disk.folder / name).read_bytes() for name in (BOOK_FILE, BACKUP_FILE)}
    yield_to = host.process.files
    host.upload("new", size=50)
    yield_to.save_now(BOOK_FILE)
    yield_to.save_now(LEDGER_FILE)
    host.kill()
    for name, data in kept.items():
        (host.disk.folder / name).write_bytes(data)
    host.start()


def test_exports_that_are_newer_count_even_if_the_book_knows_more_that_has_come_back(host: Host) -> None:
    host.upload("old")
    host.save()
    host.machine.true += 2 * DAY
    older_book(host)
    assert host.used() == 50


def test_exports_that_are_newer_count_beside_a_stage_that_is_still_open(host: Host) -> None:
    stage = host.open("doubtful")
    host.ledger.end_stage(stage, {"doubtful"}, MINUTE)
    host.save()
    older_book(host)
    assert host.used() == 150


def test_stage_that_only_the_exports_know_counts_from_now_on(host: Host) -> None:
    kept = {name: (host.disk.folder / name).read_bytes() for name in (BOOK_FILE, BACKUP_FILE)}
    host.open("a")
    host.process.files.save_now(LEDGER_FILE)
    host.kill()
    for name, data in kept.items():
        (host.disk.folder / name).write_bytes(data)
    host.machine.true += HOUR
    host.start()
    host.machine.true += DAY - 1
    assert host.used() == 100
    host.machine.true += 1
    assert host.used() == 0
