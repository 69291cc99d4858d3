"""Compares what the Drive has counted and holds with the books, the source folder and what was told. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from tests.fake_drive import StoredFile, Usage
from tests.interruptions.books import Account


class Fault(StrEnum):
    """What can be wrong; the value is its column in the table."""

    BELOW = "below"
    DENIED = "denied"
    UNEQUAL = "unequal at the end"
    LOST = "lost"
    DOUBLE = "there twice"
    DAMAGED = "damaged"
    LEFT = "left though it fits"
    DOUBLE_TOLD = "double told"
    UNTOLD = "not told"
    SUMS = "wrong sums"
    ENDED_BADLY = "ended badly"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. amount: bytes for BELOW and UNEQUAL, else how many."""

    fault: Fault
    amount: int
    text: str


def judge_books(books: Mapping[str, Account], drive: Mapping[str, Usage], when: str) -> list[Finding]:
    """No account's book may be below what the Drive had counted (before the book was read)."""
    findings = []
    for name, usage in drive.items():
        account = books.get(name, Account())
        missing = usage.in_window - account.used_bytes - account.doubtful_bytes
        if missing > 0:
            text = f"{when}: {name}: Drive {usage.in_window}, book {account.used_bytes} + {account.doubtful_bytes}"
            findings.append(Finding(Fault.BELOW, missing, text))
    return findings


def sent_again(drive: Mapping[str, Usage], arrived: Iterable[StoredFile]) -> frozenset[str]:
    """Accounts that the Drive counted a file of twice: its answer was lost, and rclone sent it again without a word.

    Such an account may have been planned full, so its last file is refused, whatever anybody does.
    """
    stored = Counter[str]()
    for file in arrived:
        stored[file.account] += file.size
    return frozenset(name for name, usage in drive.items() if usage.committed > stored[name])


def judge_denials(drive: Mapping[str, Usage], provoked: Collection[str]) -> list[Finding]:
    """No account was denied, except those whose limit was lowered, or that were made to spend more than planned."""
    return [
        Finding(Fault.DENIED, usage.denials, f"{name} was denied {usage.denials} times")
        for name, usage in drive.items()
        if usage.denials and name not in provoked
    ]


def judge_end(books: Mapping[str, Account], drive: Mapping[str, Usage], in_vain_bytes: int = 0) -> list[Finding]:
    """In the end the books are the Drive's to the byte, and nothing is in doubt.

    in_vain_bytes: what may have been on its way when the network was cut, an answer was lost or an account was refused.
    rclone's statistics do not tell that from what was sent twice, so it may count.
    """
    findings = []
    for name, usage in drive.items():
        account = books.get(name, Account())
        difference = account.used_bytes + account.doubtful_bytes - usage.in_window
        allowed = max(in_vain_bytes, usage.received - usage.committed if usage.denials else 0)
        if account.doubtful_bytes or not 0 <= difference <= allowed:
            text = f"end: {name}: Drive {usage.in_window}, book {account.used_bytes} + {account.doubtful_bytes}"
            findings.append(Finding(Fault.UNEQUAL, difference, f"{text} ({difference:+})"))
    return findings


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything is at the end.

    known: every name that a file ever had at the source -> size and MD5. renamed: names that no file has any more.
    at_source: name -> size. arrived: by name. duplicates: names that are there twice. moving: or copying.
    stored_bytes: how long a file is at the destination.
    """

    known: Mapping[str, tuple[int, str]]
    renamed: Collection[str]
    at_source: Mapping[str, int]
    arrived: Mapping[str, StoredFile]
    duplicates: Collection[str]
    moving: bool
    stored_bytes: Callable[[int], int] = int


def judge_files(files: Files) -> list[Finding]:
    """Every file is whole at the source or the destination, and once."""
    findings = []
    contents = {(file.size, file.md5) for file in files.arrived.values()}
    for name, (size, md5) in files.known.items():
        here = files.at_source.get(name) == size
        gone = name not in files.renamed and not here and (not files.moving or (size, md5) not in contents)
        if gone:
            findings.append(Finding(Fault.LOST, 1, f"{name} ({size} bytes) is lost"))
    for name, file in files.arrived.items():
        if files.known.get(name) != (file.size, file.md5):
            findings.append(Finding(Fault.DAMAGED, 1, f"{name} arrived with {file.size} bytes, MD5 {file.md5}"))
    findings += [Finding(Fault.DOUBLE, 1, f"{name} is at the destination twice") for name in files.duplicates]
    return findings


def judge_rest(files: Files, drive: Mapping[str, Usage], limits: Mapping[str, int], status: int) -> list[Finding]:
    """What is left at the source is too large for what any account has left, and was admitted by the exit status.

    limits: of the accounts that were not denied, in bytes.
    """
    if status not in (0, 3):
        return [Finding(Fault.ENDED_BADLY, 1, f"the last upload ended with {status}")]
    left = {name: size for name, size in files.at_source.items() if files.moving or name not in files.arrived}
    room = max((limit - drive[name].in_window for name, limit in limits.items()), default=0)
    fitting = [name for name, size in left.items() if files.stored_bytes(size) <= room]
    if status == 0:
        fitting = list(left)
    if not fitting:
        return []
    text = f"status {status}, {len(fitting)} files left, {room} bytes free on one account: {fitting[0]} ..."
    return [Finding(Fault.LEFT, len(fitting), text)]


#: The events of some hundredths of a second (`cloudplow.delivery`), of more where the machine is busy.
LOST_WITH_A_KILL: Final = 20


def judge_told(files: Files, told: Iterable[Mapping[str, Any]], kills: int = 0) -> list[Finding]:
    """Every file that arrived (and left the source) was told once, and the sums of each session are right.

    kills: of cloudplow. What waited for its receivers when it was killed, nobody tells: some files for each.
    """
    told = list(told)
    transferred = [event for event in told if event["signal"] == "file_transferred"]
    counts = Counter(event["name"] for event in transferred)
    findings = [
        Finding(Fault.DOUBLE_TOLD, count - 1, f"{name} was told {count} times")
        for name, count in counts.items()
        if count > 1
    ]
    untold = [
        Finding(Fault.UNTOLD, 1, f"{name} ({file.size} bytes, {file.account}) was not told")
        for name, file in files.arrived.items()
        if name not in counts and not (files.moving and name in files.at_source)
    ]
    findings += untold if len(untold) > kills * LOST_WITH_A_KILL else []
    findings += [
        Finding(Fault.SUMS, 1, f"{event['name']} was told with {event['size']} bytes")
        for event in transferred
        if event["name"] not in files.arrived or event["size"] != files.arrived[event["name"]].size
    ]
    return findings + _judge_sums(told, transferred)


def _judge_sums(told: Iterable[Mapping[str, Any]], transferred: Iterable[Mapping[str, Any]]) -> list[Finding]:
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for event in transferred:
        sums[event["session_id"]][0] += 1
        sums[event["session_id"]][1] += event["size"]
    findings = []
    for event in told:
        said, sum_of = [event.get("files"), event.get("bytes")], sums[event["session_id"]]
        if event["signal"] == "session_finished" and said != sum_of:
            text = f"a session ended with {said[0]} files, {said[1]} bytes; told were {sum_of[0]}, {sum_of[1]}"
            findings.append(Finding(Fault.SUMS, 1, text))
    return findings


def judge_outputs(outputs: Mapping[str, str]) -> list[Finding]:
    """No upload ended in a traceback."""
    return [
        Finding(Fault.ENDED_BADLY, 1, f"{name} has a traceback: {text.strip().splitlines()[-1]}")
        for name, text in outputs.items()
        if "Traceback" in text
    ]
