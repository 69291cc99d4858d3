"""What plans, exports, the log, past sessions and commands say wrongly is found. Pure: no process, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cloudplow.events.wire import encode
from cloudplow_dashboard.state import exports
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web import compat, overview, views
from tests.agreement import asking, reading, reading_past, said_twice
from tests.agreement.comparing import disagreements, whole_files
from tests.agreement.reading import Figures, Reading
from tests.agreement.test_comparing import uploading
from tests.agreement.told import Runs, Told, past, sentence_of
from tests.unit.dashboard.helpers import NOW, UPLOADER, file_failed, session_finished, session_started

# --- plans and exports -----------------------------------------------------------------------------------------------


def versioned(state: DashboardState) -> dict[str, Figures]:
    head, entries = state.read(lambda us: views._session_head(us[UPLOADER]))
    document: Any = json.loads(b"".join(exports.session_json(head, entries)))
    text = b"".join(exports.session_csv(entries)).decode()
    plans: Any = state.read(lambda us: overview.plans(us, UPLOADER))
    whole: Any = state.document()
    return {
        "api/state": whole_files(reading.state(whole)),
        "api/plan": reading_past.plan(UPLOADER)(plans),
        "session.json": reading_past.files(document),
        "session.csv": reading_past.files_csv(UPLOADER, text),
    }


def faults_of(found: Mapping[str, Figures]) -> list[str]:
    return disagreements(Reading(source, NOW, NOW, figures, "boot:1") for source, figures in found.items())


def test_plans_and_exports_that_agree_are_not_reported_and_any_figure_that_is_changed_is() -> None:
    found = versioned(uploading(file_failed("x", 'Odd "reason"')))

    assert faults_of(found) == []
    for source in ("api/plan", "session.json", "session.csv"):
        for key, value in found[source].items():
            wrong = value + 1 if isinstance(value, int | float) else f"{value}?"
            assert any(key[1] in fault for fault in faults_of(found | {source: found[source] | {key: wrong}})), key


@pytest.mark.parametrize("key", ["at", "status", "name", "size", "account", "stage", "error"])
def test_a_file_that_is_another_one_in_one_export_is_found(key: str) -> None:
    head: Any = {"uploader": UPLOADER, "truncated": False, "session": {"recovered": False}}
    row: dict[str, Any] = {
        "at": NOW,
        "status": "failed",
        "name": "a",
        "size": 5,
        "account": "1.json",
        "stage": 1,
        "error": "no",
    }
    other = row | {key: row[key] + 1 if isinstance(row[key], int | float) else "b"}
    one, changed = (reading_past.files(head | {"files": [which]}) for which in (row, other))

    assert one[UPLOADER, "files digest"] != changed[UPLOADER, "files digest"]


def test_what_one_answer_says_twice_is_the_same() -> None:
    state = uploading()
    at = NOW + 9
    health: Any = state.health()
    answers: list[Any] = [
        state.read(lambda us: overview.summary(us[UPLOADER], health, state.head(), at)),
        state.read(lambda us: compat.session_stats(us[UPLOADER], at)),
        state.read(lambda us: compat.rclone_stats(us[UPLOADER])),
    ]
    twice = 0
    for answer in answers:
        assert list(said_twice.faults("it", answer, at, at)) == []
        row = answer.get("data", answer)
        for key, value in list(row.items()):
            if key.endswith("_human") or key in (
                "eta_seconds",
                "quota_spent_bytes",
                "accounts_total",
                "accounts_ready",
            ):
                row[key] = "9.9 TB/s" if isinstance(value, str) and "B" in value else 99 if value != 99 else "9s"
                if key in ("duration_human", "eta_human"):
                    row[key] = "9d 9h"
                assert list(said_twice.faults("it", answer, at, at)), key
                row[key], twice = value, twice + 1
    assert twice > 15


# --- the log and past sessions ---------------------------------------------------------------------------------------

ENDED = encode(session_finished(at=NOW + 5))
FACT: dict[str, Any] = {
    "seq": 1,
    "at": NOW + 5,
    "uploader": UPLOADER,
    "kind": "session_finished",
    "text": sentence_of(ENDED),
}


def told(*documents: tuple[float, Mapping[str, Any]]) -> Told:
    """Facts, and when they came."""
    found = Told()
    for at, facts in documents:
        found.take({"boot": "boot", "facts": facts}, at)
    return found


def test_a_log_that_is_as_the_events_were_is_not_reported() -> None:
    assert told((NOW, {}), (NOW + 6, {"1": FACT}), (NOW + 20, {"1": FACT})).judged([ENDED]) == []


@pytest.mark.parametrize("key", ["text", "at", "kind", "uploader"])
def test_a_fact_of_which_no_event_tells_is_found(key: str) -> None:
    wrong = {"1": FACT | {key: FACT["at"] - 1 if key == "at" else "other"}}

    found = told((NOW, {}), (NOW + 6, wrong), (NOW + 20, wrong))
    assert found.judged([ENDED]) != []
    assert found.judged([ENDED], [NOW + 60]) != []


def test_a_fact_that_is_missing_or_late_or_changes_is_found() -> None:
    facts = {"1": FACT}

    assert "no log has" in told((NOW, {}), (NOW + 20, {})).judged([ENDED])[0]
    assert "looks late" in told((NOW, {}), (NOW + 12, facts), (NOW + 20, facts)).judged([ENDED])[0]
    assert "looks late" in told((NOW, {}), (NOW + 12, facts)).judged([ENDED], (), [(NOW, NOW + 6)])[0]
    assert told((NOW, {}), (NOW + 12, facts)).judged([ENDED], (), [(NOW + 5.5, NOW + 11)]) == []
    assert told((NOW, {}), (NOW + 6, facts), (NOW + 7, {"1": FACT | {"text": "x"}})).faults != []


@pytest.mark.parametrize("key", ["files_done", "bytes_done", "files_left", "bytes_left", "outcome", "sessions"])
def test_a_past_session_that_is_not_as_its_events_were_is_found(key: str) -> None:
    runs = Runs()
    for event in (session_started(at=NOW), session_finished(at=NOW + 5)):
        runs.take(encode(event))
    document: Any = uploading(session_finished(at=NOW + 5)).document()
    (one,) = document["uploaders"][UPLOADER]["sessions"]

    assert runs.figures() == runs.figures([NOW + 60]) == past(document)
    assert not runs.figures([NOW + 6]), "it had not been written"
    one[key] = "failed" if key == "outcome" else one[key] + 1
    assert runs.figures() != past(document)


# --- commands --------------------------------------------------------------------------------------------------------


def test_commands_are_read_in_the_words_of_the_document() -> None:
    waiting = {"state": "waiting", "files_left": None, "bytes_left": None}
    works = {"state": "uploading", "files_left": 4, "bytes_left": 40}
    answer = {"limit_bytes_per_second": None, "uploaders": {UPLOADER: works, "films": waiting}}

    assert asking.status(answer) == {
        ("", "limit"): 0,
        (UPLOADER, "state"): "uploading",
        (UPLOADER, "files_left"): 4,
        (UPLOADER, "bytes_left"): 40,
        ("films", "state"): "waiting",
    }
    assert asking.plan({UPLOADER: {"queue_files": 4, "queue_bytes": 40}}) == {
        (UPLOADER, "files_not_whole"): 4,
        (UPLOADER, "bytes_not_whole"): 40,
    }
    whole: Any = uploading().document()
    known = whole_files(reading.state(whole))
    assert known[UPLOADER, "bytes_not_whole"] == 900, "a file on its way is still there as a whole"
