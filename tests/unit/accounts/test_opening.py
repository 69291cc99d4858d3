"""Starting on whatever is there: nothing that was spent is forgotten, and each thing is said once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cloudplow.accounts.identity import read_key
from cloudplow.accounts.ledger import Ledger
from cloudplow.errors import StateError
from cloudplow.models import Return
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE
from cloudplow.state.state_files import LEDGER_FILE
from tests.unit.accounts.processes import Process, exported, rows_in, write_export
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, charge, open_stage, spent_and_ever

ANNA = "anna"
BEN = "ben"
BOTH = {"google": DAY, "other": DAY}
GB = 1 << 30


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def used(ledger: Ledger, account: str = ANNA) -> tuple[int, int]:
    return ledger.used_bytes(account), ledger.used_bytes(account, with_reserved=True)


@pytest.fixture
def spent(tmp_path: Path, clock: FakeClock) -> Process:
    """A process that has spent 700 bytes, exported that twice, and ended."""
    process = Process(tmp_path, clock)
    ledger = process.own()
    charge(ledger, ANNA, 400)
    process.export()
    charge(ledger, ANNA, 300)
    process.export()
    process.end()
    return process


# A first start


def test_first_start_of_all_has_nothing_and_says_nothing(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(tmp_path, clock)
    assert used(process.look()) == (0, 0)
    assert files_of(tmp_path) == {}
    assert used(process.own()) == (0, 0)
    assert caplog.text == ""


def test_first_start_takes_what_an_older_program_recorded(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    first = NOON - 10 * HOUR
    write_export(tmp_path, {"google": {"1.json": {"bytes": 700, "reset_time": first + DAY, "first_upload": first}}})
    before = files_of(tmp_path)
    assert Process(tmp_path, clock).look().returns("name:1.json") == (Return(first + DAY, 700),)
    assert files_of(tmp_path) == before
    for _ in range(2):
        process = Process(tmp_path, clock)
        assert process.own().returns("name:1.json") == (Return(first + DAY, 700),)
        process.kill()
    assert caplog.text == ""
    clock.move_to(first + DAY)
    assert used(Process(tmp_path, clock).own(), "name:1.json") == (0, 0)


def test_old_form_that_has_run_out_counts_as_nothing(tmp_path: Path, clock: FakeClock) -> None:
    write_export(tmp_path, {"google": {"1.json": {"bytes": 700, "reset_time": NOON - 1, "first_upload": NOON - 1}}})
    assert used(Process(tmp_path, clock).own(), "name:1.json") == (0, 0)


def test_infinity_of_old_files_is_no_denial_for_ever(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / LEDGER_FILE).write_text('{"google": {"1.json": {"bytes": 5, "reset_time": Infinity}}}')
    ledger = Process(tmp_path, clock).own()
    assert ledger.denied("name:1.json") is None
    assert used(ledger, "name:1.json") == (0, 0)


def test_first_start_looks_beside_the_configuration_too_and_the_larger_wins(tmp_path: Path, clock: FakeClock) -> None:
    """The old program's `--cachefile` was elsewhere, but its JSON files lay beside the configuration."""
    config, cache = tmp_path / "config", tmp_path / "cache"
    cache.mkdir()
    old: dict[str, Any] = {"first_upload": NOON, "reset_time": NOON + DAY}
    write_export(config, {"google": {"1.json": {"bytes": 700, **old}, "2.json": {"bytes": 10, **old}}})
    write_export(cache, {"google": {"2.json": {"bytes": 500, **old}, "3.json": {"bytes": 30, **old}}})
    for _ in range(2):
        process = Process(cache, clock, other_folders=[config, cache])
        ledger = process.own()
        assert [used(ledger, f"name:{number}.json")[0] for number in (1, 2, 3)] == [700, 500, 30]
        process.end()
    assert exported(config)["google"].keys() == {"1.json", "2.json"}


