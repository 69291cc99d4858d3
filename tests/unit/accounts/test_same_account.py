"""One budget for all key files of an account: links, copies, further keys, and files that were renamed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.pool import AccountPool
from cloudplow.accounts.same_account import account_id
from cloudplow.state.state_files import LEDGER_FILE, StateFiles
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, make_ledger


def write_key(path: Path, email: str, key_id: str = "1") -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"type": "service_account", "client_email": email, "private_key_id": key_id}))
    return str(path)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> Ledger:
    return make_ledger(tmp_path, clock, google=DAY, other=DAY)


def reload(folder: Path, ledger: Ledger, clock: FakeClock) -> Ledger:
    (folder / LEDGER_FILE).write_text(json.dumps(ledger.document()))
    return make_ledger(folder, clock, google=DAY, other=DAY)


# Which account a file names


def test_account_is_told_by_its_address_whatever_the_file_is_called(tmp_path: Path) -> None:
    first = account_id(write_key(tmp_path / "1.json", "a@pool.invalid"))
    assert first == account_id(write_key(tmp_path / "copy.json", " A@pool.invalid ", key_id="2"))
    assert first != account_id(write_key(tmp_path / "2.json", "b@pool.invalid"))
    assert "pool" not in first


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"client_email": 7}', '{"client_email": " "}', "[" * 100_000])
def test_file_that_names_none_has_no_account(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    assert account_id(str(tmp_path / "1.json")) == ""


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, tmp_path / "gone.json", "/dev/zero", "a\0b"):
        assert account_id(str(path)) == ""
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(1 << 30)
    assert account_id(str(tmp_path / "large.json")) == ""


@given(st.text())
def test_any_path_can_be_asked_about(path: str) -> None:
    assert account_id(path) == ""


# One budget


def test_copies_of_a_key_in_two_folders_have_one_budget(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    key = write_key(tmp_path / "a" / "1.json", "a@pool.invalid")
    other = write_key(tmp_path / "b" / "7.json", "a@pool.invalid", key_id="2")
    stranger = write_key(tmp_path / "b" / "1.json", "b@pool.invalid")
    ledger.charge("google", key, 100)
    ledger.open_stage("google", key, 30)
    ledger.deny("google", key, NOON + HOUR, "refused")
    for one in (ledger, reload(tmp_path, ledger, clock)):
        assert one.used_bytes(other, with_reserved=True) == 130
        assert one.denied(other) == (NOON + HOUR, "refused")
        assert one.returns(other) == one.returns(key)
        assert (one.used_bytes(stranger), one.denied(stranger)) == (0, None)
    ledger.charge("other", other, 20)
    assert ledger.used_bytes(key) == 120


def test_key_file_that_was_renamed_has_spent_what_it_spent(tmp_path: Path, ledger: Ledger, clock: FakeClock) -> None:
    key = write_key(tmp_path / "keys" / "1.json", "a@pool.invalid")
    ledger.charge("google", key, 100)
    renamed = str(Path(key).rename(tmp_path / "keys" / "renamed.json"))
    ledger = reload(tmp_path, ledger, clock)
    assert ledger.used_bytes(renamed) == 100
    assert "pool.invalid" not in (tmp_path / LEDGER_FILE).read_text()


def test_key_file_that_was_replaced_by_another_accounts_has_spent_nothing(
    tmp_path: Path, ledger: Ledger, clock: FakeClock
) -> None:
    first = write_key(tmp_path / "keys" / "1.json", "a@pool.invalid")
    ledger.charge("google", first, 100)
    write_key(tmp_path / "keys" / "1.json", "b@pool.invalid")
    second = write_key(tmp_path / "keys" / "2.json", "a@pool.invalid")
    ledger = reload(tmp_path, ledger, clock)
    assert (ledger.used_bytes(first), ledger.used_bytes(second)) == (0, 100)
    ledger.charge("google", first, 7)
    # From here on the record mixes both: each counts all of it, until what the first one spent has come back.
    ledger = reload(tmp_path, ledger, clock)
    assert (ledger.used_bytes(first), ledger.used_bytes(second)) == (107, 107)
    clock.move(DAY)
    ledger = reload(tmp_path, ledger, clock)
    ledger.charge("google", first, 7)
    assert (ledger.used_bytes(first), ledger.used_bytes(second)) == (7, 0)


def test_ledger_of_an_earlier_version_counts_for_the_account_that_the_file_names(
    tmp_path: Path, clock: FakeClock
) -> None:
    key = write_key(tmp_path / "a" / "1.json", "a@pool.invalid")
    other = write_key(tmp_path / "b" / "1.json", "a@pool.invalid")
    record = {"bytes": 70, "reset_time": NOON + HOUR, "first_upload": NOON + HOUR - DAY}
    (tmp_path / LEDGER_FILE).write_text(json.dumps({"google": {key: record}}))
    assert make_ledger(tmp_path, clock).used_bytes(other) == 70


def test_key_that_cannot_be_read_any_more_has_spent_what_it_spent(
    tmp_path: Path, ledger: Ledger, clock: FakeClock
) -> None:
    key = write_key(tmp_path / "a" / "1.json", "a@pool.invalid")
    ledger.charge("google", key, 100)
    Path(key).write_text("{")
    ledger = reload(tmp_path, ledger, clock)
    assert ledger.used_bytes(key) == 100
    ledger.charge("google", key, 1)
    assert ledger.used_bytes(key) == 101


def test_two_keys_of_one_account_in_a_folder_are_planned_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    for name, email in (("1.json", "a"), ("2.json", "a"), ("3.json", "b")):
        write_key(folder / name, f"{email}@pool.invalid")
    ledger = Ledger(StateFiles(tmp_path), now=FakeClock())
    pool = AccountPool("google", folder, ledger, quota_bytes=1000)
    pool.refresh()
    assert [Path(one.account).name for one in pool.capacities()] == ["1.json", "3.json"]
    assert [one.account for one in pool.quotas()] == ["1.json", "2.json", "3.json"]
    pool.active = str(folder / "2.json")
    assert [Path(one.account).name for one in pool.capacities()] == ["2.json", "3.json"]
    # One key may be revoked while another of the same account works.
    pool.set_aside(str(folder / "2.json"), "revoked")
    assert [Path(one.account).name for one in pool.capacities() if one.usable_from == 0] == ["1.json", "3.json"]
