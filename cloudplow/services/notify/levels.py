"""How much a message matters."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Level(StrEnum):
    """From what may be left unread to what must not be."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_ORDER: Final = tuple(Level)


class Message(NamedTuple):
    """What people are told. text: a few short lines."""

    level: Level
    text: str

    def is_for(self, least: Level) -> bool:
        """Whether somebody who wants to hear of `least` and worse hears of it."""
        return _ORDER.index(self.level) >= _ORDER.index(least)