def test_what_an_older_program_writes_beside_the_configuration_later_counts(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, cache = tmp_path / "config", tmp_path / "cache"
    cache.mkdir()
    old: dict[str, Any] = {"first_upload": NOON, "reset_time": NOON + DAY}
    write_export(config, {"google": {"1.json": {"bytes": 700, **old}}})
    process = Process(cache, clock, other_folders=[config])
    process.own()
    process.end()
    write_export(config, {"google": {"1.json": {"bytes": 720, **old}}})
    monkeypatch.chdir(tmp_path)
    for written in (Path("config"), config, Path("config/../config")):
        process = Process(cache, clock, other_folders=[written])
        assert used(process.own(), "name:1.json") == (720, 720)
        process.end()


def test_first_start_takes_what_an_earlier_version_recorded(tmp_path: Path, clock: FakeClock) -> None:
    record = {
        "bytes": 30,
        "charges": [[NOON - HOUR, 30]],
        "total_bytes": 5000,
        "last_used": NOON - HOUR,
        "account_ids": [ANNA],
        "learned_limit_bytes": 90,
        "learned_for_limit_bytes": 100,
        "denied_until": NOON + HOUR,
        "denied_why": "its daily limit",
        "open_stage": {"planned_bytes": 50, "charged_bytes": 30},
    }
    write_export(tmp_path, {"google": {"/keys/1.json": record}})
    ledger = Process(tmp_path, clock).own()
    assert ledger.returns(ANNA) == (Return(NOON - HOUR + DAY, 50),)
    assert spent_and_ever(ledger, ANNA) == (50, 5000)
    assert ledger.denied(ANNA) == (NOON + HOUR, "its daily limit")
    assert ledger.learned_limit("google", 100) == 90


# The old program's own cache


def make_old_cache(path: Path, tables: dict[str, dict[str, Any]]) -> None:
    with closing(sqlite3.connect(path)) as made:
        for table, rows in tables.items():
            made.execute(f"CREATE TABLE {table} (key TEXT PRIMARY KEY, value)")
            made.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(key, json.dumps(rows[key])) for key in rows])
        made.commit()


def test_bans_of_the_old_program_are_taken_once(tmp_path: Path, clock: FakeClock) -> None:
    key = tmp_path / "1.json"
    key.write_text('{"client_email": "a@pool.invalid"}')
    make_old_cache(
        tmp_path / "cache.db",
        {
            "sa_bans": {"google": {str(key): NOON + HOUR, "/opt/sa/2.json": None, "/opt/sa/3.json": NOON - 1}},
            "uploader_bans": {"google": NOON + 2 * HOUR, "other": NOON - 1},
            "syncer_bans": {"nightly": NOON + 3 * HOUR},
        },
    )
    account = read_key(str(key)).identity
    process = Process(tmp_path, clock, old_cache=tmp_path / "cache.db")
    for _ in range(2):
        ledger = process.own()
        assert ledger.denied(account) == (NOON + HOUR, "banned by an earlier version of cloudplow")
        assert ledger.denied("name:2.json") is ledger.denied("name:3.json") is None
        assert ledger.fact("sleeps") == {"google": NOON + 2 * HOUR, "nightly": NOON + 3 * HOUR}
        process.kill()
        process = Process(tmp_path, clock, old_cache=tmp_path / "cache.db")
    ledger = process.own()
    ledger.correct("google", account, 0)
    ledger.set_fact("sleeps", {})
    process.end()
    ledger = Process(tmp_path, clock, old_cache=tmp_path / "cache.db").own()
    assert ledger.denied(account) is None
    assert ledger.fact("sleeps") == {}


