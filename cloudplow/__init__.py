"""cloudplow: moves tens of terabytes to cloud storage with rclone, within each account's daily quota."""

from __future__ import annotations

from typing import Final

from pluggy import HookimplMarker

__version__ = "3.0.0"

__all__ = ["__version__", "hookimpl"]

#: Marks a function as the implementation of a hook of `cloudplow.hookspecs`.
hookimpl: Final = HookimplMarker("cloudplow")
