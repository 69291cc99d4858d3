"""cloudplow: moves tens of terabytes to cloud storage with rclone, within every account's daily quota."""

import pluggy

__version__ = "3.0.0"

#: Marks a function as the implementation of a hook of `cloudplow.hookspecs`.
hookimpl = pluggy.HookimplMarker("cloudplow")

__all__ = ["__version__", "hookimpl"]
