"""What the page has to say by the state document, in the names of `page_said`. Pure.

The words and the choices of rows are written here once more, independently of the page's scripts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.agreement import page_past
from tests.agreement.reading import Figures

_PHASES: Final = {
    "scanning": "Listing",
    "nothing": "Nothing to do",
    "rehearsed": "Dry run",
    "settling": "Checking",
    "outside_window": "Outside its hours",
    "vetoed": "Held back",
}
_OUTCOMES: Final = {"quota_used": "Quota used"}
#: What is told of an upload that runs, and says more than its phase.
_TROUBLES: Final = ("offline", "stalled", "stopping")
#: Rows of the plan that are shown, and of files on their way.
PLAN_ROWS: Final = 10
TRANSFER_ROWS: Final = 20
#: Up to so many accounts are listed in their order, all of them at once.
ACCOUNT_ROWS: Final = 12
_NO_ACCOUNT: Final = "the remote's own login"


def _word(key: str, table: Mapping[str, str] = _PHASES) -> str:
    return table.get(key) or key.replace("_", " ").capitalize()


def known(document: Mapping[str, Any]) -> Figures:
    """Everything that the page may say of this document."""
    uploaders = document["uploaders"]
    found: Figures = {
        ("", "uploaders"): tuple(sorted(uploaders)),
        ("", "uploaders_total"): len(uploaders),
        ("", "total active"): sum(u["active"] for u in uploaders.values()),
        ("", "log rows"): page_past.known_log(document),
        ("", "log last at"): max((fact["at"] for fact in document["facts"].values()), default=0),
    }
    ended = document["engine"] == "stopped" or document["program"] == "ended"
    for name, u in uploaders.items():
        told = {**dict(_state(u, ended)), **dict(_amounts(u)), **dict(_transfers(u)), **dict(_plan(u))}
        told |= {**dict(_accounts(u)), **dict(page_past.known_sessions(u))}
        told |= {
            "shown name": name[:60],
            "says ended": ended,
            "says not running": not ended and document["program"] == "none",
            "says limit": document["limit"],
            # That nothing runs says more.
            "says recovered": u["session"]["recovered"] and not ended and document["program"] != "none",
        }
        found |= {(name, key): value for key, value in told.items()}
    return found


_Told = Iterator[tuple[str, Any]]


def _state(u: Mapping[str, Any], ended: bool) -> _Told:
    session, status, active = u["session"], u["status"], u["active"]
    silent = u["progress"]["silent_since"] > 0
    told = status["why"] != "" and status["state"] != "idle" and not silent
    # What an interrupted stage sent may still appear at the destination until then.
    settling = active and status["state"] == "scanning" and status["until"] > 0
    told = told and (not active or settling or status["state"] in _TROUBLES)
    phase = "stalled" if silent else "settling" if told and settling else status["state"] if told else u["phase"]
    outcome, nothing = session["outcome"], not any(session[f"files_{key}"] for key in ("done", "left", "total"))
    word = _word(phase)
    rehearsed = not active and session["dry_run"] and outcome in ("done", "quota_used")
    if not told and rehearsed:
        word = _word("rehearsed")
    elif not active and not told and outcome == "done" and nothing:
        word = _word("nothing")
    elif not told and outcome and (phase == "finished" or (ended and not active)):
        word = _word(outcome, _OUTCOMES)
    rehearsing = active and session["dry_run"]
    yield "word", "Dry run" if rehearsing and phase == "uploading" else word
    waits = told and not active
    ended_as = _word("rehearsed") if rehearsed else _word(outcome, _OUTCOMES)
    yield "card word", ended_as if not active and outcome and not waits else _word(phase)
    yield "card speed", u["progress"]["speed"]
    yield "says dry run", rehearsing and phase != "uploading"
    yield "says old", u["figures"]["stale_since"] > 0 or silent
    yield "waits until", _until(u, told=told, settling=settling)


def _until(u: Mapping[str, Any], *, told: bool, settling: bool) -> float:
    """What the large number counts down to, in epoch seconds; 0 for nothing."""
    session, status, back_at = u["session"], u["status"], u["capacity"]["next_return_at"]
    if told and not u["active"]:
        cooling = status["state"] == "cooling"
        return float(status["until"] or (cooling and (status["next_check_at"] or back_at)))
    if told and settling:
        return float(status["until"])
    if u["active"] or u["phase"] == "suspended":
        return float(u["suspension"]["until"])
    ends = session["outcome"] == "quota_used" and session["files_left"] and not session["dry_run"]
    return float(session["next_capacity_at"] or back_at) if ends else 0.0


def _amounts(u: Mapping[str, Any]) -> _Told:
    session, figures, pool, queue = u["session"], u["figures"], u["capacity"], u["queue"]
    yield "threshold_bytes", u["status"]["threshold_bytes"]
    yield "waiting_bytes", u["status"]["waiting_bytes"]
    threshold = u["status"]["threshold_bytes"]
    yield "waiting_share", min(100, 100 * u["status"]["waiting_bytes"] / threshold) if threshold else 0
    yield "waiting_files", u["status"]["waiting_files"]
    yield "moving speed", u["progress"]["speed"] if u["active"] else 0
    yield "average_speed", figures["average_speed"]
    yield "account_place", session["account_index"] + 1
    yield "session_accounts", session["accounts_total"]
    silent = u["progress"]["silent_since"] > 0
    ends = 0 if silent else figures["finish_at"] if not figures["waiting_bytes"] else figures["quota_until"]
    yield "ends_at", ends
    yield "accounts_used", len(session["accounts_used"])
    yield "began_before", session["started_at"]
    ended_at = session["ended_at"] or u["progress"]["at"] or session["started_at"]
    yield "seconds", max(0, ended_at - session["started_at"])
    yield "failure kinds", sum(one["count"] for one in u["failure_kinds"].values())
    spent = pool["used_bytes"] + pool["in_flight_bytes"] + pool["unsettled_bytes"]
    yield "quota_spent_bytes", spent
    yield "quota_free_share", 100 * pool["free_bytes"] / pool["limit_bytes"] if pool["limit_bytes"] else 0
    yield "next_return_at", pool["next_return_at"]
    yield "next_return_bytes", pool["next_return_bytes"] if pool["next_return_at"] else 0
    yield "returns within", sum(pool["strip"])
    yield "returns later", pool["later_bytes"]
    yield "returns most", max(pool["strip"], default=0)
    yield "queue_largest", queue["distribution"].get("max_file_size", 0)
    for rank, value in queue["distribution"].get("percentiles", {}).items():
        yield f"queue {rank}", value
    yield "says waiting bytes", figures["waiting_bytes"] if figures["waiting_files"] else 0
    yield "unplanned_files", u["plan"]["unplanned_files"] if figures["waiting_files"] else 0


def _transfers(u: Mapping[str, Any]) -> _Told:
    progress = u["progress"]
    files = [progress["transferring"][key] for key in sorted(progress["transferring"], key=int)]
    yield "transfers listed", tuple(one["name"] for one in files[:TRANSFER_ROWS])
    for one in files:
        row = f"file {one['name']}"
        yield f"{row} share", min(100, 100 * one["bytes"] / one["size"]) if one["size"] else one["percentage"]
        yield f"{row} size", one["size"]
        yield f"{row} speed", one["speed"]
        yield f"{row} eta", one["eta_seconds"]


def _plan(u: Mapping[str, Any]) -> _Told:
    plan = u["plan"]
    stages = [*plan["stages"], *plan["later"]]
    silent, status = u["progress"]["silent_since"] > 0, u["status"]
    # What is being stopped does not come to what would be next.
    ends = u["active"] and not silent and status["state"] == "stopping" and status["why"] != ""
    if ends:
        stages = [one for one in stages if one["state"] in ("done", "running")]
    names = list(dict.fromkeys(one["account"] for one in stages))
    rows = {name: [one for one in stages if one["account"] == name] for name in names}
    states = {name: plan["accounts"].get(name, {"state": "done"})["state"] for name in names}
    for name, own in rows.items():
        if all(one["state"] != states[name] for one in own):
            states[name] = own[-1]["state"]
    yield "plan running", int("running" in states.values())
    yield "plan to come", 0 if ends else plan["next_total"]
    yield "plan waiting", 0 if ends else plan["later_total"]
    yield "plan done", plan["done_total"]
    still = [name for name in names if states[name] != "done"]
    yield "plan listed", tuple(name or _NO_ACCOUNT for name in (still[:PLAN_ROWS] or names[-PLAN_ROWS:]))
    for name, own in rows.items():
        # Of what is to come the first, of what is done all.
        still_open = [one for one in own if one["state"] != "done"]
        told = still_open[:1] or own
        row = f"plan {name or _NO_ACCOUNT}"
        # A stage that ended otherwise than done is not shown as done.
        ended = states[name] == "done" and own[-1].get("outcome") not in ("", "done", None)
        yield f"{row} word", "Ended" if ended else _word(states[name])
        yield f"{row} until", plan["accounts"].get(name, {"now_until": 0})["now_until"]
        to_come = plan["accounts"].get(name, {"to_come_from": 0, "to_come_until": 0})
        begins = max(to_come["to_come_from"], told[0]["starts_at"])
        yield f"{row} ended", max(own[-1].get("ended_at", 0), own[-1]["starts_at"] + 1)
        yield f"{row} begins", begins
        yield f"{row} ends", max(to_come["to_come_until"], begins + 1)
        yield f"{row} stages", len(told)
        yield f"{row} later", max(0, len(still_open) - 1)
        yield f"{row} stage", told[0]["stage"] if len(told) == 1 else 0
        yield f"{row} files", sum(one["files"] for one in told)
        yield f"{row} bytes", sum(one["bytes"] for one in told)


def _accounts(u: Mapping[str, Any]) -> _Told:
    accounts, summary = u["accounts"], u["accounts_summary"]
    by_place = sorted(accounts, key=lambda name: (accounts[name]["index"], name))
    # A longer list has other orders, and only those of its rows that are in view.
    if len(accounts) <= ACCOUNT_ROWS:
        yield "accounts listed", tuple(by_place)
    whole = summary["total"] > len(accounts)
    states = summary["states"] if whole else Counter(row["state"] for row in accounts.values())
    yield "account states", tuple(sorted(f"{n:,} {_word(state).lower()}" for state, n in states.items() if n))
    for name, row in accounts.items():
        key = f"account {name}"
        spent, limit = row["used_bytes"] + row["in_flight_bytes"] + row["unsettled_bytes"], row["limit_bytes"]
        yield f"{key} word", _word(row["state"])
        yield f"{key} spent_bytes", spent
        yield f"{key} share", min(100, 100 * spent / limit) if limit else 0
        # Until then its state holds; else what it has spent comes back then.
        yield f"{key} back_at", row["until"] or row["resets_at"]
