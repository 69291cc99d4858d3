"""What `benchmarks.book` times, done by the books as they are. Read from standard input; prints JSON.

The counterpart of `benchmarks.book_before`, with the same work in the same order.
"""

from __future__ import annotations

import ctypes
import gc
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.queue import named_sizes
from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.accounts.contents import Contents
from cloudplow.accounts.entry import Charge, Entry
from cloudplow.accounts.identity import Keys
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.opening import Opening
from cloudplow.accounts.pool import AccountPool
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import Reading, TrustedClock
from cloudplow.models import QueueFile
from cloudplow.planning.planner import plan
from cloudplow.state.book_file import BOOK_FILE
from cloudplow.state.state_files import LEDGER_FILE, StateFiles

SECONDS_BETWEEN_CHARGES = 60.0
SECONDS_OF_A_BURST = 0.1


def timed(repeats: int, do: Callable[[], object]) -> list[float]:
    """Medians of wall time and CPU time, in seconds."""
    runs = []
    for _ in range(repeats):
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        do()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [median(column) for column in zip(*runs, strict=True)]


def open_stage(ledger: Ledger, account: str, files: list[StageFile]) -> Stage:
    """Open a stage."""
    return ledger.open_stage(
        "google", account, files, account_name="1.json", destination="gdrive:", folder="/media", moving=True
    )


