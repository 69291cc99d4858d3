"""What accounts have spent: never back early, one budget for who shares an account, stages until they are settled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.book import Book, RefusedError
from cloudplow.accounts.booked_stage import FileState
from cloudplow.accounts.ledger import Ledger
from cloudplow.models import Return
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock, charge, make_ledger, open_stage, spent_and_ever, stage_file

ANNA = "anna"
BEN = "ben"


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    return make_ledger(clock, google=DAY, other=2 * DAY)


def used(ledger: Ledger, account: str = ANNA) -> tuple[int, int]:
    """Spent, and spent or reserved."""
    return ledger.used_bytes(account), ledger.used_bytes(account, with_reserved=True)


def test_the_ledger_is_a_book(ledger: Ledger) -> None:
    book: Book = ledger
    assert book.now() == NOON


# The rolling window


def test_unknown_account_has_spent_nothing(ledger: Ledger) -> None:
    assert ledger.used_bytes(ANNA) == 0
    assert ledger.returns(ANNA) == ()
    assert ledger.denied(ANNA) is None
    assert not ledger.denied_within(ANNA, DAY)
    assert spent_and_ever(ledger, ANNA) == (0, 0)


def test_bytes_come_back_one_window_after_they_were_spent(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    clock.move(10 * HOUR)
    charge(ledger, ANNA, 50)
    assert ledger.returns(ANNA) == (Return(NOON + DAY, 100), Return(NOON + 10 * HOUR + DAY, 50))
    clock.move_to(NOON + DAY - 1)
    assert ledger.used_bytes(ANNA) == 150
    clock.move_to(NOON + DAY)
    assert ledger.used_bytes(ANNA) == 50
    clock.move_to(NOON + 10 * HOUR + DAY)
    assert ledger.used_bytes(ANNA) == 0
    assert ledger.returns(ANNA) == ()


def test_window_is_the_one_of_the_uploader(ledger: Ledger) -> None:
    charge(ledger, ANNA, 100, uploader="other")
    assert ledger.returns(ANNA) == (Return(NOON + 2 * DAY, 100),)
    assert ledger.window("of nobody") == DAY


@given(st.lists(st.tuples(st.floats(0, 2 * HOUR), st.integers(1, 1000)), min_size=1, max_size=60), st.booleans())
def test_charges_kept_as_one_never_come_back_early(steps: list[tuple[float, int]], one_stage: bool) -> None:
    clock = FakeClock()
    ledger = make_ledger(clock)
    stage = open_stage(ledger, ANNA)
    spent: list[tuple[float, int]] = []
    for pause, size in steps:
        clock.move(pause)
        if one_stage:
            ledger.wasted(stage, size)
        else:
            charge(ledger, ANNA, size)
        spent.append((ledger.now(), size))
        assert ledger.used_bytes(ANNA) >= sum(size for at, size in spent if at + DAY > ledger.now())
    returns = ledger.returns(ANNA)
    for back in returns:
        later = sum(other.bytes for other in returns if other.at > back.at)
        assert later >= sum(size for at, size in spent if at + DAY > back.at)
    assert sum(back.bytes for back in returns) == ledger.used_bytes(ANNA)
    clock.move(DAY + 1)
    assert ledger.used_bytes(ANNA) == 0


def test_a_day_of_small_files_is_kept_in_few_charges(ledger: Ledger, clock: FakeClock) -> None:
    stage = open_stage(ledger, ANNA, *([1] * 20_000))
    for number in range(20_000):
        clock.move(4)
        ledger.sent(stage, str(number + 1), 1)
    assert ledger.used_bytes(ANNA) == 20_000
    assert len(ledger.returns(ANNA)) <= 80_000 / 60 + 1


def test_clock_set_back_or_forward_brings_nothing_back_early(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    for leap in (-5 * HOUR, 365 * DAY, -400 * DAY):
        clock.leap(leap)
        clock.move(HOUR)
        charge(ledger, ANNA, 50)
    assert ledger.used_bytes(ANNA) == 250
    clock.move(20 * HOUR)
    assert ledger.used_bytes(ANNA) == 250
    clock.move(HOUR)
    assert ledger.used_bytes(ANNA) == 150


# Sharing


def test_uploaders_that_share_an_account_have_one_budget(ledger: Ledger) -> None:
    charge(ledger, ANNA, 100)
    charge(ledger, ANNA, 30, uploader="other")
    open_stage(ledger, ANNA, 7, uploader="other")
    assert used(ledger) == (130, 137)
    assert ledger.returns(ANNA) == (Return(NOON + DAY, 100), Return(NOON + 2 * DAY, 7), Return(NOON + 2 * DAY, 30))
    assert spent_and_ever(ledger, ANNA) == (130, 130)
    assert ledger.used_bytes(BEN) == 0


def test_denial_of_one_uploader_holds_for_all_that_share_the_account(ledger: Ledger) -> None:
    ledger.deny("google", ANNA, NOON + HOUR, "its daily limit")
    charge(ledger, ANNA, 1, uploader="other")
    assert ledger.denied(ANNA) == (NOON + HOUR, "its daily limit")
    assert ledger.denied(BEN) is None


# Stages


def test_stage_reserves_what_it_plans_and_charges_leave_the_reservation(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 70, 30)
    assert used(ledger) == (0, 100)
    ledger.sent(stage, "2", 30)
    assert used(ledger) == (30, 100)
    assert ledger.standing(ANNA).unsettled_bytes == 0
    ledger.done(stage, "2")
    ledger.end_stage(stage, (), 0.0)
    assert used(ledger) == (30, 30)
    assert ledger.unsettled("google") == []


def test_reservation_of_a_running_stage_never_comes_back_by_itself(ledger: Ledger, clock: FakeClock) -> None:
    open_stage(ledger, ANNA, 100)
    clock.move(3 * DAY)
    assert used(ledger) == (0, 100)
    assert ledger.returns(ANNA) == (Return(clock.at + DAY, 100),)


def test_files_that_grew_are_charged_beyond_the_reservation(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 100)
    ledger.sent(stage, "1", 150)
    assert used(ledger) == (150, 150)


def test_file_that_is_told_twice_is_charged_once(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 100)
    for _ in range(2):
        ledger.sent(stage, "1", 100)
    ledger.done(stage, "1")
    assert used(ledger) == (100, 100)


def test_file_that_was_there_already_costs_nothing(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 100)
    ledger.done(stage, "1")
    assert used(ledger) == (0, 0)


def test_file_that_nobody_planned_costs_nothing(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 100)
    ledger.sent(stage, "of another stage", 5)
    assert used(ledger) == (0, 100)


def test_upload_that_came_to_nothing_is_charged_and_its_file_may_still_go(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 100)
    ledger.wasted(stage, 100)
    assert used(ledger) == (100, 200)
    ledger.sent(stage, "1", 100)
    assert used(ledger) == (200, 200)


def test_account_that_cannot_take_it_any_more_refuses_the_stage(ledger: Ledger) -> None:
    charge(ledger, ANNA, 60)
    with pytest.raises(RefusedError, match="60 of 100 bytes"):
        open_stage(ledger, ANNA, 41, limit_bytes=100)
    assert used(ledger) == (60, 60)
    open_stage(ledger, ANNA, 40, limit_bytes=100)
    with pytest.raises(RefusedError):
        open_stage(ledger, ANNA, 1, uploader="other", limit_bytes=100)


def test_fresh_account_takes_one_stage_of_any_size(ledger: Ledger) -> None:
    open_stage(ledger, ANNA, 500, limit_bytes=100)
    assert used(ledger) == (0, 500)


def test_stage_without_an_account_is_kept_and_spends_nothing(ledger: Ledger) -> None:
    stage = open_stage(ledger, "", stage_file("1", 5, cost=0))
    ledger.sent(stage, "1", 0)
    ledger.wasted(stage, 5)
    ledger.end_stage(stage, {"1"}, 0.0)
    assert used(ledger, "") == (0, 0)
    assert ledger.content.entries == {}


# What is in doubt


def test_files_in_doubt_count_whole_until_the_destination_was_asked(ledger: Ledger, clock: FakeClock) -> None:
    stage = open_stage(ledger, ANNA, 10, 20, 40)
    ledger.sent(stage, "1", 10)
    ledger.done(stage, "1")
    ledger.end_stage(stage, {"2"}, 60.0)
    assert used(ledger) == (10, 30)
    assert ledger.standing(ANNA).unsettled_bytes == 20
    assert ledger.unsettled("google") == [stage]
    assert ledger.unsettled("other") == []
    assert ledger.stages_document(ANNA) == [
        {"opened_at": NOON, "ended_at": NOON, "account": "anna.json", "files": 1, "bytes": 20}
    ]
    clock.move(HOUR)
    ledger.settle(stage, {"2": 21}, (), {"2"})
    assert used(ledger) == (31, 31)
    # The second may have landed as late as that.
    assert ledger.returns(ANNA) == (Return(NOON + DAY, 10), Return(NOON + 60 + DAY, 21))
    assert ledger.unsettled("google") == []


def test_what_did_not_arrive_is_given_back(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 10, 20)
    ledger.end_stage(stage, {"1", "2"}, 0.0)
    ledger.settle(stage, {}, ["1"], ())
    assert used(ledger) == (0, 20)
    ledger.settle(stage, {}, ["2"], ())
    assert used(ledger) == (0, 0)
    assert ledger.unsettled("google") == []


def test_file_that_arrived_costs_nothing_when_the_destination_was_known_to_have_it(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, stage_file("1", 10, cost=0))
    ledger.end_stage(stage, {"1"}, 0.0)
    ledger.settle(stage, {"1": 0}, (), {"1"})
    assert used(ledger) == (0, 0)


def test_when_nobody_can_be_asked_what_is_in_doubt_counts_as_spent_at_the_end_of_the_stage(
    ledger: Ledger, clock: FakeClock
) -> None:
    stage = open_stage(ledger, ANNA, 10, 20)
    ledger.sent(stage, "1", 10)
    ledger.end_stage(stage, {"2"}, 0.0)
    clock.move(HOUR)
    ledger.give_up(stage)
    assert used(ledger) == (30, 30)
    assert ledger.returns(ANNA)[-1].at == NOON + DAY
    assert ledger.unsettled("google") == []


def test_stage_whose_bytes_would_be_back_is_not_asked_for_any_more(ledger: Ledger, clock: FakeClock) -> None:
    stage = open_stage(ledger, ANNA, 10)
    ledger.end_stage(stage, {"1"}, 60.0)
    clock.move(DAY + 59)
    assert ledger.unsettled("google") == [stage]
    clock.move(1)
    assert used(ledger) == (0, 0)
    assert ledger.unsettled("google") == []


def test_stages_are_settled_oldest_first(ledger: Ledger) -> None:
    stages = [open_stage(ledger, account, 10) for account in (BEN, ANNA)]
    for stage in stages[::-1]:
        ledger.end_stage(stage, {"1"}, 0.0)
    assert ledger.unsettled("google") == stages


def test_stage_that_is_asked_for_once_more_after_all_is_known_is_charged_once(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 10, 20)
    ledger.sent(stage, "1", 10)
    ledger.end_stage(stage, {"2"}, 0.0)
    ledger.settle(stage, {"2": 20}, (), {"2"})
    ledger.settle(stage, {}, (), ())
    ledger.give_up(stage)
    assert used(ledger) == (30, 30)
    assert spent_and_ever(ledger, ANNA) == (30, 30)


# What arrived and is still at the source


def test_file_that_arrived_and_could_not_be_removed_is_remembered_until_it_is_gone(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, stage_file("a", 10, modified_ns=5), 20)
    ledger.sent(stage, "a", 10)
    ledger.end_stage(stage, (), 0.0)
    assert ledger.arrived("google") == {"a": stage_file("a", 10, cost=0, modified_ns=5)}
    assert ledger.arrived("other") == {}
    assert ledger.unsettled("google") == []
    ledger.forget_arrived("google", ["a", "b"])
    ledger.forget_arrived("other", ["a"])
    assert ledger.arrived("google") == {}


def test_file_found_at_the_destination_that_is_still_at_the_source_is_remembered_too(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 10, 20)
    ledger.end_stage(stage, {"1", "2"}, 0.0)
    ledger.settle(stage, {"1": 10, "2": 20}, (), {"2"})
    assert list(ledger.arrived("google")) == ["1"]
    assert used(ledger) == (30, 30)


def test_copied_file_is_not_remembered_because_it_stays_anyway(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 10, moving=False)
    ledger.sent(stage, "1", 10)
    ledger.end_stage(stage, (), 0.0)
    assert ledger.arrived("google") == {}
    assert used(ledger) == (10, 10)


# Somebody knows better


def test_correction_replaces_what_is_spent_denied_and_in_doubt(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    charge(ledger, ANNA, 7, uploader="other")
    stage = open_stage(ledger, ANNA, 20, 30)
    ledger.sent(stage, "1", 20)
    ledger.end_stage(stage, {"2"}, 0.0)
    ledger.deny("other", ANNA, NOON + DAY, "refused")
    charge(ledger, BEN, 5)
    clock.move(HOUR)
    ledger.correct("google", ANNA, 300)
    assert used(ledger) == (300, 300)
    assert ledger.returns(ANNA) == (Return(NOON + HOUR + DAY, 300),)
    assert ledger.denied(ANNA) is None
    assert ledger.unsettled("google") == []
    assert stage.states == bytearray([FileState.DONE, FileState.FREE])
    assert used(ledger, BEN) == (5, 5)


def test_correction_in_the_middle_of_a_stage_leaves_what_is_still_planned(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 20, 30)
    ledger.sent(stage, "1", 20)
    ledger.correct("google", ANNA, 300)
    assert used(ledger) == (300, 330)
    ledger.sent(stage, "2", 30)
    ledger.done(stage, "2")
    ledger.end_stage(stage, (), 0.0)
    assert used(ledger) == (330, 330)


def test_answer_that_comes_after_a_correction_changes_nothing(ledger: Ledger) -> None:
    stage = open_stage(ledger, ANNA, 20, 30)
    ledger.end_stage(stage, {"1", "2"}, 0.0)
    ledger.correct("google", ANNA, 300)
    ledger.settle(stage, {"1": 20}, ["2"], {"1"})
    assert used(ledger) == (300, 300)


def test_account_can_be_forgotten(ledger: Ledger) -> None:
    charge(ledger, ANNA, 100)
    ledger.correct("google", ANNA, 0)
    assert ledger.returns(ANNA) == ()


def test_correction_of_an_account_that_never_was_used(ledger: Ledger) -> None:
    ledger.correct("google", ANNA, 300)
    assert used(ledger) == (300, 300)


# Dry runs


def test_rehearsal_knows_what_is_spent_and_keeps_nothing(ledger: Ledger) -> None:
    charge(ledger, ANNA, 100)
    running = open_stage(ledger, ANNA, 10, 20)
    ledger.sent(running, "1", 10)
    ledger.learn_limit("google", BEN, 90, 100)
    rehearsal = ledger.rehearsal()
    assert used(rehearsal) == used(ledger) == (110, 130)
    assert rehearsal.learned_limit("google", 100) == 90
    charge(rehearsal, ANNA, 50)
    stage = open_stage(rehearsal, ANNA, 5)
    rehearsal.sent(stage, "1", 5)
    rehearsal.end_stage(stage, (), 0.0)
    rehearsal.deny("google", BEN, NOON + HOUR, "refused")
    for one in rehearsal.content.stages.values():
        rehearsal.sent(one, "2", 20)
    assert used(rehearsal) == (185, 185)
    assert used(ledger) == (110, 130)
    assert ledger.denied(BEN) is None
    assert ledger.arrived("google") == {}
    ledger.sent(running, "2", 20)
    assert used(ledger) == (130, 130)


# What is remembered


def test_use_is_remembered_beyond_the_window(ledger: Ledger, clock: FakeClock) -> None:
    charge(ledger, ANNA, 100)
    clock.move(2 * DAY)
    charge(ledger, ANNA, 1)
    assert spent_and_ever(ledger, ANNA) == (1, 101)


def test_denial_lasts_until_its_time_and_a_shorter_one_changes_nothing(ledger: Ledger, clock: FakeClock) -> None:
    ledger.deny("google", ANNA, NOON + HOUR, "its daily limit")
    ledger.deny("google", ANNA, NOON + 1, "a shorter one")
    clock.move(HOUR - 1)
    assert ledger.denied(ANNA) == (NOON + HOUR, "its daily limit")
    clock.move(1)
    assert ledger.denied(ANNA) is None
    assert ledger.denied_within(ANNA, HOUR)
    clock.move(HOUR)
    assert not ledger.denied_within(ANNA, HOUR)


def test_denial_that_was_met_with_the_clock_a_year_ahead_lasts_one_window_once_the_clock_is_right(
    clock: FakeClock,
) -> None:
    clock.leap(365 * DAY)
    ledger = make_ledger(clock)
    ledger.deny("google", ANNA, clock.at + DAY, "refused")
    charge(ledger, ANNA, 100)
    clock.reboot(down_seconds=0)
    clock.leap(-365 * DAY)
    right = make_ledger(clock)
    right.take(ledger.content)
    assert right.denied(ANNA) == (clock.at + DAY, "refused")
    assert right.used_bytes(ANNA) == 100
    clock.move(DAY - 1)
    assert right.denied(ANNA)
    assert right.used_bytes(ANNA) == 100
    clock.move(1)
    assert (right.denied(ANNA), right.used_bytes(ANNA)) == (None, 0)
    assert right.denied_within(ANNA, HOUR)
    clock.move(DAY)
    assert not right.denied_within(ANNA, HOUR)


def test_stage_that_ended_with_the_clock_a_year_ahead_can_be_settled_once_it_is_right(clock: FakeClock) -> None:
    ledger = make_ledger(clock)
    stage = open_stage(ledger, ANNA, 10)
    ledger.end_stage(stage, {"1"}, 60.0)
    assert stage.ended_at is not None
    stage.ended_at += 365 * DAY
    right = make_ledger(clock)
    right.take(ledger.content)
    assert right.unsettled("google")[0].ended_at == NOON
    assert right.returns(ANNA) == (Return(NOON + DAY, 10),)


@pytest.mark.parametrize("leap", [365 * DAY, -365 * DAY])
def test_everything_moves_along_when_the_clock_adopts_another_time(clock: FakeClock, leap: float) -> None:
    ledger = make_ledger(clock)
    ledger.clock.on_adopted = ledger._on_clock_adopted
    charge(ledger, ANNA, 100)
    ledger.deny("google", ANNA, NOON + 2 * DAY, "refused")
    running = open_stage(ledger, ANNA, 20, 5)
    ended = open_stage(ledger, BEN, 30)
    ledger.end_stage(ended, {"1"}, 60.0)
    clock.move(HOUR)
    ledger.sent(running, "1", 20)
    clock.leap(leap)
    clock.confirmed_at = clock.at
    assert ledger.now() == clock.at
    assert ledger.returns(ANNA) == (
        Return(NOON + leap + DAY, 100),
        Return(clock.at + DAY, 5),
        Return(clock.at + DAY, 20),
    )
    assert ledger.denied(ANNA) == (NOON + leap + 2 * DAY, "refused")
    assert ledger.returns(BEN) == (Return(NOON + leap + 60 + DAY, 30),)


def test_learned_limit_goes_with_the_configuration(ledger: Ledger) -> None:
    ledger.learn_limit("google", ANNA, 90, 100)
    ledger.learn_limit("google", BEN, 95, 100)
    assert ledger.learned_limit("google", 100) == 90
    assert ledger.learned_limit("google", 200) is None
    assert ledger.learned_limit("other", 100) is None


@pytest.mark.parametrize(("configured", "expected"), [(100, 90), (200, 200), (0, 0)])
def test_limit_is_the_configured_one_or_the_one_learned_for_it(ledger: Ledger, configured: int, expected: int) -> None:
    ledger.learn_limit("google", ANNA, 90, 100)
    ledger.configure({"google": DAY}, {"google": configured})
    assert ledger.limit_bytes("google") == expected


def test_facts_are_copies(ledger: Ledger) -> None:
    assert ledger.fact("waiting") is None
    ledger.set_fact("waiting", {"google": {"a": 1}})
    ledger.fact("waiting").clear()
    assert ledger.fact("waiting") == {"google": {"a": 1}}


# Whose key


def test_the_path_of_a_key_file_is_only_a_label(ledger: Ledger) -> None:
    ledger.know("google", ANNA, "/keys/1.json")
    charge(ledger, ANNA, 5)
    ledger.know("google", ANNA, "/keys/renamed.json")
    assert ledger.content.entries["google", ANNA].key == "/keys/renamed.json"


def test_what_was_written_under_a_files_name_counts_for_its_account_once_it_can_be_read(ledger: Ledger) -> None:
    charge(ledger, ANNA, 5)
    charge(ledger, "name:1.json", 100)
    ledger.deny("google", "name:1.json", NOON + HOUR, "refused")
    ledger.know("google", ANNA, "/keys/1.json")
    assert used(ledger) == (105, 105)
    assert spent_and_ever(ledger, ANNA) == (105, 105)
    assert ledger.denied(ANNA) == (NOON + HOUR, "refused")
    assert used(ledger, "name:1.json") == (0, 0)
    assert ledger.denied("name:1.json") is None
