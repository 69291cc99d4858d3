"""What is asked of rclone in advance, and what only when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cloudplow.rclone.command import Job, Rclone
from cloudplow.upload.preflight import Preflight


def test_who_needs_only_a_list_asks_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def query(_self: Preflight, command: Sequence[str], *_more: Any) -> object:
        asked.append(" ".join(command))
        return object()

    monkeypatch.setattr(Preflight, "_query", query)
    preflight = Preflight(Rclone("rclone", None))
    preflight.listing(Job("move", "/media", "gdrive:Media"))
    assert [" lsf " in one for one in asked] == [True]
    preflight.begin()
    assert "config dump" in asked[1]
    preflight.begin()
    assert len(asked) == 2
