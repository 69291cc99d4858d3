"""Plans: never more than is left, every file somewhere, accounts full, nobody starved."""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow.models import Capacity, QueueFile, Return
from cloudplow.planning import planner
from cloudplow.planning.planner import Plan, PlannedStage, plan, plan_document, plan_unlimited
from cloudplow.scheduling.capacity import when_it_helps
from cloudplow.units import GIB
from tests.examples import examples
from tests.unit.helpers import DAY, HOUR, NOON, fresh, queue_of, spent

LIMIT = 1000


@st.composite
def capacities(draw: st.DrawFn) -> list[Capacity]:
    """Accounts in any state: fresh, spent in part, with returns, denied, set aside."""
    made = []
    for number in range(draw(st.integers(0, 6))):
        charges = draw(st.lists(st.integers(1, LIMIT), max_size=4))
        ages = sorted(draw(st.lists(st.floats(0.1, DAY), min_size=len(charges), max_size=len(charges))))
        returns = tuple(Return(NOON + age, size) for age, size in zip(ages, charges, strict=True))
        usable_from = draw(st.sampled_from([0.0, 0.0, NOON - 1, NOON + HOUR, math.inf]))
        made.append(Capacity(f"{number}.json", LIMIT, max(0, LIMIT - sum(charges)), returns, usable_from))
    return made


QUEUES = st.lists(st.integers(0, 2 * LIMIT), max_size=40).map(queue_of)


def all_stages(made: Plan) -> list[PlannedStage]:
    return [*made.stages, *made.later]


@given(QUEUES, capacities())
def test_no_stage_plans_more_than_its_account_has_left(queue: list[QueueFile], accounts: list[Capacity]) -> None:
    made = plan(queue, accounts, now=NOON)
    by_name = {one.account: one for one in accounts}
    assert max(Counter(stage.account for stage in made.stages).values(), default=0) <= 1
    for stage in made.stages:
        account = by_name[stage.account]
        assert account.usable_from <= NOON
        if stage.oversized:
            assert account.is_fresh
            assert len(stage.files) == 1
            assert stage.bytes > LIMIT
        else:
            assert stage.bytes <= account.free_bytes
    for stage in made.later:
        assert stage.oversized or stage.bytes <= LIMIT
        assert len(stage.files) == 1 or not stage.oversized


@given(QUEUES, capacities())
def test_every_file_is_in_exactly_one_place(queue: list[QueueFile], accounts: list[Capacity]) -> None:
    made = plan(queue, accounts, now=NOON)
    placed = [file for stage in all_stages(made) for file in stage.files] + list(made.unplanned)
    assert sorted(placed) == sorted(queue)
    assert made.planned_bytes + made.waiting_bytes == sum(file.size for file in queue)
    assert sum(len(stage.files) for stage in made.stages) + made.waiting_files == len(queue)
    assert all(stage.files and stage.bytes == sum(file.size for file in stage.files) for stage in all_stages(made))
    assert bool(made.unplanned) == bool(made.unplanned_why)


@given(QUEUES, capacities())
def test_later_stages_come_in_order_of_time_and_never_before_their_account_is_back(
    queue: list[QueueFile], accounts: list[Capacity]
) -> None:
    made = plan(queue, accounts, now=NOON)
    by_name = {one.account: one for one in accounts}
    assert all(one.starts_at <= two.starts_at for one, two in pairwise(made.later))
    for stage in made.later:
        account = by_name[stage.account]
        assert NOON < stage.starts_at < math.inf
        assert stage.starts_at >= max([account.usable_from, *(back.at for back in account.returns)])
    assert (made.next_capacity_at is None) == (not made.later)
    assert made.next_capacity_at is None or NOON < made.next_capacity_at <= made.later[0].starts_at


@given(QUEUES, capacities())
def test_nothing_that_fits_into_a_usable_account_is_kept_waiting(
    queue: list[QueueFile], accounts: list[Capacity]
) -> None:
    made = plan(queue, accounts, now=NOON)
    used = {stage.account: stage.bytes for stage in made.stages}
    waiting = [file for stage in made.later for file in stage.files] + list(made.unplanned)
    smallest = min((file.size for file in waiting), default=math.inf)
    gaps = [
        one.free_bytes - used.get(one.account, 0)
        for one in accounts
        if one.usable_from <= NOON
        and not any(stage.oversized and stage.account == one.account for stage in made.stages)
    ]
    # One account at most is kept for the largest file.
    assert sum(gap >= smallest for gap in gaps) <= 1


