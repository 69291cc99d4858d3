"""What signals do from our first line to the last one, outside of an upload. Imports almost nothing: it comes first.

SIGINT, SIGTERM, SIGQUIT and SIGHUP all ask for the end; a SIGHUP that is ignored (nohup) stays ignored. While nothing
is under way yet, the process ends at once with status 130. Commands that must clean up get a KeyboardInterrupt. An
upload has its own way: `cloudplow.commands.stopping`.
"""

from __future__ import annotations

# The modules `signal` and `typing` take 5 ms: longer than all that happens before the handlers are there.
import _signal  # type: ignore[import-not-found]  # without stubs
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Final

#: The signals that ask for the end.
ENDING: Final[tuple[int, ...]] = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGQUIT, _signal.SIGHUP)
INTERRUPTED: Final = 130
#: Signals that follow the first one this quickly mean the same, in seconds.
SAME_SECONDS: Final = 1.0

#: Tells the program that takes our place that signals wait.
_HELD: Final = "CLOUDPLOW_SIGNALS_HELD"

#: What must happen before the process ends at once, in the order of registration; faults are ignored.
before_end: list[Callable[[], object]] = []


class _Mode:
    """What the next signal does. status: with which the process ends; raises: a KeyboardInterrupt comes instead."""

    def __init__(self) -> None:
        self.status = INTERRUPTED
        self.raises = False
        self.raised_at: float | None = None


_mode: Final = _Mode()


def has_terminal() -> bool:
    """Whether there is a terminal that can hang up."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY))
    except OSError:
        return False
    return True


def spare_hang_up() -> None:
    """Until it is known what a SIGHUP means, it means nothing: for a service, which is told by it to read again."""
    if not has_terminal():
        _signal.signal(_signal.SIGHUP, _signal.SIG_IGN)


def wanted() -> list[int]:
    """The signals to react to: SIGHUP only if it was not ignored when we were started."""
    hang_up: int = _signal.SIGHUP
    return [number for number in ENDING if number != hang_up or _signal.getsignal(number) != _signal.SIG_IGN]


def take_over() -> None:
    """From now on a signal ends the process at once and without a traceback. For the main thread."""
    for number in wanted():
        _signal.signal(number, _on_signal)
    if os.environ.pop(_HELD, None) is not None:
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, ENDING)


def hold() -> None:
    """Let signals wait until the program that takes our place has called `take_over`."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
    os.environ[_HELD] = "1"


def raise_interrupts() -> None:
    """From now on the first signal raises KeyboardInterrupt in the main thread, for commands that must clean up."""
    _mode.raises = True


def settle(status: int) -> None:
    """Everything is done: from now on a signal ends the process with this status."""
    _mode.raises, _mode.status = False, status


def ignore() -> None:
    """For the last moments, in which Python would let signals have their default effect again."""
    for number in wanted():
        _signal.signal(number, _signal.SIG_IGN)


def end_now(status: int) -> None:
    """End the process, leaving no program of ours behind. Does not return."""
    for action in before_end:
        try:
            action()
        except Exception:  # noqa: BLE001, S112 - nothing may keep us
            continue
    os._exit(status)


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    if _mode.raises:
        now = time.monotonic()
        if _mode.raised_at is None:
            _mode.raised_at = now
            raise KeyboardInterrupt
        if now - _mode.raised_at < SAME_SECONDS:
            return
    end_now(_mode.status)
