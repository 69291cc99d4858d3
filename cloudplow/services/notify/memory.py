"""What was told when, across restarts: an upload that cron starts every half hour must not say the same each time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

FILE: Final = "notifications_cache.json"
#: The same is told again after so many seconds.
AGAIN_SECONDS: Final = 86_400.0
#: At most this many things are remembered, the latest ones.
LIMIT: Final = 500
_DIGITS: Final = re.compile(r"\d+")


class Memory:
    """Times by what was told. Not thread-safe: one thread tells; `document` may be called from any."""

    def __init__(self, stored: Mapping[str, Any] | None = None) -> None:
        """stored: what `document` gave an earlier process; anything else in it is ignored."""
        told = (stored or {}).get("told")
        self._told: dict[str, float] = {
            key: float(at)
            for key, at in (told.items() if isinstance(told, dict) else ())
            if isinstance(at, int | float) and not isinstance(at, bool)
        }

    def is_news(self, kind: str, uploader: str, at: float, detail: str = "") -> bool:
        """Whether it was not told within a day; it is told now. Numbers in the detail make no difference."""
        key = _key(kind, uploader, detail)
        before = self._told.get(key)
        # A time in the future is of a clock that was set back since.
        if before is not None and 0 <= at - before < AGAIN_SECONDS:
            return False
        told = {**self._told, key: at}
        kept = sorted(told, key=lambda one: told[one])[-LIMIT:]
        self._told = {one: told[one] for one in kept}
        return True

    def was_told(self, kind: str, uploader: str) -> bool:
        """Whether it was told, and not forgotten since."""
        return _key(kind, uploader, "") in self._told

    def forget(self, kind: str, uploader: str) -> None:
        """It is over: if it comes again, that is news."""
        start = _key(kind, uploader, "")
        self._told = {key: at for key, at in self._told.items() if not (key == start or key.startswith(f"{start} "))}

    def document(self) -> dict[str, Any]:
        """For the file."""
        return {"told": self._told}


def _key(kind: str, uploader: str, detail: str) -> str:
    """Details are only compared: as a digest they may be of any length and tell nothing."""
    digest = hashlib.sha256(_DIGITS.sub("#", detail).encode("utf-8", "replace")).hexdigest()[:16] if detail else ""
    return f"{kind}:{uploader} {digest}".rstrip()
