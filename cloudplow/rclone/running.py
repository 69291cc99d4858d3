"""The one loop that reads a running rclone until it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cloudplow.rclone.process import LineProcess

#: How often to check for a stop request while rclone is silent, in seconds.
POLL_SECONDS: Final = 0.25


def run_to_end(
    command: Sequence[str],
    take: Callable[[bytes], None],
    *,
    environment: Mapping[str, str],
    should_stop: Callable[[], bool],
    should_kill: Callable[[], bool] = lambda: False,
    pass_fds: Sequence[int] = (),
    own: Mapping[str, str] | None = None,
) -> int:
    """Run rclone and pass each line of its output to `take`; returns its exit status, negative for a signal.

    should_stop: whether to ask it to end; should_kill: whether to kill it. Its process group never outlives the call.
    own: variables that it gets besides, even those that the user may not set.
    Raises RcloneError when it cannot be started, and whatever `take` raises.
    """
    with LineProcess(command, environment=environment, pass_fds=pass_fds, own=own) as process:
        while (lines := process.read_lines(POLL_SECONDS)) is not None:
            for line in lines:
                take(line)
            if should_kill():
                process.kill()
            if should_stop():
                process.terminate()
        return process.wait()
