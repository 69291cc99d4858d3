"""`sa_quota_cache.json`: older programs can read it, what they add counts, what they take away does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.contents import Contents
from cloudplow.accounts.entry import Charge, Entry
from cloudplow.accounts.exports import (
    Record,
    baseline,
    export_document,
    foreign_changes,
    place_of,
    read_records,
)
from cloudplow.accounts.ledger import Ledger
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, charge, make_ledger, open_stage

OLD_KEYS = {"bytes", "reset_time", "first_upload"}
KEY = "/keys/1.json"
ANNA = "anna"


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    made = make_ledger(clock, google=DAY, other=2 * DAY)
    made.know("google", ANNA, KEY)
    return made


def document_of(ledger: Ledger, *, generation: int = 7) -> dict[str, Any]:
    ledger.content.facts["generation"] = generation
    document = export_document(
        ledger.content, now=ledger.now(), window_of=ledger.window, limit_of=lambda name: 1000 * (name == "google")
    )
    written: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    return written


def records_of(document: object) -> list[Record]:
    return list(read_records(document, lambda key: f"of {key}", lambda _uploader: DAY, now=NOON))


def record_of(stored: object) -> Record:
    (record,) = records_of({"google": {KEY: stored}})
    return record


# What is written


def test_book_without_anything_exports_nothing() -> None:
    assert export_document(Contents(), now=NOON, window_of=lambda _: DAY, limit_of=lambda _: 0) == {}


def test_record_can_be_read_as_the_old_form(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    clock.move(10 * HOUR)
    charge(ledger, ANNA, 50)
    record = document_of(ledger)["google"][KEY]
    assert set(record) >= OLD_KEYS
    assert (record["bytes"], record["first_upload"], record["reset_time"]) == (150, NOON, clock.at + DAY)
    assert (record["account"], record["generation"], record["limit_bytes"]) == (ANNA, 8, 1000)
    assert (record["total_bytes"], record["last_used"]) == (150, clock.at)
    clock.move(2 * DAY)
    record = document_of(ledger)["google"][KEY]
    assert [record[name] for name in ("bytes", "reset_time", "first_upload")] == [0, 0.0, 0.0]


def test_uploader_that_is_not_configured_has_no_limit(ledger: Ledger) -> None:
    charge(ledger, ANNA, 1, uploader="other")
    assert "limit_bytes" not in document_of(ledger)["other"][ANNA]


def test_for_an_older_program_what_is_in_doubt_is_spent(ledger: Ledger, clock: FakeClock) -> None:
    """Going back to an older version must not make an account look free."""
    stage = open_stage(ledger, ANNA, 10, 20)
    clock.move(HOUR)
    ledger.end_stage(stage, {"2"}, 60.0)
    record = document_of(ledger)["google"][KEY]
    assert (record["bytes"], record["reset_time"], record["first_upload"]) == (20, clock.at + DAY, NOON)
    assert record["open_stages"] == {"1": 20}
    clock.move(60.0)  # it may have landed until now
    assert document_of(ledger)["google"][KEY]["reset_time"] == clock.at + DAY
    clock.move(DAY)
    assert document_of(ledger)["google"][KEY]["bytes"] == 0


def test_running_stage_counts_with_what_it_has_spent(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 10, 20)
    ledger.sent(stage, "1", 10)
    record = document_of(ledger)["google"][KEY]
    assert (record["bytes"], record["open_stages"], record["total_bytes"]) == (10, {"1": 20}, 10)


def test_upload_in_the_future_is_told_as_it_counts(ledger: Ledger, clock: FakeClock) -> None:
    ledger.content.entries["google", ANNA] = Entry(charges=[Charge(NOON + 9 * DAY, NOON + 9 * DAY, 5)], key=KEY)
    ledger.take(ledger.content)
    record = document_of(ledger)["google"][KEY]
    assert (record["charges"], record["reset_time"], record["bytes"]) == ([[NOON, 5]], NOON + DAY, 5)


def test_denial_and_learned_limit_are_told(ledger: Ledger, clock: FakeClock) -> None:
    ledger.deny("google", ANNA, NOON + HOUR, "its daily limit")
    ledger.learn_limit("google", ANNA, 90, 100)
    record = document_of(ledger)["google"][KEY]
    assert (record["denied_until"], record["denied_why"]) == (NOON + HOUR, "its daily limit")
    assert (record["learned_limit_bytes"], record["learned_for_limit_bytes"]) == (90, 100)
    clock.move(2 * HOUR)
    assert "denied_until" not in document_of(ledger)["google"][KEY]


def test_two_accounts_that_one_key_file_has_named_both_have_a_record(ledger: Ledger) -> None:
    charge(ledger, ANNA, 100)
    ledger.know("google", "ben", KEY)
    charge(ledger, "ben", 7)
    document = document_of(ledger)
    assert {record.accounts: record.used_bytes for record in records_of(document)} == {(ANNA,): 100, ("ben",): 7}
    assert KEY in document["google"]


def test_account_that_is_only_known_by_its_files_name_is_exported_under_that(ledger: Ledger) -> None:
    charge(ledger, "name:9.json", 5)
    assert list(document_of(ledger)["google"]) == ["9.json"]


# What is read


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["charge", "stage", "doubt", "deny", "learn", "move"]),
            st.sampled_from(["google", "other"]),
            st.sampled_from(["anna", "ben"]),
            st.integers(1, 100),
        ),
        max_size=12,
    )
)
def test_what_was_exported_is_read_again(steps: list[tuple[str, str, str, int]]) -> None:
    clock = FakeClock()
    ledger = make_ledger(clock, google=DAY, other=DAY)
    for step, uploader, account, number in steps:
        match step:
            case "charge":
                charge(ledger, account, number, uploader=uploader)
            case "stage" | "doubt":
                stage = open_stage(ledger, account, number, 2 * number, uploader=uploader)
                ledger.sent(stage, "1", number)
                if step == "doubt":
                    ledger.end_stage(stage, {"2"}, 60.0)
            case "deny":
                ledger.deny(uploader, account, clock.at + number, "refused")
            case "learn":
                ledger.learn_limit(uploader, account, number, 100)
            case "move":
                clock.move(number * 200)
    document = document_of(ledger)
    for record in records_of(document):
        ((account,), uploader) = record.accounts, record.uploader
        entry = ledger.content.entries[uploader, account]
        stages = [one for one in ledger.content.stages.values() if (one.uploader, one.account) == (uploader, account)]
        assert record.open_stages == {stage.number: stage.waiting_bytes for stage in stages}
        assert record.generation == 8
        assert record.used_bytes == record.exported_bytes
        assert record.entry.learned_limit_bytes == entry.learned_limit_bytes
        if entry.denied_until > clock.at:
            assert (record.entry.denied_until, record.entry.denied_at) == (entry.denied_until, entry.denied_at)
    for account in ("anna", "ben"):
        read = [one for one in records_of(document) if one.accounts == (account,)]
        assert sum(charge.bytes for one in read for charge in one.entry.charges) == ledger.used_bytes(account)
    # Nobody else has changed anything, whatever is known.
    known = baseline(iter(records_of(document)), clock.at)
    assert foreign_changes(records_of(document), known) == ([], [])
    assert foreign_changes(records_of(document), {}) == ([], [])


def test_old_form_is_one_charge_dated_by_its_window() -> None:
    record = record_of({"bytes": 700, "reset_time": NOON + HOUR, "first_upload": NOON + HOUR - DAY})
    assert record.entry.charges == [Charge(NOON + HOUR - DAY, NOON + HOUR - DAY, 700)]
    assert record.accounts == (f"of {KEY}",)
    assert (record.used_bytes, record.generation, record.entry.total_bytes) == (700, 0, 700)


def test_old_form_without_an_end_is_dated_by_its_beginning() -> None:
    assert record_of({"bytes": 700, "reset_time": 0, "first_upload": NOON}).entry.charges == [Charge(NOON, NOON, 700)]


def test_form_of_an_earlier_version_counts_what_its_open_stage_had_reserved() -> None:
    record = record_of(
        {
            "bytes": 30,
            "charges": [[NOON, 10], [NOON + 5, 20]],
            "last_used": NOON + 9,
            "open_stage": {"planned_bytes": 100, "charged_bytes": 30},
            "account_ids": ["anna", "ben", 5, ""],
        }
    )
    assert record.entry.charges == [
        Charge(NOON, NOON, 10),
        Charge(NOON + 5, NOON + 5, 20),
        Charge(NOON + 9, NOON + 9, 70),
    ]
    assert record.accounts == ("anna", "ben")


def test_account_that_was_known_by_its_files_name_is_the_one_that_the_file_names_now() -> None:
    assert record_of({"account": "name:1.json"}).accounts == (f"of {KEY}",)
    assert record_of({"account": "anna"}).accounts == ("anna",)
    (record,) = read_records({"google": {KEY: {"bytes": 1}}}, lambda _key: "", lambda _uploader: DAY, now=NOON)
    assert record.accounts == ("name:1.json",)


def test_denial_of_an_earlier_version_lasts_at_most_one_window() -> None:
    assert record_of({"denied_until": NOON + HOUR}).entry.denied_seconds == DAY
    assert record_of({"denied_until": NOON + HOUR, "denied_at": NOON}).entry.denied_seconds == HOUR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
RECORD_KEYS = [
    *("bytes", "exported_bytes", "reset_time", "first_upload", "charges", "total_bytes", "last_used", "generation"),
    *("denied_until", "denied_why", "denied_at", "learned_limit_bytes", "learned_for_limit_bytes", "open_stages"),
    *("open_stage", "account", "account_ids"),
]
NUMBERS = st.sampled_from([10**400, -1, 1e308, 5, NOON, 1 << 63])
DOCUMENTS = JSON | st.dictionaries(
    st.just("google"),
    JSON
    | st.dictionaries(
        st.just(KEY),
        JSON | st.dictionaries(st.sampled_from(RECORD_KEYS), JSON | NUMBERS | st.lists(st.lists(NUMBERS, max_size=3))),
    ),
)


@given(DOCUMENTS, JSON)
def test_whatever_the_file_holds_it_can_be_read(document: object, known: object) -> None:
    records = records_of(document)
    for record in records:
        assert all(charge.bytes > 0 for charge in record.entry.charges)
    json.dumps(baseline(iter(records), NOON), allow_nan=False)
    foreign_changes(records, known if isinstance(known, dict) else {})


# What others have changed


def changed(ledger: Ledger, clock: FakeClock, **fields: object) -> tuple[list[int], list[tuple[str, str]]]:
    """What is found when somebody changes a record of a file that we wrote."""
    document = document_of(ledger)
    known = baseline(iter(records_of(document)), clock.at)
    document["google"][KEY] |= fields
    found = foreign_changes(records_of(document), known)
    return [more for _, more in found.added], found.shrunk


def test_what_an_older_program_added_since_counts(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    assert changed(ledger, clock, bytes=150) == ([50], [])


def test_what_it_wrote_without_our_fields_is_compared_with_what_we_wrote(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    document = document_of(ledger)
    known = baseline(iter(records_of(document)), clock.at)
    old = {"bytes": 130, "reset_time": NOON + DAY, "first_upload": NOON}
    found = foreign_changes(records_of({"google": {KEY: old}}), known)
    assert [more for _, more in found.added] == [30]


@pytest.mark.parametrize("kept", [True, False], ids=["with our fields", "without"])
def test_window_that_an_older_program_began_counts_whole(ledger: Ledger, clock: FakeClock, kept: bool) -> None:
    charge(ledger, ANNA, 700)
    document = document_of(ledger)
    known = baseline(iter(records_of(document)), clock.at)
    anew = {"bytes": 60, "first_upload": clock.at + 2 * DAY, "reset_time": clock.at + 3 * DAY}
    stored = document["google"][KEY] | anew if kept else anew
    found = foreign_changes(records_of({"google": {KEY: stored}}), known)
    assert ([more for _, more in found.added], found.shrunk) == ([60], [])


def test_record_of_a_key_that_we_did_not_know_counts_whole(ledger: Ledger, clock: FakeClock) -> None:
    document: dict[str, Any] = {"google": {"/keys/new.json": {"bytes": 60, "first_upload": NOON}}}
    found = foreign_changes(records_of(document), {})
    assert [(record.key, more) for record, more in found.added] == [("/keys/new.json", 60)]


def test_record_that_shrank_or_vanished_adds_nothing_and_is_named(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    assert changed(ledger, clock, bytes=40) == ([], [("google", KEY)])
    document = document_of(ledger)
    known = baseline(iter(records_of(document)), clock.at)
    assert foreign_changes([], known) == ([], [("google", KEY)])


def test_record_that_was_empty_may_vanish(ledger: Ledger, clock: FakeClock) -> None:
    ledger.learn_limit("google", ANNA, 90, 100)
    known = baseline(iter(records_of(document_of(ledger))), clock.at)
    assert foreign_changes([], known) == ([], [])


def test_older_copy_of_our_own_has_not_shrunk(ledger: Ledger, clock: FakeClock) -> None:
    ledger.know("google", "ben", "/keys/2.json")
    charge(ledger, "ben", 5)
    older = records_of(document_of(ledger, generation=6))
    charge(ledger, ANNA, 100)
    known = baseline(iter(records_of(document_of(ledger))), clock.at)
    assert foreign_changes(older, known) == ([], [])
    # Without Anna's record in the newest one, somebody has removed it.
    newest = [one for one in records_of(document_of(ledger)) if one.accounts == ("ben",)]
    assert foreign_changes(newest, known) == ([], [("google", KEY)])


def test_baseline_of_an_earlier_version_is_understood(ledger: Ledger) -> None:
    charge(ledger, ANNA, 100)
    records = records_of({"google": {KEY: {"bytes": 130, "first_upload": NOON}}})
    assert [more for _, more in foreign_changes(records, {"google": {KEY: [100, NOON]}}).added] == [30]


def test_folder_has_one_name_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    assert place_of(Path()) == place_of(tmp_path) == place_of(tmp_path / "link") == place_of(Path("x/.."))
