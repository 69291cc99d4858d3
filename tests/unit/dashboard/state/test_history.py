"""Numbers over time: tiers, answers, the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import events
from cloudplow_dashboard.state.history import (
    ACCOUNTS_LIMIT,
    DAY_SECONDS,
    DAYS_LIMIT,
    OTHER_ACCOUNTS,
    POINTS_LIMIT,
    UPLOADERS_LIMIT,
    History,
    HistoryAnswer,
    Metric,
)
from cloudplow_dashboard.state.history_file import FILE_NAME, SAVE_SECONDS, HistoryFile
from cloudplow_dashboard.state.series import TIERS, Series, choose
from tests.unit.dashboard.helpers import (
    NOW,
    UPLOADER,
    Clock,
    file_failed,
    file_transferred,
    make_state,
    progress,
    session_finished,
)
from tests.unit.dashboard.helpers import session_started as begun


@pytest.fixture
def clock() -> Clock:
    return Clock(float(int(NOW) // 3600 * 3600 + 1800))


@pytest.fixture
def history(clock: Clock) -> History:
    return History(clock)


def feed(history: History, *happened: events.Event) -> None:
    for event in happened:
        history.receive("", event=event)


def values(answer: HistoryAnswer) -> list[float]:
    return [value for _, value in answer["points"] if value]


def test_what_happened_is_counted(history: History) -> None:
    feed(history, file_transferred(size=5), file_transferred(size=7), file_failed(), progress(speed=10.0))
    feed(history, progress(speed=30.0))

    answers = {metric: values(history.query(metric, None, 0, 0)) for metric in Metric if metric != Metric.ACCOUNTS}

    assert answers == {"speed": [20.0], "bytes": [12], "files": [2], "errors": [1]}


def test_every_point_is_there_and_says_its_time(history: History, clock: Clock) -> None:
    answer = history.query(Metric.BYTES, None, -300, 10)

    times = [at for at, _ in answer["points"]]
    assert (answer["step"], answer["since"], answer["until"]) == (10, clock.now - 300, clock.now)
    assert times == list(range(int(clock.now) - 300, int(clock.now) + 1, 10))


@pytest.mark.parametrize(
    ("reach", "step", "expected"),
    [(60, 0, 1), (600, 0, 1), (3600, 0, 10), (7200, 0, 10), (86_400, 0, 60), (604_800, 0, 600), (2_592_000, 0, 3600)],
)
def test_the_finest_tier_that_reaches_back_is_taken(reach: int, step: int, expected: int) -> None:
    assert choose(NOW - reach, NOW, step, POINTS_LIMIT)[1] == expected


@given(st.floats(-1e12, 1e12), st.integers(0, TIERS[-1].span), st.sampled_from(Metric))
def test_any_question_has_a_bounded_answer(since: float, step: int, metric: Metric) -> None:
    history = History(Clock())
    feed(history, file_transferred(size=5))

    answer = history.query(metric, None, since, step)

    assert len(answer["points"]) <= POINTS_LIMIT + 2
    assert answer["step"] >= 1


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 1000)), max_size=40))
def test_every_tier_holds_the_same_sum(steps: list[tuple[int, int]]) -> None:
    series = Series()
    now = NOW
    total = 0
    for wait, size in steps[:20]:
        now += wait % 20
        series.add(now, size, files=1)
        total += size

    for tier in TIERS:
        sums = series.sums(tier, NOW - tier.step, now, tier.step)
        assert sum(one[0] for one in sums.values()) == total


def test_old_slots_give_way(history: History, clock: Clock) -> None:
    feed(history, file_transferred(size=5))
    clock.now += TIERS[-1].span + 3600
    feed(history, file_transferred(size=7))

    assert sum(values(history.query(Metric.BYTES, None, -TIERS[-1].span, 0))) == 7


def test_a_clock_that_is_set_back_does_no_harm(history: History, clock: Clock) -> None:
    feed(history, file_transferred(size=5))
    clock.now -= 100_000
    feed(history, file_transferred(size=7))

    assert values(history.query(Metric.BYTES, None, -300, 0)) == [7]


def test_speeds_of_uploaders_that_run_at_once_add_up(history: History) -> None:
    other = events.TransferProgress(
        uploader="other", bytes=0, total_bytes=0, speed=5.0, eta=None, files=0, total_files=0, errors=0
    )
    feed(history, progress(speed=10.0), progress(speed=20.0), other)

    assert values(history.query(Metric.SPEED, None, 0, 0)) == [20.0]
    assert values(history.query(Metric.SPEED, "other", 0, 0)) == [5.0]
    assert values(history.query(Metric.SPEED, "nobody", 0, 0)) == []


def test_bytes_of_accounts_by_day(history: History, clock: Clock) -> None:
    day = int(clock.now) // DAY_SECONDS * DAY_SECONDS
    feed(history, file_transferred(size=5), file_transferred(size=6, account="/k/2.json"))
    feed(history, file_transferred(size=9, already_there=True))
    feed(history, file_transferred(size=4, account="2.json", stage=0, found_later=True))
    clock.now += DAY_SECONDS
    feed(history, file_transferred(size=7))

    answer = history.query(Metric.ACCOUNTS, None, -2 * DAY_SECONDS, 0)

    assert answer["points"] == [[day, 15], [day + DAY_SECONDS, 7]]
    assert answer["accounts"] == {UPLOADER: {"1.json": [[day, 5], [day + DAY_SECONDS, 7]], "2.json": [[day, 10]]}}


def test_days_accounts_and_uploaders_are_bounded(history: History, clock: Clock) -> None:
    for number in range(ACCOUNTS_LIMIT + 5):
        feed(history, file_transferred(size=1, account=f"{number}.json"))
    for _ in range(DAYS_LIMIT + 5):
        clock.now += DAY_SECONDS
        feed(history, file_transferred(size=1))
    for number in range(UPLOADERS_LIMIT + 5):
        event = events.FileFailed(uploader=f"u{number}", name="a", error="", account="", stage=1)
        history.receive("", event=event)

    assert len(history.document()) == UPLOADERS_LIMIT
    assert len(history.document()[UPLOADER]["days"]) == DAYS_LIMIT
    clock.now -= (DAYS_LIMIT + 5) * DAY_SECONDS
    again = History(clock)
    for number in range(ACCOUNTS_LIMIT + 5):
        feed(again, file_transferred(size=1, account=f"{number}.json"))
    accounts = again.query(Metric.ACCOUNTS, None, 0, 0)["accounts"][UPLOADER]
    assert (len(accounts), accounts[OTHER_ACCOUNTS][0][1]) == (ACCOUNTS_LIMIT + 1, 5)


class Files:
    folder = Path()

    def __init__(self, content: Any = None) -> None:
        self.content = content
        self.makers: dict[str, Any] = {}
        self.dirty: list[str] = []

    def read(self, name: str) -> Any:
        return self.content if name == FILE_NAME else None

    def register(self, name: str, make_document: Any) -> None:
        self.makers[name] = make_document

    def mark_dirty(self, name: str) -> None:
        self.dirty.append(name)


def test_a_restart_loses_nothing(history: History, clock: Clock) -> None:
    state, files = make_state(clock), Files()
    file = HistoryFile(state, history, files)
    file.open()
    feed(history, file_transferred(size=5), file_failed(), progress(speed=8.0))
    for event in (begun(session_id="s1"), session_finished("quota_used", reason="used up")):
        state.apply(event)
    stored = json.loads(json.dumps(files.makers[FILE_NAME](), allow_nan=False))

    later_state, later = make_state(clock), History(clock)
    HistoryFile(later_state, later, Files(stored)).open()

    for metric in Metric:
        assert later.query(metric, None, -3600, 60) == history.query(metric, None, -3600, 60)
    before, after = state.document()["uploaders"][UPLOADER], later_state.document()["uploaders"][UPLOADER]
    assert after["sessions"] == before["sessions"]
    assert after["sessions"][0]["reason"] == "used up"


def test_what_was_before_a_restart_is_in_an_answer_about_the_last_minutes_too(history: History, clock: Clock) -> None:
    feed(history, file_transferred(size=5), progress(speed=10.0))
    again = History(clock)
    clock.now += 60
    again.load(history.document())
    clock.now += 60
    feed(again, file_transferred(size=7))

    for metric, value in ((Metric.BYTES, 12), (Metric.FILES, 2), (Metric.SPEED, 10)):
        for reach in (-300, -3600):
            assert sum(values(again.query(metric, None, reach, 0))) == value
    assert again.query(Metric.BYTES, None, -30, 0)["step"] == 1, "seconds of this process are still there"


def test_the_file_is_written_once_a_minute_and_at_the_end(history: History, clock: Clock) -> None:
    files = Files()
    file = HistoryFile(make_state(clock), history, files)
    file.open()
    for _ in range(int(SAVE_SECONDS * 3)):
        feed(history, file_transferred())
        file.save_if_due()
        clock.now += 1
    written = len(files.dirty)
    file.close()
    file.close()

    assert written == 2
    assert len(files.dirty) == 3


def test_what_another_process_keeps_is_not_written_by_two(history: History, clock: Clock) -> None:
    files = Files()
    file = HistoryFile(make_state(clock), history, files)
    file.open()
    file.keep(False)
    feed(history, file_transferred())
    clock.now += SAVE_SECONDS
    file.save_if_due()
    file.close()
    assert files.dirty == []

    file.keep(True)
    file.close()
    assert files.dirty == [FILE_NAME]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["history", "sessions", "google", "series", "days", "10", "1759968000", "started_at", "id"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_file_is_survived(content: Any) -> None:
    state, history = make_state(), History(Clock())
    HistoryFile(state, history, Files(content)).open()

    json.dumps(state.document(), allow_nan=False)
    json.dumps(history.document(), allow_nan=False)


def test_lines_of_the_file_that_make_no_sense_are_passed_over() -> None:
    history = History(Clock())
    lines = ["", "x", "1 2", f"{NOW - 10} 5 1 0 0 0", f"{NOW + 100} 5 1 0 0 0", "nan nan nan nan nan nan", 7, None]
    history.load({UPLOADER: {"series": {"10": lines}, "days": {"x": {}, str(int(NOW) - 5): {"1.json": "y"}}}})

    assert values(history.query(Metric.BYTES, None, -3600, 10)) == [5]


def test_a_file_that_cannot_be_used_costs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Files):
        def read(self, name: str) -> Any:
            raise OSError

    HistoryFile(make_state(), History(Clock()), Broken()).open()

    assert len(caplog.records) == 1


def test_an_event_that_cannot_be_taken_in_is_logged(history: History, caplog: pytest.LogCaptureFixture) -> None:
    broken: Any = object()
    history.receive("google", event=broken)
    feed(history, file_transferred(size=3))

    assert "could not process" in caplog.text
    assert values(history.query(Metric.BYTES, None, 0, 0)) == [3]
