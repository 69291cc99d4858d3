"""A state document for each state of the contract, to look at: what an uploader says in it, and what came before.

`GALLERY` makes them by name. Documents of `page_fixture` are changed; nothing here starts a process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from cloudplow import events
from cloudplow.events.sentences import local_time, sentence
from cloudplow.units import format_bytes
from cloudplow_dashboard.state.blanks import new_eta, new_progress
from cloudplow_dashboard.state.failure_kinds import FailureKinds
from tests.browser import page_fixture
from tests.browser.page_fixture import GIB, Document, status, transfer

MIB: Final = 1 << 20
#: The stages of the upload that most states show: files and GiB of each, of 1,204 files and 2,565 GiB in all.
STAGES: Final = ((388, 749.8), (290, 749.6), (305, 749.9), (221, 315.7))
#: Paths of the machine are never told.
REASON_NOT_BEGUN: Final = "the upload folder cannot be read: No such file or directory"
#: Reasons as Google gives them; what differs between two failures of one kind is a name, a number or a time.
REASONS: Final = (
    "googleapi: Error 403: The user does not have sufficient permissions for this file., insufficientFilePermissions",
    "open {name}: permission denied",
    "multipart upload: 502 Bad Gateway (attempt {n} of 10)",
)


def _google(document: Document) -> Document:
    found: Document = document["uploaders"]["google"]
    return found


def _stage(number: int, state: str, starts_at: float, ended_at: float = 0) -> Document:
    """One of STAGES; number: from 1."""
    files, gib = STAGES[number - 1]
    return {
        "stage": number if state in ("done", "running") else 0,
        "account": f"{number}.json",
        "files": files,
        "bytes": int(gib * GIB),
        "starts_at": starts_at,
        "ended_at": ended_at,
        "oversized": False,
        "state": state,
        "outcome": "done" if state == "done" else "",
    }


def _planned(document: Document, done: int) -> Document:
    """The upload with so many stages done; while it is active, another one runs and the rest comes next."""
    google, now = _google(document), document["ts"]
    if not google["active"]:
        google["session"]["started_at"] = google["session"]["ended_at"] - 11_100
    began = google["session"]["started_at"] + 20
    lasts = ((google["session"]["ended_at"] or now - 1600) - began) / max(1, done)
    stages = [_stage(one, "done", began + lasts * (one - 1), began + lasts * one - 10) for one in range(1, done + 1)]
    if google["active"]:
        stages.append(_stage(done + 1, "running", began + lasts * done))
        stages += [_stage(one, "next", 0) for one in range(done + 2, len(STAGES) + 1)]
    google["plan"] |= {"stages": stages, "later": [], "done_total": done, "later_total": 0}
    google["plan"] |= {"next_total": max(0, len(stages) - done - 1)}
    google["session"] |= {"accounts_used": [one["account"] for one in stages if one["stage"]]}
    google["queue"] |= {"learned_at": google["session"]["started_at"] + 2}
    document["facts"] = _facts(document)
    return document


def _facts(document: Document) -> Document:
    """What was told of the upload, in the words of the events."""
    google = _google(document)
    session, stages = google["session"], [one for one in google["plan"]["stages"] if one["stage"]]
    pool = {"accounts_total": session["accounts_total"]}
    folder = {"upload_folder": session["folder"], "upload_remote": session["remote"]}
    listed = {"files": session["files_total"], "bytes": session["bytes_total"], "distribution": {}, "source": "lsf"}
    listed |= {"confidence": "exact", "duration_seconds": 7.4}
    told: list[events.Event] = [
        events.SessionStarted(at=session["started_at"], dry_run=session["dry_run"], **folder, **pool),
        events.QueueLearned(at=session["started_at"] + 2, **listed),
    ]
    before = ""
    for one in stages:
        at, number, account = one["starts_at"], one["stage"], one["account"]
        place = pool | {"account_index": number - 1}
        reason = events.SwitchReason.QUOTA_USED if before else events.SwitchReason.FIRST
        told.append(events.SaSwitched(at=at - 1, previous=before, current=account, reason=reason, **place))
        amount = {"planned_files": one["files"], "planned_bytes": one["bytes"], "quota_remaining_bytes": None}
        told.append(events.StageStarted(at=at, stage=number, account=account, **place, **amount))
        for failed in google["failures"].values():
            if failed["stage"] == number and len(google["failures"]) == 1:
                failed["at"] = google["failure_kinds"]["1"]["at"] = at + 1300
                told.append(events.FileFailed(**failed))
        if one["ended_at"]:
            lasted = {"files": one["files"], "bytes": one["bytes"], "duration_seconds": one["ended_at"] - at}
            ended = {"stage": number, "account": account, "outcome": events.StageOutcome(one["outcome"])}
            told.append(events.StageFinished(at=one["ended_at"], **ended, **lasted))
        before = account
    if session["ended_at"]:
        keys = ("files_left", "bytes_left", "reason", "dry_run", "next_capacity_at")
        end = {key: session[key] for key in keys} | {"outcome": events.SessionOutcome(session["outcome"])}
        done = {"files": session["files_done"], "bytes": session["bytes_done"]}
        told.append(events.SessionFinished(at=session["ended_at"], **end, **done))
    return {
        str(seq): {"seq": seq, "at": one.at, "uploader": "google", "kind": one.signal_name, "text": sentence(one)}
        for seq, one in enumerate(told, start=1)
    }


def _cooling(document: Document) -> Document:
    """Every account is used up; what they have spent comes back in the course of a day, first to the first one."""
    google, now = _google(document), document["ts"]
    rows = page_fixture.accounts(total=12, used_up=12, active=-1)
    for place, row in enumerate(rows.values()):
        row["resets_at"] = row["until"] = now + 3600 * (4.2 + 1.5 * place)
    google |= {"accounts": rows}
    at = next(iter(rows.values()))["resets_at"]
    google["session"] |= {"next_capacity_at": at}
    google["plan"] |= {"next_capacity_at": at, "made_at": now - 1600}
    google["plan"] |= {
        "waiting_files": google["session"]["files_left"],
        "waiting_bytes": google["session"]["bytes_left"],
    }
    return document


def _capacity(rows: Document, now: float) -> Document:
    """What a pool has left, and when what was spent comes back: to each account most of it at once, the rest later."""
    found = page_fixture.capacity(page_fixture.summary_of(rows) | {"used_bytes": 0}, now)
    strip, later, returns = [0] * 24, 0, []
    for row in rows.values():
        spent = sum(row[key] for key in page_fixture.SPENT)
        returns += [(row["resets_at"], spent * 2 // 3), (row["resets_at"] + 4000, spent // 3)] if spent else []
    for at, size in returns:
        hour = int(at - found["strip_from"]) // 3600
        if hour < len(strip):
            strip[hour] += size
        else:
            later += size
    first, size = min(returns, default=(0, 0))
    blocked = [row for row in rows.values() if row["state"] in ("denied", "failed")]
    free = sum(
        row["limit_bytes"] - sum(row[key] for key in page_fixture.SPENT) for row in rows.values() if row not in blocked
    )
    found |= {"free_bytes": free, "used_bytes": page_fixture.summary_of(rows)["used_bytes"]}
    return found | {"next_return_at": first, "next_return_bytes": size, "strip": strip, "later_bytes": later}


def _as_told(document: Document) -> Document:
    """What follows from the rest of it, as the server makes it: queue, pool, and nothing of an upload that is over."""
    for one in document["uploaders"].values():
        if "session" not in one:
            continue
        session, told = one["session"], one.get("status", {})
        waiting = (told["waiting_files"], told["waiting_bytes"]) if told.get("checked_at") else (0, 0)
        left = session["files_left"], session["bytes_left"]
        files, size = left if one["active"] or not waiting[0] else waiting
        one["queue"] |= {"listed_files": one["queue"]["files"], "listed_bytes": one["queue"]["bytes"]}
        one["queue"] |= {"files": files, "bytes": size}
        if not one["active"]:
            one["eta"] = new_eta()
        if one["accounts"]:
            one["accounts_summary"] = page_fixture.summary_of(one["accounts"])
            one["capacity"] = _capacity(one["accounts"], document["ts"])
        if session["ended_at"] and session["id"] not in {past["id"] for past in one["sessions"]} and one["sessions"]:
            ended = one["sessions"][-1] | {key: session[key] for key in one["sessions"][-1] if key in session}
            one["sessions"] = [*one["sessions"], ended | {"accounts_used": len(session["accounts_used"])}]
        for past in one["sessions"]:
            if past["outcome"] == "done":
                past["files_failed"] = 0
    return document


_BEGINS: Final = "Uploading Media to gdrive:Media with 12 accounts"


def _told_of(began: float, *told: tuple[float, str, str]) -> Document:
    """A log: so many seconds after the beginning, the kind, and the sentence of each entry."""
    return {
        str(seq): {"seq": seq, "at": began + at, "uploader": "google", "kind": kind, "text": text}
        for seq, (at, kind, text) in enumerate(told, start=1)
    }


def _queue_of(google: Document, files: int, size_bytes: int, largest_bytes: int) -> None:
    """So many files instead of the films and episodes."""
    mean = size_bytes / files
    shares = {"p50": 1.0, "p75": 1.7, "p90": 3.0, "p95": 3.4, "p99": 9.0}
    middle = max(1, int(mean / 1024).bit_length())
    counts = [0] * (middle + 4)
    for place, share in ((middle - 1, 0.3), (middle + 1, 0.2), (middle + 3, 0.02)):
        counts[place] = int(share * files)
    counts[middle] = files - sum(counts)
    google["queue"] |= {"files": files, "bytes": size_bytes}
    google["queue"]["distribution"] |= {
        "max_file_size": largest_bytes,
        "percentiles": {name: int(min(largest_bytes, share * mean)) for name, share in shares.items()},
        "size_histogram": {"from_bytes": 1024, "counts": counts},
    }


def uploading() -> Document:
    """In its third stage."""
    return _planned(page_fixture.uploading(), done=2)


def _slowed(document: Document, speed: float) -> Document:
    """So many bytes a second, of all files together. Long enough for that, or for ever."""
    google = _google(document)
    files = google["progress"]["transferring"].values()
    for one in files:
        own = speed / len(files)
        left = (one["size"] - one["bytes"]) / own if own >= 1 else -1
        one |= {"speed": own, "eta_seconds": int(left)}
    finish = document["ts"] + google["session"]["bytes_left"] / speed if speed else 0
    google["progress"] |= {"speed": speed}
    google["eta"] = {"speed_at": finish, "quotas_at": finish}
    return document


def throttled() -> Document:
    """Held back while somebody watches."""
    return _slowed(_planned(page_fixture.throttled(), done=2), 30 * MIB)


def switching() -> Document:
    """Between two accounts."""
    return _planned(page_fixture.switching(), done=2)


def suspended() -> Document:
    """Stopped by a trigger, until a time."""
    document = _planned(page_fixture.suspended(), done=2)
    google, at = _google(document), document["ts"] - 5
    plan = google["plan"]
    third = plan["stages"][2]
    ended = third | {"state": "done", "outcome": "triggered", "files": 113, "bytes": 316 * GIB, "ended_at": at}
    rest = third | {"state": "next", "stage": 0, "starts_at": 0, "files": 192, "bytes": third["bytes"] - 316 * GIB}
    plan |= {"stages": [*plan["stages"][:2], ended, rest, plan["stages"][3]], "done_total": 3, "next_total": 2}
    spent = {"state": "ready", "used_bytes": 316 * GIB, "in_flight_bytes": 0, "unsettled_bytes": 0}
    google["accounts"]["3.json"] |= spent
    until = local_time(google["suspension"]["until"], at)
    why = f"Uploads are suspended until {until}: Failed to copy: userRateLimitExceeded"
    document["facts"]["99"] = {"seq": 99, "at": at, "uploader": "google", "kind": "uploader_suspended", "text": why}
    return document


def scanning() -> Document:
    """The queue is being listed; nothing is known of it."""
    document = page_fixture.scanning()
    google = _google(document)
    google["accounts"] = page_fixture.accounts(total=12, used_up=2, active=-1)
    document["facts"] = {"1": _facts(document)["1"]}
    return document


def done() -> Document:
    """A session that uploaded everything."""
    document = page_fixture.done()
    google = _google(document)
    google["session"] |= {"files_failed": 0, "stage": 4, "stages_total": 4, "account": "4.json", "account_index": 3}
    google["failures"] = google["failure_kinds"] = {}
    spent = int(STAGES[3][1] * GIB)
    google["accounts"]["3.json"] |= {"state": "cooling", "used_bytes": page_fixture.ACCOUNT_QUOTA, "why": ""}
    google["accounts"]["3.json"] |= {"in_flight_bytes": 0, "unsettled_bytes": 0}
    google["accounts"]["4.json"] |= {"used_bytes": spent, "resets_at": document["ts"] + 3600 * 23.5}
    return _planned(document, done=4)


def quota_used() -> Document:
    """No account has anything left, and nothing waits for it."""
    return _cooling(_planned(page_fixture.finished(), done=3))


def all_cooling() -> Document:
    """The same; of some files nobody can say yet which account takes them."""
    document = quota_used()
    why = "the quota needed comes back only after the next return of every account"
    _google(document)["plan"] |= {"unplanned_files": 2, "unplanned_bytes": 180 * GIB, "unplanned_why": why}
    return document


def cooling() -> Document:
    """A run that goes on when quota comes back."""
    document = quota_used()
    google = _google(document)
    now, at = document["ts"], google["session"]["next_capacity_at"]
    size = _capacity(google["accounts"], now)["next_return_bytes"]
    why = f"all 12 accounts are cooling, {format_bytes(size)} come back at {local_time(at, now)}"
    session = google["session"]
    told = status("cooling", why, at - now, left=(session["files_left"], session["bytes_left"]))
    google |= {"phase": "suspended", "status": told}
    return document


def more_than_quota() -> Document:
    """30 TiB for twelve accounts: what does not fit waits for tomorrow."""
    document = uploading()
    google, now = _google(document), document["ts"]
    rows = page_fixture.accounts(total=12, used_up=2, active=2)
    google["accounts"] = rows
    total, free = 30 * 1024 * GIB, _capacity(rows, now)["free_bytes"]
    moved = google["session"]["bytes_total"] - google["session"]["bytes_left"]
    google["session"] |= {
        "files_total": 14_210,
        "bytes_total": total,
        "files_left": 13_419,
        "bytes_left": total - moved,
    }
    google["session"] |= {"stages_total": 12}
    waits = google["session"]["bytes_left"] - free
    google["eta"] = {"speed_at": now + google["session"]["bytes_left"] / google["progress"]["speed"]}
    google["eta"] |= {"quotas_at": now + 3 * 86_400}
    stages = google["plan"]["stages"][:3]
    begin = now + 1900
    for number in range(4, 13):
        stages.append(stages[2] | {"stage": 0, "account": f"{number}.json", "files": 341, "bytes": 749 * GIB})
        stages[-1] |= {"state": "next", "starts_at": 0}
    later = [
        stages[2]
        | {"stage": 0, "account": f"{one}.json", "files": 340, "bytes": 749 * GIB, "state": "waiting"}
        | {"starts_at": rows[f"{one}.json"]["resets_at"] if one < 4 else begin + 3400 * (one - 3) + 86_400}
        for one in range(1, 13)
    ]
    google["plan"] |= {"stages": stages, "later": later, "next_total": 9, "later_total": 12}
    google["plan"] |= {"waiting_files": 9_860, "waiting_bytes": waits, "next_capacity_at": rows["1.json"]["resets_at"]}
    unplanned = {"unplanned_files": 5_780, "unplanned_bytes": waits - 12 * 749 * GIB}
    why = "the quota needed comes back only after the next return of every account"
    google["plan"] |= unplanned | {"unplanned_why": why}
    document["facts"] = _facts(document)
    return document


def _waiting_for(state: str, why: str, next_in: float, **more: Any) -> Document:
    """Idle after a session that uploaded everything. next_in: seconds; why: with {at} for when that is."""
    document = done()
    now = document["ts"]
    _google(document)["status"] = status(state, why.format(at=local_time(now + next_in, now)), next_in) | more
    return document


def _working_but(state: str, why: str) -> Document:
    document = uploading()
    _google(document)["status"] = status(state, why)
    return document


def waiting() -> Document:
    """Below the threshold."""
    return _waiting_for("waiting", "waiting: 212.0 GB of 400.0 GB, next check {at}", 1234)


def outside_window() -> Document:
    """Not its hours."""
    now = datetime.now().astimezone()
    opens_at = now.replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=now.hour >= 1)
    return _waiting_for("outside_window", "outside 01:00-06:00, opens at {at}", (opens_at - now).total_seconds())


def asleep() -> Document:
    """A trigger put it to sleep."""
    return _waiting_for("asleep", "asleep until {at}: Failed to copy: userRateLimitExceeded", 2.4 * 3600)


def paused() -> Document:
    """By somebody, until somebody resumes it."""
    return _waiting_for("paused", "paused by anna until somebody resumes it", 0)


def paused_for() -> Document:
    """By somebody, for two hours."""
    return _waiting_for("paused", "paused by anna until {at}", 7000)


def vetoed() -> Document:
    """A plugin holds it back."""
    return _waiting_for("vetoed", "not now: a backup of the whole machine runs", 60, until=0)


def stopping() -> Document:
    """Somebody asked it to end."""
    return _working_but("stopping", "stopping on request; the files on their way are finished first")


def offline() -> Document:
    """No network."""
    return _slowed(_working_but("offline", "no network; looked for again every 30 s"), 0)


def stalled() -> Document:
    """Rclone has said nothing for two minutes."""
    document = _slowed(uploading(), 0)
    _google(document)["progress"] |= {"silent_since": time.time() - 125}
    return document


def hardly_moving() -> Document:
    """0.4 bytes a second: no date is worth naming."""
    return _slowed(uploading(), 0.4)


def forty_days() -> Document:
    """An upload that takes 40 days."""
    document = page_fixture.uploading()
    session = _google(document)["session"]
    session["started_at"] = time.time() - 40 * 86_400
    return _slowed(_planned(document, done=2), session["bytes_left"] / (40 * 86_400))


def nothing_to_do() -> Document:
    """A session that found nothing."""
    document = done()
    google = _google(document)
    sums = ("files_done", "bytes_done", "files_total", "bytes_total", "files_left", "bytes_left", "files_failed")
    google["session"] |= dict.fromkeys((*sums, "stage", "stages_total"), 0) | {"accounts_used": [], "account": ""}
    google["session"] |= {"started_at": document["ts"] - 1508}
    google["queue"] |= {"files": 0, "bytes": 0, "distribution": {}}
    google["progress"] = new_progress()
    google["plan"] = {"made_at": 0, "stages": [], "later": []}
    google["failures"] = google["failure_kinds"] = {}
    google["queue"] |= {"learned_at": document["ts"] - 1506}
    document["facts"] = _facts(document)
    return document


def _dry(document: Document) -> Document:
    google = _google(document)
    google["session"] |= {"dry_run": True, "files_done": 0, "bytes_done": 0, "files_failed": 0}
    google["session"] |= {
        "files_left": google["session"]["files_total"],
        "bytes_left": google["session"]["bytes_total"],
    }
    google["failures"] = google["failure_kinds"] = {}
    google["accounts"] = page_fixture.accounts(total=12, used_up=0, active=-1)
    return document


def dry_run() -> Document:
    """A dry run that is over."""
    document = _dry(done())
    google = _google(document)
    google["session"] |= {"files_total": 339, "bytes_total": 47 * GIB, "files_left": 339, "bytes_left": 47 * GIB}
    google["session"] |= {"started_at": document["ts"] - 1512, "stages_total": 1, "stage": 1}
    google["session"] |= {"would_go_files": 339, "would_go_bytes": 47 * GIB}
    google["session"] |= {"accounts_used": ["1.json"], "account": "1.json"}
    ended = {"files": 339, "bytes": 47 * GIB, "ended_at": document["ts"] - 1500, "starts_at": document["ts"] - 1504}
    google["plan"] |= {"stages": [google["plan"]["stages"][0] | ended], "done_total": 1}
    _queue_of(google, 339, 47 * GIB, 2 * GIB)
    google["queue"] |= {"learned_at": google["session"]["started_at"] + 4}
    document["facts"] = _facts(document)
    return document


def dry_run_now() -> Document:
    """A dry run that is under way."""
    document = page_fixture.uploading()
    google = _google(document)
    google["session"] |= {"started_at": document["ts"] - 9}
    document = _slowed(_dry(_planned(document, done=2)), 0)
    google["progress"] |= {"speed": 0, "transferring": {}, "transferring_count": 0, "bytes": 0, "files": 0}
    google["session"] |= {"would_go_files": 678, "would_go_bytes": int(1499.4 * GIB)}
    for place, one in enumerate(google["plan"]["stages"][:3]):
        at = document["ts"] - 6 + 2 * place
        one |= {"starts_at": at, "ended_at": at + 2 if one["state"] == "done" else 0}
    google["queue"] |= {"learned_at": document["ts"] - 7}
    document["facts"] = _facts(document)
    return document


def interrupted() -> Document:
    """5 of 344 files had gone."""
    document = page_fixture.interrupted()
    google = _google(document)
    google["session"] |= {
        "files_done": 5,
        "bytes_done": 71 * MIB,
        "files_total": 344,
        "bytes_total": 4200 * MIB,
        "files_left": 339,
        "bytes_left": 4129 * MIB,
        "files_failed": 0,
        "started_at": document["ts"] - 1600,
        "accounts_used": ["1.json"],
        "account": "1.json",
        "account_index": 0,
        "stage": 1,
        "stages_total": 1,
    }
    google["failures"] = google["failure_kinds"] = {}
    _queue_of(google, 344, 4200 * MIB, 310 * MIB)
    google["queue"] |= {"learned_at": document["ts"] - 1598, "duration_seconds": 1.2}
    google["plan"] = {"made_at": 0, "stages": [], "later": []}
    return document


def _failures(count: int, ended_at: float) -> FailureKinds:
    """So many failures, of three kinds."""
    kinds = FailureKinds()
    for seq in range(count):
        name = f"TV/A very long running series with a long name/Season {seq % 40:02}/Episode {seq}.mkv"
        error = REASONS[(seq % 10) % 3 if seq % 10 < 6 else 0].format(name=name, n=seq % 7)
        at = ended_at - (count - seq) / 10
        kinds.add({"at": at, "name": name, "error": error, "account": f"{seq % 12 + 1}.json", "stage": 3})
    return kinds


def failed() -> Document:
    """10,000 failures of three kinds."""
    document = page_fixture.failed()
    google = _google(document)
    google["session"] |= {"files_total": 11_204, "files_left": 10_413}
    google["queue"] |= {"files": 11_204}
    _planned(document, done=3)
    google["failure_kinds"] = _failures(10_000, document["ts"] - 1500).document()
    return document


def could_not_begin() -> Document:
    """A session that failed at once: its folder is not there."""
    document = page_fixture.first_use_of("media")
    media = document["uploaders"]["media"]
    media["session"] |= {"id": "s9", "started_at": document["ts"] - 60, "ended_at": document["ts"] - 60}
    media["session"] |= {"outcome": "failed", "reason": REASON_NOT_BEGUN, "folder": "media"}
    media["phase"] = "finished"
    kept = {"files_done", "bytes_done", "files_failed", "files_left", "bytes_left", "run_id"}
    past = page_fixture.past_sessions(document["ts"])[0] | {key: media["session"].get(key, 0) for key in kept}
    told = ("id", "started_at", "ended_at", "outcome", "reason", "folder", "remote")
    media["sessions"] = [past | {key: media["session"][key] for key in told} | {"accounts_used": 0}]
    return document


def _ended(document: Document) -> Document:
    return document | {"engine": "stopped"}


def stopped_done() -> Document:
    """`cloudplow upload` has ended; the page is still open."""
    return _ended(done())


def stopped_interrupted() -> Document:
    """Somebody pressed Ctrl-C; the page is still open."""
    document = _ended(interrupted())
    document["recovered"] = _google(document)["session"]["recovered"] = False
    document["facts"] = _facts(document)
    return document


def second_upload() -> Document:
    """Begun while no account has any quota: it waits."""
    document = cooling()
    google = _google(document)
    sums = ("files_done", "bytes_done", "stage", "stages_total", "files_failed")
    google["session"] |= dict.fromkeys(sums, 0) | {"accounts_used": [], "account": "", "account_index": -1}
    google["session"] |= {"files_total": 96, "bytes_total": 47 * MIB, "files_left": 96, "bytes_left": 47 * MIB}
    google["session"] |= {"started_at": document["ts"] - 1503}
    google["status"] |= {"waiting_files": 96, "waiting_bytes": 47 * MIB}
    google["plan"] |= {"stages": [], "done_total": 0, "waiting_files": 96, "waiting_bytes": 47 * MIB}
    google["plan"] |= {"later": [_stage(1, "waiting", google["session"]["next_capacity_at"])], "later_total": 1}
    google["plan"]["later"][0] |= {"files": 96, "bytes": 47 * MIB}
    google["queue"] |= {"files": 96, "bytes": 47 * MIB, "distribution": {}, "learned_at": document["ts"] - 1502}
    document["facts"] = _told_of(
        document["ts"] - 1503,
        (0, "session_started", _BEGINS),
        (1, "queue_learned", "96 files, 47.0 MB to upload"),
        (3, "session_finished", "Stopped, all quota used: 0 files, 0 B uploaded; 96 files, 47.0 MB left"),
    )
    google["failures"] = google["failure_kinds"] = {}
    return document


def first_waiting() -> Document:
    """The service waits for the threshold; nothing was ever uploaded."""
    document = page_fixture.first_use_of("media")
    media = document["uploaders"]["media"]
    at = local_time(document["ts"] + 1234, document["ts"])
    media["status"] = status("waiting", f"waiting: 212.0 GB of 400.0 GB, next check {at}", 1234)
    return document


def five_uploaders() -> Document:
    """Five of them, with names as people give them."""
    document = page_fixture.several()
    for name, one in (("google", uploading), ("photos", quota_used), ("music", throttled)):
        document["uploaders"][name] = _google(one())
    document["facts"] = uploading()["facts"]
    return document


def a_week_idle() -> Document:
    """The last upload was a week ago, all quota is back."""
    document = waiting()
    google = _google(document)
    week = 7 * 86_400
    for key in ("started_at", "ended_at"):
        google["session"][key] -= week
    google["queue"]["learned_at"] -= week
    rows = page_fixture.accounts(total=12, used_up=0, active=-1)
    google |= {"accounts": rows, "accounts_summary": page_fixture.summary_of(rows)}
    google["capacity"] = page_fixture.capacity(google["accounts_summary"], document["ts"])
    google["plan"] = {"made_at": 0, "stages": [], "later": []}
    for place, one in enumerate(reversed(google["sessions"])):
        one |= {
            "started_at": document["ts"] - week * (place + 2) - 8100,
            "ended_at": document["ts"] - week * (place + 2),
        }
    for fact in document["facts"].values():
        fact["at"] -= week
    return document


def one_large_file() -> Document:
    """A first session of one account and one file."""
    document = page_fixture.uploading()
    google = _google(document)
    rows = {"key.json": page_fixture.accounts(1, 0, 0)["1.json"] | {"unsettled_bytes": 0, "used_bytes": 0}}
    moving = {"1": transfer(page_fixture.FILES[0], 61.4, 0.38, 41.2)}
    rows["key.json"]["in_flight_bytes"] = moving["1"]["bytes"]
    google |= {"accounts": rows, "accounts_summary": page_fixture.summary_of(rows), "sessions": [], "failures": {}}
    google["capacity"] = page_fixture.capacity(google["accounts_summary"] | {"used_bytes": 0}, document["ts"])
    google["progress"] |= {
        "transferring": moving,
        "transferring_count": 1,
        "speed": 41.2 * MIB,
        "bytes": moving["1"]["bytes"],
    }
    left = int(61.4 * GIB * 0.62)
    google["session"] |= {
        "started_at": document["ts"] - 590,
        "stage": 1,
        "stages_total": 1,
        "account": "key.json",
        "account_index": 0,
        "accounts_total": 1,
        "accounts_used": ["key.json"],
        "files_done": 0,
        "bytes_done": 0,
        "files_total": 1,
        "bytes_total": int(61.4 * GIB),
        "files_left": 1,
        "bytes_left": left,
        "files_failed": 0,
    }
    sizes = page_fixture.distribution()
    size = int(61.4 * GIB)
    sizes |= {"max_file_size": size, "oldest_modified_at": document["ts"] - 86_400, "size_buckets": {}}
    sizes |= {"percentiles": dict.fromkeys(sizes["percentiles"], size), "metadata": {"sample_count": 1}}
    sizes["size_histogram"] = {"from_bytes": 1024, "counts": [*[0] * 26, 1]}
    google["queue"] |= {"files": 1, "bytes": size, "learned_at": document["ts"] - 588, "distribution": sizes}
    google["failure_kinds"] = {}
    google["plan"]["stages"] = [google["plan"]["stages"][2] | {"stage": 1, "account": "key.json", "files": 1}]
    google["plan"]["stages"][0] |= {"bytes": int(61.4 * GIB), "starts_at": document["ts"] - 580}
    google["plan"] |= {"later": [], "done_total": 0, "next_total": 0, "later_total": 0}
    google["eta"] = dict.fromkeys(("speed_at", "quotas_at"), document["ts"] + left / (41.2 * MIB))
    texts = ("Upload of Media to gdrive:Media began, with 1 account", "1 file, 61.4 GB to upload", "key.json begins")
    kept = list(document["facts"].items())[:3]
    document["facts"] = {
        key: one | {"at": document["ts"] - 590 + place, "text": text}
        for place, ((key, one), text) in enumerate(zip(kept, texts, strict=True))
    }
    return document


def settling() -> Document:
    """An upload was killed; whether its files arrived is not known yet."""
    document = _slowed(switching(), 0)
    google = _google(document)
    google["phase"] = "scanning"
    why = "finding out whether 12 files of an interrupted stage arrived"
    google["status"] = status("scanning", why) | {"until": document["ts"] + 44}
    return document


_MADE: Final[dict[str, Callable[[], Document]]] = {
    "first_use": page_fixture.idle,
    "first_waiting": first_waiting,
    "idle": lambda: page_fixture.first_use_of("media"),
    "scanning": scanning,
    "settling": settling,
    "uploading": uploading,
    "one_large_file": one_large_file,
    "more_than_quota": more_than_quota,
    "switching": switching,
    "throttled": throttled,
    "waiting": waiting,
    "outside_window": outside_window,
    "cooling": cooling,
    "all_cooling": all_cooling,
    "second_upload": second_upload,
    "quota_used": quota_used,
    "asleep": asleep,
    "suspended": suspended,
    "paused": paused,
    "paused_for": paused_for,
    "stopping": stopping,
    "stalled": stalled,
    "hardly_moving": hardly_moving,
    "forty_days": forty_days,
    "offline": offline,
    "vetoed": vetoed,
    "done": done,
    "nothing_to_do": nothing_to_do,
    "dry_run": dry_run,
    "dry_run_now": dry_run_now,
    "interrupted": interrupted,
    "failed": failed,
    "could_not_begin": could_not_begin,
    "stopped_done": stopped_done,
    "stopped_interrupted": stopped_interrupted,
    "five_uploaders": five_uploaders,
    "a_week_idle": a_week_idle,
}


def _maker(make: Callable[[], Document]) -> Callable[[], Document]:
    return lambda: _as_told(make())


#: Every state of the contract, by name.
GALLERY: Final[dict[str, Callable[[], Document]]] = {name: _maker(make) for name, make in _MADE.items()}
