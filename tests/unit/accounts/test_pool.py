"""Which accounts there are, in what state, and which is next."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.identity import Keys, read_key
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.pool import RETURNS_LIMIT, AccountPool, folder_faults, key_files, natural_key
from tests.unit.accounts.processes import Process
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, charge, make_ledger, open_stage

QUOTA = 1000


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    return make_ledger(clock)


@pytest.fixture
def make_pool(keys: Path, ledger: Ledger) -> Callable[..., AccountPool]:
    """A pool over key files of these names."""

    def make(*names: str, quota_bytes: int = QUOTA) -> AccountPool:
        for name in names:
            (keys / name).write_text(f'{{"client_email": "{name}@pool.invalid"}}')
        pool = AccountPool("google", keys, ledger, Keys(), quota_bytes=quota_bytes)
        pool.refresh()
        return pool

    return make


def account(keys: Path, name: str) -> str:
    """Whose key a file holds."""
    return read_key(str(keys / name)).identity


def order(pool: AccountPool) -> list[str]:
    return [Path(one.account).name for one in pool.capacities()]


def states(pool: AccountPool) -> dict[str, str]:
    return {one.account: one.state for one in pool.quotas()}


# Key files


def test_keys_come_in_natural_order(keys: Path) -> None:
    for name in ("10.json", "2.json", "1.json", "sa-3.json", "sa-20.json", "note.txt", "x.json.bak"):
        (keys / name).write_text("{}")
    assert [Path(key).name for key in key_files(keys)] == ["1.json", "2.json", "10.json", "sa-3.json", "sa-20.json"]


def test_keys_whose_numbers_are_equal_have_one_order(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["01.json", "1.json", "001.json"]
    for name in names:
        (keys / name).write_text("{}")
    for turn in (names, names[::-1]):
        monkeypatch.setattr(Path, "iterdir", lambda self, turn=turn: iter([self / name for name in turn]))
        assert [Path(key).name for key in key_files(keys)] == ["001.json", "01.json", "1.json"]


@given(st.lists(st.text(min_size=1)))
def test_any_names_can_be_ordered(names: list[str]) -> None:
    ordered = sorted(names, key=natural_key)
    assert all(natural_key(one) <= natural_key(two) for one, two in pairwise(ordered))


def test_folder_without_keys_is_a_fault_with_a_cure(keys: Path) -> None:
    (fault,) = folder_faults("google", keys)
    assert fault.startswith("uploader.google.service_account_path: ")
    assert "put keys there, or remove the setting" in fault


def test_folder_that_is_not_there_is_a_fault(keys: Path) -> None:
    (fault,) = folder_faults("google", keys / "gone")
    assert "cannot be read (No such file or directory)" in fault


def test_every_damaged_key_is_named_at_once(keys: Path) -> None:
    (keys / "1.json").write_text("{}")
    (keys / "2.json").write_text("{")
    (keys / "3.json").write_text("[]")
    (keys / "5.json").write_bytes(b"[" * 100_000)
    # No key at all: set aside when its turn comes.
    (keys / "4.json").mkdir()
    os.mkfifo(keys / "6.json")
    (keys / "7.json").symlink_to(keys / "gone")
    faults = folder_faults("google", keys)
    assert [fault.split(" ")[1].rsplit("/")[-1] for fault in faults] == ["2.json", "3.json", "5.json"]
    assert folder_faults("google", keys, Keys()) == faults


def test_key_that_is_damaged_or_unreadable_is_set_aside_with_a_warning(
    keys: Path, make_pool: Callable[..., AccountPool], caplog: pytest.LogCaptureFixture
) -> None:
    (keys / "2.json").write_text("{")
    (keys / "3.json").mkdir()
    pool = make_pool("1.json")
    assert states(pool) == {"1.json": "ready", "2.json": "failed", "3.json": "failed"}
    assert {one.account: one.usable_from for one in pool.capacities()}[str(keys / "2.json")] == math.inf
    assert caplog.text.count("is set aside") == 2


# Keys that come and go


def test_new_key_is_taken_up_and_a_removed_one_dropped(keys: Path, make_pool: Callable[..., AccountPool]) -> None:
    pool = make_pool("1.json", "2.json")
    assert not pool.refresh()
    (keys / "1.json").unlink()
    (keys / "3.json").write_text("{}")
    assert pool.refresh()
    assert order(pool) == ["2.json", "3.json"]
    assert pool.index(str(keys / "1.json")) == -1
    assert pool.index(str(keys / "3.json")) == 1


def test_account_that_was_set_aside_stays_so_when_keys_come(keys: Path, make_pool: Callable[..., AccountPool]) -> None:
    pool = make_pool("1.json")
    pool.set_aside(str(keys / "1.json"), "its key was revoked")
    (keys / "2.json").write_text("{}")
    assert pool.refresh()
    assert states(pool) == {"1.json": "failed", "2.json": "ready"}
    assert pool.quota(str(keys / "1.json")).why == "its key was revoked"


def test_folder_that_vanishes_is_an_error_not_an_empty_pool(keys: Path, make_pool: Callable[..., AccountPool]) -> None:
    pool = make_pool("1.json")
    (keys / "1.json").unlink()
    keys.rmdir()
    with pytest.raises(OSError, match="No such file"):
        pool.refresh()
    assert len(pool.accounts) == 1


def test_key_that_can_be_read_again_is_taken_up(keys: Path, make_pool: Callable[..., AccountPool]) -> None:
    (keys / "1.json").write_text("{")
    pool = make_pool()
    assert states(pool) == {"1.json": "failed"}
    assert make_pool("1.json").accounts != pool.accounts
    assert pool.refresh()
    assert states(pool) == {"1.json": "ready"}


def test_key_that_has_been_removed_is_nobodys(keys: Path, make_pool: Callable[..., AccountPool]) -> None:
    pool = make_pool("1.json")
    (keys / "1.json").unlink()
    assert not pool.is_still(str(keys / "1.json"))
    pool.refresh()
    assert pool.identity(str(keys / "1.json")) == ""
    assert not pool.is_still(str(keys / "1.json"))


# Order


def test_unused_accounts_come_in_natural_order(make_pool: Callable[..., AccountPool]) -> None:
    assert order(make_pool("10.json", "9.json", "1.json")) == ["1.json", "9.json", "10.json"]


def test_least_used_comes_first_and_use_is_remembered_beyond_the_window(
    tmp_path: Path, keys: Path, make_pool: Callable[..., AccountPool], clock: FakeClock
) -> None:
    make_pool("1.json", "2.json", "3.json")
    process = Process(tmp_path, clock)
    ledger = process.own()
    pool = AccountPool("google", keys, ledger, Keys(), quota_bytes=QUOTA)
    pool.refresh()
    charge(ledger, account(keys, "1.json"), 500)
    charge(ledger, account(keys, "2.json"), 100)
    assert order(pool) == ["3.json", "2.json", "1.json"]
    clock.move(2 * DAY)
    charge(ledger, account(keys, "2.json"), 1)
    assert order(pool) == ["3.json", "1.json", "2.json"]
    process.end()
    later = AccountPool("google", keys, Process(tmp_path, clock).own(), Keys(), quota_bytes=QUOTA)
    later.refresh()
    assert order(later) == ["3.json", "1.json", "2.json"]


def test_active_account_is_used_up_before_the_next(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    pool = make_pool("1.json", "2.json")
    charge(ledger, account(keys, "2.json"), 900)
    pool.active = str(keys / "2.json")
    assert order(pool) == ["2.json", "1.json"]
    assert states(pool) == {"1.json": "ready", "2.json": "active"}


# What an account can take


def test_capacity_is_the_quota_less_what_is_spent_and_reserved(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    pool = make_pool("1.json")
    (fresh,) = pool.capacities()
    assert fresh.is_fresh
    charge(ledger, account(keys, "1.json"), 100)
    open_stage(ledger, account(keys, "1.json"), 50)
    (capacity,) = pool.capacities()
    assert (capacity.limit_bytes, capacity.free_bytes, capacity.usable_from) == (QUOTA, 850, 0.0)
    assert sum(back.bytes for back in capacity.returns) == 150
    charge(ledger, account(keys, "1.json"), 5000)
    assert pool.capacities()[0].free_bytes == 0


def test_denied_account_may_not_be_used_until_its_time(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger, clock: FakeClock
) -> None:
    pool = make_pool("1.json")
    ledger.deny("google", account(keys, "1.json"), NOON + HOUR, "its daily limit is used up")
    assert pool.capacities()[0].usable_from == NOON + HOUR
    (quota,) = pool.quotas()
    assert (quota.state, quota.why, quota.until) == ("denied", "its daily limit is used up", NOON + HOUR)
    clock.move(HOUR)
    assert pool.capacities()[0].usable_from == 0.0
    assert states(pool) == {"1.json": "ready"}


def test_used_up_account_is_shown_as_cooling_until_its_first_bytes_return(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    pool = make_pool("1.json")
    charge(ledger, account(keys, "1.json"), QUOTA)
    (quota,) = pool.quotas()
    assert (quota.state, quota.used_bytes, quota.until, quota.resets_at) == ("cooling", QUOTA, NOON + DAY, NOON + DAY)


def test_quotas_come_in_natural_order_with_base_names_only(make_pool: Callable[..., AccountPool]) -> None:
    pool = make_pool("10.json", "9.json")
    assert [one.account for one in pool.quotas()] == ["9.json", "10.json"]
    assert set(pool.names().values()) == {"9.json", "10.json"}


def test_returns_are_summed_by_the_hour_and_never_told_early(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger, clock: FakeClock
) -> None:
    pool = make_pool("1.json", quota_bytes=10_000)
    for _ in range(200):
        charge(ledger, account(keys, "1.json"), 7)
        clock.move(400)
    (quota,) = pool.quotas()
    exact = ledger.returns(account(keys, "1.json"))
    assert len(quota.returns) <= RETURNS_LIMIT
    assert quota.returns[0] == (exact[0].at, exact[0].bytes)
    assert sum(size for _, size in quota.returns) == quota.used_bytes == 1400
    for at, _ in quota.returns:
        told = sum(size for time, size in quota.returns if time <= at)
        assert told <= sum(back.bytes for back in exact if back.at <= at)


def test_bytes_on_their_way_and_in_doubt_are_told_apart_from_those_spent(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    pool = make_pool("1.json", "2.json")
    stage = open_stage(ledger, account(keys, "1.json"), 10, 20)
    ledger.sent(stage, "1", 10)
    ledger.end_stage(stage, {"2"}, 60.0)
    running = open_stage(ledger, account(keys, "2.json"), 40)
    ledger.note_progress(running, 7, 60.0)
    told = [(one.used_bytes, one.in_flight_bytes, one.unsettled_bytes) for one in pool.quotas()]
    assert told == [(10, 0, 20), (0, 7, 0)]
    assert pool.capacities()[0].free_bytes == QUOTA - 40


# The true limit


def test_refusal_near_the_quota_teaches_the_true_limit_for_all(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool("1.json", "2.json")
    charge(ledger, account(keys, "1.json"), 950)
    assert pool.learn_from_denial(str(keys / "1.json"), DAY) == NOON + DAY
    assert [one.limit_bytes for one in pool.capacities()] == [950, 950]
    assert "from now on no account is planned beyond that" in caplog.text


@pytest.mark.parametrize(("twice", "limit"), [(50, QUOTA), (30, QUOTA - 20)])
def test_what_was_sent_twice_is_no_reason_to_plan_less(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger, twice: int, limit: int
) -> None:
    """The account was refused when file 2 came; the answer to an upload before was lost, so that it was sent again."""
    pool = make_pool("1.json")
    stage = open_stage(ledger, account(keys, "1.json"), QUOTA - 50, 50)
    ledger.sent(stage, "1", QUOTA - 50)
    ledger.owe(stage, twice, {"2": 50})
    ledger.end_stage(stage, {"2"}, 60.0)

    assert pool.learn_from_denial(str(keys / "1.json"), DAY) == NOON + DAY

    assert pool.limit_bytes() == limit


def test_account_refused_again_when_its_first_bytes_are_back_rests_for_a_whole_window(
    make_pool: Callable[..., AccountPool], ledger: Ledger, keys: Path, clock: FakeClock
) -> None:
    pool = make_pool("1.json")
    key = str(keys / "1.json")
    charge(ledger, account(keys, "1.json"), 950)
    ledger.deny("google", account(keys, "1.json"), NOON + 1, "refused")
    clock.move(2)
    assert pool.learn_from_denial(key, DAY) is None


def test_refusal_long_before_the_quota_teaches_nothing(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    pool = make_pool("1.json")
    charge(ledger, account(keys, "1.json"), 899)
    assert pool.learn_from_denial(str(keys / "1.json"), DAY) is None
    assert pool.limit_bytes() == QUOTA


def test_limit_is_never_learned_down_step_by_step(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    names = [f"{number}.json" for number in range(20)]
    pool = make_pool(*names)
    for name in names:
        charge(ledger, account(keys, name), math.ceil(pool.limit_bytes() * 0.92))
        pool.learn_from_denial(str(keys / name), DAY)
    assert pool.limit_bytes() >= QUOTA * 0.9


def test_learned_limit_is_forgotten_when_the_configuration_changes(
    keys: Path, make_pool: Callable[..., AccountPool], ledger: Ledger
) -> None:
    pool = make_pool("1.json")
    ledger.learn_limit("google", account(keys, "1.json"), 950, QUOTA)
    assert pool.limit_bytes() == 950
    assert make_pool(quota_bytes=QUOTA + 1).limit_bytes() == QUOTA + 1
    assert make_pool().limit_bytes() == 950


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_key_without_permission_is_set_aside(keys: Path, make_pool: Callable[..., AccountPool]) -> None:
    (keys / "1.json").write_text("{}")
    (keys / "1.json").chmod(0)
    assert states(make_pool()) == {"1.json": "failed"}
