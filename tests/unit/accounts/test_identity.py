"""Whose key a file holds, and one budget for all key files of an account: links, copies, further and renamed keys."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.identity import KEY_BYTES_LIMIT, Keys, identity_by_name, read_key
from cloudplow.accounts.pool import AccountPool
from tests.unit.accounts.processes import Process, write_export
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, charge, make_ledger

BOTH = {"google": DAY, "other": DAY}


def write_key(path: Path, email: str, key_id: str = "1") -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"type": "service_account", "client_email": email, "private_key_id": key_id}))
    return str(path)


def whose(path: str | Path) -> str:
    return read_key(str(path)).identity


# Which account a file names


def test_account_is_told_by_its_address_whatever_the_file_is_called(tmp_path: Path) -> None:
    first = whose(write_key(tmp_path / "1.json", "a@pool.invalid"))
    assert first == whose(write_key(tmp_path / "copy.json", " A@pool.invalid ", key_id="2"))
    assert first != whose(write_key(tmp_path / "2.json", "b@pool.invalid"))
    assert "pool" not in first


def test_key_through_a_link_is_the_same_account(tmp_path: Path) -> None:
    key = write_key(tmp_path / "1.json", "a@pool.invalid")
    (tmp_path / "link.json").symlink_to(key)
    (tmp_path / "hard.json").hardlink_to(key)
    assert whose(tmp_path / "link.json") == whose(tmp_path / "hard.json") == whose(key)


@pytest.mark.parametrize("text", ["{}", '{"client_email": 7}', '{"client_email": " "}'])
def test_key_without_an_address_is_told_by_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    (tmp_path / "2.json").write_text(text)
    (tmp_path / "3.json").write_text(text + " ")
    assert read_key(str(tmp_path / "1.json")).fault == ""
    assert whose(tmp_path / "1.json") == whose(tmp_path / "2.json") != whose(tmp_path / "3.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "[" * 100_000])
def test_file_that_is_no_key_has_a_fault_and_an_identity_of_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    found = read_key(str(tmp_path / "1.json"))
    assert "download the key again, or move the file out of the folder" in found.fault
    assert found.identity.startswith("content:")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, tmp_path / "gone.json", Path("/dev/zero"), Path("a\0b")):
        found = read_key(str(path))
        assert found.identity == identity_by_name(str(path)) == f"name:{path.name}"
        assert found.fault
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(1 << 30)
    assert "is not a service account key" in read_key(str(tmp_path / "large.json")).fault
    (tmp_path / "large.json").write_bytes(b" " * (KEY_BYTES_LIMIT - 2) + b"{}")
    assert read_key(str(tmp_path / "large.json")).fault == ""


@given(st.text())
def test_any_path_can_be_asked_about(path: str) -> None:
    assert read_key(path).identity
    assert Keys().read(path) == read_key(path)


def test_key_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_key(tmp_path / "1.json", "a@pool.invalid")
    keys = Keys()
    first = keys.read(path)
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", lambda *_a, **_k: pytest.fail("it was read again"))
        assert keys.read(path) == first
    write_key(tmp_path / "1.json", "other@pool.invalid")
    assert keys.read(path) == read_key(path) != first
    Path(path).unlink()
    assert keys.read(path).identity == "name:1.json"


# One budget


def test_key_file_that_was_renamed_copied_or_exchanged_has_spent_what_its_account_spent(
    tmp_path: Path, clock: FakeClock
) -> None:
    one, two = (write_key(tmp_path / "keys" / f"{name}.json", f"{name}@pool.invalid") for name in "14")
    process = Process(tmp_path / "state", clock, BOTH)
    process.files.folder.mkdir()
    ledger = process.own()
    pool = AccountPool("google", tmp_path / "keys", ledger, Keys(), quota_bytes=1000)
    pool.refresh()
    charge(ledger, pool.identity(one), 100)
    Path(one).rename(tmp_path / "keys" / "5.json")
    Path(two).rename(one)
    (tmp_path / "keys" / "5.json").rename(two)
    assert pool.refresh()
    assert {account.account: account.used_bytes for account in pool.quotas()} == {"1.json": 0, "4.json": 100}
    process.export()
    process.end()
    assert "pool.invalid" not in (tmp_path / "state" / "sa_quota_cache.json").read_text()

    ledger = Process(tmp_path / "state", clock, BOTH).own()
    later = AccountPool("other", tmp_path / "keys", ledger, Keys(), quota_bytes=1000)
    later.refresh()
    assert {account.account: account.used_bytes for account in later.quotas()} == {"1.json": 0, "4.json": 100}


def test_key_file_that_was_replaced_by_another_accounts_has_spent_nothing(tmp_path: Path, clock: FakeClock) -> None:
    ledger = make_ledger(clock)
    key = write_key(tmp_path / "keys" / "1.json", "a@pool.invalid")
    pool = AccountPool("google", tmp_path / "keys", ledger, Keys(), quota_bytes=1000)
    pool.refresh()
    charge(ledger, pool.identity(key), 100)
    assert pool.is_still(key)
    write_key(tmp_path / "keys" / "1.json", "b@pool.invalid")
    assert not pool.is_still(key)
    assert pool.refresh()
    assert [account.used_bytes for account in pool.quotas()] == [0]
    write_key(tmp_path / "keys" / "2.json", "a@pool.invalid")
    assert pool.refresh()
    assert [account.used_bytes for account in pool.quotas()] == [0, 100]


def test_ledger_of_an_older_program_counts_for_the_account_that_the_file_names(
    tmp_path: Path, clock: FakeClock
) -> None:
    key = write_key(tmp_path / "a" / "1.json", "a@pool.invalid")
    other = write_key(tmp_path / "b" / "1.json", "a@pool.invalid")
    record = {"bytes": 70, "reset_time": NOON + HOUR, "first_upload": NOON + HOUR - DAY}
    write_export(tmp_path, {"google": {key: record}})
    assert Process(tmp_path, clock).own().used_bytes(whose(other)) == 70


def test_ledger_of_an_older_program_counts_once_a_key_can_be_read(tmp_path: Path, clock: FakeClock) -> None:
    key = tmp_path / "keys" / "1.json"
    write_export(tmp_path, {"google": {str(key): {"bytes": 70, "reset_time": NOON + HOUR, "first_upload": NOON}}})
    process = Process(tmp_path, clock)
    ledger = process.own()
    assert ledger.used_bytes("name:1.json") == 70
    write_key(key, "a@pool.invalid")
    pool = AccountPool("google", key.parent, ledger, Keys(), quota_bytes=1000)
    pool.refresh()
    assert ledger.used_bytes(whose(key)) == 70
    process.end()
    ledger = Process(tmp_path, clock).own()
    assert (ledger.used_bytes(whose(key)), ledger.used_bytes("name:1.json")) == (70, 0)


def test_key_that_cannot_be_read_any_more_leaves_its_accounts_charges_alone(tmp_path: Path, clock: FakeClock) -> None:
    ledger = make_ledger(clock)
    key = write_key(tmp_path / "keys" / "1.json", "a@pool.invalid")
    account = whose(key)
    charge(ledger, account, 100)
    Path(key).write_text("{")
    pool = AccountPool("google", tmp_path / "keys", ledger, Keys(), quota_bytes=1000)
    pool.refresh()
    assert ledger.used_bytes(account) == 100
    write_key(Path(key), "a@pool.invalid")
    pool.refresh()
    assert [one.used_bytes for one in pool.quotas()] == [100]


def test_two_keys_of_one_account_in_a_folder_are_planned_once(tmp_path: Path, clock: FakeClock) -> None:
    folder = tmp_path / "keys"
    for name, email in (("1.json", "a"), ("2.json", "a"), ("3.json", "b")):
        write_key(folder / name, f"{email}@pool.invalid")
    pool = AccountPool("google", folder, make_ledger(clock), Keys(), quota_bytes=1000)
    pool.refresh()
    assert [Path(one.account).name for one in pool.capacities()] == ["1.json", "3.json"]
    assert [one.account for one in pool.quotas()] == ["1.json", "2.json", "3.json"]
    pool.active = str(folder / "2.json")
    assert [Path(one.account).name for one in pool.capacities()] == ["2.json", "3.json"]
    # One key may be revoked while another of the same account works.
    pool.set_aside(str(folder / "2.json"), "revoked")
    assert [Path(one.account).name for one in pool.capacities() if one.usable_from == 0] == ["1.json", "3.json"]