class Books:
    """The books, in a folder or in memory. work: see `benchmarks.book.Work`."""

    def __init__(self, work: dict[str, Any]) -> None:
        self.work = work
        keys = Keys()
        paths = [f"{work['keys']}/{number}.json" for number in range(work["accounts"])]
        self.accounts = {keys.read(path).identity: path for path in paths}
        self.identities = list(self.accounts)

    def _ledger(self, clock: TrustedClock, saving: Saving | None = None) -> Ledger:
        ledger = Ledger(clock=clock, saving=saving)
        ledger.configure({"google": self.work["window_seconds"]}, {"google": self.work["quota_bytes"]})
        return ledger

    def in_memory(self, contents: Contents) -> Ledger:
        ledger = self._ledger(TrustedClock())
        contents.facts.clear()
        ledger.take(contents)
        return ledger

    def spend_days(self, days: float) -> Contents:
        """An account after the other is filled, a charge a minute: with stages, as uploads do it."""
        work, end = self.work, time.time()
        at = end - days * 86_400
        ledger = self._ledger(TrustedClock(lambda: Reading(at, at), confirmed_at=lambda: at))
        for identity, path in self.accounts.items():
            ledger.know("google", identity, path)
        each = int(work["bytes_per_day"] * SECONDS_BETWEEN_CHARGES / 86_400)
        files = [StageFile(str(number), each, each) for number in range(work["quota_bytes"] // each)]
        number = 0
        while at < end:
            stage = open_stage(ledger, self.identities[number % len(self.identities)], files)
            for file in files:
                if at < end:
                    at += SECONDS_BETWEEN_CHARGES
                    ledger.sent(stage, file.name, each)
                    ledger.done(stage, file.name)
            ledger.end_stage(stage, (), 0.0)
            number += 1
        return ledger.content

    def spend_everywhere(self) -> Contents:
        """Each account has charges of many hours."""
        now, size = time.time(), self.work["quota_bytes"] // 50
        moments = [now - hour * 3600 for hour in range(self.work["charges"], 0, -1)]
        return Contents({("google", one): Entry([Charge(at, at, size) for at in moments]) for one in self.identities})

    def opened(self, folder: Path, contents: Contents | None = None) -> tuple[Ledger, Saving, StateFiles]:
        """The book in a folder, taken over; contents: what it is to say."""
        files = StateFiles(folder)
        saving = Saving(files)
        ledger = self._ledger(TrustedClock(), saving)
        rows, content, rewrite = Opening(files, Keys(), ledger.window).own(saving.book)
        ledger.take(contents or content)
        ledger.catch_up(saving.journal)
        saving.opened(rows, ledger.content, rewrite=rewrite or contents is not None)
        return ledger, saving, files

    def write(self, folder: Path, contents: Contents) -> None:
        """Make a folder with a book that says this, and its export."""
        (folder / "stages").mkdir(parents=True, exist_ok=True)
        _, saving, files = self.opened(folder, contents)
        files.save_now(LEDGER_FILE)
        files.save_now(BOOK_FILE)
        saving.close()

    def read(self, folder: Path) -> None:
        """What a start does before anything is taken over."""
        files = StateFiles(folder)
        saving = Saving(files)
        ledger = self._ledger(TrustedClock(), saving)
        ledger.take(Opening(files, Keys(), ledger.window).read_only(running=False))
        ledger.catch_up(saving.journal)

    def pool(self, ledger: Ledger) -> AccountPool:
        pool = AccountPool("google", Path(self.work["keys"]), ledger, Keys(), quota_bytes=self.work["quota_bytes"])
        pool.refresh()
        return pool


def stage_list(count: int) -> list[StageFile]:
    """A list as an upload makes it. Each number is another one, so that it cannot be packed away."""
    return [
        StageFile(name, size, size, 1_700_000_000_000_000_000 + index * 7_919_000_001, 1_000_000 + index * 3)
        for index, (name, size) in enumerate(named_sizes(count))
    ]


def time_start(books: Books, state: Path, repeats: int) -> dict[str, list[float]]:
    """Read the book, and take it over."""

    def take_over() -> None:
        books.opened(state)[1].close()

    return {"read the book": timed(repeats, lambda: books.read(state)), "take it over": timed(repeats, take_over)}


def time_charges(books: Books, state: Path) -> list[float]:
    """What one file of a running stage costs."""
    ledger, saving, files = books.opened(state)
    files.start()
    listed = stage_list(books.work["charged_files"])
    stage = open_stage(ledger, books.identities[0], listed)

    def charge() -> None:
        for file in listed:
            ledger.sent(stage, file.name, 1000)
            ledger.done(stage, file.name)

    try:
        return [seconds / len(listed) for seconds in timed(1, charge)]
    finally:
        ledger.end_stage(stage, (), 0.0)
        files.stop()
        saving.close()


def time_pool(pool: AccountPool, queue: list[QueueFile], repeats: int) -> dict[str, list[float]]:
    """What the accounts can take, what they have spent, and a plan."""
    return {
        "capacities": timed(repeats, pool.capacities),
        "quotas": timed(repeats, pool.quotas),
        "plan": timed(1, lambda: plan(queue, pool.capacities(), now=time.time())),
    }


def side(books: Books, state: Path) -> dict[str, list[float]]:
    """What is compared with the books before."""
    work, repeats = books.work, books.work["repeats"]
    queue = [QueueFile(name, size) for name, size in named_sizes(work["queue_files"])]
    month = books.spend_days(work["days"])
    books.write(state, month)
    measured = time_start(books, state, repeats)
    for name, contents in (("a month", month), ("all used", books.spend_everywhere())):
        for what, seconds in time_pool(books.pool(books.in_memory(contents)), queue, repeats).items():
            measured[f"{what}, {name}"] = seconds
    measured["charge a file"] = time_charges(books, state)
    return measured


def many_days(books: Books, state: Path) -> dict[str, Any]:
    """How large the book of many days is, and what a start with it takes."""
    contents = books.spend_days(books.work["days"])
    books.write(state, contents)
    charges = sum(len(entry.charges) for entry in contents.entries.values())
    size = (state / BOOK_FILE).stat().st_size
    return {"charges": charges, "bytes": size, **time_start(books, state, books.work["repeats"])}


def stages(books: Books, state: Path) -> dict[str, Any]:
    """Stages after one another: what it takes to open one, and how large the file is after each."""
    books.write(state, books.spend_days(1))
    ledger, saving, files = books.opened(state)
    listed = stage_list(books.work["stage_files"])
    opened, sizes = [], []
    for number in range(books.work["stages"]):
        wall, cpu = time.perf_counter(), time.process_time()
        stage = open_stage(ledger, books.identities[-1 - number % len(books.identities)], listed)
        opened.append((time.perf_counter() - wall, time.process_time() - cpu))
        ledger.sent(stage, listed[0].name, 1)
        ledger.done(stage, listed[0].name)
        ledger.end_stage(stage, (), 0.0)
        files.save_if_dirty(BOOK_FILE)
        sizes.append((state / BOOK_FILE).stat().st_size)
    saving.close()
    return {"open": [median(column) for column in zip(*opened, strict=True)], "sizes": sizes}


def synced_files(books: Books, state: Path) -> dict[str, float]:
    """How often the disk is waited for while a stage runs. Needs `count_fsync.c`, preloaded."""
    synced = ctypes.c_long.in_dll(ctypes.CDLL(None), "synced")
    books.write(state, books.spend_days(1))
    ledger, saving, files = books.opened(state)
    files.start()
    listed = stage_list(books.work["charged_files"])
    stage = open_stage(ledger, books.identities[0], listed)
    at_first, started = synced.value, time.perf_counter()
    end = started + books.work["seconds"]
    for done, file in enumerate(listed):
        while time.perf_counter() - started < books.work["seconds"] * done / len(listed) - SECONDS_OF_A_BURST:
            time.sleep(SECONDS_OF_A_BURST)
        ledger.sent(stage, file.name, 1000)
        ledger.done(stage, file.name)
    time.sleep(max(0.0, end - time.perf_counter()))
    seconds, calls = time.perf_counter() - started, synced.value - at_first
    ledger.end_stage(stage, (), 0.0)
    files.stop()
    saving.close()
    return {"files": len(listed), "seconds": seconds, "calls": calls}


def main() -> None:
    work = json.loads(sys.argv[1])
    state = Path(work["scratch"])
    shutil.rmtree(state, ignore_errors=True)
    do = {"side": side, "many_days": many_days, "stages": stages, "synced": synced_files}[work["part"]]
    print(json.dumps(do(Books(work), state)))


if __name__ == "__main__":
    main()