def test_accounts_are_used_in_the_order_given() -> None:
    made = plan(queue_of([60, 60, 60]), [fresh("b"), fresh("a"), fresh("c")], now=NOON)
    assert [stage.account for stage in made.stages] == ["b", "a", "c"]


def test_denied_account_is_planned_for_the_time_of_its_return() -> None:
    denied = Capacity("1.json", 100, 100, (), NOON + HOUR)
    made = plan(queue_of([50]), [denied], now=NOON)
    assert made.stages == ()
    assert [(stage.account, stage.starts_at) for stage in made.later] == [("1.json", NOON + HOUR)]


def test_file_that_no_account_can_take_now_waits_for_the_first_that_will() -> None:
    made = plan(queue_of([80]), [spent("1", 10, NOON + DAY), spent("2", 10, NOON + HOUR)], now=NOON)
    assert [(stage.account, stage.starts_at) for stage in made.later] == [("2", NOON + HOUR)]


def test_file_larger_than_a_quota_goes_alone_to_a_fresh_account() -> None:
    made = plan(queue_of([250, 5, 6]), [spent("1", 50, NOON + HOUR), fresh("2"), fresh("3")], now=NOON)
    by_account = {stage.account: stage for stage in made.stages}
    assert [(file.size, by_account["2"].oversized) for file in by_account["2"].files] == [(250, True)]
    assert sum(stage.oversized for stage in made.stages) == 1
    assert by_account["1"].bytes == 11


def test_file_larger_than_a_quota_waits_while_no_account_is_fresh() -> None:
    made = plan(queue_of([250]), [spent("1", 99, NOON + HOUR), spent("2", 50, NOON + DAY)], now=NOON)
    assert made.stages == ()
    assert [(stage.account, stage.starts_at, stage.oversized) for stage in made.later] == [("1", NOON + HOUR, True)]


def test_each_oversized_file_takes_an_account_of_its_own() -> None:
    made = plan(queue_of([250, 300, 350]), [fresh("1"), fresh("2")], now=NOON)
    assert [(stage.account, stage.bytes) for stage in made.stages] == [("1", 350), ("2", 300)]


@pytest.mark.parametrize(
    ("accounts", "why"),
    [
        ([], "no account can be used"),
        ([Capacity("1", 100, 100, (), math.inf)], "every account is set aside"),
    ],
)
def test_plan_says_why_files_have_no_place(accounts: list[Capacity], why: str) -> None:
    made = plan(queue_of([5]), accounts, now=NOON)
    assert why in made.unplanned_why
    assert made.next_capacity_at is None


def test_without_accounts_everything_goes_in_one_stage() -> None:
    made = plan_unlimited(queue_of([5, 6]))
    assert [(stage.account, stage.bytes, len(stage.files)) for stage in made.stages] == [("", 11, 2)]
    assert plan_unlimited([]) == Plan()
    assert plan([], [fresh("1")], now=NOON).stages == ()


def test_document_is_json_with_base_names_only() -> None:
    made = plan(queue_of([60, 60, 999]), [fresh("/keys/1.json"), spent("/keys/2.json", 10, NOON + HOUR)], now=NOON)
    document = plan_document(made, {"/keys/1.json": "1.json", "/keys/2.json": "2.json"})
    assert "/keys" not in json.dumps(document, allow_nan=False)
    assert document["files"] + document["waiting_files"] == 3
    assert document["bytes"] + document["waiting_bytes"] == 1119
    assert (document["queue_files"], document["queue_bytes"]) == (3, 1119)
    assert document["next_capacity_at"] == NOON + HOUR


# How full


