"""What is written when: at stage borders at once, the rest within a second; what failed is written the next time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.saving import EXPORT_SECONDS
from cloudplow.errors import StateError
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE, BookFile, read_copy
from cloudplow.state.state_files import LEDGER_FILE
from tests.unit.accounts.processes import Process, exported, rows_in
from tests.unit.helpers import HOUR, NOON, FakeClock, charge, open_stage

ANNA = "anna"
BEN = "ben"


class Watched:
    """A process whose writes are counted, and fail on demand."""

    def __init__(self, folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.process = Process(folder, clock)
        self.writes: list[set[tuple[str, str]]] = []
        self.failing = False
        self.backups = 0
        self.backups_fail = False
        write, back_up = BookFile.write, BookFile.back_up

        def watch(book: BookFile, changes: Mapping[tuple[str, str], bytes | None]) -> None:
            if self.failing:
                raise StateError("no room")
            self.writes.append(set(changes))
            write(book, changes)

        def watch_backup(book: BookFile) -> None:
            if self.backups_fail:
                raise StateError("no room")
            self.backups += 1
            back_up(book)

        monkeypatch.setattr(BookFile, "write", watch)
        monkeypatch.setattr(BookFile, "back_up", watch_backup)
        self.ledger = self.process.own()
        self.forget()

    def forget(self) -> None:
        self.writes.clear()
        self.backups = 0

    def kinds(self) -> set[str]:
        """Which kinds of rows were written."""
        return {kind for changes in self.writes for kind, _ in changes}


@pytest.fixture
def watched(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(tmp_path, clock, monkeypatch)


def next_process(folder: Path, clock: FakeClock) -> Ledger:
    return Process(folder, clock).look()


# When


def test_nothing_is_written_before_the_book_is_owned(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    ledger = process.look()
    charge(ledger, ANNA, 5)
    ledger.deny("google", BEN, NOON + HOUR, "refused")
    ledger.set_fact("waiting", 1)
    process.save()
    process.files.save_if_dirty(LEDGER_FILE)
    assert list(tmp_path.iterdir()) == []


def test_reservation_is_on_the_disk_when_the_stage_opens_with_its_list_and_the_backup(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    open_stage(watched.ledger, ANNA, 100)
    assert len(watched.writes) == 1
    assert {("stage", "1"), ("files", "1"), ("states", "1")} < watched.writes[0]
    assert watched.backups == 1
    assert next_process(tmp_path, clock).used_bytes(ANNA, with_reserved=True) == 100
    assert read_copy(tmp_path / BACKUP_FILE) == rows_in(tmp_path)


def test_charges_wait_for_the_saver_and_the_list_is_written_only_once(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    stage = open_stage(watched.ledger, ANNA, 60, 40)
    watched.forget()
    watched.ledger.sent(stage, "1", 60)
    assert watched.writes == []
    watched.process.save()
    watched.process.save()
    assert len(watched.writes) == 1
    assert watched.kinds() == {"stage", "states", "fact"}
    assert watched.backups == 0
    assert next_process(tmp_path, clock).used_bytes(ANNA) == 60


def test_list_that_an_earlier_process_wrote_is_not_written_again(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    open_stage(watched.ledger, ANNA, 60)
    watched.process.kill()
    watched.forget()
    Process(tmp_path, clock).own()
    assert "files" not in watched.kinds()
    assert "stage" in watched.kinds()  # it has ended now


def test_end_of_a_stage_is_saved_backed_up_and_exported_within_a_second(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    stage = open_stage(watched.ledger, ANNA, 60)
    watched.ledger.sent(stage, "1", 60)
    watched.ledger.done(stage, "1")
    watched.forget()
    watched.ledger.end_stage(stage, (), 0.0)
    watched.process.save()
    assert watched.backups == 1
    assert {("stage", "1"), ("files", "1"), ("states", "1")} < watched.writes[0]
    assert not {kind for kind, _ in rows_in(tmp_path)} & {"stage", "files", "states"}
    watched.process.files.save_if_dirty(LEDGER_FILE)
    assert exported(tmp_path)["google"][ANNA]["bytes"] == 60


def test_exports_are_written_once_a_minute_while_something_changes(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    stage = open_stage(watched.ledger, ANNA, *([10] * 200))
    watched.process.export()
    exports = 0
    for second in range(1, 181):
        clock.move(1)
        watched.ledger.sent(stage, str(second), 10)
        watched.process.save()
        before = exported(tmp_path)
        watched.process.files.save_if_dirty(LEDGER_FILE)
        exports += exported(tmp_path) != before
    assert exports == 180 / EXPORT_SECONDS


def test_what_an_export_says_is_known_before_it_can_be_seen(tmp_path: Path, clock: FakeClock, watched: Watched) -> None:
    """Killed right after the file has its name, the next process takes none of it for somebody else's."""
    charge(watched.ledger, ANNA, 60)
    watched.process.export()
    watched.process.kill()
    ledger = Process(tmp_path, clock).own()
    assert ledger.used_bytes(ANNA) == 60
    assert exported(tmp_path)["google"][ANNA]["generation"] < ledger.content.generation


def test_correction_is_on_the_disk_when_it_returns(tmp_path: Path, clock: FakeClock, watched: Watched) -> None:
    charge(watched.ledger, ANNA, 60)
    watched.ledger.correct("google", ANNA, 5)
    assert next_process(tmp_path, clock).used_bytes(ANNA) == 5


