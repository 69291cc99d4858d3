"""Sessions that go on with one queue as quota comes back are shown as one run, also after a restart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from cloudplow_dashboard.state.blanks import new_session
from cloudplow_dashboard.state.bounded import SESSIONS_KEPT, SESSIONS_LIMIT, PastSessions
from cloudplow_dashboard.state.document_session import Session
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.history_file import HistoryFile
from cloudplow_dashboard.state.state import DashboardState
from tests.unit.dashboard import helpers
from tests.unit.dashboard.helpers import NOW


def run_sessions(state: DashboardState) -> None:
    """Two sessions of one run, and one of another."""
    for number, (run, outcome) in enumerate((("r1", "quota_used"), ("r1", "done"), ("r2", "failed"))):
        at, session_id = NOW + 1000 * number, f"s{number}"
        for event in (
            helpers.session_started(at=at, session_id=session_id, run_id=run),
            helpers.stage_started(at=at, session_id=session_id),
            helpers.file_transferred(f"{number}.mkv", 100, at=at, session_id=session_id),
            helpers.session_finished(outcome, at=at + 10, session_id=session_id, run_id=run, files_left=3 - number),
        ):
            state.apply(event)


def shown(state: DashboardState) -> list[Any]:
    keys = ("id", "run_id", "sessions", "started_at", "ended_at", "outcome", "files_done", "bytes_done", "files_left")
    sessions: list[Any] = [*state.document()["uploaders"]["google"]["sessions"]]
    return [tuple(one[key] for key in keys) for one in sessions]


def session(**fields: Any) -> Session:
    return cast(Session, {**new_session(), **fields})


RUNS = [
    ("s0", "r1", 2, NOW, NOW + 1010, "done", 2, 200, 2),
    ("s2", "r2", 1, NOW + 2000, NOW + 2010, "failed", 1, 100, 1),
]


def test_a_run_is_shown_as_one() -> None:
    state = helpers.make_state()
    run_sessions(state)
    assert shown(state) == RUNS
    assert state.document()["uploaders"]["google"]["session"]["run_id"] == "r2"


def test_it_still_is_after_a_restart_and_what_an_older_version_left_stays_single() -> None:
    state = helpers.make_state()
    run_sessions(state)
    unused: Any = SimpleNamespace()
    kept = HistoryFile(state, History(state.clock), unused).document()
    new = kept["sessions"]["google"]
    old = [{key: value for key, value in one.items() if key not in ("run_id", "sessions")} for one in new]

    def opened(sessions: list[Any]) -> DashboardState:
        after = helpers.make_state()
        content = kept | {"sessions": {"google": sessions}}
        files: Any = SimpleNamespace(read=lambda _name: content, register=lambda *_: None)
        HistoryFile(after, History(after.clock), files).open()
        return after

    assert shown(opened(new)) == RUNS
    assert [(one[0], one[2]) for one in shown(opened(old))] == [("s0", 1), ("s1", 1), ("s2", 1)]


def test_a_session_told_again_counts_once_and_keeps_its_run() -> None:
    past = PastSessions()
    past.add(session(id="s0", run_id="r1", started_at=NOW, files_done=5))
    past.add(session(id="s0", run_id="", started_at=NOW, files_done=5))
    (one,) = past.document()
    assert (one["run_id"], one["files_done"], one["sessions"]) == ("r1", 5, 1)


def test_a_session_whose_process_was_killed_belongs_to_its_run() -> None:
    state = helpers.make_state()
    run_sessions(state)
    state.apply(helpers.session_recovered(started_at=NOW + 3000, run_id="r2", files=4))
    (_, run) = shown(state)
    assert (run[0], run[2], run[5], run[6]) == ("s2", 2, "interrupted", 5)


def test_runs_and_their_sessions_are_bounded() -> None:
    past = PastSessions()
    for number in range(2 * SESSIONS_KEPT):
        past.add(session(started_at=NOW + number, run_id="long" if number % 2 else ""))
    assert len(past.kept()) == SESSIONS_KEPT
    assert len(past.document()) == SESSIONS_LIMIT
