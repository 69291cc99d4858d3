"""Sizes and durations: rclone's notation to numbers, and numbers to readable text. Pure functions."""

from __future__ import annotations

import math
import re

# rclone's SizeSuffix: binary multiples; a bare number counts KiB (https://rclone.org/docs/#size-options).
_SIZE_FACTORS = {"": 1024, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50, "E": 1 << 60}
_SIZE_PATTERN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([BKMGTPE]?)(?:i?B?)?\s*$", re.IGNORECASE)
_LABELS = ("B", "KB", "MB", "GB", "TB", "PB")

GIB = 1 << 30


def parse_size_bytes(text: str) -> int:
    """Read a size as rclone writes it ("750G", "1.5Ti", "100M", "512B"; a bare number counts KiB), in bytes.

    Raises ValueError when the text is not a size.
    Source: https://rclone.org/docs/#size-options
    """
    match = _SIZE_PATTERN.match(text)
    size = float(match.group(1)) * _SIZE_FACTORS[match.group(2).upper()] if match else math.inf
    if not math.isfinite(size):
        raise ValueError(f'"{text}" is not a size; write it as rclone does, for example "750G", "1.5T" or "500M"')
    return round(size)


_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|m|s)", re.IGNORECASE)
_DURATION_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration_seconds(text: str) -> float:
    """Read a duration such as "2h", "90m", "1h30m", "45s", "1.5d", in seconds.

    Raises ValueError when the text is not one, or is not longer than 0.
    """
    parts = _DURATION_PART.findall(text)
    seconds = sum(float(number) * _DURATION_SECONDS[unit.lower()] for number, unit in parts)
    if _DURATION_PART.sub("", text).strip() or not 0 < seconds < math.inf:
        raise ValueError(f'"{text}" is not a duration; write for example "2h", "90m" or "1h30m"')
    return seconds


def format_bytes(size_bytes: float) -> str:
    """A readable size: 1024-based, labels B KB MB GB TB PB, one decimal; "0 B" for zero or invalid values."""
    if not math.isfinite(size_bytes) or size_bytes <= 0:
        return "0 B"
    value = float(size_bytes)
    for label in _LABELS:
        if value < 1024 or label == _LABELS[-1]:
            return f"{value:.1f} {label}"
        value /= 1024
    raise AssertionError("unreachable")


def format_duration(seconds: float | None) -> str:
    """A readable duration: "5s", "4m 3s", "2h 7m", "50h 0m"; "-" for 0 or unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds < 1:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"
