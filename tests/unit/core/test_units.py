"""rclone's sizes, and numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.units import GIB, format_bytes, format_duration, parse_size_bytes


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("750G", 805_306_368_000),
        ("1.5Ti", 3 * GIB * 512),
        ("100M", 100 << 20),
        ("512B", 512),
        ("0", 0),
        ("7", 7 * 1024),
        ("7k", 7 * 1024),
        (" 2 GiB ", 2 * GIB),
        ("3gb", 3 * GIB),
        ("1P", 1 << 50),
        ("1E", 1 << 60),
        ("0.5K", 512),
    ],
)
def test_sizes_mean_what_they_mean_in_rclone(text: str, size_bytes: int) -> None:
    assert parse_size_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["", "G", "-1G", "1,5G", "1 2", "off", "1X", "1.G", "nan", "inf", "1e3", "9" * 400])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='is not a size; write it as rclone does, for example "750G"'):
        parse_size_bytes(text)


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        size = parse_size_bytes(text)
    except ValueError:
        return
    assert size >= 0


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (-5, "0 B"),
        (math.nan, "0 B"),
        (math.inf, "0 B"),
        (1, "1.0 B"),
        (1023, "1023.0 B"),
        (1024, "1.0 KB"),
        (1536, "1.5 KB"),
        (5 << 20, "5.0 MB"),
        (805_306_368_000, "750.0 GB"),
        (3 << 40, "3.0 TB"),
        (2 << 50, "2.0 PB"),
        (5000 << 50, "5000.0 PB"),
    ],
)
def test_sizes_for_people(size_bytes: float, text: str) -> None:
    assert format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "-"),
        (0.9, "-"),
        (-3, "-"),
        (math.inf, "-"),
        (math.nan, "-"),
        (5, "5s"),
        (59.9, "59s"),
        (60, "1m 0s"),
        (243, "4m 3s"),
        (3600, "1h 0m"),
        (7620, "2h 7m"),
        (180_000, "50h 0m"),
    ],
)
def test_durations_for_people(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats())
def test_any_number_has_a_form_for_people(number: float) -> None:
    assert format_bytes(number)
    assert format_duration(number)
