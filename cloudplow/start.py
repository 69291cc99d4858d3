"""Where the program starts: signals and output are put in order first, then everything else is imported."""

from __future__ import annotations

import atexit
import sys

from cloudplow import signals


def main() -> int:
    """Run the command line; returns its exit status."""
    signals.take_over()
    # Registered first, so it comes last.
    atexit.register(signals.ignore)
    # Here, because it takes 300 ms, in which a signal may come.
    from cloudplow import cli

    try:
        status = cli.main()
    except KeyboardInterrupt:
        status = signals.INTERRUPTED
    signals.settle(status)
    for action in signals.before_end:
        action()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status
