"""What came back long ago: kept less exactly, so that the book stays small, and still never back early."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.entry import Charge, coarsen
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, charge, make_ledger, open_stage


@given(st.lists(st.tuples(st.floats(0, 2 * HOUR), st.integers(1, 1000)), max_size=200), st.floats(0, 5 * DAY))
def test_merged_charges_keep_their_sum_and_come_back_no_earlier(
    steps: list[tuple[float, int]], later_seconds: float
) -> None:
    charges, at = [], NOON
    for pause, size in steps:
        at += pause
        charges.append(Charge(at - min(60.0, pause), at, size))
    exact = [(one.at, one.bytes) for one in charges]
    now = at + later_seconds
    coarsen(charges, now, DAY)
    assert sum(one.bytes for one in charges) == sum(size for _, size in exact)
    for moment in {when for when, _ in exact}:
        still_out = sum(one.bytes for one in charges if one.at > moment)
        assert still_out >= sum(size for when, size in exact if when > moment)
    assert [(one.at, one.bytes) for one in charges if one.at + 2 * DAY > now] == [
        one for one in exact if one[0] + 2 * DAY > now
    ]
    assert not coarsen(charges, now, DAY)


def test_charge_from_the_future_is_not_merged() -> None:
    charges = [Charge(NOON, NOON, 1), Charge(NOON, NOON + 1, 2, NOON), Charge(NOON, NOON + 2, 3)]
    coarsen(charges, NOON + 5 * DAY, DAY)
    assert len(charges) == 3


def test_weeks_of_uploads_are_kept_in_few_charges(clock: FakeClock) -> None:
    ledger = make_ledger(clock)
    for _ in range(21):
        stage = open_stage(ledger, "anna", *([1] * 720))
        for number in range(720):
            clock.move(120)
            ledger.sent(stage, str(number + 1), 1)
            ledger.done(stage, str(number + 1))
        ledger.end_stage(stage, (), 0.0)
    assert ledger.used_bytes("anna") == 720
    assert len(ledger.content.entries["google", "anna"].charges) <= 4 * 720 + 18 * 24


def test_an_account_that_is_not_used_any_more_is_kept_in_few_charges_too(clock: FakeClock) -> None:
    ledger = make_ledger(clock)
    for _ in range(20):
        charge(ledger, "anna", 1)
        clock.move(120)
    clock.move(3 * DAY)
    charge(ledger, "ben", 1)
    assert [one.bytes for one in ledger.content.entries["google", "anna"].charges] == [20]
    # The clock was wrong after all: they count again.
    clock.leap(-3 * DAY)
    clock.reboot()
    ledger.clock.resume(None)
    assert ledger.used_bytes("anna") == 20


def test_an_account_at_one_moment_is_what_the_single_questions_say(clock: FakeClock) -> None:
    ledger = make_ledger(clock)
    charge(ledger, "anna", 100)
    clock.move(HOUR)
    charge(ledger, "anna", 30)
    ended = open_stage(ledger, "anna", 7, 8)
    ledger.sent(ended, "1", 7)
    ledger.end_stage(ended, {"2"}, 60.0)
    clock.move(HOUR)
    running = open_stage(ledger, "anna", 50)
    ledger.note_progress(running, 20, 60.0)
    ledger.deny("google", "anna", NOON + DAY, "its daily limit")
    for account in ("anna", "ben"):
        now = ledger.standing(account)
        assert now.spent == ledger.returns(account, with_reserved=False)
        assert now.planned_on == ledger.returns(account)
        assert now.denied == ledger.denied(account)
        assert (now.in_flight_bytes, now.unsettled_bytes) == ((20, 8) if account == "anna" else (0, 0))
