"""A state document for each state of the contract, to look at: what an uploader says in it, and what came before.

`GALLERY` makes them by name. Documents of `page_fixture` are changed; nothing here starts a process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from cloudplow_dashboard.state.blanks import new_progress
from cloudplow_dashboard.state.failure_kinds import FailureKinds
from tests.browser import page_fixture
from tests.browser.page_fixture import GIB, Document, status, transfer

MIB: Final = 1 << 20
#: Reasons as Google gives them; what differs between two failures of one kind is a name, a number or a time.
REASONS: Final = (
    "googleapi: Error 403: The user does not have sufficient permissions for this file., insufficientFilePermissions",
    "open {name}: permission denied",
    "multipart upload: 502 Bad Gateway (attempt {n} of 10)",
)


def _google(document: Document) -> Document:
    found: Document = document["uploaders"]["google"]
    return found


def _waiting_for(state: str, why: str, next_in: float, **more: Any) -> Document:
    """Idle after a session that uploaded everything. next_in: seconds."""
    document = page_fixture.done()
    _google(document)["status"] = status(state, why, next_in) | more
    return document


def _working_but(state: str, why: str) -> Document:
    document = page_fixture.uploading()
    _google(document)["status"] = status(state, why)
    return document


def waiting() -> Document:
    """Below the threshold."""
    return _waiting_for("waiting", "waiting: 212.0 GB of 400.0 GB, next check 18:40", 1234)


def outside_window() -> Document:
    """Not its hours."""
    return _waiting_for("outside_window", "outside 01:00-06:00, opens at 01:00", 7 * 3600)


def asleep() -> Document:
    """A trigger put it to sleep."""
    return _waiting_for("asleep", "asleep until 20:10: Failed to copy: userRateLimitExceeded", 2.4 * 3600)


def paused() -> Document:
    """By somebody, until somebody resumes it."""
    return _waiting_for("paused", "paused by cli until somebody resumes it", 0)


def paused_for() -> Document:
    """By somebody, for two hours."""
    return _waiting_for("paused", "paused by anna until 20:05", 7000)


def vetoed() -> Document:
    """A plugin holds it back."""
    return _waiting_for("vetoed", "not now: a backup of the whole machine runs", 60)


def stopping() -> Document:
    """Somebody asked it to end."""
    return _working_but("stopping", "stopping on request; the files on their way are finished first")


def offline() -> Document:
    """No network."""
    document = _working_but("offline", "no network; looked for again every 30 s")
    _google(document)["progress"] |= {"speed": 0}
    return document


def stalled() -> Document:
    """Rclone has said nothing for two minutes."""
    document = page_fixture.uploading()
    progress = _google(document)["progress"]
    progress |= {"speed": 0, "silent_since": time.time() - 125}
    for one in progress["transferring"].values():
        one |= {"speed": 0, "eta_seconds": -1}
    _google(document)["eta"] = {"speed_at": 0, "quotas_at": 0}
    return document


def hardly_moving() -> Document:
    """0.4 bytes a second: no date is worth naming."""
    document = page_fixture.uploading()
    google = _google(document)
    google["progress"] |= {"speed": 0.4}
    google["eta"] = {"speed_at": time.time() + 3e11, "quotas_at": time.time() + 3e11}
    return document


def forty_days() -> Document:
    """An upload that takes 40 days."""
    document = page_fixture.uploading()
    google = _google(document)
    google["eta"] = {"speed_at": time.time() + 40 * 86_400, "quotas_at": time.time() + 40 * 86_400}
    google["session"]["started_at"] = time.time() - 40 * 86_400
    return document


def nothing_to_do() -> Document:
    """A session that found nothing."""
    document = page_fixture.done()
    google = _google(document)
    sums = ("files_done", "bytes_done", "files_total", "bytes_total", "files_left", "bytes_left", "files_failed")
    google["session"] |= dict.fromkeys((*sums, "stage", "stages_total"), 0) | {"accounts_used": [], "account": ""}
    google["session"] |= {"started_at": document["ts"] - 1508}
    google["queue"] |= {"files": 0, "bytes": 0, "distribution": {}}
    google["progress"] = new_progress()
    google["plan"] = {"made_at": 0, "stages": [], "later": []}
    google["failures"] = google["failure_kinds"] = {}
    return document


def _dry(document: Document) -> Document:
    google = _google(document)
    google["session"] |= {"dry_run": True, "files_done": 0, "bytes_done": 0, "files_failed": 0}
    google["failures"] = google["failure_kinds"] = {}
    return document


def dry_run() -> Document:
    """A dry run that is over."""
    document = _dry(page_fixture.done())
    google = _google(document)
    google["session"] |= {"files_total": 339, "bytes_total": 47 * GIB, "files_left": 339, "bytes_left": 47 * GIB}
    google["session"] |= {"started_at": document["ts"] - 1512, "stages_total": 1, "stage": 1}
    google["session"] |= {"would_go_files": 339, "would_go_bytes": 47 * GIB}
    google["plan"]["stages"] = google["plan"]["stages"][:1]
    google["queue"] |= {"files": 339, "bytes": 47 * GIB}
    return document


def dry_run_now() -> Document:
    """A dry run that is under way."""
    return _dry(page_fixture.uploading())


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
    }
    google["failures"] = google["failure_kinds"] = {}
    google["queue"] |= {"files": 344, "bytes": 4200 * MIB}
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
    _google(document)["session"] |= {"files_total": 11_204, "files_left": 10_413}
    _google(document)["failure_kinds"] = _failures(10_000, document["ts"] - 1500).document()
    return document


def could_not_begin() -> Document:
    """A session that failed at once: its folder is not there."""
    document = page_fixture.first_use_of("media")
    media = document["uploaders"]["media"]
    media["session"] |= {"id": "s9", "started_at": document["ts"] - 60, "ended_at": document["ts"] - 60}
    media["session"] |= {"outcome": "failed", "reason": "the upload folder is not there: /mnt/media", "folder": "media"}
    media["phase"] = "finished"
    return document


def _ended(document: Document) -> Document:
    return document | {"engine": "stopped"}


def stopped_done() -> Document:
    """`cloudplow upload` has ended; the page is still open."""
    return _ended(page_fixture.done())


def stopped_interrupted() -> Document:
    """Somebody pressed Ctrl-C; the page is still open."""
    return _ended(interrupted())


def second_upload() -> Document:
    """Begun while no account has any quota: it waits."""
    document = page_fixture.cooling()
    google = _google(document)
    google["session"] |= dict.fromkeys(("files_done", "bytes_done", "stage", "stages_total"), 0)
    google["session"] |= {"files_total": 96, "bytes_total": 47 * MIB, "files_left": 96, "bytes_left": 47 * MIB}
    return document


def first_waiting() -> Document:
    """The service waits for the threshold; nothing was ever uploaded."""
    document = page_fixture.first_use_of("media")
    media = document["uploaders"]["media"]
    media["status"] = status("waiting", "waiting: 212.0 GB of 400.0 GB, next check 18:40", 1234)
    return document


def five_uploaders() -> Document:
    """Five of them, with names as people give them."""
    return page_fixture.several()


def a_week_idle() -> Document:
    """The last upload was a week ago, all quota is back."""
    document = waiting()
    google = _google(document)
    week = 7 * 86_400
    google["session"] |= {"started_at": document["ts"] - week - 8100, "ended_at": document["ts"] - week}
    rows = page_fixture.accounts(total=12, used_up=0, active=-1)
    google |= {"accounts": rows, "accounts_summary": page_fixture.summary_of(rows)}
    google["capacity"] = page_fixture.capacity(google["accounts_summary"], document["ts"])
    google["plan"] = {"made_at": 0, "stages": [], "later": []}
    for place, one in enumerate(reversed(google["sessions"])):
        one |= {
            "started_at": document["ts"] - week * (place + 1) - 8100,
            "ended_at": document["ts"] - week * (place + 1),
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
    google |= {"accounts": rows, "accounts_summary": page_fixture.summary_of(rows), "sessions": [], "failures": {}}
    google["capacity"] = page_fixture.capacity(google["accounts_summary"] | {"used_bytes": 0}, document["ts"])
    google["progress"] |= {"transferring": moving, "transferring_count": 1, "speed": 41.2 * MIB}
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
    google["plan"]["stages"] = [google["plan"]["stages"][2] | {"stage": 1, "account": "key.json", "files": 1}]
    google["plan"]["stages"][0] |= {"bytes": int(61.4 * GIB), "starts_at": document["ts"] - 580}
    google["plan"] |= {"later": [], "done_total": 0, "next_total": 0, "later_total": 0}
    google["eta"] = dict.fromkeys(("speed_at", "quotas_at"), document["ts"] + left / (41.2 * MIB))
    document["facts"] = {key: document["facts"][key] for key in list(document["facts"])[:4]}
    return document


#: Every state of the contract, by name.
GALLERY: Final[dict[str, Callable[[], Document]]] = {
    "first_use": page_fixture.idle,
    "first_waiting": first_waiting,
    "idle": lambda: page_fixture.first_use_of("media"),
    "scanning": page_fixture.scanning,
    "uploading": page_fixture.uploading,
    "one_large_file": one_large_file,
    "switching": page_fixture.switching,
    "throttled": page_fixture.throttled,
    "waiting": waiting,
    "outside_window": outside_window,
    "cooling": page_fixture.cooling,
    "all_cooling": page_fixture.all_cooling,
    "second_upload": second_upload,
    "quota_used": page_fixture.finished,
    "asleep": asleep,
    "suspended": page_fixture.suspended,
    "paused": paused,
    "paused_for": paused_for,
    "stopping": stopping,
    "stalled": stalled,
    "hardly_moving": hardly_moving,
    "forty_days": forty_days,
    "offline": offline,
    "vetoed": vetoed,
    "done": page_fixture.done,
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
