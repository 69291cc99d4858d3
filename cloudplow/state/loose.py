"""Values from cache files that older programs wrote or people edited: invalid values count as missing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_LIMIT: Final = 1 << 62


def number(value: object) -> float:
    """A finite number above 0; 0 for anything else."""
    # Called for every value of the book: the common kinds first.
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return (float(value) if value < _LIMIT else float(_LIMIT)) if value > 0 else 0.0
    return 0.0


def whole(value: object) -> int:
    """The same, as a whole number."""
    return int(number(value))


def text(value: object) -> str:
    """A string; "" for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object; {} for anything else."""
    return value if isinstance(value, dict) else {}
