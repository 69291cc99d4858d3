"""Where the program starts: signals and output are put in order first, then everything else is imported."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys

from cloudplow import signals


def main() -> int:
    """Run the command line; returns its exit status."""
    signals.take_over()
    if "run" in sys.argv[1:]:
        signals.spare_hang_up()
    # Registered first, so it comes last.
    atexit.register(signals.ignore)
    _use_utf8()
    # What is imported stays: looking for garbage in it takes 40 ms.
    gc.disable()
    if "upload" in sys.argv[1:]:
        from cloudplow.commands import head_start

        head_start.begin(sys.argv[1:])
    # Here, because it takes 200 ms, in which a signal may come.
    from cloudplow import cli
    from cloudplow.terminal import output

    gc.freeze()
    gc.enable()

    if "upload" in sys.argv[1:] or "run" in sys.argv[1:]:
        # Files matter more than output that nobody takes. Other commands exist for their output.
        output.make_safe()
    output.escape_what_is_missing()
    try:
        status = cli.main()
    except KeyboardInterrupt:
        status = signals.INTERRUPTED
    signals.settle(status)
    for action in signals.before_end:
        action()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return status


def _use_utf8() -> None:
    """Start again if the locale has another encoding: rclone's names are UTF-8 whatever the locale says.

    Python cannot change its mind about file names later. Takes 20 ms, in which signals wait.
    """
    if sys.getfilesystemencoding().lower() == "utf-8" or sys.flags.utf8_mode:
        return
    signals.hold()
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
