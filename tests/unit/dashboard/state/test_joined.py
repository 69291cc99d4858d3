"""A dashboard that comes when an upload runs already shows what one shows that was there from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import events
from cloudplow.control.digest import FILES_KEPT, Digest
from cloudplow.events import Event
from cloudplow_dashboard.state.state import DashboardState
from tests.unit.dashboard import helpers

#: What may happen in a stage.
HAPPENINGS = st.lists(
    st.sampled_from(["a", "b", "c"]).flatmap(
        lambda name: st.sampled_from(
            [
                helpers.file_transferred(name, 70),
                helpers.file_transferred(name, 0, already_there=True),
                helpers.file_transferred(name, 30, found_later=True, stage=0),
                helpers.file_failed(name),
                helpers.progress(helpers.transferring(name), bytes_left=500, done_at=helpers.NOW + 90),
                helpers.quota_changed(used=5),
                helpers.quota_changed("2.json", used=7),
                helpers.queue_learned(4, 300),
            ]
        )
    ),
    max_size=12,
)


def numbered(told: list[Event]) -> list[Event]:
    return [replace(one, seq=seq, at=helpers.NOW + seq, session_id="s1") for seq, one in enumerate(told, 1)]


@st.composite
def sessions(draw: st.DrawFn) -> list[Event]:
    told: list[Event] = [
        helpers.session_started(),
        helpers.accounts_learned(helpers.account_quota("1.json"), helpers.account_quota("2.json")),
        helpers.queue_learned(),
    ]
    for stage in range(1, draw(st.integers(1, 3)) + 1):
        account = f"{1 + stage % 2}.json"
        told += [helpers.sa_switched(account, ""), helpers.stage_started(stage, account), *draw(HAPPENINGS)]
        told.append(
            events.StageFinished(
                uploader=helpers.UPLOADER,
                stage=stage,
                account=account,
                outcome=events.StageOutcome.DONE,
                files=1,
                bytes=70,
                duration_seconds=1.0,
            )
        )
    return numbered(told)


def document(told: list[Event]) -> dict[str, Any]:
    state = helpers.make_state()
    feed(state, told)
    return shown(state)


def feed(state: DashboardState, told: Sequence[Event]) -> None:
    for event in told:
        state.apply(event, event.uploader)


def shown(state: DashboardState) -> dict[str, Any]:
    return dict(state.document()["uploaders"][helpers.UPLOADER])


def joined_after(told: list[Event]) -> list[Event]:
    digest = Digest()
    for event in told:
        digest.take(event)
    return digest.events()


#: What depends on more than the latest: the numbers of files on their way, and times that are kept still.
APPROXIMATE = {"progress", "eta"}


@given(sessions(), st.data())
def test_whenever_it_comes_it_ends_with_the_same_page(told: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(told)))
    end = events.SessionFinished(
        seq=len(told) + 1,
        at=helpers.NOW + 99,
        session_id="s1",
        uploader=helpers.UPLOADER,
        outcome=events.SessionOutcome.DONE,
        files=3,
        bytes=300,
        files_left=2,
        bytes_left=50,
        next_capacity_at=None,
    )

    late = document([*joined_after(told[:cut]), *told[cut:], end])

    whole = document([*told, end])
    for name in whole.keys() - APPROXIMATE:
        assert late[name] == whole[name], name


@given(sessions(), st.data())
def test_at_once_it_shows_the_same_state_of_the_session(told: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(told)))
    late, whole = document(joined_after(told[:cut])), document(told[:cut])

    for part in (late, whole):
        for row in part["plan"]["accounts"].values():
            row |= dict.fromkeys(("now_until", "to_come_from", "to_come_until"), 0)  # at the speed of now: approximate
    assert (late["phase"], late["active"], late["plan"]) == (whole["phase"], whole["active"], whole["plan"])
    del late["session"]["bytes_left"], whole["session"]["bytes_left"]
    assert late["session"] == whole["session"]
    assert late["accounts"] == whole["accounts"]


def test_of_a_long_session_the_sums_are_those_of_all_files() -> None:
    files = [helpers.file_transferred(f"{number}.mkv", 10) for number in range(FILES_KEPT * 5)]
    told = numbered([helpers.session_started(), helpers.queue_learned(1000, 10_000), helpers.stage_started(), *files])
    state = helpers.make_state()
    feed(state, joined_after(told))

    session = shown(state)["session"]
    assert (session["files_done"], session["bytes_done"]) == (500, 5000)
    assert (session["files_left"], session["bytes_left"]) == (500, 5000)
    assert state.read(
        lambda known: (known[helpers.UPLOADER].counters.files, known[helpers.UPLOADER].counters.bytes)
    ) == (
        500,
        5000,
    )
    assert state.read(lambda known: known[helpers.UPLOADER].files.truncated)


def test_what_an_earlier_process_left_gives_way_to_the_session_that_runs() -> None:
    state = helpers.make_state()
    told = numbered([helpers.session_started(), helpers.queue_learned(), helpers.stage_started()])
    # The file in which the running upload keeps its state looks as if it had been interrupted.
    feed(state, [helpers.session_recovered(started_at=told[0].at)])
    assert shown(state)["phase"] == "interrupted"

    feed(state, joined_after(told))

    assert (shown(state)["phase"], shown(state)["active"]) == ("uploading", True)
    assert not state.document()["recovered"]


@pytest.mark.parametrize("again", [1, 2])
def test_told_again_after_its_end_a_session_stays_ended(again: int) -> None:
    finished = events.SessionFinished(
        uploader=helpers.UPLOADER,
        outcome=events.SessionOutcome.QUOTA_USED,
        files=1,
        bytes=100,
        files_left=7,
        bytes_left=70,
        next_capacity_at=helpers.NOW + 900,
    )
    told = numbered([helpers.session_started(), helpers.queue_learned(), helpers.file_transferred(), finished])
    state = helpers.make_state()
    feed(state, told)
    before = shown(state)
    joined = [event for event in joined_after(told) if isinstance(event, events.SessionJoined)]
    feed(state, joined * again)

    assert shown(state) == before
