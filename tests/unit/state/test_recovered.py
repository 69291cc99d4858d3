"""What a start tells of the process before it, from new, old and damaged cache files."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.events import Event, QueueLearned, SessionOutcome, SessionRecovered, TransfersRecovered
from cloudplow.state.recovered import ACCOUNTS_LIMIT, UPLOADERS_LIMIT, recovered_events
from cloudplow.state.state_files import LEARNED_FILE, SESSION_FILE

SESSION: dict[str, Any] = {
    "active": False,
    "uploader": "google",
    "session_id": "abc",
    "total_sas": 12,
    "sa_index": 2,
    "current_sa": "3.json",
    "stage": 4,
    "total_stages": 7,
    "session_start_time": 1000.0,
    "session_end_time": 2000.0,
    "upload_folder": "/media/Media",
    "upload_remote": "gdrive:Media",
    "sas_used": ["1.json", "3.json"],
    "total_files": 10,
    "total_bytes": 100,
    "transferred_files": 8,
    "transferred_bytes": 70,
    "outcome": "quota_used",
    "reason": "every account is used up",
    "files_left": 2,
    "bytes_left": 30,
    "next_capacity_at": 3000.0,
    "run_id": "r1",
}
#: As the old program wrote it: no outcome, nothing left, no id.
OLD: dict[str, Any] = {
    name: SESSION[name]
    for name in SESSION
    if name
    not in (
        "session_id",
        "run_id",
        "upload_remote",
        "outcome",
        "reason",
        "files_left",
        "bytes_left",
        "next_capacity_at",
    )
} | {"stage_params": {"strategy": "fill", "max_transfer": "700G"}}
DISTRIBUTION: dict[str, Any] = {
    "statistics": {"total_files": 5, "total_bytes": 50},
    "metadata": {
        "source": "lsf",
        "confidence": "exact",
        "checking_duration_seconds": 1.5,
        "last_updated": 900.0,
        "upload_folder": "/media/Media",
    },
}


def told(session: Any = None, learned: Any = None) -> list[Event]:
    return list(recovered_events({SESSION_FILE: session, LEARNED_FILE: learned}.get))


def session_of(stored: Any) -> SessionRecovered:
    (event,) = told(stored)
    assert isinstance(event, SessionRecovered)
    return event


def test_a_finished_session_is_told_as_it_ended() -> None:
    event = session_of(SESSION)

    assert (event.uploader, event.session_id, event.outcome) == ("google", "", SessionOutcome.QUOTA_USED)
    assert (event.started_at, event.ended_at, event.next_capacity_at) == (1000.0, 2000.0, 3000.0)
    assert (event.files, event.files_total, event.files_left) == (8, 10, 2)
    assert (event.bytes, event.bytes_total, event.bytes_left) == (70, 100, 30)
    assert (event.account, event.account_index, event.accounts_total) == ("3.json", 2, 12)
    assert (event.stage, event.stages_total, event.accounts_used) == (4, 7, ("1.json", "3.json"))
    assert (event.run_id, session_of(OLD).run_id) == ("r1", "")


def test_a_session_whose_process_was_killed_is_interrupted_and_what_is_left_follows_from_its_sums() -> None:
    event = session_of(SESSION | {"active": True, "outcome": "", "files_left": 0, "bytes_left": 0})

    assert (event.outcome, event.ended_at, event.next_capacity_at) == (SessionOutcome.INTERRUPTED, None, None)
    assert (event.files_left, event.bytes_left) == (2, 30)
    assert event.reason == "cloudplow ended before the upload did"
    assert session_of(SESSION | {"active": True, "heard_at": 1900.0}).ended_at == 1900.0


def test_a_session_of_the_old_program_is_told_without_an_outcome() -> None:
    event = session_of(OLD)

    assert (event.outcome, event.ended_at, event.files_left, event.bytes_left) == (None, 2000.0, 2, 30)
    assert dict(event.stage_params) == {"strategy": "fill", "max_transfer": "700G"}


def test_sessions_of_further_uploaders_are_told_too() -> None:
    events = told(SESSION | {"uploaders": {"dropbox": SESSION | {"uploader": "dropbox"}, "broken": 5}})

    assert [event.uploader for event in events] == ["dropbox", "google"]


def test_a_session_that_never_began_is_not_told() -> None:
    assert told(SESSION | {"session_start_time": 0}) == []
    assert told({}) == told(None) == told([]) == []


def test_key_paths_of_old_files_become_names() -> None:
    event = session_of(
        SESSION | {"current_sa": "/opt/sa/3.json", "sas_used": ["/opt/sa/1.json", 7, "", "/opt/sa/3.json"]}
    )

    assert (event.account, event.accounts_used) == ("3.json", ("1.json", "3.json"))


def test_a_learned_queue_is_told_with_the_time_at_which_it_was_learned() -> None:
    (event,) = told(learned={"google": {"queue_distribution": DISTRIBUTION}})

    assert isinstance(event, QueueLearned)
    assert (event.uploader, event.files, event.bytes, event.learned_at) == ("google", 5, 50, 900.0)
    assert (event.source, event.confidence, event.duration_seconds) == ("lsf", "exact", 1.5)
    assert event.distribution == DISTRIBUTION


def test_sizes_of_earlier_transfers_are_told_with_their_folder() -> None:
    (event,) = told(learned={"google": {"transfer_history": DISTRIBUTION}})

    assert isinstance(event, TransfersRecovered)
    assert (event.distribution, event.upload_folder) == (DISTRIBUTION, "/media/Media")


def test_what_is_told_is_bounded() -> None:
    many = {f"u{number}": SESSION for number in range(UPLOADERS_LIMIT + 5)}
    assert len(told({"uploaders": many})) == UPLOADERS_LIMIT
    assert len(session_of(SESSION | {"sas_used": ["a.json"] * (ACCOUNTS_LIMIT + 5)}).accounts_used) == ACCOUNTS_LIMIT


@pytest.mark.parametrize("nonsense", [math.nan, -1, "ten", None, [], True, 1e400])
def test_nonsense_in_a_number_counts_as_nothing(nonsense: object) -> None:
    event = session_of(SESSION | {"transferred_files": nonsense, "total_bytes": nonsense, "sa_index": nonsense})

    assert event.files in (0, 1 << 62)
    assert event.account_index in (-1, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SESSION, "uploaders", "x"]), inner, max_size=8)
    ),
    max_leaves=20,
)


@given(
    session=JSON,
    learned=st.dictionaries(
        st.text(max_size=3), st.fixed_dictionaries({"queue_distribution": JSON, "transfer_history": JSON})
    ),
)
def test_no_file_whatever_it_holds_stops_the_start(session: Any, learned: Any) -> None:
    for event in told(session, learned):
        assert event.uploader is not None


@pytest.mark.parametrize("totals", [(0, 0), (10, 0), (None, None), (10, 100), ("x", "y")])
def test_totals_that_were_never_known_are_not_made_up(totals: tuple[Any, Any]) -> None:
    """Old programs left them at 0, or counted less than they transferred."""
    for active in (True, False):
        event = session_of(
            OLD
            | {"active": active, "total_files": totals[0], "total_bytes": totals[1]}
            | {"transferred_files": 39, "transferred_bytes": 3900}
        )
        assert (event.files, event.bytes) == (39, 3900)
        assert (event.files_total, event.bytes_total, event.files_left, event.bytes_left) == (0, 0, 0, 0)


def test_totals_of_a_session_that_ended_add_up() -> None:
    event = session_of(SESSION | {"total_files": 0, "total_bytes": 0})
    assert (event.files_total, event.bytes_total) == (10, 100)
