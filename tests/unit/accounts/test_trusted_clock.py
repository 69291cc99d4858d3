"""The book's clock: nobody can set it, and nothing comes back early because of a clock that leapt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts import trusted_clock
from cloudplow.accounts.trusted_clock import Anchor, MachineClock, TrustedClock
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock

YEAR = 365 * DAY


@pytest.fixture
def book_clock(clock: FakeClock) -> TrustedClock:
    return clock.trusted()


@pytest.fixture
def adopted(book_clock: TrustedClock) -> list[tuple[float, float]]:
    """What the clock tells when it adopts another time: from when on, by how much."""
    told: list[tuple[float, float]] = []
    book_clock.on_adopted = lambda since, seconds: told.append((since, seconds))
    return told


def resumed(clock: FakeClock, anchor: Anchor | None) -> TrustedClock:
    """A new process on the machine."""
    made = clock.trusted()
    made.resume(anchor)
    return made


# Within a process


def test_it_tells_the_time_of_the_machine(clock: FakeClock, book_clock: TrustedClock) -> None:
    assert book_clock.now() == NOON
    clock.move(3 * DAY)
    assert book_clock.now() == NOON + 3 * DAY


def test_usual_corrections_are_followed(
    clock: FakeClock, book_clock: TrustedClock, adopted: list[tuple[float, float]], caplog: pytest.LogCaptureFixture
) -> None:
    for step in (60, -60, 30, -1):
        clock.leap(step)
        assert book_clock.now() == clock.at
    assert adopted == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("leap", "said"),
    [
        (YEAR, "forward by 365 days"),
        (-YEAR, "back by 365 days"),
        (61, "forward by 1 minutes"),
        (-3 * HOUR, "back by 3 hours"),
    ],
)
def test_a_leap_changes_nothing_and_is_said_once(
    clock: FakeClock, book_clock: TrustedClock, caplog: pytest.LogCaptureFixture, leap: float, said: str
) -> None:
    clock.leap(leap)
    for hours in range(5):
        assert book_clock.now() == NOON + hours * HOUR
        clock.move(HOUR)
    (warning,) = caplog.records
    assert said in warning.getMessage()


def test_a_clock_that_is_right_again_is_followed_at_once(
    clock: FakeClock, book_clock: TrustedClock, adopted: list[tuple[float, float]]
) -> None:
    clock.leap(YEAR)
    book_clock.now()
    clock.move(HOUR)
    clock.leap(-YEAR + 5)
    assert book_clock.now() == clock.at == NOON + HOUR + 5
    assert book_clock.anchor().held_since == 0
    assert adopted == []


@pytest.mark.parametrize("leap", [YEAR, -YEAR, HOUR])
def test_after_one_window_the_machines_clock_counts_and_what_was_dated_moves_along(
    clock: FakeClock, book_clock: TrustedClock, adopted: list[tuple[float, float]], leap: float
) -> None:
    clock.move(HOUR)
    clock.leap(leap)
    book_clock.now()
    clock.move(DAY - 1)
    assert book_clock.now() == NOON + HOUR + DAY - 1
    clock.move(1)
    assert book_clock.now() == clock.at == NOON + HOUR + DAY + leap
    assert adopted == [(NOON, leap)]
    # From here on that is the time; a second leap moves what has moved.
    clock.leap(leap)
    book_clock.now()
    clock.move(DAY)
    assert book_clock.now() == clock.at
    assert adopted[1:] == [(NOON + leap, leap)]


def test_what_is_dated_after_a_small_correction_back_moves_along_too(
    clock: FakeClock, book_clock: TrustedClock, adopted: list[tuple[float, float]]
) -> None:
    clock.leap(-45)
    assert book_clock.now() == NOON - 45
    clock.leap(HOUR)
    book_clock.now()
    clock.move(DAY)
    assert book_clock.now() == clock.at
    assert adopted == [(NOON - 45, HOUR)]


def test_the_window_is_the_longest_of_the_uploaders(clock: FakeClock, book_clock: TrustedClock) -> None:
    book_clock.window_seconds = 2 * DAY
    clock.leap(YEAR)
    book_clock.now()
    clock.move(2 * DAY - 1)
    assert book_clock.now() == NOON + 2 * DAY - 1
    clock.move(1)
    assert book_clock.now() == clock.at


def test_a_time_that_a_server_confirms_is_adopted_at_once(
    clock: FakeClock, book_clock: TrustedClock, adopted: list[tuple[float, float]]
) -> None:
    clock.leap(YEAR)
    clock.confirmed_at = clock.at - 3
    assert book_clock.now() == clock.at
    assert adopted == [(NOON, YEAR)]


def test_a_confirmation_from_before_the_leap_confirms_nothing(
    clock: FakeClock, book_clock: TrustedClock, adopted: list[tuple[float, float]]
) -> None:
    clock.confirmed_at = clock.at
    clock.move(10 * HOUR)
    book_clock.now()
    for leap in (YEAR, -2 * YEAR):
        clock.leap(leap)
        clock.move(1)
        book_clock.now()
    assert book_clock.now() == NOON + 10 * HOUR + 2
    assert adopted == []


def test_sleep_that_the_machine_counts_is_no_leap(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    book_clock = clock.trusted()
    clock.move(30 * DAY)  # suspended: both clocks go on
    assert book_clock.now() == NOON + 30 * DAY
    assert caplog.text == ""


def test_file_of_the_time_server_is_asked_when_the_reading_says_nothing(clock: FakeClock) -> None:
    book_clock = TrustedClock(clock.reading, confirmed_at=lambda: clock.at)
    clock.leap(YEAR)
    assert book_clock.now() == clock.at


def test_file_of_the_time_server_that_is_missing_confirms_nothing(
    clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trusted_clock, "_SYNCHRONIZED", tmp_path / "synchronized")
    book_clock = TrustedClock(clock.reading)
    clock.leap(YEAR)
    assert book_clock.now() == NOON
    (tmp_path / "synchronized").touch()
    clock.at = (tmp_path / "synchronized").stat().st_mtime
    assert book_clock.now() == clock.at


# From process to process


def test_without_an_earlier_process_it_begins_with_the_machines_clock(clock: FakeClock) -> None:
    assert resumed(clock, None).now() == NOON


def test_later_process_in_the_same_boot_goes_on_whatever_the_clock_says(clock: FakeClock) -> None:
    anchor = clock.trusted().anchor()
    for leap in (0.0, YEAR, -2 * YEAR):
        clock.leap(leap)
        clock.move(HOUR)
        later = resumed(clock, anchor)
        assert later.now() == anchor.at + HOUR
        anchor = later.anchor()


def test_a_leap_that_earlier_processes_saw_ends_one_window_after_it_was_seen_and_moves_what_they_dated(
    clock: FakeClock,
) -> None:
    clock.move(HOUR)
    first = clock.trusted()
    first.now()
    clock.leap(YEAR)
    clock.move(HOUR)
    anchor = first.anchor()
    assert (anchor.held_since, anchor.began_at) == (NOON + 2 * HOUR, NOON + HOUR)
    clock.move(DAY - 1)
    later = resumed(clock, anchor)
    told: list[tuple[float, float]] = []
    later.on_adopted = lambda since, seconds: told.append((since, seconds))
    assert later.now() == NOON + 2 * HOUR + DAY - 1
    anchor = later.anchor()
    clock.move(1)
    last = resumed(clock, anchor)
    last.on_adopted = later.on_adopted
    assert last.now() == clock.at
    assert told == [(NOON + HOUR, YEAR)]


def test_a_confirmed_time_moves_what_earlier_processes_dated_in_this_boot(clock: FakeClock) -> None:
    clock.leap(-YEAR)  # no battery: the clock is wrong until the network is there
    anchor = clock.trusted().anchor()
    clock.move(HOUR)
    anchor = resumed(clock, anchor).anchor()
    later = resumed(clock, anchor)
    told: list[tuple[float, float]] = []
    later.on_adopted = lambda since, seconds: told.append((since, seconds))
    clock.leap(YEAR)
    clock.confirmed_at = clock.at
    assert later.now() == NOON + HOUR
    assert told == [(NOON - YEAR, YEAR)]


@pytest.mark.parametrize("down", [0.0, 60.0, 5 * HOUR, DAY - 100])
def test_after_a_reboot_the_clock_is_believed_when_it_can_be_right(
    clock: FakeClock, caplog: pytest.LogCaptureFixture, down: float
) -> None:
    anchor = clock.trusted().anchor()
    clock.reboot(down_seconds=down)
    assert resumed(clock, anchor).now() == NOON + down + 30
    assert caplog.text == ""


@pytest.mark.parametrize("leap", [YEAR, DAY + 1])
def test_after_a_reboot_a_clock_far_ahead_is_not_believed(
    clock: FakeClock, caplog: pytest.LogCaptureFixture, leap: float
) -> None:
    anchor = clock.trusted().anchor()
    clock.reboot()
    clock.leap(leap)
    later = resumed(clock, anchor)
    assert later.now() == NOON + 30
    assert later.anchor().held_since == NOON + 30
    assert len(caplog.records) == 1
    clock.move(DAY)
    assert later.now() == clock.at


def test_after_a_reboot_a_clock_far_ahead_is_believed_when_a_server_confirmed_it(clock: FakeClock) -> None:
    anchor = clock.trusted().anchor()
    clock.reboot(down_seconds=40 * DAY)
    clock.confirmed_at = clock.at - 20
    assert resumed(clock, anchor).now() == clock.at


def test_after_a_reboot_a_confirmation_from_before_the_clock_was_set_confirms_nothing(clock: FakeClock) -> None:
    anchor = clock.trusted().anchor()
    clock.reboot()
    clock.confirmed_at = clock.at
    clock.leap(YEAR)
    assert resumed(clock, anchor).now() == NOON + 30


@pytest.mark.parametrize("leap", [-YEAR, -HOUR])
def test_after_a_reboot_a_clock_behind_is_not_believed(clock: FakeClock, leap: float) -> None:
    anchor = clock.trusted().anchor()
    clock.reboot()
    clock.leap(leap)
    later = resumed(clock, anchor)
    assert later.now() == NOON
    clock.move(HOUR)
    assert later.now() == NOON + HOUR


def test_after_a_reboot_with_less_time_than_the_machine_runs_the_clock_is_not_put_forward(clock: FakeClock) -> None:
    """As on another machine, to which the state folder was moved: its time since boot says nothing."""
    anchor = clock.trusted().anchor()
    clock.reboot(down_seconds=0, up_seconds=100 * DAY)
    clock.at = NOON + HOUR
    assert resumed(clock, anchor).now() == NOON + HOUR


def test_a_leap_that_is_not_over_goes_on_over_a_reboot(clock: FakeClock) -> None:
    anchor = clock.trusted().anchor()
    clock.reboot(down_seconds=10 * HOUR)
    clock.leap(-YEAR)
    second = resumed(clock, anchor)
    clock.move(HOUR)
    assert second.now() == NOON + HOUR  # really eleven hours later
    anchor = second.anchor()
    clock.reboot(down_seconds=30)
    clock.leap(YEAR)
    third = resumed(clock, anchor)
    told: list[tuple[float, float]] = []
    third.on_adopted = lambda since, seconds: told.append((since, seconds))
    assert third.now() == NOON + HOUR + 30
    clock.move(DAY - HOUR)
    assert third.now() == clock.at
    # What the second process dated is as old as it really is, or younger.
    ((since, seconds),) = told
    assert since <= NOON
    assert seconds >= 10 * HOUR


def test_machine_that_does_not_say_which_boot_it_is_goes_on_by_the_time_since_boot(clock: FakeClock) -> None:
    anchor = clock.trusted().anchor()._replace(boot_id="")
    clock.leap(YEAR)
    clock.move(HOUR)
    made = TrustedClock(lambda: clock.reading()._replace(boot_id=""), confirmed_at=lambda: 0.0)
    made.resume(anchor)
    assert made.now() == NOON + HOUR


def test_the_machines_own_clocks_can_be_read() -> None:
    reading = MachineClock()()
    assert reading.wall > NOON - 30 * YEAR
    assert reading.since_boot > 0
    assert TrustedClock().now() >= reading.wall


def test_machine_that_says_nothing_of_its_boot_can_be_read_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trusted_clock, "_BOOT_ID", tmp_path / "gone")
    assert MachineClock()().boot_id == ""


STEPS = st.lists(
    st.tuples(st.sampled_from(["move", "leap", "restart", "look"]), st.integers(-400 * 86_400, 400 * 86_400)),
    max_size=30,
)


@given(STEPS)
def test_without_a_reboot_no_leap_ever_makes_time_pass_faster(steps: list[tuple[str, int]]) -> None:
    clock = FakeClock()
    book_clock = clock.trusted()
    offset = 0.0  # by how much all dates have been moved
    passed = 0.0

    def adopted(_since: float, seconds: float) -> None:
        nonlocal offset
        offset += seconds

    book_clock.on_adopted = adopted
    for step, number in steps:
        match step:
            case "move":
                seconds = abs(number) % (3 * 86_400)
                clock.move(seconds)
                passed += seconds
            case "leap":
                clock.leap(number)
            case "restart":
                anchor = book_clock.anchor()
                book_clock = resumed(clock, anchor)
                book_clock.on_adopted = adopted
        now = book_clock.now()
        # Each look may follow the usual correction of a minute.
        assert abs(now - NOON - offset - passed) <= 60.0 * (2 * len(steps) + 1)
