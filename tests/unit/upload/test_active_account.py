"""What is told of accounts that are not the active one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from cloudplow import events
from cloudplow.events import AccountQuota, AccountState
from cloudplow.upload.active_account import LOOK_SECONDS, ActiveAccount


@dataclass
class Pool:
    """Three accounts; what each has spent can be changed."""

    used: dict[str, int] = field(default_factory=lambda: {"a": 5, "b": 7, "c": 0})
    unsettled: dict[str, int] = field(default_factory=dict)
    active: str | None = "a"
    asked: int = 0

    @property
    def accounts(self) -> list[Any]:
        return [SimpleNamespace(key=key) for key in self.used]

    def quota(self, key: str) -> AccountQuota:
        self.asked += 1
        used = self.used[key]
        return AccountQuota(
            account=key,
            used_bytes=used,
            limit_bytes=10,
            resets_at=None,
            state=AccountState.READY,
            why="",
            until=None,
            returns=((1.0, used),) if used else (),
            unsettled_bytes=self.unsettled.get(key, 0),
        )

    def quotas(self) -> tuple[AccountQuota, ...]:
        return tuple(self.quota(key) for key in self.used)


@dataclass
class Bench:
    pool: Pool
    now: float = 0.0
    told: list[tuple[str, int]] = field(default_factory=list)
    dry_run: bool = False

    def make(self) -> ActiveAccount:
        task: Any = SimpleNamespace(name="google", job=SimpleNamespace(dry_run=self.dry_run))
        pool: Any = self.pool
        return ActiveAccount(SimpleNamespace(), task, pool, self.emit, lambda: self.now)

    def emit(self, kind: type[events.Event], **fields: Any) -> None:
        assert kind is events.QuotaChanged
        self.told.append((fields["account"], fields["used_bytes"]))


@pytest.fixture
def bench() -> Bench:
    return Bench(Pool())


def look(bench: Bench, account: ActiveAccount) -> list[tuple[str, int]]:
    bench.told.clear()
    bench.now += LOOK_SECONDS
    account.others_changed()
    return list(bench.told)


def test_quota_that_came_back_is_told_once_and_only_of_others(bench: Bench) -> None:
    account = bench.make()
    nothing = look(bench, account)
    bench.pool.used |= {"a": 1, "b": 2}

    assert nothing == []
    assert look(bench, account) == [("b", 2)]
    assert look(bench, account) == []


def test_what_an_interrupted_stage_sent_is_told_when_it_is_known(bench: Bench) -> None:
    bench.pool.unsettled["b"] = 3
    account = bench.make()
    bench.pool.unsettled["b"], bench.pool.used["b"] = 0, 10

    assert look(bench, account) == [("b", 10)]


def test_it_looks_seldom_and_not_again_at_accounts_that_have_spent_nothing(bench: Bench) -> None:
    account = bench.make()
    look(bench, account)
    bench.pool.asked = 0
    account.others_changed()
    too_soon = bench.pool.asked
    look(bench, account)

    assert (too_soon, bench.pool.asked) == (0, 1)


def test_a_dry_run_tells_nothing_of_its_rehearsal() -> None:
    bench = Bench(Pool(), dry_run=True)
    account = bench.make()
    bench.pool.used["b"] = 1

    assert look(bench, account) == []


def test_without_accounts_there_is_nothing_to_tell(bench: Bench) -> None:
    bench.pool = None  # type: ignore[assignment]

    assert look(bench, bench.make()) == []


def test_the_fields_of_an_account_are_those_of_the_event() -> None:
    quota = Pool().quota("a")

    assert replace(quota, used_bytes=6) != quota
