"""Questions to rclone that are asked early, while the rest of the program is imported; each answer is given once.

What is asked is a guess (`cloudplow.commands.head_start`). Only who asks the very same question, to the letter, gets
the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudplow.rclone.background import Background
from cloudplow.rclone.process import Completed, run

#: Longer than rclone ever needs to read its configuration, in seconds.
DUMP_TIMEOUT_SECONDS: Final = 30.0
#: The same for reading its flags.
FLAGS_TIMEOUT_SECONDS: Final = 10.0

_Question = tuple[tuple[str, ...], float | None, float | None]
_begun: Final[dict[_Question, Background[Completed]]] = {}


def begin(
    command: Sequence[str], *, timeout_seconds: float | None = None, silence_seconds: float | None = None
) -> None:
    """Ask in advance. Raises nothing: whoever takes the answer gets what it raises."""
    _begun[tuple(command), timeout_seconds, silence_seconds] = _asked(command, timeout_seconds, silence_seconds)


def ask(
    command: Sequence[str], *, timeout_seconds: float | None = None, silence_seconds: float | None = None
) -> Background[Completed]:
    """The answer that was asked for in advance, the first time; else a new one."""
    early = _begun.pop((tuple(command), timeout_seconds, silence_seconds), None)
    return early or _asked(command, timeout_seconds, silence_seconds)


def forget() -> None:
    """Nobody will ask for what is left."""
    _begun.clear()


def _asked(
    command: Sequence[str], timeout_seconds: float | None, silence_seconds: float | None
) -> Background[Completed]:
    return Background(
        lambda: run(command, timeout_seconds=timeout_seconds, silence_seconds=silence_seconds), "cloudplow-ask"
    )
