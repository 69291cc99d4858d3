"""Fixtures of the fake Drive's own tests."""

from __future__ import annotations

from tests.rclone_binaries import any_rclone

__all__ = ["any_rclone"]
