"""What the last run left behind, in the old forms and in the present one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow_dashboard.state.recovery import LEARNED_FILE, LEDGER_FILE, SESSION_FILE, natural_key, recover
from tests.unit.dashboard.helpers import NOW, UPLOADER, Clock, make_state, session_started
from tests.unit.dashboard.state.test_state import assert_fit_for_json

OLD_LEDGER = {
    UPLOADER: {
        "/secret/keys/10.json": {"bytes": 500, "reset_time": NOW + 60, "first_upload": NOW - 86_340},
        "/secret/keys/2.json": {"bytes": 700, "reset_time": NOW - 1, "first_upload": NOW - 86_401},
        "/secret/keys/1.json": {"bytes": 0, "reset_time": 0, "first_upload": 0},
    }
}
NEW_LEDGER = {
    UPLOADER: {
        "/secret/keys/1.json": {
            "bytes": 600,
            "reset_time": NOW + 1000,
            "first_upload": NOW - 90_000,
            "charges": [[NOW - 90_000, 100], [NOW - 80_000, 200], [NOW - 85_400, 300]],
            "denied_until": NOW + 5000,
            "denied_why": "Google said no to /secret/keys/1.json",
            "learned_limit_bytes": 650,
        }
    }
}
OLD_LEARNED = {
    UPLOADER: {
        "queue_distribution": {
            "max_file_size": float("inf"),
            "statistics": {"total_files": 30, "total_bytes": 3000, "mean": None},
            "metadata": {
                "source": "checkers",
                "confidence": "medium",
                "upload_folder": "/secret/disk/Media",
                "last_updated": NOW - 5,
                "checking_duration_seconds": 2.5,
            },
        },
        "transfer_history": {"max_file_size": 9, "metadata": {"upload_folder": "/secret/disk/Media"}},
    }
}
OLD_SESSION = {
    "active": True,
    "uploader": UPLOADER,
    "total_sas": 12,
    "sa_index": 2,
    "current_sa": "3.json",
    "stage": 4,
    "total_stages": 7,
    "session_start": "2025-10-09 08:53:20",
    "session_start_time": NOW - 500,
    "upload_folder": "/secret/disk/Media",
    "sas_used": ["1.json", "/secret/keys/3.json"],
    "total_files": 30,
    "total_bytes": 3000,
    "transferred_files": 10,
    "transferred_bytes": 900,
    "stage_params": {"strategy": "p90", "max_transfer": "700G", "transfers": 4},
}


def recovered(files: dict[str, Any]) -> Any:
    state = make_state()
    recover(state, files.get)
    return state


def test_an_interrupted_session_is_shown_as_interrupted() -> None:
    state = recovered({SESSION_FILE: OLD_SESSION})

    part = state.document()["uploaders"][UPLOADER]
    session = part["session"]
    assert (part["active"], part["phase"], state.document()["recovered"]) == (False, "interrupted", True)
    assert (session["recovered"], session["outcome"], session["account"]) == (True, "interrupted", "3.json")
    assert (session["files_done"], session["files_left"], session["bytes_left"]) == (10, 20, 2100)
    assert (session["folder"], session["accounts_used"]) == ("Media", ["1.json", "3.json"])
    assert state.health()["recovered"] is True


def test_a_new_session_ends_the_recovered_one() -> None:
    state = recovered({SESSION_FILE: OLD_SESSION})
    state.apply(session_started())

    assert state.health()["recovered"] is False
    assert state.document()["uploaders"][UPLOADER]["session"]["files_done"] == 0


def test_sessions_that_ended_are_shown_as_finished() -> None:
    ended = OLD_SESSION | {"active": False, "session_end_time": NOW - 100, "outcome": "quota_used", "files_left": 5}
    other = OLD_SESSION | {"uploader": "dropbox"}
    state = recovered({SESSION_FILE: ended | {"uploaders": {"dropbox": other}}})

    uploaders = state.document()["uploaders"]
    assert (uploaders[UPLOADER]["phase"], uploaders[UPLOADER]["session"]["files_left"]) == ("finished", 5)
    assert uploaders[UPLOADER]["session"]["ended_at"] == NOW - 100
    assert uploaders["dropbox"]["phase"] == "interrupted"


def test_the_old_ledger_with_one_fixed_window() -> None:
    state = recovered({LEDGER_FILE: OLD_LEDGER})

    accounts = state.document()["uploaders"][UPLOADER]["accounts"]
    assert list(accounts) == ["1.json", "2.json", "10.json"]
    assert [row["used_bytes"] for row in accounts.values()] == [0, 0, 500]
    assert accounts["10.json"]["limit_bytes"] == 805_306_368_000


def test_the_present_ledger_with_charges_that_come_back_one_by_one() -> None:
    clock = Clock()
    state = make_state(clock)
    recover(state, {LEDGER_FILE: NEW_LEDGER}.get)

    row = state.document()["uploaders"][UPLOADER]["accounts"]["1.json"]
    # The window is 81,000 s: the first two charges lie 90,000 s and 85,400 s back.
    assert (row["used_bytes"], row["resets_at"], row["limit_bytes"]) == (200, NOW + 1000, 650)
    assert (row["state"], row["until"], row["why"]) == ("denied", NOW + 5000, "Google said no to 1.json")

    state.expire(NOW + 1000)
    assert state.document()["uploaders"][UPLOADER]["accounts"]["1.json"]["used_bytes"] == 0


def test_the_limit_that_was_planned_with_counts_more_than_one_that_was_learned_for_another_quota() -> None:
    entry = NEW_LEDGER[UPLOADER]["/secret/keys/1.json"] | {"limit_bytes": 700}
    state = recovered({LEDGER_FILE: {UPLOADER: {"/secret/keys/1.json": entry}}})

    assert state.document()["uploaders"][UPLOADER]["accounts"]["1.json"]["limit_bytes"] == 700


def test_what_was_learned_is_shown_without_infinity_null_and_paths() -> None:
    state = recovered({LEARNED_FILE: OLD_LEARNED})

    queue = state.document()["uploaders"][UPLOADER]["queue"]
    assert (queue["files"], queue["bytes"], queue["confidence"]) == (30, 3000, "medium")
    assert queue["distribution"]["max_file_size"] == 0
    assert queue["distribution"]["metadata"]["upload_folder"] == "Media"
    assert "mean" not in queue["distribution"]["statistics"]


def test_what_was_learned_of_another_folder_is_void() -> None:
    state = recovered({LEARNED_FILE: OLD_LEARNED})
    state.apply(session_started(upload_folder="/secret/disk/Other"))

    assert state.document()["uploaders"][UPLOADER]["queue"]["available"] is False
    assert state.read(lambda known: known[UPLOADER].history_document(NOW)) == {}


def test_no_path_of_this_machine_is_shown() -> None:
    files = {LEDGER_FILE: NEW_LEDGER, LEARNED_FILE: OLD_LEARNED, SESSION_FILE: OLD_SESSION}

    assert "secret" not in json.dumps(recovered(files).document())


def test_a_reader_that_fails_costs_one_warning_each(caplog: pytest.LogCaptureFixture) -> None:
    def read(name: str) -> Any:
        raise OSError(f"no {name}")

    state = make_state()
    recover(state, read)

    assert len(caplog.records) == 3
    assert state.document()["uploaders"] == {}


RUBBISH = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*OLD_SESSION, "metadata", "statistics", "charges", "reset_time", "bytes", "uploaders"]),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=20,
)


@given(ledger=RUBBISH, learned=RUBBISH, session=RUBBISH)
def test_rubbish_never_stops_the_start(ledger: Any, learned: Any, session: Any) -> None:
    state = recovered({LEDGER_FILE: {"u": ledger}, LEARNED_FILE: {"u": learned}, SESSION_FILE: session})

    document = state.document()

    assert_fit_for_json(document)
    json.dumps(document, allow_nan=False)


def test_natural_order() -> None:
    assert sorted(["10.json", "a.json", "2.json", "1.json"], key=natural_key) == [
        "1.json",
        "2.json",
        "10.json",
        "a.json",
    ]
