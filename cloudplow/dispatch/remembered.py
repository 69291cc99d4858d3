"""What a restart must not lose of what is due when: ends, pauses, sleeps, waits for quota. Kept in the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from cloudplow.scheduling.due import Cooling, Pause, Sleep, Standing
from cloudplow.state.loose import mapping, number

#: The name under which the book keeps it.
FACT: Final = "schedule"
#: How long uploaders of an older program are banned: name -> epoch seconds.
OLD_SLEEPS: Final = "sleeps"


class Remembered:
    """Used by the dispatcher, which holds its own lock. fact, set_fact: read and keep a value in the book.

    save: have it on disk now. now: epoch seconds by the machine's clock.
    """

    def __init__(
        self,
        fact: Callable[[str], Any],
        set_fact: Callable[[str, Any], None],
        save: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        self._fact = fact
        self._set_fact = set_fact
        self.save = save
        self._now = now

    def standing(self, uploader: str) -> Standing:
        """What is remembered of an uploader."""
        known = mapping(mapping(self._fact(FACT)).get(uploader))
        sleep = _sleep(mapping(known.get("sleep")))
        old_until = number(mapping(self._fact(OLD_SLEEPS)).get(uploader))
        if sleep is None and old_until > self._now():
            sleep = Sleep(self._now(), old_until, "banned by the old program")
        ended = number(known.get("last_end"))
        return Standing(
            last_end=ended or None,
            pause=_pause(mapping(known.get("pause"))),
            sleep=sleep,
            cooling=_cooling(mapping(known.get("cooling"))),
        )

    def keep(self, uploader: str, standing: Standing) -> bool:
        """Remember it; returns whether that is anything new."""
        document: dict[str, Any] = {"last_end": standing.last_end or 0}
        for key, value in (("pause", standing.pause), ("sleep", standing.sleep), ("cooling", standing.cooling)):
            if value is not None:
                document[key] = asdict(value)
        known = mapping(self._fact(FACT))
        if known.get(uploader) == document:
            return False
        self._set_fact(FACT, {**known, uploader: document})
        old = mapping(self._fact(OLD_SLEEPS))
        if uploader in old:
            self._set_fact(OLD_SLEEPS, {name: until for name, until in old.items() if name != uploader})
        return True


def _pause(known: Mapping[str, Any]) -> Pause | None:
    if not known:
        return None
    return Pause(number(known.get("since")), number(known.get("until")) or None, _text(known.get("by")))


def _sleep(known: Mapping[str, Any]) -> Sleep | None:
    until = number(known.get("until"))
    return Sleep(number(known.get("since")), until, _text(known.get("why"))) if until else None


def _cooling(known: Mapping[str, Any]) -> Cooling | None:
    until = number(known.get("until"))
    if not until:
        return None
    accounts = int(number(known.get("accounts")))
    return Cooling(until, int(number(known.get("bytes"))), accounts, _text(known.get("run_id")))


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""
