"""What follows from how a stage ended."""

from __future__ import annotations

from typing import Any

import pytest

from cloudplow.events import StageOutcome
from cloudplow.rclone.verdict import Denial, Verdict
from cloudplow.upload.reactions import React, Reaction, react
from cloudplow.upload.triggers import Sleep
from tests.unit.helpers import DAY, HOUR, NOON


def reaction_to(verdict: Verdict, *, with_accounts: bool = True, **more: Any) -> Reaction:
    settings: dict[str, Any] = {"now": NOON, "window_seconds": DAY, "fired": None, "transferred_files": 0, **more}
    return react(verdict, with_accounts=with_accounts, **settings)


@pytest.mark.parametrize("outcome", StageOutcome)
@pytest.mark.parametrize("with_accounts", [True, False])
@pytest.mark.parametrize("transferred_files", [0, 5])
def test_every_outcome_has_a_reaction_that_carries_the_reason(
    outcome: StageOutcome, with_accounts: bool, transferred_files: int
) -> None:
    reaction = reaction_to(Verdict(outcome, "why"), with_accounts=with_accounts, transferred_files=transferred_files)
    assert reaction.why == "why"
    assert bool(reaction.outcome) or reaction.react is not React.END
    if not with_accounts:
        assert reaction.react not in (React.REST_ACCOUNT, React.SET_ACCOUNT_ASIDE)


@pytest.mark.parametrize(
    ("outcome", "with_accounts", "expected"),
    [
        (StageOutcome.DONE, True, React.CONTINUE),
        (StageOutcome.FILES_FAILED, True, React.CONTINUE),
        (StageOutcome.FILES_FAILED, False, React.CONTINUE),
        (StageOutcome.DENIED, True, React.REST_ACCOUNT),
        (StageOutcome.TRIGGERED, True, React.REST_ACCOUNT),
        (StageOutcome.ACCOUNT_FAILED, True, React.SET_ACCOUNT_ASIDE),
        (StageOutcome.ACCOUNT_FAILED, False, React.CONTINUE),
        (StageOutcome.FAILED, True, React.CONTINUE),
        (StageOutcome.FAILED, False, React.CONTINUE),
    ],
)
def test_a_failing_account_leads_to_the_next_never_to_the_end(
    outcome: StageOutcome, with_accounts: bool, expected: React
) -> None:
    assert reaction_to(Verdict(outcome), with_accounts=with_accounts).react is expected


@pytest.mark.parametrize(
    ("outcome", "session"),
    [
        (StageOutcome.INTERRUPTED, "interrupted"),
        (StageOutcome.DESTINATION_FULL, "failed"),
        (StageOutcome.MISUSED, "failed"),
        (StageOutcome.LIMIT_REACHED, "suspended"),
    ],
)
def test_what_no_account_can_mend_ends_the_session(outcome: StageOutcome, session: str) -> None:
    reaction = reaction_to(Verdict(outcome))
    assert (reaction.react, reaction.outcome) == (React.END, session)


def test_denied_account_rests_for_the_window_and_the_switch_says_why() -> None:
    reaction = reaction_to(Verdict(StageOutcome.DENIED, "", Denial.DAILY_LIMIT))
    assert (reaction.until, reaction.switch_reason) == (NOON + DAY, "denied")


def test_trigger_rests_the_account_as_long_as_the_user_says() -> None:
    reaction = reaction_to(Verdict(StageOutcome.TRIGGERED), fired=Sleep(1, 60, 2 * HOUR))
    assert (reaction.until, reaction.switch_reason) == (NOON + 2 * HOUR, "trigger")


def test_without_accounts_a_denial_suspends_the_uploader_until_its_end() -> None:
    reaction = reaction_to(Verdict(StageOutcome.DENIED), with_accounts=False)
    assert (reaction.react, reaction.outcome, reaction.until) == (React.END, "suspended", NOON + DAY)


def test_failed_account_is_set_aside_with_its_reason_for_the_switch() -> None:
    assert reaction_to(Verdict(StageOutcome.ACCOUNT_FAILED)).switch_reason == "failed"


def test_limit_of_the_user_goes_for_each_run_with_accounts_and_for_the_whole_without() -> None:
    verdict = Verdict(StageOutcome.LIMIT_REACHED)
    assert reaction_to(verdict, transferred_files=1).react is React.CONTINUE
    assert reaction_to(verdict, transferred_files=1, with_accounts=False).react is React.END
    assert reaction_to(verdict, transferred_files=0).react is React.END
