"""cloudplow: moves tens of terabytes to cloud storage with rclone, within each account's daily quota."""

from __future__ import annotations

import sys

_started_as = (getattr(sys, "argv", None) or [""])[0]
_as_module = _started_as == "-m" and not {"cloudplow", "-mcloudplow"}.isdisjoint(sys.orig_argv)
if _as_module or _started_as.endswith("/bin/cloudplow"):
    # `python -m cloudplow`, or the installed command: not a program that imports us.
    from cloudplow import signals

    signals.take_over()

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from pluggy import HookimplMarker

__version__ = "3.0.0"

__all__ = ["__version__", "hookimpl"]

if TYPE_CHECKING:
    #: Marks a function as the implementation of a hook of `cloudplow.hookspecs`.
    hookimpl: Final = HookimplMarker("cloudplow")
else:

    def __getattr__(name):
        """Make `hookimpl` when it is needed: signals are not in order yet while this module is imported."""
        if name != "hookimpl":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # 14 ms, in which a signal would end in a traceback.
        from pluggy import HookimplMarker

        marker = globals()["hookimpl"] = HookimplMarker("cloudplow")
        return marker
