"""What became of the files of an interrupted stage. In place of rclone: a destination that the test fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.accounts.identity import Keys, read_key
from cloudplow.accounts.pool import AccountPool
from cloudplow.delivery import EventBus
from cloudplow.errors import RcloneError
from cloudplow.rclone.command import Job, Rclone
from cloudplow.rclone.destination import Destination, look_up
from cloudplow.rclone.lookup import Found
from cloudplow.state.waiting import WaitingFiles
from cloudplow.upload import asking, settling
from cloudplow.upload.asking import arrived_size, is_newer
from cloudplow.upload.context import Context
from cloudplow.upload.local_files import local_path
from cloudplow.upload.settling import FAILURES_LIMIT, PIECE, RETRY_SECONDS, Settler
from cloudplow.upload.task import UploadTask
from tests.unit.helpers import DAY, NOON, FakeClock, make_ledger, open_stage, stage_file

T = TypeVar("T")
SECOND = 1_000_000_000
DUMP = {"gdrive": {"type": "drive"}, "secret": {"type": "crypt", "remote": "gdrive:x"}, "nas": {"type": "sftp"}}


# The size of what is there


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, None),
        (Found(5, 1000.0), 5),
        (Found(6, 1000.0), 6),  # it changed while it was sent
        (Found(-1, 1000.0), 5),  # a backend that does not tell sizes
        (Found(5, None), 5),
        (Found(5, 2000.0), 5),
        (Found(5, 999.0), 5),  # rounded
        (Found(5, 998.0), None),  # an older version
        (Found(0, 1000.0), 0),
    ],
)
def test_file_has_arrived_if_what_is_there_can_have_been_sent_by_us(found: Found | None, expected: int | None) -> None:
    assert arrived_size(StageFile("a", 5, 5, modified_ns=1000 * SECOND + 999_999_999), found) == expected


@given(st.integers(0, 1 << 40), st.none() | st.floats(0, 4e9))
def test_file_of_unknown_time_has_arrived_whatever_the_time_there(size: int, at: float | None) -> None:
    assert arrived_size(StageFile("a", 5, 5), Found(size, at)) == size


# The settler


class Asked(Generic[T]):
    """In place of `Background`: runs when the test lets it."""

    hold = False

    def __init__(self, function: Callable[[], T], name: str) -> None:
        assert name == "cloudplow-ask"
        self._function = function

    def is_done(self) -> bool:
        return not Asked.hold

    def get(self) -> T:
        return self._function()

    def wait(self) -> None:
        Asked.hold = False


class Bench:
    """A source folder, a destination, and a settler between them."""

    def __init__(self, folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = clock
        self.source = folder / "source"
        self.source.mkdir()
        self.keys = folder / "keys"
        self.keys.mkdir()
        for number in range(1, 6):
            (self.keys / f"{number}.json").write_text(f'{{"client_email": "{number}@pool.invalid"}}')
        self.account = read_key(str(self.keys / "1.json")).identity
        self.ledger = make_ledger(clock)
        self.list_path = folder / "state" / "google.asked"
        self.there: dict[str, Found] = {}
        self.asked: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []
        self.faults: list[RcloneError] = []
        self.told: list[tuple[str, int, str]] = []
        self.given_back: list[str] = []
        self.destination: Callable[[str], Destination] = lambda path: look_up(path, DUMP)
        Asked.hold = False
        monkeypatch.setattr(settling, "Background", Asked)
        monkeypatch.setattr(asking, "look_up_files", self.answer)
        self.settler = self.make_settler()

    def answer(
        self, command: list[str], environment: Mapping[str, str], should_stop: Callable[[], bool]
    ) -> dict[str, Found]:
        names = self.list_path.read_text(errors="surrogateescape").splitlines()
        assert f"--files-from-raw={self.list_path}" in command
        self.asked.append(names)
        self.environments.append(environment)
        if self.faults:
            raise self.faults.pop(0)
        return {name: self.there[name] for name in names if name in self.there}

    def make_settler(self, destination: str = "gdrive:", *, with_pool: bool = True) -> Settler:
        pool = AccountPool("google", self.keys, self.ledger, Keys(), quota_bytes=1000) if with_pool else None
        if pool is not None:
            pool.refresh()
        context = Context(
            rclone=Rclone("rclone"),
            destination=lambda path: self.destination(path),
            listing=cast(Any, None),
            spooled_listing=cast(Any, None),
            bus=cast(EventBus, None),
            book=self.ledger,
            keys=Keys(),
            waiting=cast(WaitingFiles, None),
            state_dir=self.list_path.parent,
            now=self.ledger.now,
            clock=self.clock,
        )
        task = UploadTask(
            name="google",
            folder=self.source,
            job=Job("move", str(self.source), destination),
            exclude_open_files=False,
            opened_excludes=(),
            accounts_folder=self.keys,
            quota_bytes=1000,
            window_seconds=DAY,
            sleeps={},
            remove_empty_dir_depth=None,
        )
        return Settler(
            context,
            task,
            pool,
            lambda file, account: self.told.append((file.name, file.size, account)),
            self.give_back,
            self.list_path,
        )

    def give_back(self, names: Iterable[str]) -> None:
        self.given_back += names

    def at_source(self, *names: str) -> None:
        for name in names:
            path = local_path(self.source, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def arrive(self, name: str, size: int = 10) -> None:
        self.there[name] = Found(size, None)

    def stage(self, *files: StageFile, landing: float = 60.0, ended: bool = True, **more: Any) -> Stage:
        made = open_stage(self.ledger, more.pop("account", self.account), *files, folder=str(self.source), **more)
        if ended:
            self.ledger.end_stage(made, {file.name for file in files}, landing)
        return made

    def steps(self, settler: Settler | None = None, count: int = 10) -> None:
        for _ in range(count):
            (settler or self.settler).step()

    def used(self) -> tuple[int, int]:
        return self.ledger.used_bytes(self.account), self.ledger.used_bytes(self.account, with_reserved=True)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, FakeClock(), monkeypatch)


def files(*names: str, size: int = 10) -> list[StageFile]:
    return [stage_file(name, size) for name in names]


def test_what_is_there_is_settled_at_once_and_told_for_the_account_that_paid(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a", "b")))
    bench.arrive("a")
    bench.at_source("b")
    assert bench.settler.names() == {"a", "b"}
    bench.steps()
    assert bench.told == [("a", 10, f"{bench.account}.json")]
    assert bench.used() == (10, 20)
    assert bench.settler.names() == {"b"}
    assert bench.settler.is_busy
    assert bench.settler.until() == NOON + 60


def test_what_is_not_there_counts_until_the_landing_time_is_over(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a", "b")))
    bench.at_source("a", "b")
    bench.steps()
    assert len(bench.asked) == 1
    bench.clock.move(59)
    bench.steps()
    assert len(bench.asked) == 1
    assert bench.used() == (0, 20)
    bench.arrive("b")
    bench.clock.move(1)
    bench.steps()
    assert bench.asked[1:] == [["a", "b"]]
    assert bench.used() == (10, 10)
    assert not bench.settler.is_open
    assert bench.settler.names() == set()
    assert bench.settler.until() == 0
    assert bench.given_back == []


def test_if_rclone_ended_well_one_question_is_enough_and_what_it_left_is_given_back(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a", "b"), landing=0.0))
    bench.at_source("a")
    bench.arrive("b")
    bench.steps()
    assert len(bench.asked) == 1
    assert (bench.used(), bench.given_back) == ((10, 10), ["a"])
    assert not bench.settler.is_open


def test_stage_that_is_known_whole_is_not_asked_for(bench: Bench) -> None:
    stage = bench.stage(*files("a"), ended=False)
    bench.ledger.sent(stage, "a", 10)
    bench.ledger.done(stage, "a")
    bench.ledger.end_stage(stage, (), 0.0)
    bench.settler.add(stage)
    assert not bench.settler.is_open
    bench.steps()
    assert bench.asked == []


def test_file_that_arrived_and_is_still_at_the_source_is_remembered_and_not_told(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a", "b")))
    bench.at_source("a")
    bench.arrive("a")
    bench.arrive("b")
    bench.steps()
    assert [name for name, _, _ in bench.told] == ["b"]
    assert list(bench.ledger.arrived("google")) == ["a"]
    assert bench.used() == (20, 20)


def test_copied_file_is_told_though_it_is_still_at_the_source(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a"), moving=False))
    bench.at_source("a")
    bench.arrive("a")
    bench.steps()
    assert [name for name, _, _ in bench.told] == ["a"]
    assert bench.ledger.arrived("google") == {}


def test_file_that_grew_on_its_way_is_charged_and_told_as_it_arrived(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a")))
    bench.arrive("a", 25)
    bench.steps()
    assert bench.told[0][:2] == ("a", 25)
    assert bench.used() == (25, 25)


def test_file_that_grew_on_its_way_through_crypt_costs_what_the_drive_counts(bench: Bench) -> None:
    settler = bench.make_settler("secret:")
    stage = bench.ledger.open_stage(
        "google",
        bench.account,
        [stage_file("a", 10, cost=58), stage_file("b", 10, cost=58)],
        account_name="1.json",
        destination="secret:",
        folder=str(bench.source),
        moving=True,
    )
    bench.ledger.end_stage(stage, {"a", "b"}, 0.0)
    bench.arrive("a", 10)
    bench.arrive("b", 20)
    settler.add(stage)
    bench.steps(settler)
    assert bench.used() == (58 + 68, 58 + 68)


def test_older_version_at_the_destination_is_not_our_file(bench: Bench) -> None:
    bench.settler.add(bench.stage(stage_file("a", 10, modified_ns=2000 * SECOND), landing=0.0))
    bench.at_source("a")
    bench.there["a"] = Found(10, 1000.0)
    bench.steps()
    assert (bench.used(), bench.told) == ((0, 0), [])


def test_file_that_was_renamed_meanwhile_costs_nothing(bench: Bench) -> None:
    bench.at_source("b")
    inode = (bench.source / "b").stat().st_ino
    bench.settler.add(bench.stage(stage_file("a", 10, inode=inode), landing=0.0))
    bench.steps()
    assert bench.used() == (0, 0)


def test_file_that_left_the_source_and_did_not_arrive_counts_as_used(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.at_source("other")
    gone = [stage_file("a", 10, inode=1), stage_file("b", 10), stage_file("c", 10, cost=0)]
    bench.settler.add(bench.stage(*gone, landing=0.0))
    bench.steps()
    assert bench.used() == (20, 20)
    assert bench.told == []
    assert "3 files left the folder during an interrupted stage and did not arrive" in caplog.text


def test_missing_file_of_a_copy_costs_nothing_wherever_its_source_is(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a"), moving=False, landing=0.0))
    bench.steps()
    assert bench.used() == (0, 0)


def test_odd_names_are_asked_for_as_they_are(bench: Bench) -> None:
    names = ["a\udcff", "é", " x ", "Show/line\u240abreak"]
    bench.settler.add(bench.stage(*files(*names), landing=0.0))
    for name in names:
        bench.arrive(name)
    bench.steps()
    assert bench.asked == [names]
    assert bench.used() == (40, 40)


def test_long_lists_are_asked_for_in_pieces(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "PIECE", 4)
    assert PIECE >= 1000
    names = [str(number) for number in range(10)]
    bench.at_source(*names)
    for number in range(0, 10, 2):
        bench.arrive(str(number))
    bench.settler.add(bench.stage(*files(*names), moving=False))
    bench.steps()
    assert [len(one) for one in bench.asked] == [4, 4, 2]
    assert bench.used() == (50, 100)
    bench.clock.move(60)
    bench.steps()
    assert [len(one) for one in bench.asked[3:]] == [4, 1]
    assert bench.used() == (50, 50)


def test_several_stages_are_settled_one_after_the_other(bench: Bench) -> None:
    other = read_key(str(bench.keys / "2.json")).identity
    bench.settler.add(bench.stage(*files("a")))
    bench.settler.add(bench.stage(*files("b"), account=other, landing=90.0))
    bench.at_source("a", "b")
    assert bench.settler.until() == NOON + 90
    bench.steps()
    assert bench.asked == [["a"], ["b"]]
    bench.clock.move(60)
    bench.steps()
    assert bench.settler.names() == {"b"}
    bench.clock.move(30)
    bench.steps()
    assert not bench.settler.is_open


# What an earlier run left


def test_stages_of_an_earlier_run_are_taken_over(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    stage = bench.stage(*files("sent", "told", "a", "b"), ended=False, landing_seconds=60.0)
    bench.ledger.sent(stage, "sent", 10)
    bench.ledger.sent(stage, "told", 10)
    bench.ledger.done(stage, "told")
    bench.ledger.take(bench.ledger.content)  # as a new process does
    bench.at_source("b")
    bench.settler.take_over()
    assert "asking gdrive: about 2 files of its stage" in caplog.text
    # It was charged, and had left the source: now it is told.
    assert [name for name, _, _ in bench.told] == ["sent"]
    assert bench.settler.names() == {"a", "b"}
    bench.arrive("a")
    bench.steps()
    bench.clock.move(60)
    bench.steps()
    assert [name for name, _, _ in bench.told] == ["sent", "a"]
    assert bench.used() == (30, 30)
    assert not bench.settler.is_open


def test_file_that_was_sent_before_the_kill_and_is_still_at_the_source_is_remembered(bench: Bench) -> None:
    stage = bench.stage(*files("sent"), ended=False)
    bench.ledger.sent(stage, "sent", 10)
    bench.ledger.take(bench.ledger.content)
    bench.at_source("sent")
    bench.settler.take_over()
    assert bench.told == []
    assert list(bench.ledger.arrived("google")) == ["sent"]
    assert not bench.settler.is_open
    assert bench.used() == (10, 10)


def test_nothing_left_is_taken_over_without_a_word(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.settler.take_over()
    assert (bench.settler.is_open, caplog.text) == (False, "")


# When it cannot be asked


def test_question_that_fails_is_asked_again_later_and_later(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.settler.add(bench.stage(*files("a"), landing=0.0))
    bench.at_source("a")
    for failure in range(FAILURES_LIMIT):
        bench.faults = [RcloneError("no such host")] * 3
        bench.steps()
        assert len(bench.asked) == 3 * (failure + 1)  # once with each of three accounts
        assert bench.settler.is_busy is (failure + 1 < FAILURES_LIMIT)
        bench.clock.move(RETRY_SECONDS * 2**failure - 1)
        bench.steps()
        assert len(bench.asked) == 3 * (failure + 1)
        bench.clock.move(1)
    assert bench.settler.names() == {"a"}
    assert bench.settler.fault == '"gdrive:" cannot be asked what arrived: no such host'
    assert bench.used() == (0, 10)
    bench.faults = []
    bench.steps()
    assert not bench.settler.is_open
    assert bench.used() == (0, 0)


def test_account_that_cannot_ask_is_followed_by_the_next(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a"), landing=0.0))
    bench.arrive("a")
    bench.faults = [RcloneError("revoked")]
    bench.steps()
    assert [Path(one["RCLONE_CONFIG_GDRIVE_SERVICE_ACCOUNT_FILE"]).name for one in bench.environments] == [
        "1.json",
        "2.json",
    ]
    assert bench.used() == (10, 10)


def test_destination_that_is_no_drive_is_asked_with_its_own_credentials(bench: Bench) -> None:
    settler = bench.make_settler("nas:")
    stage = bench.ledger.open_stage(
        "google",
        bench.account,
        files("a"),
        account_name="1.json",
        destination="nas:",
        folder=str(bench.source),
        moving=True,
    )
    bench.ledger.end_stage(stage, {"a"}, 0.0)
    settler.add(stage)
    bench.arrive("a")
    bench.steps(settler)
    (environment,) = bench.environments
    assert not any("SERVICE_ACCOUNT" in name for name in environment)
    assert not settler.is_open


def test_uploader_without_accounts_asks_too(bench: Bench) -> None:
    settler = bench.make_settler(with_pool=False)
    stage = bench.stage(stage_file("a", 10, cost=0), account="", landing=0.0)
    bench.arrive("a")
    settler.add(stage)
    bench.steps(settler)
    assert [name for name, _, _ in bench.told] == ["a"]
    assert not settler.is_open


def test_destination_that_is_not_configured_any_more_counts_as_used(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.settler.add(bench.stage(*files("a", "b")))
    bench.destination = lambda path: look_up(path, {})
    bench.steps()
    assert bench.asked == []
    assert bench.used() == (20, 20)
    assert not bench.settler.is_open
    assert "2 files of an interrupted stage count as used by account" in caplog.text


def test_configuration_that_cannot_be_read_is_a_failure_not_an_answer(bench: Bench) -> None:
    def fails(_path: str) -> Destination:
        raise RcloneError("rclone cannot read its configuration")

    bench.settler.add(bench.stage(*files("a")))
    known, bench.destination = bench.destination, fails
    bench.steps()
    assert (bench.used(), bench.settler.is_busy) == ((0, 10), True)
    bench.destination = known
    bench.clock.move(60)
    bench.steps()
    assert not bench.settler.is_open


def test_list_that_cannot_be_written_is_a_failure_not_an_answer(bench: Bench) -> None:
    bench.list_path.mkdir(parents=True)
    bench.settler.add(bench.stage(*files("a")))
    bench.steps()
    assert (bench.asked, bench.used()) == ([], (0, 10))
    bench.list_path.rmdir()
    bench.clock.move(RETRY_SECONDS)
    bench.steps()
    assert bench.asked == [["a"]]


# Beside other work


def test_nobody_waits_for_an_answer(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a")))
    bench.arrive("a")
    Asked.hold = True
    assert not any(bench.settler.step() for _ in range(5))
    assert bench.asked == []
    Asked.hold = False
    assert bench.settler.step()
    assert not bench.settler.step()


def test_end_of_the_session_ends_a_running_question_and_the_stage_stays_in_the_book(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a")))
    Asked.hold = True
    bench.settler.step()
    assert bench.list_path.exists()
    bench.settler.close()
    assert not bench.list_path.exists()
    assert bench.used() == (0, 10)
    bench.settler.close()


def test_correction_in_between_settles_the_stage_too(bench: Bench) -> None:
    bench.settler.add(bench.stage(*files("a", "b"), landing=0.0))
    bench.at_source("b")
    bench.arrive("a")
    Asked.hold = True
    bench.settler.step()
    bench.ledger.correct("google", bench.account, 300)
    Asked.hold = False
    bench.steps()
    assert bench.used() == (300, 300)
    assert not bench.settler.is_open


def test_a_file_that_is_there_with_a_newer_time_will_be_sent_again_and_is_not_free_then() -> None:
    file = StageFile("a", 5, 5, modified_ns=1000 * SECOND)
    assert is_newer(file, Found(5, 1001.0))
    assert not is_newer(file, Found(5, 1000.0))
    assert not is_newer(file, Found(5, None))
    assert not is_newer(StageFile("a", 5, 5), Found(5, 1002.0))
