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
    from os import PathLike
    from typing import Any, Final

    from pluggy import HookimplMarker

__version__ = "3.0.0"

__all__ = ["__version__", "hookimpl"]

if TYPE_CHECKING:
    #: Marks a function as the implementation of a hook of `cloudplow.hookspecs`.
    hookimpl: Final = HookimplMarker("cloudplow")

    def open(config: str | PathLike[str], state_dir: str | PathLike[str] | None = None) -> Any:
        """See `cloudplow.opened.open`."""

else:

    def __getattr__(name):
        """Make `hookimpl` and `open` when they are needed: signals are not in order yet while this is imported."""
        if name == "open":
            # 300 ms, which only Python programs need. By name, because this package itself may know nothing of the app.
            import importlib

            found = globals()["open"] = importlib.import_module("cloudplow.opened").open
            return found
        if name != "hookimpl":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # 14 ms, in which a signal would end in a traceback.
        from pluggy import HookimplMarker

        marker = globals()["hookimpl"] = HookimplMarker("cloudplow")
        return marker
