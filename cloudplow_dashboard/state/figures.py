"""Numbers that follow from others, each computed here and nowhere else: every answer and the page take them from here.

Pure. Times are epoch seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

from cloudplow.events import SessionOutcome, UploaderState
from cloudplow_dashboard.state.document import UploaderStatus
from cloudplow_dashboard.state.document_quota import PlanSums
from cloudplow_dashboard.state.document_session import Eta, Figures, Progress, Session

#: A session younger than this has no speed to rely on, in seconds.
SETTLED_SECONDS: Final = 3.0
#: A time of completion is shown anew when it moves by more than this: seconds, and share of the time left.
TOLERANCE_SECONDS: Final = 2.0
TOLERANCE_SHARE: Final = 0.01
#: Significant digits of an average.
_DIGITS: Final = 3


def amounts(session: Session, progress: Progress, under_way: tuple[int, int], *, active: bool) -> Session:
    """The session as it is shown: done and left with what has arrived of files on their way.

    session: of whole files; under_way: how many others are, and the bytes that have arrived of them. Where nobody knows
    the session's totals (an rclone that somebody else started), those of its statistics stand in.
    """
    shown = session.copy()
    shown["accounts_used"] = list(session["accounts_used"])
    if not active:
        return shown
    files, in_flight = under_way
    if not (session["files_total"] or session["bytes_total"]):
        shown["files_total"] = max(progress["total_files"], progress["files"])
        shown["bytes_total"] = max(progress["total_bytes"], progress["bytes"])
        shown["files_done"], shown["bytes_done"] = progress["files"], progress["bytes"]
        files, in_flight = 0, 0
    # What came after the listing is left all the same.
    shown["files_total"] = max(shown["files_total"], shown["files_done"] + files)
    shown["bytes_in_flight"] = max(0, min(in_flight, shown["bytes_total"] - shown["bytes_done"]))
    shown["bytes_done"] += shown["bytes_in_flight"]
    shown["files_left"] = shown["files_total"] - shown["files_done"]
    shown["bytes_left"] = shown["bytes_total"] - shown["bytes_done"]
    return shown


def share(done: int, total: int) -> float:
    """A part in percent, rounded down, so that 100 means all; 0 of nothing."""
    return min(1000, 1000 * done // total) / 10 if total > 0 else 0.0


def share_of(sizes: tuple[int, int], files: tuple[int, int]) -> float:
    """How much is done, 0 to 100; rounded down, so that 100 means all; -1 when unknown.

    sizes: bytes that are done, and all; files: the same. Empty files have no bytes, but are left all the same.
    """
    for done, total in (sizes, files):
        if total > 0:
            return min(share(done, total), 99.9) if files[0] < files[1] else share(done, total)
    return -1.0


def percentage(session: Session) -> float:
    """How much of a session is done; as `share_of`."""
    sizes, files = (session["bytes_done"], session["bytes_total"]), (session["files_done"], session["files_total"])
    known = share_of(sizes, files)
    return 100.0 if known < 0 and session["outcome"] == SessionOutcome.DONE else known


def waiting(session: Session, plan: PlanSums, made_at: float, free: int, *, active: bool) -> tuple[int, int]:
    """Files and bytes of what is left that do not fit into the quota of now. made_at: of the plan, 0 for none; free:
    bytes, -1 when unknown.

    By the plan; without one by what an earlier run said, or by what is free.
    """
    files_left, bytes_left = session["files_left"], session["bytes_left"]
    if made_at > 0:
        return min(plan["waiting_files"], files_left), min(plan["waiting_bytes"], bytes_left)
    if not active:
        if session["outcome"] != SessionOutcome.QUOTA_USED:
            return 0, 0
        # Of a dry run everything is left, also what would go.
        return max(0, files_left - session["would_go_files"]), max(0, bytes_left - session["would_go_bytes"])
    return 0, max(0, bytes_left - free) if free >= 0 else 0


def outlook(eta: Eta, session: Session, waits: int, at: float) -> float:
    """When what fits now is done; 0 when all fits, nothing fits, or unknown. waits: bytes; at: as of when."""
    left = session["bytes_left"]
    if not waits or waits >= left or eta["speed_at"] <= at:
        return 0
    return at + (eta["speed_at"] - at) * (left - waits) / left


def figures(
    session: Session,
    status: UploaderStatus,
    eta: Eta,
    waits: tuple[int, int],
    *,
    active: bool,
    quota_until: float,
    plan_next_at: float,
    heard_at: float,
    stale_since: float,
    now: float,
) -> Figures:
    """The `figures` part. session: as it is shown; heard_at: when something was heard of it last."""
    ended_at = session["ended_at"] or (heard_at if active else 0)
    seconds = ended_at - session["started_at"] if session["started_at"] and ended_at else 0
    return {
        "percentage": percentage(session),
        "average_speed": _rounded(session["bytes_done"] / seconds) if seconds >= 1 else 0,
        "finish_at": (eta["quotas_at"] if waits[1] else eta["speed_at"]) if active else 0,
        "quota_until": quota_until if active else 0,
        "waiting_files": waits[0],
        "waiting_bytes": waits[1],
        "next_capacity_at": _next_capacity_at(session, status, plan_next_at if active else 0, now),
        "stale_since": stale_since,
    }


def _next_capacity_at(session: Session, status: UploaderStatus, planned: float, now: float) -> float:
    """When quota comes back that helps: what the scheduler waits for, else what plan or session said."""
    cooling = status["state"] == UploaderState.COOLING
    at = (status["until"] if cooling else 0) or planned or session["next_capacity_at"]
    return at if at > now else 0


def steady(shown: float, told: float, at: float) -> float:
    """A time of completion in whole seconds that stays still: small changes are not shown."""
    if not told:
        return 0
    tolerance = max(TOLERANCE_SECONDS, TOLERANCE_SHARE * (told - at))
    return shown if shown and abs(told - shown) <= tolerance else round(told)


def seconds_left(finish_at: float, now: float) -> int:
    """For answers that count down; 0 when unknown."""
    return max(0, round(finish_at - now)) if finish_at > 0 else 0


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts "2.json" before "10.json"."""
    pieces = re.split(r"(\d{1,18})", name)
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece]


def chosen(uploaders: Iterable[tuple[str, bool, float, float]]) -> str:
    """The uploader that is meant where none is named; "" for none.

    Each is (name, whether it runs, when its upload was heard of last, when its session began). One that runs, the first
    by name, so that it does not change while several do; else the one last heard of.
    """

    def rank(one: tuple[str, bool, float, float]) -> tuple[object, ...]:
        name, active, heard_at, began_at = one
        return (0,) if active else (1, -heard_at, -began_at), natural_key(name)

    return min(uploaders, key=rank, default=("", False, 0.0, 0.0))[0]


def _rounded(value: float) -> float:
    if value <= 0 or not math.isfinite(value):
        return 0
    return int(round(value, _DIGITS - 1 - math.floor(math.log10(value)))) if value >= 1 else 0
