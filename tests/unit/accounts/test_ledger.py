"""What accounts have spent: never back early, never forgotten by a kill, one budget for all who share a key."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cloudplow.accounts.ledger import Ledger
from cloudplow.errors import StateError
from cloudplow.models import Return
from cloudplow.state.state_files import LEDGER_FILE, StateFiles
from tests.examples import examples
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, make_ledger

KEY = "/keys/1.json"
OTHER = "/keys/2.json"
LEDGER_KEYS = {"bytes", "reset_time", "first_upload"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> Ledger:
    return make_ledger(tmp_path, clock)


def save(folder: Path, ledger: Ledger) -> None:
    (folder / LEDGER_FILE).write_text(json.dumps(ledger.document(), allow_nan=False))


def reload(folder: Path, ledger: Ledger, clock: FakeClock, **windows_seconds: float) -> Ledger:
    """A new process after an orderly end."""
    save(folder, ledger)
    return make_ledger(folder, clock, **windows_seconds)


def write(folder: Path, document: Any) -> None:
    (folder / LEDGER_FILE).write_text(json.dumps(document))


# The rolling window


def test_unknown_account_has_spent_nothing(ledger: Ledger) -> None:
    assert ledger.used_bytes(KEY) == 0
    assert ledger.returns(KEY) == ()
    assert ledger.denied(KEY) is None
    assert ledger.usage_rank(KEY) == (0, 0)


def test_bytes_come_back_one_window_after_they_were_spent(ledger: Ledger, clock: FakeClock) -> None:
    ledger.charge("google", KEY, 100)
    clock.move(10 * HOUR)
    ledger.charge("google", KEY, 50)
    assert ledger.returns(KEY) == (Return(NOON + DAY, 100), Return(NOON + 10 * HOUR + DAY, 50))
    clock.at = NOON + DAY - 1
    assert ledger.used_bytes(KEY) == 150
    clock.at = NOON + DAY
    assert ledger.used_bytes(KEY) == 50
    clock.at = NOON + 10 * HOUR + DAY
    assert ledger.used_bytes(KEY) == 0
    assert ledger.returns(KEY) == ()


def test_window_is_the_one_of_the_uploader(tmp_path: Path, clock: FakeClock) -> None:
    ledger = make_ledger(tmp_path, clock, google=2 * HOUR)
    ledger.charge("google", KEY, 100)
    assert ledger.returns(KEY) == (Return(NOON + 2 * HOUR, 100),)


@given(st.lists(st.tuples(st.floats(0, 2 * HOUR), st.integers(1, 1000)), min_size=1, max_size=60))
def test_charges_kept_as_one_never_come_back_early(steps: list[tuple[float, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = FakeClock()
        ledger = make_ledger(Path(folder), clock)
        spent: list[tuple[float, int]] = []
        for pause, size in steps:
            clock.move(pause)
            ledger.charge("google", KEY, size)
            spent.append((clock.at, size))
            assert ledger.used_bytes(KEY) >= sum(size for at, size in spent if at + DAY > clock.at)
        for back in ledger.returns(KEY):
            later = sum(other.bytes for other in ledger.returns(KEY) if other.at > back.at)
            assert later >= sum(size for at, size in spent if at + DAY > back.at)
        assert sum(back.bytes for back in ledger.returns(KEY)) == ledger.used_bytes(KEY)
        clock.move(DAY)
        assert ledger.used_bytes(KEY) == 0


def test_a_day_of_small_files_is_kept_in_few_charges(ledger: Ledger, clock: FakeClock) -> None:
    for _ in range(20_000):
        clock.move(4)
        ledger.charge("google", KEY, 1)
    assert ledger.used_bytes(KEY) == 20_000
    assert len(ledger.returns(KEY)) <= 289


def test_clock_set_back_brings_nothing_back_early(ledger: Ledger, clock: FakeClock) -> None:
    ledger.charge("google", KEY, 100)
    clock.move(-5 * HOUR)
    ledger.charge("google", KEY, 50)
    assert ledger.used_bytes(KEY) == 150
    clock.move(DAY)
    assert ledger.used_bytes(KEY) == 150


def test_ledger_from_the_future_counts_as_spent_now_with_one_warning(
    tmp_path: Path, ledger: Ledger, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.charge("google", KEY, 100)
    save(tmp_path, ledger)
    clock.move(-30 * DAY)
    ledger = make_ledger(tmp_path, clock)
    ledger.load({"google": DAY})
    assert ledger.returns(KEY) == (Return(clock.at + DAY, 100),)
    assert caplog.text.count("uploads in the future") == 1


# Sharing


def test_uploaders_that_share_a_key_have_one_budget(tmp_path: Path, clock: FakeClock) -> None:
    ledger = make_ledger(tmp_path, clock, google=DAY, other=2 * DAY)
    ledger.charge("google", KEY, 100)
    ledger.charge("other", KEY, 30)
    ledger.open_stage("other", KEY, 7)
    assert ledger.used_bytes(KEY) == 130
    assert ledger.used_bytes(KEY, with_reserved=True) == 137
    assert ledger.returns(KEY) == (Return(NOON + DAY, 100), Return(NOON + 2 * DAY, 30), Return(NOON + 2 * DAY, 7))
    assert ledger.usage_rank(KEY) == (130, 130)
    assert ledger.used_bytes(OTHER) == 0


def test_denial_of_one_uploader_holds_for_all_that_share_the_key(ledger: Ledger) -> None:
    ledger.deny("google", KEY, NOON + HOUR, "its daily limit")
    ledger.charge("other", KEY, 1)
    assert ledger.denied(KEY) == (NOON + HOUR, "its daily limit")
    assert ledger.denied(OTHER) is None


def test_uploader_that_is_no_longer_configured_still_counts(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    ledger.charge("google", KEY, 100)
    assert reload(tmp_path, ledger, clock, renamed=DAY).used_bytes(KEY) == 100


def test_stage_of_an_uploader_that_is_no_longer_configured_comes_back_one_window_later(
    tmp_path: Path, ledger: Ledger, clock: FakeClock
) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.charge("google", KEY, 30)
    save(tmp_path, ledger)
    clock.move(HOUR)
    ledger = make_ledger(tmp_path, clock, renamed=DAY)
    assert ledger.used_bytes(KEY) == 100
    assert ledger.open_stages("google") == []
    assert {back.at for back in ledger.returns(KEY)} == {NOON + DAY}
    clock.at = NOON + DAY
    assert make_ledger(tmp_path, clock, renamed=DAY).used_bytes(KEY, with_reserved=True) == 0


# Stages


def test_stage_reserves_what_it_plans_and_charges_leave_the_reservation(ledger: Ledger) -> None:
    ledger.open_stage("google", KEY, 100)
    assert ledger.used_bytes(KEY) == 0
    assert ledger.used_bytes(KEY, with_reserved=True) == 100
    ledger.charge("google", KEY, 30)
    assert ledger.used_bytes(KEY) == 30
    assert ledger.used_bytes(KEY, with_reserved=True) == 100
    assert ledger.open_stages("google") == [(KEY, 30)]
    ledger.close_stage("google", KEY, lost_bytes=5)
    assert ledger.used_bytes(KEY, with_reserved=True) == 35
    assert ledger.open_stages("google") == []


def test_charge_that_is_not_of_the_stage_leaves_its_reservation_alone(ledger: Ledger) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.charge("google", KEY, 30, of_stage=False)
    assert ledger.used_bytes(KEY, with_reserved=True) == 130
    assert ledger.open_stages("google") == [(KEY, 0)]


def test_files_that_grew_are_charged_beyond_the_reservation(ledger: Ledger) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.charge("google", KEY, 150)
    assert ledger.used_bytes(KEY, with_reserved=True) == 150


def test_reservation_survives_a_kill_as_used(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.charge("google", KEY, 30)
    killed = make_ledger(tmp_path, clock)
    assert killed.used_bytes(KEY, with_reserved=True) == 100
    assert killed.open_stages("google") == [(KEY, 0)]
    assert reload(tmp_path, ledger, clock).used_bytes(KEY, with_reserved=True) == 100
    assert make_ledger(tmp_path, clock).open_stages("google") == [(KEY, 30)]


def test_stage_does_not_begin_when_its_reservation_cannot_be_written(tmp_path: Path, clock: FakeClock) -> None:
    ledger = make_ledger(tmp_path / "gone", clock)
    with pytest.raises(StateError):
        ledger.open_stage("google", KEY, 100)


def test_stage_that_was_cut_off_is_remembered_until_the_next_one(
    tmp_path: Path, ledger: Ledger, clock: FakeClock
) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.close_stage("google", KEY, aborted=True)
    assert ledger.aborted_stages("google") == [KEY]
    ledger = reload(tmp_path, ledger, clock)
    assert ledger.aborted_stages("google") == [KEY]
    ledger.open_stage("google", OTHER, 100)
    assert ledger.aborted_stages("google") == []


def test_what_was_charged_ahead_is_not_charged_again_when_it_turns_out_to_have_arrived(
    tmp_path: Path, ledger: Ledger, clock: FakeClock
) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.close_stage("google", KEY, 50, aborted=True, ahead_bytes=50)
    ledger = reload(tmp_path, ledger, clock)
    ledger.open_stage("google", OTHER, 100)
    ledger.charge_late("google", KEY, 30)
    assert ledger.used_bytes(KEY) == 50
    ledger.charge_late("google", KEY, 30)
    assert ledger.used_bytes(KEY) == 60
    ledger.charge_late("google", KEY, 30)
    assert ledger.used_bytes(KEY) == 90


def test_what_was_charged_ahead_for_one_stage_says_nothing_of_the_next(ledger: Ledger) -> None:
    ledger.close_stage("google", KEY, 50, aborted=True, ahead_bytes=50)
    ledger.open_stage("google", KEY, 100)
    ledger.close_stage("google", KEY, aborted=True)
    ledger.charge_late("google", KEY, 30)
    assert ledger.used_bytes(KEY) == 80


# Dry runs


def test_rehearsal_knows_what_is_spent_and_keeps_nothing(tmp_path: Path, clock: FakeClock) -> None:
    files = StateFiles(tmp_path)
    ledger = Ledger(files, now=clock)
    ledger.load({"google": 2 * HOUR})
    ledger.charge("google", KEY, 100)
    files.save_now(LEDGER_FILE)
    before = (tmp_path / LEDGER_FILE).read_bytes()
    rehearsal = ledger.rehearsal()
    rehearsal.open_stage("google", KEY, 50)
    rehearsal.charge("google", KEY, 50)
    rehearsal.close_stage("google", KEY, 7)
    rehearsal.deny("google", OTHER, NOON + HOUR, "refused")
    assert rehearsal.returns(KEY) == (Return(NOON + 2 * HOUR, 157),)
    assert (ledger.used_bytes(KEY), ledger.denied(OTHER)) == (100, None)
    files.save_if_dirty(LEDGER_FILE)
    assert (tmp_path / LEDGER_FILE).read_bytes() == before


# What is remembered


def test_use_is_remembered_beyond_the_window(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    ledger.charge("google", KEY, 100)
    clock.move(2 * DAY)
    ledger = reload(tmp_path, ledger, clock)
    ledger.charge("google", KEY, 1)
    assert ledger.usage_rank(KEY) == (1, 101)


def test_denial_survives_a_restart_until_its_time(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    ledger.deny("google", KEY, NOON + HOUR, "its daily limit")
    ledger.deny("google", KEY, NOON + 1, "a shorter one changes nothing")
    ledger = reload(tmp_path, ledger, clock)
    found = ledger.denied(KEY)
    assert found is not None
    assert found[0] == NOON + HOUR
    clock.move(HOUR)
    assert ledger.denied(KEY) is None


def test_learned_limit_survives_a_restart_and_goes_with_the_configuration(
    tmp_path: Path, ledger: Ledger, clock: FakeClock
) -> None:
    ledger.learn_limit("google", KEY, 90, 100)
    ledger.learn_limit("google", OTHER, 95, 100)
    ledger = reload(tmp_path, ledger, clock)
    assert ledger.learned_limit("google", 100) == 90
    assert ledger.learned_limit("google", 200) is None
    assert ledger.learned_limit("other", 100) is None


# The cache file


def test_document_tells_the_limit_that_is_planned_with(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    ledger.charge("google", KEY, 1)
    ledger.charge("other", OTHER, 1)
    ledger.learn_limit("google", OTHER, 90, 100)
    save(tmp_path, ledger)
    for configured, expected in ((100, 90), (200, 200)):
        ledger.load({"google": DAY}, {"google": configured})
        document = ledger.document()
        assert [record["limit_bytes"] for record in document["google"].values()] == [expected] * 2
        assert "limit_bytes" not in document["other"][OTHER]


def test_old_form_is_accepted(tmp_path: Path, clock: FakeClock) -> None:
    first = NOON - 10 * HOUR
    write(tmp_path, {"google": {KEY: {"bytes": 700, "reset_time": first + DAY, "first_upload": first}}})
    ledger = make_ledger(tmp_path, clock)
    assert ledger.returns(KEY) == (Return(first + DAY, 700),)
    clock.at = first + DAY
    assert ledger.used_bytes(KEY) == 0


def test_old_form_that_has_run_out_counts_as_nothing(tmp_path: Path, clock: FakeClock) -> None:
    write(tmp_path, {"google": {KEY: {"bytes": 700, "reset_time": NOON - 1, "first_upload": NOON - DAY - 1}}})
    assert make_ledger(tmp_path, clock).used_bytes(KEY) == 0


def test_document_can_be_read_as_the_old_form(ledger: Ledger, clock: FakeClock) -> None:
    ledger.charge("google", KEY, 100)
    clock.move(10 * HOUR)
    ledger.charge("google", KEY, 50)
    record = ledger.document()["google"][KEY]
    assert set(record) >= LEDGER_KEYS
    assert record["bytes"] == 150
    assert record["first_upload"] == NOON
    assert record["reset_time"] == clock.at + DAY
    clock.move(2 * DAY)
    record = ledger.document()["google"][KEY]
    assert [record[name] for name in ("bytes", "reset_time", "first_upload")] == [0, 0.0, 0.0]


def test_infinity_of_old_files_is_no_denial_for_ever(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / LEDGER_FILE).write_text(f'{{"google": {{"{KEY}": {{"bytes": 5, "reset_time": Infinity}}}}}}')
    ledger = make_ledger(tmp_path, clock)
    ledger.open_stage("google", KEY, 1)
    assert ledger.denied(KEY) is None


def test_damaged_ledger_is_replaced_by_the_copy_saved_before(
    tmp_path: Path, ledger: Ledger, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.open_stage("google", KEY, 100)
    ledger.open_stage("google", OTHER, 100)
    (tmp_path / LEDGER_FILE).write_bytes(b"\0" * 50)
    files = StateFiles(tmp_path)
    ledger = Ledger(files, now=clock)
    ledger.load({"google": DAY})
    ledger.load({"google": DAY})
    assert ledger.used_bytes(KEY, with_reserved=True) == 100
    assert len(caplog.records) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
RECORD_KEYS = [
    *("bytes", "reset_time", "first_upload", "charges", "total_bytes", "last_used", "denied_until", "denied_why"),
    *("learned_limit_bytes", "learned_for_limit_bytes", "open_stage", "aborted", "ahead_bytes", "account_ids"),
]
NUMBERS = st.sampled_from([10**400, -1, 1e308, 5, NOON, 1 << 63])


@given(
    JSON
    | st.dictionaries(
        st.just("google"),
        JSON
        | st.dictionaries(
            st.just(KEY),
            JSON | st.dictionaries(st.sampled_from(RECORD_KEYS), JSON | NUMBERS | st.lists(st.lists(NUMBERS))),
        ),
    )
)
def test_whatever_the_file_holds_the_ledger_starts_and_can_be_written(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), document)
        clock = FakeClock()
        ledger = make_ledger(Path(folder), clock)
        assert ledger.used_bytes(KEY, with_reserved=True) >= 0
        ledger.open_stage("google", KEY, 1)
        assert all(math.isfinite(back.at) and back.bytes > 0 for back in ledger.returns(KEY))
        json.dumps(ledger.document(), allow_nan=False)


class LedgerMachine(RuleBasedStateMachine):
    """Two uploaders on one key: charges, stages, kills, orderly restarts and a clock that may be set back."""

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(os, "fsync", lambda _fd: None)
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.files = StateFiles(Path(self.folder.name))
        self.ledger = Ledger(self.files, now=self.clock)
        self.windows = {"google": DAY, "other": DAY}
        self.ledger.load(self.windows)
        self.spent: list[tuple[float, int]] = []
        self.planned = {"google": 0, "other": 0}
        self.ledger.open_stage("google", KEY, 0)
        self.ledger.close_stage("google", KEY)

    def used(self) -> int:
        return self.ledger.used_bytes(KEY, with_reserved=True)

    @rule(uploader=st.sampled_from(["google", "other"]), size=st.integers(1, 1000))
    def plan(self, uploader: str, size: int) -> None:
        if not self.planned[uploader]:
            before = self.used()
            self.ledger.open_stage(uploader, KEY, size)
            self.planned[uploader] = size
            assert self.used() == before + size

    @rule(uploader=st.sampled_from(["google", "other"]), share=st.floats(0, 1))
    def charge(self, uploader: str, share: float) -> None:
        size = int(self.planned[uploader] * share)
        if size:
            before, before_spent = self.used(), self.ledger.used_bytes(KEY)
            self.ledger.charge(uploader, KEY, size)
            self.planned[uploader] -= size
            self.spent.append((self.clock.at, size))
            assert self.used() == before
            assert self.ledger.used_bytes(KEY) == before_spent + size

    @rule(uploader=st.sampled_from(["google", "other"]), lost=st.integers(0, 50))
    def close(self, uploader: str, lost: int) -> None:
        before = self.ledger.used_bytes(KEY)
        self.ledger.close_stage(uploader, KEY, lost)
        self.planned[uploader] = 0
        if lost:
            self.spent.append((self.clock.at, lost))
        assert self.ledger.used_bytes(KEY) == before + lost
        self.files.save_now(LEDGER_FILE)

    @rule(seconds=st.floats(0, DAY))
    def time_passes(self, seconds: float) -> None:
        self.clock.move(seconds)
        # What has come back once stays back, also when the clock is set back afterwards.
        self.spent = [(at, size) for at, size in self.spent if at + DAY > self.clock.at]

    @rule(seconds=st.floats(0, DAY))
    def clock_is_set_back(self, seconds: float) -> None:
        before = self.used()
        self.clock.move(-seconds)
        self.spent = [(min(at, self.clock.at), size) for at, size in self.spent]
        assert self.used() >= before

    @rule(orderly=st.booleans())
    def restart(self, orderly: bool) -> None:
        before = self.used()
        if orderly:
            self.files.save_now(LEDGER_FILE)
        self.files = StateFiles(Path(self.folder.name))
        self.ledger = Ledger(self.files, now=self.clock)
        self.ledger.load(self.windows)
        assert self.used() >= before
        if not orderly:
            # Charges since the last save are in the reservation again; here it turns out that all of it was spent.
            for uploader in self.planned:
                self.ledger.close_stage(uploader, KEY, self.reserved(uploader))
                self.planned[uploader] = 0
            assert self.used() >= before
            self.files.save_now(LEDGER_FILE)

    def reserved(self, uploader: str) -> int:
        record = self.ledger.document().get(uploader, {}).get(KEY, {}).get("open_stage")
        return max(0, record["planned_bytes"] - record["charged_bytes"]) if record else 0

    @invariant()
    def nothing_is_back_early(self) -> None:
        assert self.ledger.used_bytes(KEY) >= sum(size for at, size in self.spent if at + DAY > self.clock.at)

    def teardown(self) -> None:
        self.patch.undo()
        self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=examples(60), stateful_step_count=30)


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is on the disk matters here, not that it is synced."""
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    yield