def test_files_that_arrived_and_facts_are_saved_and_removed(tmp_path: Path, clock: FakeClock, watched: Watched) -> None:
    stage = open_stage(watched.ledger, ANNA, 60)
    watched.ledger.sent(stage, "1", 60)
    watched.ledger.end_stage(stage, (), 0.0)
    watched.ledger.set_fact("waiting", {"a": 1})
    watched.process.save()
    assert next_process(tmp_path, clock).arrived("google").keys() == {"1"}
    assert next_process(tmp_path, clock).fact("waiting") == {"a": 1}
    watched.ledger.forget_arrived("google", ["1"])
    watched.ledger.set_fact("waiting", None)
    watched.process.save()
    assert {("arrived", "google"), ("fact", "waiting")} & rows_in(tmp_path).keys() == set()


def test_each_transaction_has_a_number_and_says_what_time_it_was(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    first = watched.ledger.content.generation
    watched.ledger.set_fact("waiting", 1)
    clock.move(HOUR)
    watched.process.save()
    content = next_process(tmp_path, clock).content
    assert content.generation == first + 1
    assert content.anchor is not None
    assert (content.anchor.at, content.anchor.boot_id) == (NOON + HOUR, "boot 1")


# When the disk fails


def test_stage_does_not_begin_when_its_reservation_cannot_be_written(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    watched.failing = True
    with pytest.raises(StateError, match="no room"):
        open_stage(watched.ledger, ANNA, 100)
    assert watched.ledger.used_bytes(ANNA, with_reserved=True) == 0
    assert watched.ledger.content.stages == {}
    watched.failing = False
    watched.process.save()
    assert next_process(tmp_path, clock).used_bytes(ANNA, with_reserved=True) == 0
    open_stage(watched.ledger, ANNA, 50)
    assert next_process(tmp_path, clock).used_bytes(ANNA, with_reserved=True) == 50


def test_stage_does_not_begin_when_the_backup_cannot_be_written(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    watched.backups_fail = True
    with pytest.raises(StateError):
        open_stage(watched.ledger, ANNA, 100)
    assert watched.ledger.used_bytes(ANNA, with_reserved=True) == 0
    watched.backups_fail = False
    watched.process.save()
    assert next_process(tmp_path, clock).used_bytes(ANNA, with_reserved=True) == 0
    assert watched.backups == 1


def test_what_could_not_be_written_is_written_the_next_time(tmp_path: Path, clock: FakeClock, watched: Watched) -> None:
    charge(watched.ledger, BEN, 1)
    stage = open_stage(watched.ledger, ANNA, 60, 40)
    watched.process.save()
    watched.failing = True
    watched.ledger.sent(stage, "1", 60)
    watched.ledger.end_stage(stage, {"2"}, 0.0)
    watched.ledger.deny("google", BEN, NOON + HOUR, "refused")
    watched.ledger.set_fact("waiting", 5)
    for _ in range(2):
        with pytest.raises(StateError):
            watched.process.save()
    watched.failing = False
    watched.forget()
    watched.process.save()
    assert len(watched.writes) == 1
    assert watched.backups == 1
    later = next_process(tmp_path, clock)
    assert (later.used_bytes(ANNA), later.used_bytes(ANNA, with_reserved=True)) == (60, 100)
    assert later.arrived("google").keys() == {"1"}
    assert later.denied(BEN) == (NOON + HOUR, "refused")
    assert later.fact("waiting") == 5


def test_backup_that_could_not_be_written_is_written_the_next_time(watched: Watched) -> None:
    charge(watched.ledger, ANNA, 60)
    watched.forget()
    watched.backups_fail = True
    with pytest.raises(StateError):
        watched.process.save()
    watched.backups_fail = False
    watched.process.save()
    assert watched.backups == 1


def test_export_that_could_not_be_written_is_written_the_next_time(
    tmp_path: Path, clock: FakeClock, watched: Watched
) -> None:
    charge(watched.ledger, ANNA, 60)
    watched.failing = True
    with pytest.raises(StateError):
        watched.process.files.save_now(LEDGER_FILE)
    watched.failing = False
    watched.process.files.save_if_dirty(LEDGER_FILE)
    assert exported(tmp_path)["google"][ANNA]["bytes"] == 60


# Between processes and threads


def test_book_can_be_handed_over_and_opened_again(tmp_path: Path, clock: FakeClock) -> None:
    first, second = Process(tmp_path, clock), Process(tmp_path, clock)
    charge(first.own(), ANNA, 10)
    first.end()
    charge(second.own(), ANNA, 20)
    second.end()
    assert first.own().used_bytes(ANNA) == 30
    # What the first one knew before it handed the book over is gone.
    charge(first.ledger, BEN, 5)
    first.end()
    assert next_process(tmp_path, clock).used_bytes(ANNA) == 30
    assert next_process(tmp_path, clock).used_bytes(BEN) == 5


def test_after_the_book_is_closed_nothing_is_written(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    process.end()
    before = (tmp_path / BOOK_FILE).read_bytes()
    ledger.deny("google", ANNA, NOON + HOUR, "refused")
    process.save()
    assert (tmp_path / BOOK_FILE).read_bytes() == before


def test_saver_beside_a_busy_driver_loses_nothing(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    done = threading.Event()
    faults: list[BaseException] = []

    def saver() -> None:
        try:
            while not done.is_set():
                process.save()
                process.files.save_if_dirty(LEDGER_FILE)
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            faults.append(error)

    thread = threading.Thread(target=saver)
    thread.start()
    for account in (ANNA, BEN) * 10:
        stage = open_stage(ledger, account, *([1] * 20))
        for number in range(1, 21):
            ledger.sent(stage, str(number), 1)
            ledger.done(stage, str(number))
        ledger.end_stage(stage, (), 0.0)
    done.set()
    thread.join()
    assert faults == []
    process.end()
    later = next_process(tmp_path, clock)
    assert (later.used_bytes(ANNA), later.used_bytes(BEN)) == (200, 200)
    assert later.content.stages == {}
    assert exported(tmp_path)["google"][ANNA]["bytes"] == 200
