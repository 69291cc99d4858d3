"""How full an account gets, measured against the exact optimum."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudplow.planning import packing
from cloudplow.planning.packing import SizePool, best_subset, fill
from cloudplow.units import GIB
from tests.examples import examples

SIZES = st.lists(st.integers(0, 1 << 42), max_size=40)


def best_possible(sizes: Sequence[int], capacity: int) -> int:
    """By trying every choice."""
    choices = chain.from_iterable(combinations(sizes, count) for count in range(len(sizes) + 1))
    return max(total for choice in choices if (total := sum(choice)) <= capacity)


def filled(sizes: Sequence[int], capacity: int) -> int:
    pool = SizePool(sorted(sizes))
    return sum(pool.sizes[index] for index in fill(pool, capacity))


@given(SIZES, st.integers(0, 1 << 44))
def test_fill_takes_no_file_twice_and_no_more_than_fits(sizes: list[int], capacity: int) -> None:
    pool = SizePool(sorted(sizes))
    taken = fill(pool, capacity)
    assert len(set(taken)) == len(taken)
    assert sum(pool.sizes[index] for index in taken) <= capacity
    assert sorted([*taken, *pool.remaining()]) == list(range(len(sizes)))
    assert pool.count == len(pool.remaining())


@given(SIZES, st.integers(0, 1 << 44))
def test_nothing_that_would_still_fit_is_left_behind(sizes: list[int], capacity: int) -> None:
    pool = SizePool(sorted(sizes))
    left = capacity - sum(pool.sizes[index] for index in fill(pool, capacity))
    assert all(pool.sizes[index] > left for index in pool.remaining())


@settings(max_examples=examples(60))
@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=14), st.floats(0.05, 1.0))
def test_fill_is_within_a_thousandth_of_the_optimum(sizes: list[int], share: float) -> None:
    capacity = int(sum(sizes) * share)
    assert filled(sizes, capacity) >= best_possible(sizes, capacity) * 0.999


@pytest.mark.parametrize(
    ("sizes", "capacity", "best"),
    [
        ([60, 50, 50], 100, 100),
        ([60, *[7] * 14], 98, 98),
        ([70, 40, 35, 25], 100, 100),
        ([101, 102], 100, 0),
        ([100], 100, 100),
        ([0, 0, 100], 100, 100),
        ([], 100, 0),
    ],
)
def test_largest_first_is_given_up_where_that_leaves_a_gap(sizes: list[int], capacity: int, best: int) -> None:
    assert filled(sizes, capacity) == best


def test_empty_files_always_fit() -> None:
    pool = SizePool([0, 0, 5])
    assert sorted(fill(pool, 0)) == [0, 1]


@pytest.mark.parametrize("seed", range(10))
def test_large_files_alone_still_fill_an_account(seed: int) -> None:
    sizes = [random.Random(seed * 1000 + one).randrange(20 * GIB, 80 * GIB) for one in range(60)]
    assert filled(sizes, 750 * GIB) >= 750 * GIB * 0.999


@pytest.mark.parametrize("count", [packing.CANDIDATES - 1, packing.CANDIDATES, packing.CANDIDATES + 1, 3000])
def test_number_of_files_around_the_exact_step_makes_no_gap(count: int) -> None:
    chance = random.Random(count)
    sizes = [chance.randrange(GIB, 9 * GIB) for _ in range(count)]
    assert filled(sizes, 750 * GIB) >= min(sum(sizes), 750 * GIB) * 0.999


@given(st.lists(st.integers(0, 1 << 40), max_size=12), st.integers(0, 1 << 42))
def test_few_files_get_the_exact_optimum(sizes: list[int], capacity: int) -> None:
    picked = best_subset(sizes, capacity)
    assert len(set(picked)) == len(picked)
    assert sum(sizes[position] for position in picked) == best_possible(sizes, capacity)


@given(st.lists(st.integers(0, 1 << 20), min_size=packing.EXACT + 1, max_size=60), st.integers(0, 1 << 25))
def test_many_files_never_exceed_the_capacity(sizes: list[int], capacity: int) -> None:
    picked = best_subset(sizes, capacity)
    assert len(set(picked)) == len(picked)
    assert sum(sizes[position] for position in picked) <= capacity


@pytest.mark.parametrize("capacity", [100_000_000, 99_999_989, 805_306_368_000, 750_000_000_000])
@pytest.mark.parametrize("copies", [1, 5, 40, 150])
def test_files_that_fit_exactly_are_found_however_the_grid_lies(capacity: int, copies: int) -> None:
    sizes = [capacity * 6 // 10, capacity // 2, capacity // 2 + capacity // 100] * copies * 2
    assert filled(sizes, capacity) == capacity // 2 * 2


def test_few_files_are_told_apart_to_the_byte() -> None:
    sizes = [50_000_000, 49_999_999, 49_999_998]
    assert sorted(best_subset(sizes, 99_999_999)) == [0, 1]
    assert sorted(best_subset(sizes, 99_999_998)) == [0, 2]


def test_one_byte_too_many_is_too_many() -> None:
    assert filled([50_000_001, 50_000_000], 100_000_000) == 50_000_001
    assert filled([50_000_001, 50_000_000] * 20, 100_000_000) == 100_000_000
    assert filled([50_000_001] * 40, 100_000_000) == 50_000_001


@pytest.mark.parametrize("seed", range(10))
def test_files_far_below_the_grid_are_not_left_behind(seed: int) -> None:
    chance = random.Random(seed)
    large = [chance.randrange(100 << 20, 180 << 20) for _ in range(25)]
    pool = SizePool(sorted([*large, *[chance.randrange(1, 300) for _ in range(10)]]))
    left = GIB - sum(pool.sizes[index] for index in fill(pool, GIB))
    assert 0 <= left < GIB // 100
    assert all(pool.sizes[index] > left for index in pool.remaining())
