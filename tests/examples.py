"""How many examples a property test needs that is not content with the usual hundred."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100


def examples(count: int) -> int:
    """So many; with the profile of script/test --fast as much fewer as the usual number is."""
    usual: int = settings.default.max_examples  # type: ignore[union-attr]
    return max(1, count * usual // USUAL)
