"""Values that older programs wrote or people edited."""

from __future__ import annotations

import math

import pytest

from cloudplow.state.loose import number, whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (0.5, 0.5), (0, 0.0), (-1, 0.0), (-0.5, 0.0), (True, 0.0), (math.nan, 0.0), ("3", 0.0), (None, 0.0)]
    + [(value, float(1 << 62)) for value in (1 << 80, 1e300, math.inf)],
)
def test_number_is_finite_and_above_zero(value: object, expected: float) -> None:
    assert number(value) == expected
    assert type(number(value)) is float
    assert whole(value) == int(expected)
