"""Fills one account to the last megabyte: chooses files whose exact sizes come closest to what is left.

The heuristic: take the largest file that still fits (first-fit decreasing, Johnson 1973), then solve the tail of the
choice again as a subset-sum problem by dynamic programming over a bit set (Bellman; with sizes rounded up to a grid,
as in Ibarra and Kim's approximation scheme). With few files the tail is everything, and the solution is exact.

Sources: D. S. Johnson, "Near-optimal bin packing algorithms", MIT 1973; O. H. Ibarra, C. E. Kim, "Fast approximation
algorithms for the knapsack and sum of subset problems", JACM 22 (1975).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

#: A fill that leaves less than this share of the capacity is good enough.
GOOD_ENOUGH: Final = 0.0002
#: How many files the exact step considers, and how fine its grid is.
CANDIDATES: Final = 400
GRID: Final = 1 << 17
#: How many grid steps beyond the capacity it searches, for sums that fit in bytes.
BEYOND: Final = 32
#: Up to this many files, every combination is tried instead.
EXACT: Final = 20
#: How many of the last chosen files the exact step may choose again.
TAIL: Final = 12


class SizePool:
    """Files not yet assigned, by size. Indices are positions in the ascending order of sizes."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """sizes: bytes, ascending."""
        self.sizes = sizes
        self._alive = bytearray(b"\x01") * len(sizes)
        self.count = len(sizes)

    def largest_at_most(self, limit_bytes: int, below: int | None = None) -> int | None:
        """The index of the largest unassigned file that is no larger than the limit.

        below: search only below this index, when nothing unassigned from there on is within the limit.
        """
        end = bisect_right(self.sizes, limit_bytes, 0, len(self.sizes) if below is None else below)
        index = self._alive.rfind(1, 0, end)
        return None if index < 0 else index

    def take(self, index: int) -> None:
        """Mark a file as assigned."""
        self._alive[index] = 0
        self.count -= 1

    def give_back(self, index: int) -> None:
        """Mark a file as unassigned again."""
        self._alive[index] = 1
        self.count += 1

    def some_at_most(self, limit_bytes: int, count: int) -> list[int]:
        """Up to `count` unassigned files no larger than the limit: half the largest, half spread over the others."""
        end = bisect_right(self.sizes, limit_bytes)
        alive = self._alive
        found: list[int] = []
        position = end
        while position > 0 and len(found) < count:
            index = alive.rfind(1, 0, position)
            if index < 0:
                break
            found.append(index)
            position = index if len(found) <= count // 2 else index + 1 - max(1, index // (count - len(found) + 1))
        return found

    def remaining(self) -> list[int]:
        """The indices of all unassigned files, ascending."""
        return [index for index, alive in enumerate(self._alive) if alive]


def fill(pool: SizePool, capacity_bytes: int, *, exact: bool = True) -> list[int]:
    """Take files from the pool whose sizes sum to at most the capacity, as close to it as possible.

    exact: also solve the tail, which takes milliseconds; without it the choice is good enough for a forecast.
    Returns their indices. Files of size 0 always fit.
    """
    chosen: list[int] = []
    left = capacity_bytes
    below = None
    while (index := pool.largest_at_most(left, below)) is not None:
        pool.take(index)
        chosen.append(index)
        left -= pool.sizes[index]
        below = index
    if exact and pool.count and left > capacity_bytes * GOOD_ENOUGH:
        _improve_tail(pool, chosen, left)
    return chosen


def _improve_tail(pool: SizePool, chosen: list[int], left: int) -> None:
    """Choose the last files again, together with unassigned ones, when that leaves less."""
    sizes = pool.sizes
    whole = pool.count + len(chosen) <= CANDIDATES
    tail = [index for index in (chosen if whole else chosen[-TAIL:]) if sizes[index] > 0]
    room = left + sum(sizes[index] for index in tail)
    candidates = tail + pool.some_at_most(room, CANDIDATES - len(tail))
    better = best_subset([sizes[index] for index in candidates], room)
    if sum(sizes[candidates[i]] for i in better) <= room - left:
        return
    tail_set = set(tail)
    chosen[:] = [index for index in chosen if index not in tail_set]
    for index in tail:
        pool.give_back(index)
    left = room
    for position in better:
        index = candidates[position]
        pool.take(index)
        chosen.append(index)
        left -= sizes[index]
    below = None
    while (found := pool.largest_at_most(left, below)) is not None:
        pool.take(found)
        chosen.append(found)
        left -= sizes[found]
        below = found


def best_subset(sizes: Sequence[int], capacity_bytes: int) -> list[int]:
    """Positions of sizes whose sum is at most the capacity: optimal for few, within count/GRID for many.

    Dynamic programming: bit k of `reached[i]` says that some of the first i sizes sum to k grid steps. Sizes are
    rounded up, so sums slightly beyond the capacity are searched too: in bytes they may just fit.
    """
    if len(sizes) <= EXACT:
        return _exact_subset(sizes, capacity_bytes)
    unit = max(1, -(-capacity_bytes // GRID))
    limit = capacity_bytes // unit
    beyond = limit + min(len(sizes), BEYOND)
    mask = (1 << (beyond + 1)) - 1
    # Large ones first; among those equal on the grid the smaller first, which fit sooner.
    order = sorted(range(len(sizes)), key=lambda position: (sizes[position] // -unit, sizes[position]))
    weights = [-(sizes[position] // -unit) for position in order]
    reached = [1]
    for weight in weights:
        last = reached[-1]
        reached.append((last | (last << weight)) & mask if weight <= beyond else last)

    def trace(total: int) -> tuple[int, list[int]]:
        picked = [order[place] for place in _trace(reached, weights, total)]
        return sum(sizes[position] for position in picked), picked

    best = trace((reached[-1] & ((1 << limit + 1) - 1)).bit_length() - 1)
    if best[0] >= capacity_bytes * (1 - GOOD_ENOUGH):
        return best[1]
    for total in range(beyond, limit, -1):
        if reached[-1] >> total & 1:
            found = trace(total)
            if best[0] < found[0] <= capacity_bytes:
                best = found
    return best[1]


def _trace(reached: Sequence[int], weights: Sequence[int], total: int) -> list[int]:
    """The places whose weights add up to that total."""
    picked = []
    for place in range(len(weights) - 1, -1, -1):
        # Where the sum is reachable without this one, leave it out.
        if not reached[place] >> total & 1:
            picked.append(place)
            total -= weights[place]
    return picked


def _exact_subset(sizes: Sequence[int], capacity_bytes: int) -> list[int]:
    """The optimum, from all sums of both halves.

    Source: E. Horowitz, S. Sahni, "Computing partitions with applications to the knapsack problem", JACM 21 (1974).
    """
    half = len(sizes) // 2
    right = sorted(_all_sums(sizes[half:]))
    best_bytes, best = -1, 0
    for left_bytes, left in _all_sums(sizes[:half]):
        if left_bytes > capacity_bytes:
            continue
        right_bytes, chosen = right[bisect_right(right, (capacity_bytes - left_bytes, 1 << len(sizes))) - 1]
        if left_bytes + right_bytes > best_bytes:
            best_bytes, best = left_bytes + right_bytes, left | chosen << half
    return [position for position in range(len(sizes)) if best >> position & 1]


def _all_sums(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Every sum, with a bit for each position in it."""
    sums = [(0, 0)]
    for position, size in enumerate(sizes):
        sums += [(total + size, chosen | 1 << position) for total, chosen in sums]
    return sums
