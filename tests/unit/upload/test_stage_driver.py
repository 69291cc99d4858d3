"""Which files of a plan go into one run of rclone, and how the book follows it. In place of rclone: written lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from cloudplow import events
from cloudplow.accounts.booked_stage import FileState, Stage
from cloudplow.accounts.identity import Keys, read_key
from cloudplow.accounts.pool import AccountPool
from cloudplow.delivery import EventBus
from cloudplow.errors import RcloneError, StateError
from cloudplow.events import Event, StageOutcome, SwitchReason
from cloudplow.models import QueueFile
from cloudplow.planning.planner import Plan, PlannedStage
from cloudplow.rclone import running
from cloudplow.rclone.command import Job, Rclone
from cloudplow.rclone.destination import look_up
from cloudplow.state.locks import FolderLocks
from cloudplow.state.waiting import WaitingFiles
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.doubts import LANDING_SECONDS
from cloudplow.upload.listing import Seen
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.settling import Settler
from cloudplow.upload.sizing import Uploaded
from cloudplow.upload.stage_driver import StageDriver, distinct_in_log
from cloudplow.upload.stage_terms import StageResult
from cloudplow.upload.task import UploadTask
from tests.unit.helpers import DAY, NOON, FakeClock, charge, make_ledger
from tests.unit.upload.test_stage import FakeProcess, line, stats_line

QUOTA = 1000
DUMP = {"gdrive": {"type": "drive"}, "secret": {"type": "crypt", "remote": "gdrive:x"}}


def seen(*names: str) -> list[Seen]:
    return [Seen(QueueFile(name, size)) for size, name in enumerate(names)]


def test_files_whose_names_the_log_cannot_tell_apart_never_share_a_stage() -> None:
    first, second, third = seen("a\udcff", "a\udcfe", "b")
    assert distinct_in_log([first, second, third]) == [first, third]


def test_files_that_the_log_tells_apart_all_go() -> None:
    files = seen("a", "é", "\udcff")
    assert distinct_in_log(files) == files


class Settling:
    """In place of the settler: notes what it gets."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def add(self, stage: Stage, to_size: Sequence[Uploaded]) -> None:
        self._bench.ended.append(stage)
        self._bench.to_size += to_size

    def step(self) -> bool:
        self._bench.ticks += 1
        return False


