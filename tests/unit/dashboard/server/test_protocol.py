"""Heads that are written so that two programs may read them in different ways, however they come in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow_dashboard.server.protocol import is_loose, line_end

GOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a b\tc\r\n\r\n"


def found(pieces: list[bytes]) -> bool:
    end = b""
    for piece in pieces:
        if is_loose(end, piece):
            return True
        end = line_end(end + piece)
    return False


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: localhost\n\n",
        b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\n",
        b"\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n x: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\tlocalhost\r\n\r\n",
    ],
)
def test_e6_lines_that_end_or_go_on_loosely_are_found_however_they_are_cut(head: bytes) -> None:
    assert found([head])
    for at in range(1, len(head)):
        assert found([head[:at], head[at:]])
    assert found([bytes([byte]) for byte in head])


@given(st.lists(st.integers(1, len(GOOD) - 1), max_size=6).map(sorted))
def test_what_every_client_sends_is_taken_however_it_is_cut(cuts: list[int]) -> None:
    pieces = [GOOD[begin:end] for begin, end in pairwise([0, *cuts, len(GOOD)]) if end > begin]

    assert not found(pieces)


def test_a_body_may_hold_what_it_wants() -> None:
    assert not found([GOOD + b"a\nb\n c"])
