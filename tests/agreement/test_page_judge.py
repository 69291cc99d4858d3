"""What is old, moves or lags is found on the page and in answers, and so is any figure of two uploaders. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cloudplow_dashboard.state import metrics
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import Uploaders
from cloudplow_dashboard.web import compat, overview
from tests.agreement import displayed, reading
from tests.agreement.comparing import aged, disagreements
from tests.agreement.page_judge import (
    Documents,
    Outage,
    Silence,
    behind,
    hushed,
    in_order,
    lags,
    late,
    moved,
    unknown,
    unsaid,
)
from tests.agreement.page_judge import disagreements as page_disagreements
from tests.agreement.page_said import Look, Said
from tests.agreement.reading import Figures, Reading
from tests.agreement.test_comparing import uploading
from tests.unit.dashboard.helpers import (
    NOW,
    account_quota,
    accounts_learned,
    progress,
    queue_learned,
    session_started,
    stage_started,
    transferring,
)

OTHER = "films"


def look(at: float, mode: str = "live", done: int = 100, *, version: int | str = 1, **texts: str) -> Look:
    said = (Said("headline", "google", "bytes_done", done),)
    connection = {"live": "Live", "stale": "Stale since 14:05", "ended": "Ended"}.get(mode, mode)
    title = "Stale · Uploading · google · cloudplow" if mode == "stale" else "Uploading · google · cloudplow"
    shown = {"mode": mode, "connection": connection, "title": title, "chosen": "google", "share": "1.0%"}
    shown["version"] = version if isinstance(version, str) else f"boot:{version}"
    return Look(at, at + 0.1, said, shown | texts)


DOCUMENTS = [
    Reading("stream", NOW + second, NOW + second, {("google", "bytes_done"): 100 * second}, f"boot:{second}")
    for second in range(10)
]
PAGES = Documents(DOCUMENTS, lambda one: one.figures)


# --- figures of the page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("done", "version", "agrees"), [(500, 5, True), (400, 4, True), (500, 4, False)])
def test_a_page_shows_what_the_document_says_that_it_names(done: int, version: int, agrees: bool) -> None:
    assert (list(page_disagreements([look(NOW + 5.2, done=done, version=version)], PAGES)) == []) is agrees


def test_a_page_that_says_that_it_is_old_must_show_what_once_was() -> None:
    assert list(page_disagreements([look(NOW + 9, "stale", 100, version=1)], PAGES)) == []
    assert list(page_disagreements([look(NOW + 9, "stale", 150, version=1)], PAGES)) != []


@pytest.mark.parametrize(
    ("version", "seconds"), [(5, 0.0), (4, 0.0), (3, 0.2), (2, 1.2), (1, 2.2), ("other:1", 0.0), ("boot:99", 0.0)]
)
def test_a_page_is_late_since_the_second_publication_that_it_has_not_drawn(version: int | str, seconds: float) -> None:
    assert PAGES.late_seconds(look(NOW + 5.2, version=version)) == pytest.approx(seconds)
    assert PAGES.late_seconds(look(NOW + 5.2, "stale", version=version)) == 0


def test_a_page_may_be_late_now_and_then_but_neither_often_nor_for_long() -> None:
    in_time = [look(NOW + 5.2, version=4)] * 100
    behind_now = look(NOW + 5.2, version=2)

    assert list(lags([*in_time, *[behind_now] * 3], PAGES)) == []
    assert late([*in_time, behind_now], PAGES) == [behind_now]
    (often,) = lags([*in_time, *[behind_now] * 4], PAGES)
    assert often.startswith("4 of 104 looks at the page are behind")
    (long,) = lags([look(NOW + 9, version=1)], PAGES)
    assert long.endswith("boot:1: behind for 6.0 s")


def test_a_page_of_a_document_that_nobody_else_has_is_not_judged_and_must_be_rare() -> None:
    strange = look(NOW + 5.2, version="other:1")

    assert list(page_disagreements([strange], PAGES)) == []
    assert unknown([strange], PAGES) == [strange]
    assert list(lags([strange] * 3, PAGES)) == []
    (often,) = lags([strange] * 4, PAGES)
    assert often.startswith("4 of 4 looks at the page are of nobody's document")


def test_a_page_has_a_moment_to_hear_of_a_new_process() -> None:
    began = [replace(one, version=f"new:{number}") for number, one in enumerate(DOCUMENTS[5:], 7)]
    documents = Documents([*DOCUMENTS[:5], *began], lambda one: one.figures)

    assert documents.late_seconds(look(NOW + 5.8, version=1)) == 0
    assert documents.late_seconds(look(NOW + 6.2, version=1)) == pytest.approx(3.2)


def test_a_page_whose_program_was_stopped_has_what_it_had_and_a_moment_to_hear_again() -> None:
    documents = Documents(DOCUMENTS[:6], lambda one: one.figures, [Outage(NOW + 5.1, NOW + 9)])

    assert documents.late_seconds(look(NOW + 7, version=4)) == 0
    assert documents.late_seconds(look(NOW + 7, version=3)) == pytest.approx(0.1)
    assert documents.late_seconds(look(NOW + 9.5, version=1)) == 0
    assert documents.late_seconds(look(NOW + 10.5, version=1)) == pytest.approx(7.5)


def test_a_page_must_be_of_one_document_in_all_its_figures() -> None:
    both = (Said("headline", "google", "bytes_done", 400), Said("queue", "google", "queue_bytes", 500))
    mixed = [
        replace(one, figures={**one.figures, ("google", "queue_bytes"): 100 * n}) for n, one in enumerate(DOCUMENTS)
    ]
    documents = Documents(mixed, lambda one: one.figures)

    assert list(page_disagreements([replace(look(NOW + 5.2, version=4), said=both)], documents)) != []
    assert list(page_disagreements([replace(look(NOW + 5.2, version=4), said=both[:1])], documents)) == []


def test_a_figure_of_which_the_document_does_not_know_is_found() -> None:
    strange = replace(look(NOW + 5.2), said=(Said("plan", "google", "plan 9.json files", 3),))

    (fault,) = page_disagreements([strange], PAGES)
    assert "says nothing" in fault


def test_each_version_counts_once_from_when_it_was_seen_first() -> None:
    again = replace(DOCUMENTS[3], source="api/state", began=NOW + 8, ended=NOW + 8)

    assert in_order([again, *DOCUMENTS]) == DOCUMENTS


# --- what is old -----------------------------------------------------------------------------------------------------


OUTAGE = Outage(NOW, NOW + 30)


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (look(NOW + 5), False),
        (look(NOW + 7), True),
        (look(NOW + 7, "reconnecting"), True),
        (look(NOW + 7, "stale"), False),
        (look(NOW + 7, "stale", title="Uploading · google · cloudplow"), True),
        (look(NOW + 7, "stale", connection="Live"), True),
        (look(NOW + 7, "ended"), False),
        (look(NOW + 31), False),
        (look(NOW + 34, "stale"), False),
        (look(NOW + 40, "stale"), True),
        (look(NOW + 40, "reconnecting"), True),
        (look(NOW + 40), False),
    ],
)
def test_a_page_says_that_it_is_old_and_comes_back(seen: Look, found: bool) -> None:
    assert (list(unsaid([seen], [OUTAGE])) != []) is found


def test_figures_that_move_while_the_page_is_stale_are_found() -> None:
    still = [look(NOW + 7, "stale"), look(NOW + 8, "stale")]
    moves = [look(NOW + 7, "stale"), look(NOW + 8, "stale", share="1.1%")]

    assert list(moved(still)) == []
    assert list(moved([look(NOW + 7), look(NOW + 8, share="1.1%")])) == []
    (fault,) = moved(moves)
    assert "share" in fault


@pytest.mark.parametrize(
    ("stale_since", "speed", "found"),
    [(NOW, 0, False), (NOW + 1, 0, False), (0, 0, True), (NOW + 5, 0, True), (NOW, 300, True)],
)
def test_a_document_says_since_when_nothing_is_heard_of_an_upload(
    stale_since: float, speed: float, found: bool
) -> None:
    silence = Silence(NOW, NOW + 9, OTHER)
    told = {"phase": "uploading", "stale_since": stale_since, "speed": speed}
    one = Reading("stream", NOW + 7, NOW + 7, {(OTHER, key): value for key, value in told.items()}, "boot:4")

    assert (list(hushed([one], [silence])) != []) is found
    assert list(hushed([replace(one, began=NOW + 4, ended=NOW + 4)], [silence])) == []


def test_an_answer_of_an_older_version_than_was_published_before_it_was_asked_for_is_found() -> None:
    answer = Reading("api/summary", NOW + 5.5, NOW + 5.6, {}, "boot:5")

    assert list(behind([answer], DOCUMENTS)) == []
    assert list(behind([replace(answer, version="boot:6")], DOCUMENTS)) == []
    assert list(behind([replace(answer, version="other:1")], DOCUMENTS)) == []
    (fault,) = behind([replace(answer, version="boot:4")], DOCUMENTS)
    assert "api/summary" in fault


@pytest.mark.parametrize(("ts", "found"), [(NOW + 5, False), (NOW + 2, True), (NOW + 8, True)])
def test_a_document_that_was_not_made_when_it_was_asked_for_is_found(ts: float, found: bool) -> None:
    assert (aged(ts, Reading("api/state", NOW + 5, NOW + 5.1, {}, "boot:5")) != []) is found


# --- two uploaders ---------------------------------------------------------------------------------------------------


def two() -> DashboardState:
    """Both upload."""
    return uploading(
        *(
            replace(event, uploader=OTHER)
            for event in (
                session_started(at=NOW),
                accounts_learned(account_quota("5.json", 50), account_quota("6.json")),
                queue_learned(4, 400),
                stage_started(account="5.json"),
                progress(transferring("c", size=300, bytes=70), at=NOW + 8, done_at=NOW + 60, speed=7),
            )
        )
    )


def answers(state: DashboardState) -> dict[str, Figures]:
    """What every route says, by its path."""
    found = {
        "api/state": reading.state(state.document()),
        "api/uploaders": reading.uploaders(state.read(lambda us: overview.uploaders_side_by_side(us, NOW + 9))),
        "metrics": reading.metrics(metrics.render(state, openmetrics=False).decode()),
    }
    for name in ("google", OTHER):
        found |= _of(state, name)
    return found


def _of(state: DashboardState, name: str) -> dict[str, Figures]:
    def of(us: Uploaders) -> dict[str, Figures]:
        return {
            f"api/session_stats?uploader={name}": reading.session_stats(compat.session_stats(us[name], NOW + 9)),
            f"api/status?uploader={name}": reading.status(compat.status(us[name])),
            f"api/rclone_stats?uploader={name}": reading.rclone_stats(compat.rclone_stats(us[name])),
            f"api/queue_status?uploader={name}": reading.queue_status(name)(compat.queue_status(us[name])),
        }

    return state.read(of)


def as_readings(found: dict[str, Figures]) -> list[Reading]:
    return [Reading(source, NOW, NOW, figures, "boot:1") for source, figures in found.items()]


def test_what_is_said_of_two_uploaders_agrees_and_adds_up() -> None:
    found = answers(two())

    assert disagreements(as_readings(found)) == []
    assert found["api/state"]["", "total bytes_done"] == 210
    assert found["api/state"]["", "total active"] == 2


def test_any_figure_of_any_answer_that_is_changed_is_reported() -> None:
    found = answers(two())
    shared = {key for source, figures in found.items() if source != "api/state" for key in figures}
    unnoticed = []
    for source, figures in found.items():
        for key, value in figures.items():
            if key not in shared and source == "api/state":
                continue  # nobody else says it
            wrong = value + 1 if isinstance(value, int | float) else f"{value}?"
            faults = disagreements(as_readings(found | {source: figures | {key: wrong}}))
            if not any(key[1] in fault for fault in faults):
                unnoticed.append((source, key))
    assert unnoticed == []


def test_figures_of_one_uploader_in_the_place_of_the_other_are_found() -> None:
    found = answers(two())
    places = {"google": OTHER, OTHER: "google"}
    swapped = {(places.get(name, name), key): value for (name, key), value in found["metrics"].items()}

    assert disagreements(as_readings(found | {"metrics": swapped})) != []


# --- as displayed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "fits", "does_not"),
    [
        (displayed.size("76.1 MB"), (79_770_000, 79_822_848), (79_690_000, 79_900_000)),
        (displayed.size("0 B"), (0,), (1,)),
        (displayed.speed("-"), (0,), (1,)),
        (displayed.speed("stalled"), (0.5,), (2,)),
        (displayed.speed("1.0 KB/s"), (1024,), (2048,)),
        (displayed.percent("53.1%"), (53.1, 53.19), (53.05, 53.3)),
        (displayed.percent("53%"), (53.0, 53.9), (54.1, 52.9)),
        (displayed.seconds("4m 3s"), (243, 243.9), (242, 245)),
        (displayed.seconds("2h 7m"), (7620, 7679), (7619, 7681)),
        (displayed.seconds("-"), (-1, 0.5), (2,)),
        (displayed.countdown("10s", NOW, NOW, drawn=2), (NOW + 8, NOW + 11), (NOW + 7, NOW + 12)),
    ],
)
def test_a_number_that_is_displayed_stands_for_what_is_rounded_to_it(
    shown: displayed.Shown, fits: tuple[float, ...], does_not: tuple[float, ...]
) -> None:
    assert all(shown.fits(value) for value in fits)
    assert not any(shown.fits(value) for value in does_not)


def local(day: int, hour: int, month: int = 11) -> float:
    """Of 2026, in this zone. 27 November is a Friday."""
    return datetime(2026, month, day, hour).astimezone().timestamp()


@pytest.mark.parametrize(
    ("text", "past", "at"),
    [
        ("09:00", False, local(27, 9)),
        ("23:00", True, local(27, 23)),
        ("Sat 00:00", False, local(28, 0)),
        ("Thu 09:00", False, local(3, 9, month=12)),
        ("Thu 09:00", True, local(26, 9)),
        ("00:00 on Sat", False, local(28, 0)),
        ("20 Dec, 09:00", False, local(20, 9, month=12)),
        ("09:00 on 20 Dec", False, local(20, 9, month=12)),
        ("20 Oct, 09:00", True, local(20, 9, month=10)),
        ("12 Oct 2019", True, None),
        ("-", False, None),
        ("Done at 09:00", False, None),
    ],
)
def test_a_time_of_the_day_stands_for_the_minute_of_the_day_that_is_meant(
    text: str, past: bool, at: float | None
) -> None:
    shown = displayed.clock(text, local(27, 22), past=past)
    assert (None if shown is None else (shown.least, shown.most)) == (None if at is None else (at, at + 60))


def test_times_of_the_day_are_found_with_their_days() -> None:
    assert displayed.CLOCK.findall("Waiting 23:25 - Sat 00:47") == ["23:25", "Sat 00:47"]
    assert displayed.CLOCK.findall("Next 20 Dec, 23:25 - 21 Dec, 00:47") == ["20 Dec, 23:25", "21 Dec, 00:47"]
    assert displayed.CLOCK.findall("Done at 18:40") == ["18:40"]


@pytest.mark.parametrize("text", ["", "12", "1.5 XB", "a lot"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no size|not in"):
        displayed.size(text)
