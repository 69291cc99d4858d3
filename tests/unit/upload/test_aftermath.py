"""What follows from a stage that uploaded nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cloudplow.events import StageOutcome, UploaderState
from cloudplow.models import UploaderStatus
from cloudplow.upload.aftermath import Aftermath
from cloudplow.upload.controls import SessionControls


def test_while_it_waits_for_the_next_try_it_does_not_say_that_it_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    controls, seen = SessionControls(), list[UploaderStatus]()
    controls.report(UploaderState.UPLOADING, "uploading stage 2")
    monkeypatch.setattr(controls, "wait", lambda _seconds: seen.append(controls.status()))
    stand_in: Any = SimpleNamespace(
        job=SimpleNamespace(extras={}, dry_run=False),
        name="google",
        accounts_folder=None,
        window_seconds=60,
        candidates=lambda: ["a file"],
        note_failures=lambda *_given: None,
        tried_unevenly=lambda: False,
        now=lambda: 1000.0,
    )
    verdict = SimpleNamespace(
        outcome=StageOutcome.STALLED, reason="nothing moved any more", why="nothing moved any more"
    )
    result: Any = SimpleNamespace(
        verdict=verdict, failed={}, stuck=(), changed=(), untouched=(), doubtful=(), fired=None, files=0
    )

    end = Aftermath(stand_in, stand_in, stand_in, stand_in, controls, stand_in).of(stand_in, stand_in, result)

    assert end is None
    (status,) = seen
    assert status.state is UploaderState.SCANNING
    assert status.why.startswith("trying again in ")
    assert "nothing moved any more" in status.why
