"""Failed files are told by their reason."""

from __future__ import annotations

import pytest

from cloudplow.control.digest import Digest
from cloudplow.events import Event, SessionJoined
from cloudplow_dashboard.state.document_session import Failure
from cloudplow_dashboard.state.failure_kinds import KINDS_LIMIT, FailureKinds, kind_of
from tests.unit.dashboard.helpers import NOW, file_failed, file_transferred, make_state, session_started


def _failure(name: str, error: str) -> Failure:
    return {"at": 1.0, "name": name, "error": error, "account": "1.json", "stage": 1}


def test_ten_thousand_failures_of_three_kinds_are_three() -> None:
    kinds = FailureKinds()
    for number in range(10_000):
        name = f"TV/Season {number % 40}/Episode {number}.mkv"
        reasons = (
            "googleapi: Error 403: The user does not have sufficient permissions for this file.",
            f"open {name}: permission denied",
            f"502 Bad Gateway (attempt {number % 7} of 10), request {number:08x}",
        )
        kinds.add(_failure(name, reasons[min(number % 4, 2)]))
    told = kinds.document()
    assert [one["count"] for one in told.values()] == [2500, 2500, 5000]
    assert told["3"]["name"] == "TV/Season 39/Episode 9999.mkv", "the last one is the example"


def test_file_that_fails_again_or_arrives_counts_once_or_not_at_all() -> None:
    kinds = FailureKinds()
    kinds.add(_failure("a", "timeout"))
    kinds.add(_failure("a", "denied"))
    assert [(one["error"], one["count"]) for one in kinds.document().values()] == [("denied", 1)]
    kinds.settle("a")
    kinds.settle("never failed")
    assert kinds.document() == {}


@pytest.mark.parametrize("arrived", [0, 30])
def test_files_that_fail_again_and_again_count_once_however_many(monkeypatch: pytest.MonkeyPatch, arrived: int) -> None:
    for limit in ("cloudplow_dashboard.state.failure_kinds.NAMES_LIMIT", "cloudplow.control.digest.FAILED_NAMES_LIMIT"):
        monkeypatch.setattr(limit, 100)
    state, session = make_state(), Digest()
    told: list[Event] = [session_started(at=NOW)]
    for stage, words in ((1, ("timeout", "denied")), (2, ("timeout", "denied")), (3, ("denied", "denied"))):
        told += [
            file_failed(f"{one}.mkv", words[one % 2], stage=stage) for one in range(arrived if stage > 1 else 0, 250)
        ]
        told += [file_transferred(f"{one}.mkv", stage=stage) for one in range(arrived if stage == 1 else 0)]
    for event in told:
        state.apply(event)
        session.take(event)
    part = state.document()["uploaders"]["google"]
    (joined,) = [one for one in session.events() if isinstance(one, SessionJoined)]
    kinds = [one["count"] for one in part["failure_kinds"].values()]
    assert (part["session"]["files_failed"], sum(kinds), joined.files_failed) == (250 - arrived,) * 3


def test_kinds_are_bounded() -> None:
    kinds = FailureKinds()
    words = [f"{chr(97 + place % 26)}{chr(97 + place // 26)} went wrong" for place in range(200)]
    for place, word in enumerate(words):
        kinds.add(_failure(f"{place}.mkv", word))
    told = kinds.document()
    assert len(told) == KINDS_LIMIT + 1
    assert sum(one["count"] for one in told.values()) == 200
    assert [one["count"] for one in told.values() if not one["error"]] == [200 - KINDS_LIMIT]


def test_what_belongs_to_one_file_is_left_out() -> None:
    assert kind_of("a b.mkv", "open a b.mkv: denied") == kind_of("c.mkv", "open c.mkv: denied")
    assert kind_of("", "timeout") != kind_of("", "denied")
