"""Keeps room for a file that has waited too long. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cloudplow.models import Capacity


class Reserved(NamedTuple):
    """An account that is kept for an overdue file until it fits, at epoch seconds. spare_bytes: of what it has left,
    what others may use.
    """

    account: str
    fits_at: float
    spare_bytes: int

    def open(self, capacities: Sequence[Capacity]) -> list[Capacity]:
        """What the accounts can take once others have used what they may of this one."""
        return [self._later(one) if one.account == self.account else one for one in capacities]

    def _later(self, kept: Capacity) -> Capacity:
        back = sum(one.bytes for one in kept.returns if one.at <= self.fits_at)
        returns = tuple(one for one in kept.returns if one.at > self.fits_at)
        return kept._replace(free_bytes=kept.free_bytes + back, returns=returns, usable_from=self.fits_at)


def reserve(size: int, usable: Sequence[Capacity]) -> Reserved | None:
    """Of which account others may use only so much, so that an overdue file that fits nowhere now is not starved.

    A steady stream of small files would otherwise use up every byte that comes back. The account on which the file will
    fit first is reserved for it: others may use only what will be left over at that time.
    """
    if any(capacity.free_bytes >= size for capacity in usable):
        return None
    best: Reserved | None = None
    for capacity in usable:
        wanted = min(size, capacity.limit_bytes)
        free = capacity.free_bytes
        for back in capacity.returns:
            free += back.bytes
            if free >= wanted:
                if best is None or back.at < best.fits_at:
                    best = Reserved(capacity.account, back.at, free - wanted)
                break
    return best
