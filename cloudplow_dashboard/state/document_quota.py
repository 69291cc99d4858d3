"""Parts of the state document about what waits and what may be spent: the queue, the plan, the accounts."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudplow.events import AccountState, StageOutcome
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document_words import StageState
from cloudplow_dashboard.state.measures import Bytes, EpochSeconds, Nothing, Seconds


class Queue(TypedDict):
    """What waits. source: how it was learned; confidence: "exact" when every file was listed.

    available: there was a listing. files, bytes: what is left of it, and while a session runs what is left of that.
    `listed_*`: what the last listing found, at learned_at; distribution is about that: {} before the first one.
    duration_seconds: how long it took.
    """

    available: bool
    files: int
    bytes: Bytes
    listed_files: int
    listed_bytes: Bytes
    source: str
    confidence: str
    duration_seconds: Seconds
    learned_at: EpochSeconds
    distribution: Distribution


class Stage(TypedDict):
    """One run of rclone, done, running or planned.

    stage: its number, 0 when it has none yet. files, bytes: what it uploaded when it is done, else what is planned.
    starts_at: when a running or done one began, or a waiting one may begin; ended_at: of one that is done. oversized:
    its one file exceeds a whole quota.
    """

    stage: int
    account: str
    files: int
    bytes: Bytes
    starts_at: EpochSeconds
    ended_at: EpochSeconds
    oversized: bool
    state: StageState
    outcome: StageOutcome | Nothing


class PlanSums(TypedDict):
    """What was still to come when a plan was made."""

    files: int
    bytes: Bytes
    waiting_files: int
    waiting_bytes: Bytes
    unplanned_files: int
    unplanned_bytes: Bytes
    unplanned_why: str
    next_capacity_at: EpochSeconds


class PlanAccount(TypedDict):
    """One account in the plan. state: the first of running, next, waiting, done that one of its stages is in.

    `done_*`: what its finished stages uploaded. `now_*`: what the running one is to upload, and when it will be done.
    `to_come_*`: the stages that come after it, when the first begins and when the last is done. Both times are at the
    speed of now, 0 when unknown, and changes of less than 1 % of what is left are not shown.
    """

    state: StageState
    done_stages: int
    done_files: int
    done_bytes: Bytes
    now_files: int
    now_bytes: Bytes
    now_until: EpochSeconds
    to_come_stages: int
    to_come_files: int
    to_come_bytes: Bytes
    to_come_from: EpochSeconds
    to_come_until: EpochSeconds


class Plan(PlanSums):
    """How the queue is spread over accounts and stages.

    made_at and the sums are those of the current plan: what was still to come when it was made. `waiting_*`: all that
    does not fit now; `unplanned_*`: the part of it that is in no stage yet. stages: the last 50 that are done, the
    running one, then those that can run next; at most 100. later: those that wait for quota; at most 100. `*_total`
    count them all. accounts: by name, those of these stages.
    """

    made_at: EpochSeconds
    stages: list[Stage]
    later: list[Stage]
    accounts: dict[str, PlanAccount]
    done_total: int
    next_total: int
    later_total: int


class Account(TypedDict):
    """One account. index: its 0-based place in the pool; why: a sentence for its state.

    used_bytes: what is charged. in_flight_bytes: what its running uploads have sent so far; unsettled_bytes: what
    interrupted ones may have sent, until the destination has been asked. Neither is in used_bytes, both count as spent.
    free_bytes: what is left of its quota, whatever its state. resets_at: when the first spent bytes come back, 0 when
    nothing is spent. until: when it is ready again, 0 when it is ready or when that is unknown.
    """

    index: int
    state: AccountState
    why: str
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    free_bytes: Bytes
    limit_bytes: Bytes
    resets_at: EpochSeconds
    until: EpochSeconds


class AccountsSummary(TypedDict):
    """All accounts together, those included that the document leaves out. states: how many are in each state."""

    total: int
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    limit_bytes: Bytes
    states: dict[AccountState, int]


class ReturnStrip(TypedDict):
    """What comes back to all accounts, and when."""

    next_return_at: EpochSeconds
    next_return_bytes: Bytes
    strip_from: EpochSeconds
    strip: list[Bytes]
    later_bytes: Bytes


class Capacity(ReturnStrip):
    """The quota of all accounts together.

    free_bytes: on accounts that are neither denied nor failed; what is on its way or unsettled is not free.
    blocked_bytes: what would be free on those that are denied or failed.
    `next_return_*`: the bytes that come back first. strip: 24 numbers, the bytes that come back in each hour from
    strip_from on (which is at most 10 minutes ago); later_bytes: what comes back after these.
    """

    free_bytes: Bytes
    blocked_bytes: Bytes
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    limit_bytes: Bytes