def pareto(count: int, seed: int) -> list[int]:
    """A media library: many small files, few very large ones."""
    chance = random.Random(seed)
    return [min(int(chance.paretovariate(1.1) * 40 * (1 << 20)), 200 * GIB) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_every_account_but_the_last_is_filled_to_a_thousandth(seed: int) -> None:
    sizes = pareto(20_000, seed)
    limit = sum(sizes) // 10
    made = plan(queue_of(sizes), [fresh(str(number), limit) for number in range(11)], now=NOON)
    closed = [stage for stage in made.stages if not stage.oversized][:-1]
    assert len(closed) >= 9
    assert all(stage.bytes >= limit * 0.999 for stage in closed)
    assert made.waiting_files == 0


@pytest.mark.alone
@pytest.mark.parametrize("make", [pareto, lambda count, _seed: [7 * GIB] * count], ids=["pareto", "all-alike"])
def test_cost_of_a_plan_grows_with_the_queue_and_not_with_its_square(make: Callable[[int, int], list[int]]) -> None:
    def cost(count: int) -> float:
        queue = queue_of(make(count, 1))
        limit = sum(file.size for file in queue) // 20
        accounts = [fresh(str(number), limit) for number in range(30)]
        best = math.inf
        for _ in range(3):
            started = time.process_time()
            plan(queue, accounts, now=NOON)
            best = min(best, time.process_time() - started)
        return best

    assert cost(120_000) < 12 * cost(20_000) + 0.5


def test_later_stages_are_worked_out_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "LATER_STAGES_LIMIT", 3)
    accounts = [spent(str(number), 0, NOON + HOUR + number) for number in range(10)]
    made = plan(queue_of([60] * 10), accounts, now=NOON)
    assert len(made.later) == 3
    assert len(made.unplanned) == 7


# Nobody starves


class RollingPool:
    """Accounts with a rolling window, and what an uploader does with them: plan, run the first stage, plan again."""

    def __init__(self, accounts: int) -> None:
        self.charges: dict[str, list[tuple[float, int]]] = {str(number): [] for number in range(accounts)}
        self.since: dict[str, float] = {}

    def capacities(self, now: float) -> list[Capacity]:
        made = []
        for account, charges in self.charges.items():
            alive = [(at, size) for at, size in charges if at + DAY > now]
            free = max(0, LIMIT - sum(size for _, size in alive))
            made.append(Capacity(account, LIMIT, free, tuple(Return(at + DAY, size) for at, size in alive)))
        return made

    def upload(self, queue: Sequence[QueueFile], now: float) -> list[QueueFile]:
        """Run stages until none can run; returns what still waits."""
        waiting = list(queue)
        self.since = {file.name: self.since.get(file.name, now) for file in waiting}
        overdue = [name for name, since in self.since.items() if now - since >= DAY]
        while (made := plan(waiting, self.capacities(now), now=now, overdue=overdue)).stages:
            stage = made.stages[0]
            self.charges[stage.account] += [(now, file.size) for file in stage.files]
            gone = set(stage.files)
            waiting = [file for file in waiting if file not in gone]
        return waiting


def days_until_gone(large_size: int, arrivals: Callable[[int], Iterable[int]], *, accounts: int) -> float:
    """Every hour more files come than the accounts can take: how many days one large file has to wait."""
    pool = RollingPool(accounts)
    large = QueueFile("large", large_size)
    waiting = pool.upload([QueueFile(f"first {n}", size) for n, size in enumerate([*arrivals(-1)] * 30)], NOON)
    waiting = [*waiting[-500:], large]
    for hour in range(1, 24 * 6):
        waiting = [*waiting[-500:], *(QueueFile(f"{hour} {n}", size) for n, size in enumerate(arrivals(hour)))]
        if large not in waiting:
            waiting.append(large)
        waiting = pool.upload(waiting, NOON + hour * HOUR)
        if large not in waiting:
            return hour / 24
    return math.inf


@pytest.mark.parametrize("accounts", [1, 3])
@pytest.mark.parametrize("large_size", [300, 600, 999, 1000, 2500])
def test_stream_of_small_files_does_not_starve_a_large_one(large_size: int, accounts: int) -> None:
    chance = random.Random(large_size)
    arrivals = {hour: [chance.randrange(1, 30) for _ in range(10 * accounts)] for hour in range(-1, 24 * 6)}
    assert days_until_gone(large_size, arrivals.__getitem__, accounts=accounts) <= 3.1


