"""Decides what follows from a stage's verdict: next stage, next account, or the end. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from cloudplow.events import SessionOutcome, StageOutcome, SwitchReason
from cloudplow.rclone.verdict import Denial, Verdict
from cloudplow.upload.triggers import Sleep


class React(StrEnum):
    """What to do after a stage."""

    CONTINUE = "continue"
    REST_ACCOUNT = "rest_account"
    SET_ACCOUNT_ASIDE = "set_account_aside"
    WAIT = "wait"
    END = "end"


class Reaction(NamedTuple):
    """What to do, and why. until: epoch seconds, for `REST_ACCOUNT` and for an end that is not a fault.

    outcome: that of the session, for an end. switch_reason: why another account takes over.
    """

    react: React
    why: str = ""
    until: float | None = None
    outcome: SessionOutcome | None = None
    switch_reason: SwitchReason = SwitchReason.QUOTA_USED


def react(
    verdict: Verdict,
    *,
    with_accounts: bool,
    now: float,
    window_seconds: float,
    fired: Sleep | None,
    transferred_files: int,
) -> Reaction:
    """Decide what to do next. window_seconds: how long Google's daily limit lasts; fired: the trigger that fired."""
    why = verdict.reason
    match verdict.outcome:
        case StageOutcome.DONE | StageOutcome.FILES_FAILED:
            return Reaction(React.CONTINUE, why)
        case StageOutcome.OFFLINE:
            return Reaction(React.WAIT, why)
        case StageOutcome.INTERRUPTED:
            return Reaction(React.END, why, outcome=SessionOutcome.INTERRUPTED)
        case StageOutcome.DESTINATION_FULL if with_accounts and verdict.denial is Denial.STORAGE_FULL:
            # Outside a shared drive, each account has its own storage.
            return Reaction(React.SET_ACCOUNT_ASIDE, why, switch_reason=SwitchReason.FAILED)
        case StageOutcome.DESTINATION_FULL | StageOutcome.MISUSED:
            return Reaction(React.END, why, outcome=SessionOutcome.FAILED)
        case StageOutcome.DENIED:
            return _rest(why, now + window_seconds, SwitchReason.DENIED, with_accounts=with_accounts)
        case StageOutcome.TRIGGERED:
            return _rest(
                why, now + (fired.sleep_seconds if fired else 0), SwitchReason.TRIGGER, with_accounts=with_accounts
            )
        case StageOutcome.ACCOUNT_FAILED if with_accounts:
            return Reaction(React.SET_ACCOUNT_ASIDE, why, switch_reason=SwitchReason.FAILED)
        case StageOutcome.LIMIT_REACHED:
            # With accounts the limit applies to each run; without, to the whole upload.
            if with_accounts and transferred_files:
                return Reaction(React.CONTINUE, why)
            return Reaction(React.END, why, outcome=SessionOutcome.SUSPENDED)
        case _:
            return Reaction(React.CONTINUE, why)


def _rest(why: str, until: float, switch_reason: SwitchReason, *, with_accounts: bool) -> Reaction:
    if with_accounts:
        return Reaction(React.REST_ACCOUNT, why, until, switch_reason=switch_reason)
    return Reaction(React.END, why, until, outcome=SessionOutcome.SUSPENDED)
