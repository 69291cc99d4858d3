"""What does not agree. Pure: what was read in, sentences out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from tests.agreement.reading import POOL, Figures, Reading

#: A figure of a running upload that is older must say so, in seconds; and how much later that may be published.
STALE_SECONDS: Final = 5.0
LATE_SECONDS: Final = 1.5
#: So many sessions in a row must not begin at once, in seconds, and do nothing.
IDLE_SESSIONS: Final = 4
AT_ONCE_SECONDS: Final = 0.5


def disagreements(readings: Iterable[Reading]) -> list[str]:
    """Figures of one version of the document that are not the same in all sources."""
    by_version: dict[str, list[Reading]] = defaultdict(list)
    for one in readings:
        if one.version:
            by_version[one.version].append(one)
    found = []
    for version, together in by_version.items():
        first: dict[tuple[str, str], tuple[str, Any]] = {}
        for one in together:
            for key, value in one.figures.items():
                source, before = first.setdefault(key, (one.source, value))
                if not _same(before, value):
                    found.append(f"{version}: {' '.join(key)} is {before!r} in {source}, {value!r} in {one.source}")
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= max(1e-6, 1e-12 * max(abs(one), abs(other)))
    return bool(one == other)


def sums(document: Mapping[str, Any]) -> list[str]:
    """What does not add up within one state document."""
    return [
        f"{document['boot']}:{document['version']}: {name}: {fault}"
        for name, u in document["uploaders"].items()
        for fault in _sums_of(u, document["ts"])
    ]


def _sums_of(u: Mapping[str, Any], ts: float) -> Iterator[str]:
    session, told, progress, pool = u["session"], u["figures"], u["progress"], u["capacity"]
    for what in ("files", "bytes"):
        done, left, total = (session[f"{what}_{part}"] for part in ("done", "left", "total"))
        # An earlier process may never have known how much there was.
        if (u["active"] or total) and done + left != total:
            yield f"{done} {what} done and {left} left are not {total}"
        if min(done, left, total) < 0:
            yield f"a negative number of {what}"
    if not 0 <= session["bytes_in_flight"] <= session["bytes_done"]:
        yield f"{session['bytes_in_flight']} bytes on their way of {session['bytes_done']} done"
    if session["bytes_in_flight"] and not u["active"]:
        yield "bytes are on their way though nothing runs"
    if told["waiting_bytes"] > session["bytes_left"] or told["waiting_files"] > session["files_left"]:
        yield "more waits for quota than is left"
    if told["percentage"] == 100 and session["files_left"] and session["files_total"]:
        yield "100 % with files left"
    if not u["active"] and (progress["speed"] or told["finish_at"] or told["quota_until"]):
        yield "a speed or a finish though nothing runs"
    listed = u["active"] and session["files_total"] and u["queue"]["available"]
    if listed and u["queue"]["files"] != session["files_left"]:
        yield f"{u['queue']['files']} files in the queue, {session['files_left']} left"
    both = {one["name"] for one in progress["transferring"].values()} & set(progress["checking"])
    if both:
        yield f"{sorted(both)} are on their way and being checked"
    yield from _pool(u, pool)
    yield from _plan(u["plan"])
    yield from _fresh(u, ts)


def _pool(u: Mapping[str, Any], pool: Mapping[str, Any]) -> Iterator[str]:
    rows = u["accounts"]
    for name, row in rows.items():
        spent = row["used_bytes"] + row["in_flight_bytes"] + row["unsettled_bytes"]
        if row["free_bytes"] != max(0, row["limit_bytes"] - spent):
            yield f"{name}: {spent} spent and {row['free_bytes']} free are not {row['limit_bytes']}"
        if row["state"] == "active" and not u["active"]:
            yield f"{name} is active though nothing runs"
    if len(rows) == u["accounts_summary"]["total"]:
        for key in POOL:
            both = sum(row[key] for row in rows.values())
            whole = pool["free_bytes"] + pool["blocked_bytes"] if key == "free_bytes" else pool[key]
            if both != whole:
                yield f"{key} of all accounts is {both}, of the pool {whole}"


def _plan(plan: Mapping[str, Any]) -> Iterator[str]:
    rows = plan["accounts"]
    stages = [*plan["stages"], *plan["later"]]
    for state, part in (("running", "now"), ("next waiting", "to_come")):
        size = sum(one["bytes"] for one in stages if one["state"] in state.split())
        told = sum(row[f"{part}_bytes"] for row in rows.values())
        if size != told:
            yield f"{size} bytes of the plan are {part}, {told} by account"


def _fresh(u: Mapping[str, Any], ts: float) -> Iterator[str]:
    progress = u["progress"]
    working = u["active"] and u["phase"] in ("uploading", "throttled") and progress["at"] > 0
    age = ts - progress["at"]
    if working and age > STALE_SECONDS + LATE_SECONDS and progress["speed"] and not u["figures"]["stale_since"]:
        yield f"a speed that is {age:.1f} s old, and nothing says so"


def aged(ts: float, reading: Reading) -> list[str]:
    """A document that was not made while it was asked for. ts: when it says that it was, in epoch seconds."""
    if reading.began - LATE_SECONDS <= ts <= reading.ended + LATE_SECONDS:
        return []
    return [f"{reading.version}: made {reading.ended - ts:.1f} s before it was read from {reading.source}"]


def within(reading: Reading, documents: Sequence[Reading], *, earlier: float, later: float) -> list[str]:
    """Figures of a source without versions that no document from shortly before to shortly after says.

    earlier, later: seconds. A number may be two steps further than what the documents say: quotas are told once a
    second, and then published once a second. Where there is no document on both sides, nothing can be said.
    """
    near = [one for one in documents if reading.began - earlier <= one.began and one.ended <= reading.ended + later]
    before = any(one.ended <= reading.began for one in near)
    if not before or not any(one.began >= reading.ended for one in near) or len({_boot(one) for one in near}) > 1:
        return []
    said = {key: [one.figures[key] for one in near if key in one.figures] for key in reading.figures}
    steps: dict[tuple[str, str], float] = defaultdict(float)
    for key, values in said.items():
        steps[_moving(key)] = max(steps[_moving(key)], _step(values))
    found = []
    for key, value in reading.figures.items():
        # What some of them do not say any more, or not yet, is just beginning or over.
        if near and len(said[key]) == len(near) and not _among(value, said[key], 2 * steps[_moving(key)]):
            document = " then ".join(map(repr, _few(said[key])))
            what = f"{reading.ended:.1f}: {' '.join(key)} is {value!r} in {reading.source}"
            found.append(f"{what}, and in the document {document}")
    return found


def _moving(key: tuple[str, str]) -> tuple[str, str]:
    """What moves together: bytes of an account pass from one of its figures to another."""
    uploader, name = key
    return uploader, name.rpartition(" ")[0] if name.startswith("account ") else name


def _step(said: Sequence[Any]) -> float:
    numbers = [one for one in said if isinstance(one, int | float)]
    return max((abs(one - before) for before, one in pairwise(numbers)), default=0)


def _boot(one: Reading) -> str:
    return one.version.partition(":")[0]


def _among(value: Any, said: Sequence[Any], tolerance: float) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(min(said) - tolerance <= value <= max(said) + tolerance)
    return value in said


def _few(said: Sequence[Any]) -> list[Any]:
    """Without repetitions beside each other."""
    return [one for place, one in enumerate(said) if place == 0 or said[place - 1] != one]


def book(answer: Mapping[str, Iterable[Mapping[str, Any]]]) -> Figures:
    """Of `cloudplow accounts --json`: what the book says. It does not know which account works, so no states."""
    found: Figures = {}
    for uploader, rows in answer.items():
        for row in rows:
            for key in POOL:
                found[uploader, f"account {row['account']} {key}"] = row[key]
    return found


class Tally:
    """What the events add up to: the other way to know what was uploaded."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, int]] = {}
        #: By uploader: when its last session ended, and how many in a row began at once and did nothing.
        self._idle: dict[str, tuple[float, int]] = {}
        self.faults: list[str] = []

    def take(self, event: Mapping[str, Any]) -> None:
        """One event, as the control socket tells it, in their order."""
        uploader = event["uploader"]
        files, size = self._sums.get(uploader, (0, 0))
        match event["signal"]:
            case "session_started":
                self._sums[uploader] = 0, 0
                ended_at, idle = self._idle.get(uploader, (0.0, 0))
                self._idle[uploader] = ended_at, idle + 1 if event["at"] - ended_at < AT_ONCE_SECONDS else 0
            case "file_transferred":
                self._sums[uploader] = files + 1, size + event["size"]
            case "session_finished":
                idle = 0 if event["files"] else self._idle.get(uploader, (0.0, 0))[1]
                self._idle[uploader] = event["at"], idle
                if idle == IDLE_SESSIONS:
                    self.faults.append(f"{uploader}: one session after the other, and none of them did anything")
                if (event["files"], event["bytes"]) != (files, size):
                    self.faults.append(
                        f"{uploader}: {files} files, {size} bytes told, at the end {event['files']}, {event['bytes']}"
                    )
            case _:
                pass

    def figures(self) -> Figures:
        """Files and bytes of whole files."""
        found: Figures = {}
        for uploader, (files, size) in self._sums.items():
            found |= {(uploader, "files_done"): files, (uploader, "bytes_whole"): size}
        return found


def whole_files(figures: Figures) -> Figures:
    """Figures of a document with what events and commands can say too: bytes of whole files."""
    more: Figures = {}
    for uploader, name in figures:
        if name == "bytes_done":
            on_their_way = figures[uploader, "bytes_in_flight"]
            more[uploader, "bytes_whole"] = figures[uploader, name] - on_their_way
            # Of files of which something has arrived, too: what is left as long as whole files count.
            if figures[uploader, "active"]:
                more[uploader, "files_not_whole"] = figures[uploader, "files_left"]
                more[uploader, "bytes_not_whole"] = figures[uploader, "bytes_left"] + on_their_way
    return figures | more