def test_old_cache_that_cannot_be_read_is_said_once(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache.db").write_bytes(b"no database")
    process = Process(tmp_path, clock, old_cache=tmp_path / "cache.db")
    process.look()
    process.own()
    process.end()
    Process(tmp_path, clock, old_cache=tmp_path / "cache.db").own()
    assert len(caplog.records) == 1


def test_bans_that_appear_after_the_first_start_are_taken_and_kept(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    process.own()
    process.end()
    make_old_cache(tmp_path / "cache.db", {"sa_bans": {"google": {"1.json": NOON + HOUR}}})
    process = Process(tmp_path, clock, old_cache=tmp_path / "cache.db")
    assert process.own().denied("name:1.json")
    process.kill()
    assert Process(tmp_path, clock, old_cache=tmp_path / "cache.db").own().denied("name:1.json")


# From process to process


def test_everything_is_there_after_an_orderly_end(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock, BOTH)
    ledger = process.own()
    charge(ledger, ANNA, 100)
    clock.move(HOUR)
    stage = open_stage(ledger, ANNA, 10, 20, 40, uploader="other", landing_seconds=60.0)
    ledger.sent(stage, "1", 10)
    ledger.end_stage(stage, {"2"}, 90.0)
    ledger.deny("google", BEN, NOON + 5 * HOUR, "refused")
    ledger.learn_limit("google", BEN, 90, 100)
    ledger.set_fact("waiting", {"google": {"a": 1}})
    before = {account: ledger.returns(account) for account in (ANNA, BEN)}
    process.end()
    for later in (Process(tmp_path, clock, BOTH).look(), Process(tmp_path, clock, BOTH).own()):
        assert {account: later.returns(account) for account in (ANNA, BEN)} == before
        assert later.unsettled("other") == [stage]
        assert later.unsettled("other")[0].landing_seconds == 90.0
        assert list(later.arrived("other")) == ["1"]
        assert later.denied(BEN) == (NOON + 5 * HOUR, "refused")
        assert later.learned_limit("google", 100) == 90
        assert later.fact("waiting") == {"google": {"a": 1}}


def test_numbers_of_stages_are_never_used_again(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    charge(process.own(), ANNA, 100)
    process.kill()
    ledger = Process(tmp_path, clock).own()
    assert open_stage(ledger, BEN, 1).number == 2


def test_killed_stage_counts_whole_for_the_account_that_had_it(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed again when the next stage, of another account, has just opened."""
    process = Process(tmp_path, clock)
    open_stage(process.own(), ANNA, 100)
    process.kill()
    process = Process(tmp_path, clock)
    ledger = process.own()
    assert used(ledger) == (0, 100)
    open_stage(ledger, BEN, 50)
    process.kill()
    ledger = Process(tmp_path, clock).own()
    assert (used(ledger), used(ledger, BEN)) == ((0, 100), (0, 50))
    assert [stage.account for stage in ledger.unsettled("google")] == [ANNA, BEN]
    assert caplog.text == ""


def test_charges_of_a_closed_stage_survive_a_kill_before_the_next_one_opens(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    stage = open_stage(ledger, ANNA, 100, 50)
    ledger.sent(stage, "1", 100)
    ledger.done(stage, "1")
    ledger.end_stage(stage, (), 0.0)
    process.kill()
    assert used(Process(tmp_path, clock).own())[1] >= 100


def test_stage_whose_list_is_lost_counts_whole_and_once(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100, 50)
    process.ledger.sent(stage, "2", 50)
    process.save()
    process.saving.book.write({("files", "1"): b""})
    process.saving.book.back_up()
    process.kill()
    process = Process(tmp_path, clock)
    assert used(process.look()) == (150, 150)
    assert used(process.own()) == (150, 150)
    assert [record.getMessage() for record in caplog.records] == [
        "google: the list of an interrupted stage is lost, so all that it planned counts as used for account anna.json"
    ]
    process.ledger.deny("google", ANNA, NOON + HOUR, "refused")  # the entry is written
    process.end()
    ledger = Process(tmp_path, clock).own()
    assert used(ledger) == (150, 150)
    assert len(caplog.records) == 1
    assert ("stage", "1") not in rows_in(tmp_path)


def test_stage_of_an_uploader_that_is_not_configured_any_more_comes_back_one_window_later(
    tmp_path: Path, clock: FakeClock
) -> None:
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 30, 70)
    process.ledger.sent(stage, "1", 30)
    process.save()
    process.kill()
    for _ in range(3):
        process = Process(tmp_path, clock, {"renamed": DAY})
        ledger = process.own()
        assert used(ledger) == (100, 100)
        assert ledger.unsettled("google") == []
        process.kill()
        clock.move(HOUR)
    clock.move_to(NOON + DAY)
    assert used(Process(tmp_path, clock, {"renamed": DAY}).own()) == (0, 0)


def test_denial_with_the_clock_ahead_ends_though_each_process_is_short(tmp_path: Path, clock: FakeClock) -> None:
    clock.leap(365 * DAY)
    process = Process(tmp_path, clock)
    process.own().deny("google", ANNA, clock.at + DAY, "refused")
    charge(process.ledger, ANNA, 100)
    process.end()
    clock.reboot(down_seconds=0, up_seconds=0)
    clock.leap(-365 * DAY)
    clock.confirmed_at = clock.at
    for _ in range(24):
        process = Process(tmp_path, clock)
        ledger = process.own()
        assert ledger.denied(ANNA)
        assert used(ledger) == (100, 100)
        process.end()
        clock.move(HOUR)
    ledger = Process(tmp_path, clock).own()
    assert ledger.denied(ANNA) is None
    assert used(ledger) == (0, 0)


def test_uploads_in_the_future_count_for_one_window_and_are_said_once(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    later = NOON + 40 * DAY
    record = {"bytes": 700, "charges": [[later, 700]], "reset_time": later + DAY, "last_used": later}
    write_export(tmp_path, {"google": {"1.json": record}})
    for hours in range(24):
        process = Process(tmp_path, clock)
        process.look()
        assert used(process.own(), "name:1.json") == (700, 700)
        assert process.ledger.returns("name:1.json")[0].at == NOON + DAY
        process.kill()
        assert len(caplog.records) == 1, hours
        clock.move(HOUR)
    assert used(Process(tmp_path, clock).own(), "name:1.json") == (0, 0)
    assert "uploads in the future" in caplog.text


@pytest.mark.parametrize("leap", [-DAY, 365 * DAY])
def test_small_upload_with_a_wrong_clock_loses_nothing_of_earlier_charges(
    tmp_path: Path, clock: FakeClock, leap: float
) -> None:
    process = Process(tmp_path, clock)
    charge(process.own(), ANNA, 700)
    process.end()
    clock.leap(leap)
    clock.move(HOUR)
    process = Process(tmp_path, clock)
    charge(process.own(), ANNA, 1)
    process.end()
    clock.leap(-leap)
    clock.move(HOUR)
    ledger = Process(tmp_path, clock).own()
    assert ledger.returns(ANNA) == (Return(NOON + DAY, 700), Return(NOON + HOUR + DAY, 1))


# Lost, damaged and older files


def test_missing_book_is_rebuilt_from_its_backup(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / BOOK_FILE).unlink()
    before = files_of(tmp_path)
    assert used(Process(tmp_path, clock).look()) == (700, 700)
    assert files_of(tmp_path) == before
    process = Process(tmp_path, clock)
    assert used(process.own()) == (700, 700)
    process.kill()
    (warning,) = caplog.records
    assert "cloudplow.db is missing; rebuilt from the backup copy" in warning.getMessage()
    # For good: the next process sees the same, also without the other files.
    (tmp_path / BACKUP_FILE).unlink()
    for path in tmp_path.glob(f"{LEDGER_FILE}*"):
        path.unlink()
    assert used(Process(tmp_path, clock).own()) == (700, 700)


def test_missing_book_and_backup_are_rebuilt_from_the_exports(tmp_path: Path, clock: FakeClock, spent: Process) -> None:
    for name in (BOOK_FILE, BACKUP_FILE):
        (tmp_path / name).unlink()
    assert used(Process(tmp_path, clock).look()) == (700, 700)
    process = Process(tmp_path, clock)
    assert used(process.own()) == (700, 700)
    process.end()
    assert used(Process(tmp_path, clock).own()) == (700, 700)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"SQLite format 3\0" + b"x" * 5000, b"{}"])
def test_damaged_book_is_set_aside_and_rebuilt_with_one_warning(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / BOOK_FILE).write_bytes(content)
    assert used(Process(tmp_path, clock).look()) == (700, 700)
    for _ in range(2):
        process = Process(tmp_path, clock)
        assert used(process.own()) == (700, 700)
        process.kill()
    assert len(caplog.records) == 1
    aside = [path for path in tmp_path.iterdir() if path.name.startswith(f"{BOOK_FILE}.corrupt-")]
    assert [path.read_bytes() for path in aside] == ([content] if content else [])


def test_database_of_something_else_is_set_aside(tmp_path: Path, clock: FakeClock, spent: Process) -> None:
    (tmp_path / BOOK_FILE).unlink()
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as made:
        made.execute("CREATE TABLE songs (name TEXT)")
    assert used(Process(tmp_path, clock).own()) == (700, 700)


@pytest.mark.parametrize("of", ["the book", "the backup"])
def test_newer_version_of_the_book_is_not_touched(tmp_path: Path, clock: FakeClock, spent: Process, of: str) -> None:
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as made:
        made.execute("PRAGMA user_version = 99")
    before = files_of(tmp_path)
    for start in (Process(tmp_path, clock).look, Process(tmp_path, clock).own):
        with pytest.raises(StateError, match="written by a newer version of cloudplow: update cloudplow"):
            start()
    assert files_of(tmp_path) == before


def test_book_that_is_older_than_its_backup_is_replaced(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100)
    older = (tmp_path / BOOK_FILE).read_bytes()
    process.ledger.end_stage(stage, (), 0.0)
    charge(process.ledger, BEN, 700)
    process.end()
    for path in tmp_path.glob(f"{LEDGER_FILE}*"):
        path.unlink()
    (tmp_path / BOOK_FILE).write_bytes(older)
    for _ in range(2):
        process = Process(tmp_path, clock)
        ledger = process.own()
        assert (used(ledger, ANNA), used(ledger, BEN)) == ((0, 0), (700, 700))
        assert ledger.unsettled("google") == []
        process.kill()
    (warning,) = caplog.records
    assert "is an older copy" in warning.getMessage()


def test_book_that_is_older_than_the_exports_takes_what_these_know_beyond_it(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    charge(ledger, ANNA, 900)  # long back when the older copy is put in place
    clock.move(2 * DAY)
    settled = open_stage(ledger, ANNA, 100)
    process.save()
    older = (tmp_path / BOOK_FILE).read_bytes()
    ledger.sent(settled, "1", 100)
    ledger.done(settled, "1")
    ledger.end_stage(settled, (), 0.0)
    charge(ledger, ANNA, 500)
    lost = open_stage(ledger, ANNA, 30, 7)
    ledger.sent(lost, "2", 7)
    ledger.deny("google", BEN, clock.at + HOUR, "refused")
    process.export()
    process.kill()
    (tmp_path / BOOK_FILE).write_bytes(older)
    (tmp_path / BACKUP_FILE).write_bytes(older)
    for _ in range(2):
        process = Process(tmp_path, clock)
        assert used(process.own()) == (637, 637)
        assert process.ledger.denied(BEN)
        assert process.ledger.unsettled("google") == []
        process.kill()
    messages = [record.getMessage() for record in caplog.records]
    assert sum("is an older copy" in message for message in messages) == 1
    assert sum("the list of an interrupted stage is lost" in message for message in messages) == 1
    assert len(messages) == 2


def test_book_that_is_older_than_the_exports_knows_the_same_stage_better(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100, 50)
    older = (tmp_path / BOOK_FILE).read_bytes()
    process.ledger.sent(stage, "1", 100)
    process.export()
    process.kill()
    (tmp_path / BOOK_FILE).write_bytes(older)
    (tmp_path / BACKUP_FILE).write_bytes(older)
    ledger = Process(tmp_path, clock).own()
    assert used(ledger) == (0, 150)
    ledger.settle(ledger.unsettled("google")[0], {"1": 100}, ["2"], {"1"})
    assert used(ledger) == (100, 100)


@pytest.mark.parametrize("fraction", [0.0, 0.00007, 0.0004, 0.0006, 0.9996])
def test_what_both_know_of_a_stage_counts_once_at_whatever_moment_it_was_spent(
    tmp_path: Path, clock: FakeClock, fraction: float
) -> None:
    clock.move(fraction)
    process = Process(tmp_path, clock)
    charge(process.own(), ANNA, 200)
    clock.move(2 * HOUR)
    stage = open_stage(process.ledger, ANNA, 100, 50)
    process.ledger.sent(stage, "1", 100)
    process.save()
    older = (tmp_path / BOOK_FILE).read_bytes()
    process.export()
    process.kill()
    (tmp_path / BOOK_FILE).unlink()
    (tmp_path / BACKUP_FILE).write_bytes(older)
    clock.move(1.0)
    ledger = Process(tmp_path, clock).own()
    assert used(ledger) == (300, 350)
    ledger.settle(ledger.unsettled("google")[0], {}, ["2"], {"1"})
    assert used(ledger) == (300, 300)


def test_what_newer_exports_say_that_a_stage_has_spent_counts_whatever_the_destination_says(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Somebody may have removed the file there since."""
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100, 50, 7)
    older = (tmp_path / BOOK_FILE).read_bytes()
    process.ledger.sent(stage, "1", 100)
    process.export()
    process.kill()
    (tmp_path / BOOK_FILE).write_bytes(older)
    (tmp_path / BACKUP_FILE).write_bytes(older)
    process = Process(tmp_path, clock)
    assert used(process.own()) == (0, 157)
    process.ledger.settle(process.ledger.unsettled("google")[0], {"3": 7}, ["1"], {"3"})
    assert used(process.ledger) == (7, 100)
    assert process.ledger.standing(ANNA).unsettled_bytes == 93
    assert process.export()["google"]["anna"]["bytes"] == 100
    process.kill()
    process = Process(tmp_path, clock)
    assert used(process.own()) == (7, 100)
    process.ledger.settle(process.ledger.unsettled("google")[0], {}, ["2"], ())
    assert process.ledger.returns(ANNA) == (Return(clock.at + DAY, 100),)
    assert process.ledger.unsettled("google") == []


def test_what_the_journal_of_a_killed_stage_says_counts_once_beside_newer_exports(
    tmp_path: Path, clock: FakeClock
) -> None:
    (tmp_path / "stages").mkdir()
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100, 50)
    older = (tmp_path / BOOK_FILE).read_bytes()
    process.ledger.sent(stage, "1", 100)
    process.ledger.done(stage, "1")
    process.export()
    process.kill()
    (tmp_path / BOOK_FILE).write_bytes(older)
    (tmp_path / BACKUP_FILE).write_bytes(older)
    assert used(Process(tmp_path, clock).own()) == (100, 150)


def test_record_of_another_program_beside_newer_exports_says_nothing_about_stages(
    tmp_path: Path, clock: FakeClock
) -> None:
    process = Process(tmp_path, clock)
    open_stage(process.own(), ANNA, 100)
    older = (tmp_path / BOOK_FILE).read_bytes()
    charge(process.ledger, BEN, 500)
    document = process.export()
    process.kill()
    document["google"]["anna"] = {"account": ANNA, "bytes": 30, "reset_time": clock.at + DAY}
    write_export(tmp_path, document)
    (tmp_path / BOOK_FILE).write_bytes(older)
    (tmp_path / BACKUP_FILE).write_bytes(older)
    process = Process(tmp_path, clock)
    process.own()
    assert (used(process.ledger, ANNA), used(process.ledger, BEN)) == ((30, 130), (500, 500))


def test_what_was_spent_while_the_same_stage_was_in_doubt_is_not_forgotten(tmp_path: Path, clock: FakeClock) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    stage = open_stage(ledger, ANNA, 100)
    ledger.end_stage(stage, {"1"}, 60.0)
    process.save()
    older = (tmp_path / BOOK_FILE).read_bytes()
    clock.move(HOUR)
    charge(ledger, ANNA, 500)
    process.export()
    process.kill()
    (tmp_path / BOOK_FILE).write_bytes(older)
    (tmp_path / BACKUP_FILE).write_bytes(older)
    ledger = Process(tmp_path, clock).own()
    assert used(ledger) == (500, 600)
    ledger.settle(ledger.unsettled("google")[0], {}, ["1"], ())
    assert ledger.returns(ANNA) == (Return(clock.at + DAY, 500),)


def test_exports_that_are_lost_cost_nothing_and_say_nothing(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture
) -> None:
    for path in tmp_path.glob(f"{LEDGER_FILE}*"):
        path.unlink()
    process = Process(tmp_path, clock)
    assert used(process.own()) == (700, 700)
    process.end()
    assert used(Process(tmp_path, clock).own()) == (700, 700)
    assert len(caplog.records) <= 1


@pytest.mark.parametrize("content", [None, b'{"google": {"an'], ids=["removed", "torn"])
@pytest.mark.parametrize("with_book", [True, False], ids=["with the book", "without"])
def test_export_that_is_torn_or_removed_beside_a_good_copy_forgets_nothing(
    tmp_path: Path,
    clock: FakeClock,
    spent: Process,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
    with_book: bool,
) -> None:
    (tmp_path / LEDGER_FILE).unlink()
    if content is not None:
        (tmp_path / LEDGER_FILE).write_bytes(content)
    if not with_book:
        (tmp_path / BOOK_FILE).unlink()
        (tmp_path / BACKUP_FILE).unlink()
    # The copy is older: it says 400.
    expected = 700 if with_book else 400
    assert used(Process(tmp_path, clock).look()) == (expected, expected)
    for _ in range(2):
        process = Process(tmp_path, clock)
        assert used(process.own()) == (expected, expected)
        process.kill()
    said = [record.getMessage() for record in caplog.records if f"{LEDGER_FILE}: " in record.getMessage()]
    assert len(said) == 2  # by the one who looked, and by the one who put it right
    assert all("its previous copy is used" in one for one in said)


# What others have written


def rewrite(folder: Path, at: float = NOON, **fields: int) -> None:
    document = exported(folder)
    document["google"][ANNA] |= fields
    write_export(folder, document, at)


def test_what_an_older_program_added_since_counts_for_good_and_is_said_once(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture
) -> None:
    clock.move(HOUR)
    rewrite(tmp_path, bytes=700 + GB)
    process = Process(tmp_path, clock)
    assert used(process.look()) == (700 + GB, 700 + GB)
    assert used(process.own()) == (700 + GB, 700 + GB)
    assert spent_and_ever(process.ledger, ANNA) == (700 + GB, 700 + GB)
    process.kill()
    for _ in range(2):
        process = Process(tmp_path, clock)
        assert used(process.own()) == (700 + GB, 700 + GB)
        process.end()
    assert [record.getMessage() for record in caplog.records] == [
        "google: another program recorded 1.0 GB more for account anna in sa_quota_cache.json: they count as used"
    ]


def test_what_an_older_program_added_counts_from_when_the_file_was_written(
    tmp_path: Path, clock: FakeClock, spent: Process
) -> None:
    rewrite(tmp_path, NOON + HOUR, bytes=800)
    clock.move(5 * HOUR)
    assert Process(tmp_path, clock).own().returns(ANNA)[-1] == Return(NOON + HOUR + DAY, 100)


def test_what_an_older_program_added_counts_though_the_book_is_lost(
    tmp_path: Path, clock: FakeClock, spent: Process
) -> None:
    rewrite(tmp_path, bytes=800)
    for name in (BOOK_FILE, BACKUP_FILE):
        (tmp_path / name).unlink()
    process = Process(tmp_path, clock)
    assert used(process.own()) == (800, 800)
    process.kill()
    assert used(Process(tmp_path, clock).own()) == (800, 800)


def test_record_that_somebody_made_smaller_changes_nothing_and_says_what_does(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture
) -> None:
    rewrite(tmp_path, bytes=0)
    process = Process(tmp_path, clock)
    process.look()
    assert used(process.own()) == (700, 700)
    process.kill()
    for _ in range(2):
        process = Process(tmp_path, clock)
        assert used(process.own()) == (700, 700)
        process.end()
    (warning,) = {record.getMessage() for record in caplog.records}
    assert "that changes nothing; `cloudplow accounts correct google anna --forget` does" in warning
    # Killed before anything was written, it is said again; never after that.
    assert len(caplog.records) <= 2


def test_file_that_somebody_emptied_changes_nothing(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture
) -> None:
    write_export(tmp_path, {})
    assert used(Process(tmp_path, clock).own()) == (700, 700)
    assert "says less than before" in caplog.text


def test_beside_a_running_instance_the_exports_are_read_without_a_word(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    running = Process(tmp_path, clock)
    stage = open_stage(running.own(), ANNA, 10, 20)
    running.ledger.sent(stage, "1", 10)
    running.export()
    ledger = Process(tmp_path, clock).look(running=True)
    assert used(ledger) == (30, 30)
    assert caplog.text == ""


def test_book_that_was_not_written_for_long_is_mentioned(
    tmp_path: Path, clock: FakeClock, spent: Process, caplog: pytest.LogCaptureFixture
) -> None:
    clock.move(50 * HOUR)
    with caplog.at_level("INFO"):
        Process(tmp_path, clock).own()
    assert "last written 50 hours ago" in caplog.text


def test_what_was_sent_for_nothing_just_before_a_kill_counts_once(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "stages").mkdir()
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100)
    process.ledger.wasted(stage, 30)
    process.save()
    process.ledger.wasted(stage, 7)
    process.kill()
    for _ in range(3):
        after = Process(tmp_path, clock)
        assert after.own().used_bytes(ANNA) == 37
        after.kill()


def test_the_end_of_a_stage_just_before_a_kill_is_known_with_its_landing_time(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "stages").mkdir()
    process = Process(tmp_path, clock)
    stage = open_stage(process.own(), ANNA, 100)
    process.ledger.end_stage(stage, {"1"}, 300.4)
    process.kill()
    clock.move(1000)
    (left,) = Process(tmp_path, clock).own().unsettled("google")
    assert left.ended_at == pytest.approx(NOON, abs=1)
    assert left.landing_seconds == 301


@pytest.mark.parametrize(("arrived", "owed", "used"), [(True, 110, 130), (False, 130, 150), (True, 90, 120)])
def test_what_a_stage_owes_counts_once_its_files_are_settled(
    tmp_path: Path, clock: FakeClock, arrived: bool, owed: int, used: int
) -> None:
    ledger = Process(tmp_path, clock).own()
    stage = open_stage(ledger, ANNA, 100, 20)
    ledger.sent(stage, "2", 20)
    ledger.done(stage, "2")
    ledger.owe(stage, owed, {})
    ledger.end_stage(stage, {"1"}, 60)
    assert ledger.used_bytes(ANNA, with_reserved=True) >= used
    found = {"1": 100} if arrived else {}
    ledger.settle(stage, found, set() if arrived else {"1"}, found)
    assert ledger.used_bytes(ANNA) == used


@pytest.mark.parametrize("killed", ["never", "before it was asked", "after the first answer"])
@pytest.mark.parametrize(("found", "used"), [((), 70), (("1",), 130), (("3",), 110), (("1", "3"), 170)])
def test_what_a_stage_owes_is_beside_what_was_sent_of_files_that_turn_out_to_have_arrived(
    tmp_path: Path, clock: FakeClock, found: tuple[str, ...], used: int, killed: str
) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    stage = open_stage(ledger, ANNA, 100, 20, 40)
    ledger.sent(stage, "2", 20)
    ledger.done(stage, "2")
    ledger.owe(stage, 50, {"1": 60, "3": 40})
    ledger.end_stage(stage, {"1", "3"}, 60)
    process.save()
    there = {name: {"1": 100, "3": 40}[name] for name in found}
    if killed == "after the first answer":  # the journal alone has it
        ledger.settle(stage, {name: there[name] for name in found[:1]}, set(), found[:1])
    if killed != "never":
        process.kill()
        ledger = Process(tmp_path, clock).own()
    assert ledger.used_bytes(ANNA, with_reserved=True) == 170

    for stage in ledger.unsettled("google"):
        ledger.settle(stage, there, {"1", "3"} - there.keys(), there)

    assert ledger.used_bytes(ANNA) == used


def test_what_a_stage_owes_counts_with_all_that_was_sent_where_nobody_can_be_asked(
    tmp_path: Path, clock: FakeClock
) -> None:
    ledger = Process(tmp_path, clock).own()
    stage = open_stage(ledger, ANNA, 100, 20)
    ledger.sent(stage, "2", 20)
    ledger.owe(stage, 50, {"1": 60})
    ledger.end_stage(stage, {"1"}, 60)

    ledger.give_up(stage)

    assert ledger.used_bytes(ANNA) == 130


@pytest.mark.parametrize("kind", ["account", "stage", "files"])
def test_a_row_that_cannot_be_read_is_taken_from_the_backup_copy(
    tmp_path: Path, clock: FakeClock, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(tmp_path, clock)
    ledger = process.own()
    charge(ledger, ANNA, 40)
    open_stage(ledger, ANNA, 100)
    process.kill()
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as book, book:
        book.execute("UPDATE rows SET value = ? WHERE kind = ?", (b"\xff[", kind))
    (tmp_path / LEDGER_FILE).unlink(missing_ok=True)

    for look in (True, False):
        after = Process(tmp_path, clock)
        book_ = after.look() if look else after.own()
        assert book_.used_bytes(ANNA, with_reserved=True) == 140
        after.kill()
    assert "taken from the backup copy" in caplog.text