class Bench:
    """A source folder, two accounts, and a driver."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.source.mkdir()
        self.keys = folder / "keys"
        self.keys.mkdir()
        for number in (1, 2):
            self.write_key(number, f"{number}@pool.invalid")
        self.clock = FakeClock()
        self.ledger = make_ledger(self.clock)
        self.list_path = folder / "state" / "google.list"
        self.events: list[Event] = []
        self.ended: list[Stage] = []
        self.to_size: list[Uploaded] = []
        self.ticks = 0
        self.queue = QueueState()
        self.process = FakeProcess([], 0)
        self._monkeypatch = monkeypatch
        self.driver = self.make_driver()

    def write_key(self, number: int, email: str) -> None:
        (self.keys / f"{number}.json").write_text(f'{{"client_email": "{email}"}}')

    def account(self, number: int = 1) -> str:
        return read_key(str(self.keys / f"{number}.json")).identity

    def make_driver(
        self, *, destination: str = "gdrive:", command: str = "move", dry_run: bool = False, with_pool: bool = True
    ) -> StageDriver:
        self.book = self.ledger.rehearsal() if dry_run else self.ledger
        context = Context(
            rclone=Rclone("rclone"),
            destination=lambda path: look_up(path, DUMP),
            listing=cast(Any, None),
            spooled_listing=cast(Any, None),
            bus=cast(EventBus, None),
            book=self.book,
            keys=Keys(),
            waiting=cast(WaitingFiles, None),
            state_dir=self.folder,
            now=self.book.now,
            clock=lambda: self.clock.since_boot,
        )
        task = UploadTask(
            name="google",
            folder=self.source,
            job=Job(command, str(self.source), destination, dry_run=dry_run),
            exclude_open_files=False,
            opened_excludes=(),
            accounts_folder=self.keys,
            quota_bytes=QUOTA,
            window_seconds=DAY,
            sleeps={},
            remove_empty_dir_depth=None,
        )
        self.pool = AccountPool("google", self.keys, self.book, Keys(), quota_bytes=QUOTA) if with_pool else None
        if self.pool is not None:
            self.pool.refresh()
        self.controls = SessionControls()
        return StageDriver(
            context,
            task,
            self.pool,
            self.queue,
            FolderLocks(),
            self.list_path,
            self.emit,
            self.controls,
            cast(Settler, Settling(self)),
        )

    def emit(self, event_type: type[Event], **fields: Any) -> None:
        self.events.append(event_type(**{"session_id": "x", "uploader": "google"} | fields))

    def told(self, event_type: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, event_type)]

    def run(
        self,
        sizes: dict[str, int],
        *batches: list[bytes],
        code: int = 0,
        number: int = 1,
        driver: StageDriver | None = None,
        before_batch: Callable[[int], None] | None = None,
        **planned: Any,
    ) -> StageResult | None:
        for name, size in sizes.items():
            (self.source / name).write_bytes(b"x" * size)
            os.utime(self.source / name, (NOON, NOON))
        files = tuple(QueueFile(name, size) for name, size in sizes.items())
        self.queue.listed(files, files_stay=False)
        self.process = FakeProcess(batches, code)
        if before_batch is not None:
            self.process.before_batch = before_batch
        self._monkeypatch.setattr(running, "LineProcess", self.process)
        stage = PlannedStage(str(self.keys / f"{number}.json"), files, sum(sizes.values()), **planned)
        return (driver or self.driver).run(Plan(stages=(stage,)))

    def moved(self, name: str, size: int | None = None) -> list[bytes]:
        """rclone has moved a file. size: what it says that it sent."""
        (self.source / name).unlink(missing_ok=True)
        copied = line("Copied (new)", name) if size is None else line("Copied (new)", name, size=size)
        return [copied, line("Deleted", name)]

    def used(self, number: int = 1) -> tuple[int, int]:
        account = self.account(number)
        return self.book.used_bytes(account), self.book.used_bytes(account, with_reserved=True)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.delenv("CLOUDPLOW_LANDING_SECONDS", raising=False)
    yield Bench(tmp_path, monkeypatch)


# The book


def test_stage_is_reserved_before_rclone_starts_and_charged_file_by_file(bench: Bench) -> None:
    found: list[tuple[int, int]] = []
    first, second = ([line("Copied (new)", name), line("Deleted", name)] for name in "ab")
    result = bench.run({"a": 100, "b": 50}, first, second, [], before_batch=lambda _left: found.append(bench.used()))
    assert found == [(0, 150), (100, 150), (150, 150), (150, 150)]
    assert result is not None
    assert (result.files, bench.driver.files, bench.driver.bytes) == (2, 2, 150)
    assert bench.list_path.read_text() == "a\nb\n"
    assert "RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE" in bench.process.started[1]
    (stage,) = bench.ended
    assert stage.is_settled()
    assert bench.ledger.unsettled("google") == []
    assert bench.queue.files == {}


def test_stage_in_the_book_is_what_was_on_the_disk(bench: Bench) -> None:
    bench.run({"a": 100}, code=-9)
    (stage,) = bench.ended
    found = (bench.source / "a").stat()
    assert [(one.name, one.size, one.cost, one.modified_ns, one.inode) for one in stage.files] == [
        ("a", 100, 100, found.st_mtime_ns, found.st_ino)
    ]
    assert (stage.account, stage.account_name, stage.destination) == (bench.account(), "1.json", "gdrive:")
    assert (stage.folder, stage.moving, stage.uploader) == (str(bench.source), True, "google")


def test_through_crypt_a_file_costs_what_the_drive_counts(bench: Bench) -> None:
    bench.run(
        {"a": 100}, [line("Copied (new)", "a"), line("Deleted", "a")], driver=bench.make_driver(destination="secret:")
    )
    assert bench.used() == (148, 148)


def test_file_that_grew_is_charged_as_sent(bench: Bench) -> None:
    bench.run({"a": 100}, bench.moved("a", 130))
    assert bench.used() == (130, 130)
    assert bench.told(events.FileTransferred)[0].size == 130


def test_upload_that_came_to_nothing_is_charged(bench: Bench) -> None:
    bench.run({"a": 100}, [line("corrupted on transfer: md5 hash differ", "a", "error")], code=1)
    assert bench.used() == (100, 100)


@pytest.mark.parametrize("code", [-9, 143])
def test_what_a_kill_leaves_open_stays_in_the_book(bench: Bench, code: int) -> None:
    files = {"a": 100, "b": 50, "c": 20}
    result = bench.run(files, [line("Copied (new)", "a"), line("Deleted", "a"), line("Copied (new)", "b")], code=code)
    assert result is not None
    assert bench.used() == (150, 170)
    assert bench.ledger.unsettled("google") == bench.ended
    (stage,) = bench.ended
    assert [file.name for file in stage.in_state(FileState.WAITING)] == ["c"]
    assert stage.landing_seconds == LANDING_SECONDS
    assert list(bench.ledger.arrived("google")) == ["b"]


def test_whatever_interrupts_the_run_every_file_of_it_is_in_doubt(bench: Bench) -> None:
    def interrupt(_left: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run({"a": 100, "b": 50}, [], before_batch=interrupt)
    assert bench.used() == (0, 150)
    (stage,) = bench.ledger.unsettled("google")
    assert stage.landing_seconds == LANDING_SECONDS


def test_rclone_that_cannot_be_started_has_sent_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_more: Any) -> FakeProcess:
        raise RcloneError("rclone cannot be started")

    monkeypatch.setattr(FakeProcess, "__call__", fails)
    with pytest.raises(RcloneError):
        bench.run({"a": 100})
    assert bench.used() == (0, 0)
    assert bench.ledger.unsettled("google") == []


def test_without_a_word_rclone_is_not_believed(bench: Bench) -> None:
    """A wrapper that swallows the log: what left the source is looked for at the destination."""
    bench.run({"a": 100, "b": 50}, before_batch=lambda _left: (bench.source / "a").unlink(missing_ok=True))
    assert bench.used() == (0, 100)
    (stage,) = bench.ended
    assert ([file.name for file in stage.in_state(FileState.WAITING)], stage.landing_seconds) == (["a"], 0.0)


def test_uploader_without_accounts_is_in_the_book_too(bench: Bench) -> None:
    driver = bench.make_driver(with_pool=False)
    bench.run({"a": 100, "b": 50}, [line("Copied (new)", "a"), line("Deleted", "a")], code=-9, driver=driver)
    (stage,) = bench.ledger.unsettled("google")
    assert ([file.name for file in stage.in_state(FileState.WAITING)], stage.waiting_bytes) == (["b"], 0)
    assert bench.ledger.content.entries == {}


def test_file_that_an_earlier_stage_has_uploaded_costs_nothing_again(bench: Bench) -> None:
    bench.run({"a": 100}, [line("Copied (new)", "a"), line("remove failed", "a", "error")], code=1)
    assert bench.used() == (100, 100)
    reserved: list[tuple[int, int]] = []
    bench.run({"a": 100}, [line("Deleted", "a")], before_batch=lambda _left: reserved.append(bench.used()))
    assert set(reserved) == {(100, 100)}
    assert bench.used() == (100, 100)


def test_below_crypt_rclone_copies_and_what_changed_goes_again_whatever_is_there(bench: Bench) -> None:
    """Without another time or size too: times at the destination may be coarse."""
    driver = bench.make_driver(destination="secret:")
    cost = look_up("secret:", DUMP).stored_bytes(100)

    def replace(left: int) -> None:
        if left:
            (bench.folder / "new").write_bytes(b"y" * 100)
            os.utime(bench.folder / "new", (NOON, NOON))
            (bench.folder / "new").replace(bench.source / "a")

    result = bench.run({"a": 100}, [line("Copied (new)", "a")], driver=driver, before_batch=replace)
    assert result is not None
    assert (result.changed, bench.used()) == ([QueueFile("a", 100)], (cost, cost))
    assert bench.process.started[0][1] == "copy"
    assert "--ignore-times" not in bench.process.started[0]

    reserved: list[tuple[int, int]] = []
    bench.run(
        {"a": 100, "b": 50},
        [line("Copied (replaced existing)", "a")],
        driver=driver,
        before_batch=lambda _left: reserved.append(bench.used()),
    )
    assert "--ignore-times" in bench.process.started[0]
    assert reserved[0] == (cost, 2 * cost)
    assert bench.used() == (2 * cost, 2 * cost)
    assert (driver.planned_names, [path.name for path in bench.source.iterdir()]) == (["a"], ["b"])


def test_file_that_changed_after_it_was_uploaded_costs_again(bench: Bench) -> None:
    bench.run({"a": 100}, [line("Copied (new)", "a"), line("remove failed", "a", "error")], code=1)
    bench.run({"a": 120}, bench.moved("a"))
    assert bench.used() == (220, 220)


def test_dry_run_charges_only_its_rehearsal_and_leaves_nothing_in_doubt(bench: Bench) -> None:
    driver = bench.make_driver(dry_run=True)
    skipped = line("Skipped move as --dry-run is set", "a", "notice", skipped="move", size=100)
    bench.run({"a": 100, "b": 50}, [skipped], code=-9, driver=driver)
    assert bench.used() == (100, 100)
    assert bench.ledger.used_bytes(bench.account(), with_reserved=True) == 0
    assert bench.ledger.unsettled("google") == []
    assert bench.told(events.QuotaChanged) == []


# Plan again


def test_stage_is_planned_again_when_all_its_files_have_changed(bench: Bench) -> None:
    (bench.source / "a").write_bytes(b"grown")
    plan = Plan(stages=(PlannedStage(str(bench.keys / "1.json"), (QueueFile("a", 3), QueueFile("gone", 5)), 8),))
    assert bench.driver.run(plan) is None
    assert (bench.events, bench.ended) == ([], [])


def test_stage_is_planned_again_when_its_key_file_is_another_accounts_now(bench: Bench) -> None:
    bench.write_key(1, "other@pool.invalid")
    assert bench.run({"a": 100}, bench.moved("a")) is None
    assert bench.ledger.content.stages == {}


def test_stage_is_planned_again_when_the_account_cannot_take_it_any_more(bench: Bench) -> None:
    charge(bench.ledger, bench.account(), QUOTA - 99, uploader="other")
    assert bench.run({"a": 100}) is None
    assert bench.used() == (QUOTA - 99, QUOTA - 99)
    assert bench.run({"a": 100}, oversized=True) is not None


def test_stage_whose_reservation_cannot_be_saved_does_not_begin(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_more: Any) -> Stage:
        raise StateError("no room")

    monkeypatch.setattr(bench.ledger, "open_stage", fails)
    with pytest.raises(StateError):
        bench.run({"a": 100})
    assert not hasattr(bench.process, "started")
    assert bench.told(events.StageStarted) == []


def test_list_that_cannot_be_written_is_an_error(bench: Bench) -> None:
    bench.list_path.mkdir(parents=True)
    with pytest.raises(RcloneError, match=r"google\.list cannot be written"):
        bench.run({"a": 100})


# Accounts


def test_switch_is_told_with_its_reason_and_the_account_that_was_left(bench: Bench) -> None:
    bench.run({"a": 100}, bench.moved("a"))
    bench.run({"b": 50}, bench.moved("b"), number=2)
    told = [(one.previous, one.current, one.account_index, one.reason) for one in bench.told(events.SaSwitched)]
    assert told == [("", "1.json", 0, "first"), ("1.json", "2.json", 1, "quota_used")]
    assert [one.stage for one in bench.told(events.StageStarted)] == [1, 2]
    assert [one.quota_remaining_bytes for one in bench.told(events.StageStarted)] == [QUOTA, QUOTA]


def test_account_that_was_denied_rests_until_its_time(bench: Bench) -> None:
    bench.run({"a": 100}, bench.moved("a"))
    bench.driver.account.leave(
        Reaction(React.REST_ACCOUNT, "its daily limit", NOON + DAY, switch_reason=SwitchReason.DENIED)
    )
    assert bench.ledger.denied(bench.account()) == (NOON + DAY, "its daily limit")
    assert bench.driver.account.name == ""
    assert bench.told(events.QuotaChanged)[-1].state == "denied"
    bench.driver.account.leave(
        Reaction(React.REST_ACCOUNT, "nobody is active", NOON + DAY, switch_reason=SwitchReason.DENIED)
    )


def test_account_that_was_denied_near_its_quota_teaches_the_limit(bench: Bench) -> None:
    bench.run({"a": QUOTA - 50}, bench.moved("a"))
    bench.clock.move(60)
    bench.driver.account.leave(
        Reaction(React.REST_ACCOUNT, "its daily limit", NOON + 3 * DAY, switch_reason=SwitchReason.DENIED)
    )
    assert bench.ledger.learned_limit("google", QUOTA) == QUOTA - 50
    assert bench.ledger.denied(bench.account()) == (NOON + DAY, "its daily limit")


def test_account_that_failed_is_set_aside_and_not_denied(bench: Bench) -> None:
    bench.run({"a": 100}, bench.moved("a"))
    bench.driver.account.leave(Reaction(React.SET_ACCOUNT_ASIDE, "revoked", switch_reason=SwitchReason.FAILED))
    assert bench.ledger.denied(bench.account()) is None
    assert bench.pool is not None
    assert bench.pool.quota(str(bench.keys / "1.json")).why == "revoked"


# What is told


def test_file_events_add_up_with_the_end_of_the_stage(bench: Bench) -> None:
    failed = line("Failed to copy: x", "b", "error")
    bench.run({"a": 100, "b": 50}, [*bench.moved("a"), failed], code=1)
    assert [(one.name, one.size, one.account, one.stage) for one in bench.told(events.FileTransferred)] == [
        ("a", 100, "1.json", 1)
    ]
    assert [(one.name, one.error) for one in bench.told(events.FileFailed)] == [("b", "Failed to copy: x")]
    (finished,) = bench.told(events.StageFinished)
    assert (finished.outcome, finished.files, finished.bytes) == (StageOutcome.FILES_FAILED, 1, 100)


def test_bytes_on_their_way_are_told_while_the_stage_runs_at_most_once_a_second(bench: Bench) -> None:
    def half_a_second(_left: int) -> None:
        bench.clock.move(0.5)

    batches = [[stats_line(a=(size, 100))] for size in (10, 20, 30, 40)]
    bench.run({"a": 100}, *batches, code=-9, before_batch=half_a_second)
    assert len(bench.told(events.TransferProgress)) == bench.ticks == 4
    told = [(one.used_bytes, one.in_flight_bytes, one.unsettled_bytes) for one in bench.told(events.QuotaChanged)]
    assert told == [(0, 20, 0), (0, 40, 0), (0, 0, 100)]


def test_what_is_left_is_the_same_for_who_asks_and_for_who_is_told(bench: Bench) -> None:
    asked: list[tuple[int, int] | None] = []
    batches = [[stats_line(a=(40, 100), b=(10, 50))], bench.moved("a"), [stats_line(b=(30, 50))]]
    bench.run({"a": 100, "b": 50}, *batches, code=-9, before_batch=lambda _left: asked.append(bench.controls.left()))
    assert asked[:4] == [(2, 150), (2, 100), (1, 40), (1, 20)]
    assert [one.bytes_left for one in bench.told(events.TransferProgress)] == [100, 20]
    assert bench.controls.left() == (1, 50), "a stage that is over has nothing on its way"


def test_slow_line_leaves_more_time_to_appear(bench: Bench) -> None:
    items = [{"name": "a", "bytes": 90, "size": 100}]
    bench.run({"a": 100}, [line("text", stats={"bytes": 1, "speed": 0.5, "transferring": items})], code=-9)
    assert bench.ended[0].landing_seconds == 180.0


def test_file_that_turns_out_to_have_arrived_is_told_for_who_paid(bench: Bench) -> None:
    bench.queue.listed([QueueFile("a\udcff", 7)], files_stay=False)
    bench.driver.found_later(QueueFile("a\udcff", 7), "9.json")
    (told,) = bench.told(events.FileTransferred)
    assert (told.name, told.size, told.account, told.stage, told.found_later) == ("a\ufffd", 7, "9.json", 0, True)
    assert (bench.driver.files, bench.driver.bytes, bench.queue.files) == (1, 7, {})