@pytest.mark.parametrize(
    ("large_size", "small_size"), [(600, 70), (600, 49), (510, 33), (900, 11), (2500, 70), (60, 50)]
)
def test_stream_of_equal_files_that_fill_better_does_not_starve_a_large_one(large_size: int, small_size: int) -> None:
    assert days_until_gone(large_size, lambda _hour: [small_size] * 5, accounts=1) <= 3.1


@settings(max_examples=examples(30))
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(200, 1000))
def test_any_repeating_stream_of_small_files_lets_a_large_one_through(smalls: list[int], large_size: int) -> None:
    assert days_until_gone(large_size, lambda _hour: smalls * 3, accounts=1) <= 3.1


def test_account_is_filled_best_while_nothing_is_overdue() -> None:
    for smalls in ([50, 50], [50, 50, *[7] * 14]):
        assert plan(queue_of([60, *smalls]), [fresh("1")], now=NOON).stages[0].bytes == 100


def test_overdue_file_goes_first_even_where_others_would_fill_better() -> None:
    queue = [QueueFile("overdue", 60), QueueFile("a", 50), QueueFile("b", 50), QueueFile("large", 90)]
    made = plan(queue, [spent("1", 40, NOON + DAY), fresh("2"), fresh("3")], now=NOON, overdue=["overdue"])
    assert [(stage.account, [file.name for file in stage.files]) for stage in made.stages] == [
        ("2", ["overdue"]),
        ("3", ["b", "a"]),
    ]


def test_small_files_use_an_account_while_a_large_one_that_does_not_fit_is_not_overdue() -> None:
    half_used = spent("1", 50, NOON + HOUR)
    queue = [QueueFile("large", 90), QueueFile("small", 40)]
    assert [file.name for file in plan(queue, [half_used], now=NOON).stages[0].files] == ["small"]
    assert plan(queue, [half_used], now=NOON, overdue=["large"]).stages == ()


def test_quota_that_is_kept_for_an_overdue_file_is_promised_to_no_other() -> None:
    back = (Return(NOON + 60, 10), Return(NOON + 120, 40))
    half_used = Capacity("1", 100, 50, back)
    queue = [QueueFile("large", 90), QueueFile("small", 40)]
    made = plan(queue, [half_used], now=NOON, overdue=["large"])

    assert made.stages == ()
    assert made.next_capacity == Return(NOON + 120, 100)
    assert made.reserved is not None
    assert made.reserved.open([half_used, fresh("2")]) == [Capacity("1", 100, 100, (), NOON + 120), fresh("2")]
    assert plan(queue, [half_used], now=NOON).reserved is None
    helps = [
        when_it_helps([90, 40], capacities, now=NOON, since=NOON, window_seconds=DAY)
        for capacities in ([half_used], made.reserved.open([half_used]))
    ]
    assert [one and one.at for one in helps] == [NOON, NOON + 120], "else the next session would begin at once"


def test_what_waits_is_planned_window_after_window_until_nothing_waits() -> None:
    made = plan(queue_of([60] * 10), [fresh("1", 100), fresh("2", 100)], now=NOON, window_seconds=DAY)
    assert len(made.stages) == 2
    assert [stage.starts_at - NOON for stage in made.later] == [
        DAY,
        DAY,
        2 * DAY,
        2 * DAY,
        3 * DAY,
        3 * DAY,
        4 * DAY,
        4 * DAY,
    ]
    assert made.unplanned == ()


def test_next_capacity_is_when_the_first_waiting_file_fits_not_when_the_whole_quota_is_back() -> None:
    account = Capacity("1", 100, 0, (Return(NOON + 1, 10), Return(NOON + 2, 30), Return(NOON + 3, 60)))
    made = plan(queue_of([35, 90]), [account], now=NOON)
    assert made.next_capacity == Return(NOON + 2, 40)


def test_next_capacity_of_a_denied_account_is_not_before_the_end_of_its_denial() -> None:
    denied = Capacity("1", 100, 100, (), usable_from=NOON + HOUR)
    assert plan(queue_of([35]), [denied], now=NOON).next_capacity == Return(NOON + HOUR, 100)
