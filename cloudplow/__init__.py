"""cloudplow: moves tens of terabytes to cloud storage with rclone, within every account's daily quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pluggy import HookimplMarker

    hookimpl: HookimplMarker

__version__ = "3.0.0"

__all__ = ["__version__", "hookimpl"]


def __getattr__(name: str) -> Any:
    """`hookimpl` marks a function as the implementation of a hook of `cloudplow.hookspecs`.

    Made when it is asked for, because rclone is started before pluggy is imported.
    """
    if name != "hookimpl":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pluggy

    marker = pluggy.HookimplMarker("cloudplow")
    globals()["hookimpl"] = marker
    return marker
