"""A made-up session of an uploader: it sends the events of a real one, with names by somebody who means ill."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cloudplow import events
from cloudplow.distribution import distribution_document

Script = Iterator[float]

GIB: Final = 1 << 30
REMOTE: Final = "gdrive:Media"
ACCOUNT_QUOTA: Final = 750 * GIB
#: Files on their way at once, and of them so many are named by HOSTILE.
TRANSFERS: Final = 8
MANY_TRANSFERS: Final = 30
HOSTILE_AT_ONCE: Final = 3
SPEED: Final = 98_765_432.0
QUEUE_FILES: Final = 600
#: Between two statistics, in seconds.
TICK_SECONDS: Final = 1.0

HOSTILE: Final = (
    "<img src=x onerror=alert(1)>.mkv",
    "<img src=http://example.org/pixel.png>.mkv",
    "Season 1/</script><script>alert(2)</script>.mkv",
    '"><svg onload=alert(3)>.mkv',
    "<style>@import url(//example.org/a.css)</style><link rel=stylesheet href=//example.org/b.css>",
    "<iframe src=https://example.org></iframe><base href=//example.org>",
    "<meta http-equiv=refresh content='0;url=//example.org'>.mkv",
    "javascript:alert(4)//{{7*7}}${alert(5)}%s%n.mkv",
    "__proto__",
    "constructor",
    "turned \u202egpj.exe",
    "line\nend\ttab\x07bell\x7f.mkv",
    "Films/" + "very long " * 90 + ".mkv",
    "生まれてはみたけれど 👩‍👩‍👧‍👦 Zalgo e\u0301\u0327\u0489.mkv",
    "bad \udce9 byte.mkv",
)
ERRORS: Final = (
    "googleapi: Error 403: <script>alert(6)</script>, userRateLimitExceeded",
    "can't copy - source file is being updated (size changed from 1 to 2)",
    "<a href=javascript:alert(7)>press</a> " + "long " * 50,
)


def send(uploader: str, session_id: str, kind: type[events.Event], **fields: Any) -> None:
    """Hand an event to the receivers, as the delivery threads do."""
    event = kind(uploader=uploader, session_id=session_id, at=time.time(), **fields)
    events.SIGNALS[kind.signal_name].send(uploader, event=event)


@dataclass
class Session:
    """One session of one uploader. tick: seconds between two statistics; accounts: how large its pool is."""

    uploader: str
    number: int
    accounts: int
    tick: float = TICK_SECONDS
    remote: str = REMOTE
    stage: int = 0
    account: int = -1
    files: int = 0
    ticks: int = 0
    used: dict[int, int] = field(default_factory=dict)

    def send(self, kind: type[events.Event], **fields: Any) -> None:
        send(self.uploader, f"{self.uploader}-{self.number}", kind, **fields)

    def key(self, index: int) -> str:
        """The name of an account; one of them is no usual one."""
        if not self.accounts:
            return ""
        return "<b>odd</b> & long " + "x" * 60 + ".json" if index == 6 else f"{index + 1}.json"

    def begin(self) -> None:
        """It begins to list."""
        self.send(
            events.SessionStarted,
            upload_folder="/m/Media",
            upload_remote=self.remote,
            accounts_total=self.accounts,
            dry_run=self.number % 5 == 4,
        )
        if self.accounts:
            rows = tuple(
                events.AccountQuota(account=self.key(index), **self._quota(index, "ready"))
                for index in range(self.accounts)
            )
            self.send(events.AccountsLearned, accounts=rows)

    def _quota(self, index: int, state: str, why: str = "", until: float | None = None) -> dict[str, Any]:
        used = self.used.get(index, index % 9 * 10 * GIB)
        back = time.time() + 3600 * (1 + index % 24)
        return {
            "used_bytes": used,
            "limit_bytes": ACCOUNT_QUOTA,
            "resets_at": back if used else None,
            "state": state,
            "why": why,
            "until": until,
            "returns": ((back, used),) if used else (),
        }

    def account_is(self, index: int, state: str, why: str = "", until: float | None = None) -> None:
        """An account is in another state."""
        if self.accounts:
            self.send(events.QuotaChanged, account=self.key(index), **self._quota(index, state, why, until))

    def learn(self) -> None:
        """The queue is known, and the plan made."""
        sizes = [int(GIB * (0.1 + 60 * (n / QUEUE_FILES) ** 4)) for n in range(QUEUE_FILES)]
        distribution = distribution_document(
            sizes, source="lsf", upload_folder="/m/Media", duration_seconds=7.1, now=time.time(), confidence="exact"
        )
        self.send(
            events.QueueLearned,
            files=QUEUE_FILES,
            bytes=sum(sizes),
            distribution=distribution,
            source="lsf",
            confidence="exact",
            duration_seconds=7.1,
        )
        now = time.time()
        stages = [self._planned(index, 0) for index in range(14)]
        later = [self._planned(index, now + 3600 * (index + 1)) for index in range(5)]
        plan = {"stages": stages, "later": later, "files": 560, "bytes": 6000 * GIB}
        plan |= {"waiting_files": 38, "waiting_bytes": 400 * GIB, "unplanned_files": 2, "unplanned_bytes": 2000 * GIB}
        self.send(
            events.PlanMade, plan=plan | {"unplanned_why": "larger than <i>any</i> quota", "next_capacity_at": now}
        )

    def _planned(self, index: int, starts_at: float) -> dict[str, Any]:
        odd = {"starts_at": starts_at, "oversized": index == 3}
        return {"account": self.key(index), "files": 40, "bytes": 430 * GIB, **odd}

    def switch(self, index: int, reason: str) -> None:
        """Another account takes over."""
        previous = self.key(self.account) if self.account >= 0 else ""
        self.account = index
        if self.accounts:
            fields = {"previous": previous, "current": self.key(index), "reason": reason}
            self.send(events.SaSwitched, **fields, account_index=index, accounts_total=self.accounts)

    def begin_stage(self) -> None:
        self.stage += 1
        fields: dict[str, Any] = {"account": self.key(self.account), "account_index": self.account}
        if not self.accounts:
            fields = {"account": "", "account_index": -1}
        self.send(
            events.StageStarted,
            stage=self.stage,
            **fields,
            accounts_total=self.accounts,
            planned_files=40,
            planned_bytes=430 * GIB,
            quota_remaining_bytes=ACCOUNT_QUOTA if self.accounts else None,
        )
        self.account_is(self.account, "active")

    def end_stage(self, outcome: str, reason: str = "") -> None:
        fields: dict[str, Any] = {"stage": self.stage, "account": self.key(self.account), "outcome": outcome}
        self.send(events.StageFinished, **fields, files=20, bytes=200 * GIB, duration_seconds=2000.0, reason=reason)

    def move(self, seconds: float, transfers: int = TRANSFERS, speed: float = SPEED) -> Script:
        """Files are on their way; every other tick one arrives."""
        for _ in range(max(1, round(seconds / self.tick)) if math.isfinite(seconds) else 1 << 60):
            self._progress(transfers, speed)
            if self.ticks % 2 == 0:
                self.files += 1
                key, size = self.key(self.account), 2 * GIB
                self.send(events.FileTransferred, name=self._name(self.files), size=size, account=key, stage=self.stage)
                used = self.used.get(self.account, 0) + size
                self.used[self.account] = min(used, ACCOUNT_QUOTA)
                self.account_is(self.account, "active")
            yield self.tick

    def _name(self, file: int) -> str:
        return f"Shows/Some Show/Season {self.number:02}/Some Show - S{self.number:02}E{file:03} – 1080p WEB-DL.mkv"

    def _progress(self, transfers: int, speed: float) -> None:
        self.ticks += 1
        ticks = self.ticks
        names = [HOSTILE[(ticks // 4 + n) % len(HOSTILE)] for n in range(HOSTILE_AT_ONCE)]
        names += [self._name(self.files + n + 1) for n in range(transfers - len(names))]
        files = tuple(
            events.Transferring(
                name=name,
                size=2 * GIB,
                bytes=(ticks * 123_456_789 + place * 111_111_111) % (2 * GIB),
                speed=speed / transfers * (1 + 0.3 * math.sin(ticks + place)),
                eta=float(90 - ticks % 60) if place % 7 else None,
                percentage=(ticks * 5 + place * 5) % 100,
            )
            for place, name in enumerate(names)
        )
        left = max(0, 6500 * GIB - self.files * 2 * GIB - int(ticks * speed))
        self.send(
            events.TransferProgress,
            bytes=int(ticks * speed),
            total_bytes=430 * GIB,
            speed=speed * (1 + 0.2 * math.sin(ticks)),
            eta=7000.0,
            files=self.files,
            total_files=40,
            errors=0,
            transferring=files,
            checking=names[:2] if ticks % 5 == 0 else (),
            bytes_left=left,
            done_at=time.time() + left / speed,
            done_with_quotas_at=time.time() + left / speed + 86_400,
        )

    def fail(self, count: int) -> None:
        """So many files cannot be uploaded."""
        for place in range(count):
            name, error = HOSTILE[place % len(HOSTILE)], ERRORS[place % len(ERRORS)]
            self.send(events.FileFailed, name=name, error=error, account=self.key(self.account), stage=self.stage)

    def throttle(self, limit: float | None, streams: int) -> None:
        self.send(events.ThrottleChanged, limit=limit, streams=streams)

    def end(self, outcome: str) -> None:
        reason = "" if outcome == "done" else "rclone said: <script>alert(8)</script>"
        left: dict[str, Any] = {"files_left": 60, "bytes_left": 700 * GIB, "next_capacity_at": time.time() + 5000}
        if outcome == "done":
            left = {"files_left": 0, "bytes_left": 0, "next_capacity_at": None}
        self.send(
            events.SessionFinished, outcome=outcome, files=self.files, bytes=self.files * 2 * GIB, reason=reason, **left
        )
