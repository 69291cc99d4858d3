"""What the history says wrongly is found, in answers, exports and on the page. Pure: no process, no network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from cloudplow_dashboard.state import exports
from cloudplow_dashboard.state.history import History, Metric
from tests.agreement import page_past, past, reading_past
from tests.agreement.page_past import Past, history_fault
from tests.agreement.page_said import Look
from tests.agreement.past import Curve, Happened
from tests.unit.dashboard.helpers import NOW, UPLOADER, Clock, file_failed, file_transferred, progress

#: So long after it began everything of an upload of a minute is over.
LATER = 200
EVENTS: list[dict[str, Any]] = [
    {"signal": "session_started", "uploader": UPLOADER, "at": NOW},
    *(
        {"signal": "transfer_progress", "uploader": UPLOADER, "at": NOW + 1 + second, "speed": 1000 + second}
        for second in range(60)
    ),
    *(
        {
            "signal": "file_transferred",
            "uploader": UPLOADER,
            "at": NOW + 5 * number,
            "size": 100 + number,
            "account": "1.json",
            "already_there": False,
        }
        for number in range(10)
    ),
    {"signal": "file_failed", "uploader": UPLOADER, "at": NOW + 33},
]
EVENTS.sort(key=lambda one: one["at"])
HAPPENED = Happened(EVENTS)


def history() -> History:
    """What the product makes of these events."""
    clock = Clock(NOW)
    found = History(clock)
    for one in EVENTS:
        clock.now = one["at"]
        match one["signal"]:
            case "file_transferred":
                found.receive(UPLOADER, event=file_transferred("a", one["size"]))
            case "file_failed":
                found.receive(UPLOADER, event=file_failed("b"))
            case "transfer_progress":
                found.receive(UPLOADER, event=progress(speed=one["speed"]))
            case _:
                pass
    clock.now = NOW + LATER
    return found


def about(source: str = "api/history") -> reading_past.About:
    return source, "boot", 3600, NOW + LATER, NOW + LATER


def curves() -> list[Curve]:
    """Every metric, of the uploader and of all, and both exports."""
    kept = history()
    found = []
    for metric in Metric:
        for name in (UPLOADER, None):
            answer: Any = kept.query(metric, name, -3600, 10)
            assert reading_past.parts(answer) == []
            found.append(reading_past.curve(answer, about()))
    step, rows = kept.table(UPLOADER, -3600, 10)
    document: Any = exports.history_json(UPLOADER, step, rows)
    text = b"".join(exports.history_csv(step, rows)).decode()
    return [
        *found,
        *reading_past.exported(document, about("history.json")),
        *reading_past.exported_csv(UPLOADER, text, about("history.csv")),
    ]


# --- over time -------------------------------------------------------------------------------------------------------


def test_a_history_that_is_as_the_events_were_is_not_reported() -> None:
    assert past.disagreements(curves(), HAPPENED) == []


def test_every_point_that_is_changed_is_found() -> None:
    right = curves()
    unnoticed = []
    for number, one in enumerate(right):
        for at, value in one.points.items():
            if value:
                wrong = [*right[:number], replace(one, points={**one.points, at: value + 500}), *right[number + 1 :]]
                if not past.disagreements(wrong, HAPPENED):
                    unnoticed.append((str(one), at))
    assert unnoticed == []


def test_a_point_that_is_missing_is_found_whoever_else_lacks_it() -> None:
    empty = [replace(one, points=dict.fromkeys(one.points, 0)) for one in curves()]

    found = past.disagreements(empty, HAPPENED)

    for metric in ("bytes", "files", "errors", "speed", "accounts"):
        assert any(f"{metric} of {UPLOADER}" in fault for fault in found), metric


def test_what_a_killed_process_had_not_written_may_be_missing_and_nothing_else() -> None:
    empty = [replace(one, points=dict.fromkeys(one.points, 0)) for one in curves()]

    assert past.disagreements(empty, Happened(EVENTS, [NOW + 60])) == []
    assert past.disagreements(empty, Happened(EVENTS, [NOW + 90])) != []


def test_what_comes_late_is_said_to_be_late() -> None:
    (one,) = [one for one in curves() if one.metric == "files" and one.uploader and one.source == "api/history"]
    moment = replace(one, step=60, began=NOW + 48, ended=NOW + 48.1, points={int(NOW): 9})

    (fault,) = past.disagreements([moment], HAPPENED)
    assert "looks late" in fault
    assert past.disagreements([replace(moment, began=NOW + 46, ended=NOW + 46.1)], HAPPENED) == []


def test_accounts_that_do_not_add_up_to_their_days_are_found() -> None:
    answer: Any = history().query(Metric.ACCOUNTS, UPLOADER, -3600, 0)
    answer["accounts"][UPLOADER]["1.json"][0][1] += 1

    assert reading_past.parts(answer) != []


# --- the history of the page -----------------------------------------------------------------------------------------


def page_says(text: str, metric: str, second: int) -> Past:
    """As of so many seconds after NOW."""
    at = datetime.fromtimestamp(NOW + second).astimezone()
    words = f"{text} As of {at:%H:%M:%S}."
    said = page_past.history({"history_metric": metric, "history_range": "1 h", "history": words}, NOW + second)
    assert said is not None
    return said


@pytest.mark.parametrize(
    ("metric", "text", "found"),
    [
        ("Files", "30 files in total, at most 20 files in one minute.", False),
        ("Files", "29 files in total, at most 20 files in one minute.", True),
        ("Files", "30 files in total, at most 21 files in one minute.", True),
        ("Data", "30.0 B in total, at most 20.0 B in one minute.", False),
        ("Data", "31.0 B in total, at most 20.0 B in one minute.", True),
        ("Speed", "15.0 B/s on average while uploading, at most 20.0 B/s.", False),
        ("Speed", "14.0 B/s on average while uploading, at most 20.0 B/s.", True),
        ("Speed", "15.0 B/s on average while uploading, at most 30.0 B/s.", True),
        ("Failures", "Nothing in this period.", True),
    ],
)
def test_a_total_of_the_page_that_no_answer_of_that_time_says_is_found(metric: str, text: str, found: bool) -> None:
    points = {int(NOW): 10.0, int(NOW) + 60: 20.0}
    one = Curve("api/history", "boot", UPLOADER, page_says(text, metric, 20).metric, 3600, 60, NOW, NOW, points)
    answers = [replace(one, began=NOW + second, ended=NOW + second) for second in range(0, 60, 2)]

    assert bool(history_fault(page_says(text, metric, 20), UPLOADER, NOW + 29, answers)) is found
    assert history_fault(page_says(text, metric, 20), UPLOADER, NOW + 10, answers), "of the future"
    assert not history_fault(page_says(text, metric, 80), UPLOADER, NOW + 89, answers), "nothing is known of that time"


@pytest.mark.parametrize(
    ("second", "badge", "found"), [(20, "Uploading", True), (30, "Uploading", False), (20, "Done", False)]
)
def test_a_history_that_is_older_than_the_page_asks_for_it_is_found(second: int, badge: str, found: bool) -> None:
    looks = [Look(NOW + at, NOW + at, (), {"badge": badge, "mode": "live"}) for at in range(20, 41)]
    said = page_says("Nothing in this period.", "Data", second)

    assert bool(page_past.history_age_fault(said, looks[-1], looks)) is found


def test_words_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="no history"):
        page_says("A lot.", "Data", 20)
    with pytest.raises(ValueError, match="no history"):
        page_past.history({"history_metric": "Data", "history_range": "1 h", "history": "Nothing in this period."}, NOW)
