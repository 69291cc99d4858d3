"""What follows from the verdict on a stage: next stage, next account, or the end. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from cloudplow.rclone.verdict import Denial, Outcome, Verdict
from cloudplow.upload.triggers import Sleep


class React(StrEnum):
    """What to do after a stage."""

    GO_ON = "go_on"
    REST_ACCOUNT = "rest_account"
    SET_ACCOUNT_ASIDE = "set_account_aside"
    RETRY = "retry"
    END = "end"


class Reaction(NamedTuple):
    """What to do, and why. until: epoch seconds, for `REST_ACCOUNT` and for an end that is no fault.

    outcome: that of the session, for `END`. switch_reason: why another account takes over.
    """

    react: React
    why: str = ""
    until: float | None = None
    outcome: str = ""
    switch_reason: str = "quota_used"


def react(
    verdict: Verdict,
    *,
    with_accounts: bool,
    now: float,
    window_seconds: float,
    fired: Sleep | None,
    transferred_files: int,
) -> Reaction:
    """Decide what follows. window_seconds: how long Google's daily limit lasts; fired: the trigger that stopped it."""
    why = verdict.reason
    match verdict.outcome:
        case Outcome.DONE | Outcome.FILES_FAILED:
            return Reaction(React.GO_ON, why)
        case Outcome.INTERRUPTED:
            return Reaction(React.END, why, outcome="interrupted")
        case Outcome.DESTINATION_FULL if with_accounts and verdict.denial is Denial.STORAGE_FULL:
            # Outside of a shared drive each account has storage of its own.
            return Reaction(React.SET_ACCOUNT_ASIDE, why, switch_reason="failed")
        case Outcome.DESTINATION_FULL | Outcome.MISUSED:
            return Reaction(React.END, why, outcome="failed")
        case Outcome.DENIED:
            return _rest(why, now + window_seconds, "denied", with_accounts=with_accounts)
        case Outcome.TRIGGERED:
            return _rest(why, now + (fired.sleep_seconds if fired else 0), "trigger", with_accounts=with_accounts)
        case Outcome.ACCOUNT_FAILED if with_accounts:
            return Reaction(React.SET_ACCOUNT_ASIDE, why, switch_reason="failed")
        case Outcome.LIMIT_REACHED:
            # With accounts the limit is each run's; without, the user limited the whole upload.
            if with_accounts and transferred_files:
                return Reaction(React.GO_ON, why)
            return Reaction(React.END, why, outcome="suspended")
        case _:
            if verdict.denial is Denial.RATE_LIMITED or transferred_files:
                return Reaction(React.RETRY, why)
            return Reaction(React.RETRY, why, outcome="failed")


def _rest(why: str, until: float, switch_reason: str, *, with_accounts: bool) -> Reaction:
    if with_accounts:
        return Reaction(React.REST_ACCOUNT, why, until, switch_reason=switch_reason)
    return Reaction(React.END, why, until, outcome="suspended")
