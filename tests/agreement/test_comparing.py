"""The checker finds what is planted, and nothing where nothing is wrong. Pure: no process, no network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudplow.events import Event
from cloudplow_dashboard.state import metrics
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web import compat
from tests.agreement import reading
from tests.agreement.comparing import Tally, book, disagreements, sums, whole_files, within
from tests.agreement.reading import Reading
from tests.unit.dashboard.helpers import (
    NOW,
    UPLOADER,
    Clock,
    account_quota,
    accounts_learned,
    file_transferred,
    make_state,
    plan_made,
    progress,
    queue_learned,
    session_started,
    stage_started,
    transferring,
)


def uploading(*more: Event) -> DashboardState:
    state = make_state(Clock(NOW + 9))
    for event in (
        session_started(at=NOW),
        accounts_learned(account_quota("1.json", 100), account_quota("2.json")),
        queue_learned(10, 1000),
        plan_made({"stages": [{"account": "1.json", "files": 10, "bytes": 1000}]}),
        stage_started(),
        file_transferred("a", 100),
        progress(transferring("b", size=100, bytes=40), checking=("c",), at=NOW + 8, done_at=NOW + 90),
        *more,
    ):
        state.apply(event)
    return state


@pytest.fixture
def document() -> Any:
    found: Any = uploading().document()
    return found


def at(when: float, source: str = "stream", version: str = "boot:1", **figures: Any) -> Reading:
    return Reading(source, when, when, {(UPLOADER, key): value for key, value in figures.items()}, version)


# --- one version --------------------------------------------------------------------------------------------------


def test_what_agrees_is_not_reported(document: Any) -> None:
    state = uploading()
    stats = state.read(lambda us: compat.session_stats(us[UPLOADER], NOW + 9))
    text = metrics.render(state, openmetrics=False).decode()
    found = [
        Reading("state", 0, 0, reading.state(document), "v"),
        Reading("stats", 0, 0, reading.session_stats(stats), "v"),
        Reading("metrics", 0, 0, reading.metrics(text), "v"),
    ]

    assert disagreements(found) == []
    assert len(found[0].figures.keys() & found[1].figures.keys()) > 8, "there is something to compare"
    assert len(found[0].figures.keys() & found[2].figures.keys()) > 20


@pytest.mark.parametrize("name", ["bytes_done", "percentage", "finish_at", "phase", "account 1.json used_bytes"])
def test_one_figure_that_differs_is_found_and_both_sources_are_named(document: Any, name: str) -> None:
    figures = reading.state(document)
    other = {(UPLOADER, name): "paused" if name == "phase" else figures[UPLOADER, name] + 1}

    (fault,) = disagreements([Reading("state", 0, 0, figures, "boot:7"), Reading("summary", 0, 0, other, "boot:7")])

    assert all(word in fault for word in ("boot:7", name, "state", "summary"))


def test_what_belongs_to_different_versions_or_to_none_is_not_compared() -> None:
    one, other = at(NOW, bytes_done=5, version="boot:1"), at(NOW, bytes_done=6, version="boot:2")

    assert disagreements([one, other, replace(other, version=""), replace(one, version="")]) == []


# --- one document -------------------------------------------------------------------------------------------------


def test_a_document_of_a_running_upload_adds_up(document: Any) -> None:
    assert sums(document) == []


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("session", "bytes_done", 141),
        ("session", "files_left", 8),
        ("session", "bytes_total", -1),
        ("session", "bytes_in_flight", 999),
        ("figures", "waiting_bytes", 5000),
        ("figures", "percentage", 100),
        ("queue", "files", 10),
        ("progress", "checking", ["b"]),
        ("capacity", "used_bytes", 99),
        ("capacity", "free_bytes", 1),
    ],
)
def test_a_document_that_does_not_add_up_is_found(document: Any, part: str, key: str, value: Any) -> None:
    document["uploaders"][UPLOADER][part][key] = value

    assert sums(document) != []


def test_other_defects_of_a_document_are_found(document: Any) -> None:
    def broken(change: Any) -> list[str]:
        wrong: Any = uploading().document()
        change(wrong["uploaders"][UPLOADER])
        return sums(wrong)

    def rest(u: Any) -> None:
        u["active"] = False

    def account(u: Any) -> None:
        u["accounts"] = {**u["accounts"], "1.json": u["accounts"]["1.json"] | {"free_bytes": 5}}

    def plan(u: Any) -> None:
        u["plan"] = u["plan"] | {"accounts": {}}

    assert any("though nothing runs" in fault for fault in broken(rest))
    assert any("free are not" in fault for fault in broken(account))
    assert any("by account" in fault for fault in broken(plan))


def test_a_speed_that_is_old_and_does_not_say_so_is_found(document: Any) -> None:
    document["ts"] = NOW + 60

    (fault,) = sums(document)
    assert "old" in fault

    document["uploaders"][UPLOADER]["figures"]["stale_since"] = NOW + 8
    assert sums(document) == []


# --- sources without versions -------------------------------------------------------------------------------------


DOCUMENTS = [at(NOW + second, bytes_done=100 * second, account="1.json") for second in range(10)]


@pytest.mark.parametrize(
    ("value", "agrees"), [(500, True), (450, True), (300, True), (900, True), (0, False), (2000, False)]
)
def test_a_figure_that_no_document_around_it_says_is_found(value: int, agrees: bool) -> None:
    events = at(NOW + 5.5, "events", "", bytes_done=value)

    assert (within(events, DOCUMENTS, earlier=2, later=2) == []) is agrees


def test_a_word_that_no_document_around_it_says_is_found() -> None:
    page = at(NOW + 5.5, "page", "", account="2.json")

    (fault,) = within(page, DOCUMENTS, earlier=2, later=2)
    assert "2.json" in fault
    assert "1.json" in fault


def test_a_number_that_stands_still_in_the_document_must_be_the_same() -> None:
    still = [at(NOW + second, used=5700) for second in range(10)]

    assert within(at(NOW + 5.5, "the book", "", used=2800), still, earlier=2, later=2) != []


def test_a_figure_that_only_some_documents_around_it_know_is_not_compared() -> None:
    ended = [*DOCUMENTS[:6], *(at(NOW + second, account="1.json") for second in range(6, 10))]

    assert within(at(NOW + 5.5, "plan", "", bytes_done=0), ended, earlier=2, later=2) == []
    assert within(at(NOW + 3.5, "plan", "", bytes_done=5000), ended, earlier=2, later=1) != []


def test_nothing_is_said_of_what_has_no_document_on_both_sides() -> None:
    before_all, after_all = at(NOW - 1, "events", "", bytes_done=7), at(NOW + 60, "events", "", bytes_done=7)
    restarted = [*DOCUMENTS[:6], *(replace(one, version="other:1") for one in DOCUMENTS[6:])]

    for one, documents in ((before_all, DOCUMENTS), (after_all, DOCUMENTS), (at(NOW + 5.5, bytes_done=7), restarted)):
        assert within(one, documents, earlier=2, later=2) == []


# --- events and book ----------------------------------------------------------------------------------------------


def test_events_are_added_up_and_their_end_is_compared() -> None:
    tally = Tally()
    for event in (
        {"signal": "session_started", "at": 5},
        {"signal": "file_transferred", "size": 5},
        {"signal": "file_transferred", "size": 7},
        {"signal": "session_finished", "at": 6, "files": 2, "bytes": 12},
    ):
        tally.take({"uploader": UPLOADER, **event})

    assert tally.figures() == {(UPLOADER, "files_done"): 2, (UPLOADER, "bytes_whole"): 12}
    assert tally.faults == []

    tally.take({"uploader": UPLOADER, "signal": "session_finished", "at": 6, "files": 3, "bytes": 12})
    assert len(tally.faults) == 1


@pytest.mark.parametrize(("pause", "files", "found"), [(0.1, 0, 1), (0.1, 1, 0), (5, 0, 0)])
def test_sessions_that_begin_at_once_and_do_nothing_are_found(pause: float, files: int, found: int) -> None:
    tally = Tally()
    at = 0.0
    for _ in range(9):
        at += pause
        tally.take({"uploader": UPLOADER, "signal": "session_started", "at": at})
        for _ in range(files):
            tally.take({"uploader": UPLOADER, "signal": "file_transferred", "at": at, "size": 1})
        ended = {"signal": "session_finished", "at": at, "files": files, "bytes": files}
        tally.take({"uploader": UPLOADER, **ended})

    assert len(tally.faults) == found


def test_a_document_says_what_events_can_say(document: Any) -> None:
    figures = whole_files(reading.state(document))

    assert (figures[UPLOADER, "bytes_done"], figures[UPLOADER, "bytes_whole"]) == (140, 100)


def test_the_book_is_read_by_account() -> None:
    row = {"account": "1.json", **dict.fromkeys(reading.POOL, 4)}

    assert book({UPLOADER: [row]})[UPLOADER, "account 1.json used_bytes"] == 4
