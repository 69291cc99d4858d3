"""What `benchmarks.book` times, done by the books as they were in JSON files (up to commit 5281f6f).

Read from standard input by a Python whose current folder is a checkout of then; prints JSON. The counterpart of
`benchmarks.book_now`, with the same work in the same order.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

SECONDS_BETWEEN_CHARGES = 60.0


def timed(repeats: int, do: Callable[[], object]) -> list[float]:
    """Medians of wall time and CPU time, in seconds."""
    runs = []
    for _ in range(repeats):
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        do()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [median(column) for column in zip(*runs, strict=True)]


class Books:
    """The books of then. work: see `benchmarks.book.Work`."""

    def __init__(self, work: dict[str, Any]) -> None:
        self.work = work
        self.at: float | None = None
        self.keys = [f"{work['keys']}/{number}.json" for number in range(work["accounts"])]
        self.ledgers: Any = importlib.import_module("cloudplow.accounts.ledger")
        self.state_files: Any = importlib.import_module("cloudplow.state.state_files")

    def now(self) -> float:
        return time.time() if self.at is None else self.at

    def ledger(self, folder: Path | None) -> Any:
        files = None if folder is None else self.state_files.StateFiles(folder)
        ledger = self.ledgers.Ledger(files, now=self.now)
        ledger.load({"google": self.work["window_seconds"]}, {"google": self.work["quota_bytes"]})
        return ledger

    def spend_days(self, ledger: Any) -> None:
        """An account after the other is filled, a charge a minute."""
        work, end = self.work, time.time()
        each = int(work["bytes_per_day"] * SECONDS_BETWEEN_CHARGES / 86_400)
        per_account = work["quota_bytes"] // each
        minutes = int(work["days"] * 86_400 / SECONDS_BETWEEN_CHARGES)
        for number in range(minutes):
            self.at = end - (minutes - number) * SECONDS_BETWEEN_CHARGES
            ledger.charge("google", self.keys[number // per_account % len(self.keys)], each)
        self.at = None

    def spend_everywhere(self, ledger: Any) -> None:
        """Each account has charges of many hours."""
        end = time.time()
        for hour in range(self.work["charges"], 0, -1):
            self.at = end - hour * 3600
            for key in self.keys:
                ledger.charge("google", key, self.work["quota_bytes"] // 50)
        self.at = None

    def pool(self, ledger: Any) -> Any:
        pools: Any = importlib.import_module("cloudplow.accounts.pool")
        pool = pools.AccountPool("google", Path(self.work["keys"]), ledger, quota_bytes=self.work["quota_bytes"])
        pool.refresh()
        return pool


def time_charges(books: Books, state: Path) -> list[float]:
    """What one file of a running stage costs."""
    ledger = books.ledger(state)
    ledger._files.start()
    files = books.work["charged_files"]
    ledger.open_stage("google", books.keys[0], files * 1000)

    def charge() -> None:
        for _ in range(files):
            ledger.charge("google", books.keys[0], 1000)

    try:
        return [seconds / files for seconds in timed(1, charge)]
    finally:
        ledger._files.stop()


def time_pool(pool: Any, queue: list[Any], repeats: int) -> dict[str, list[float]]:
    """What the accounts can take, what they have spent, and a plan."""
    planner: Any = importlib.import_module("cloudplow.planning.planner")
    return {
        "capacities": timed(repeats, pool.capacities),
        "quotas": timed(repeats, pool.quotas),
        "plan": timed(1, lambda: planner.plan(queue, pool.capacities(), now=time.time())),
    }


def main() -> None:
    work = json.loads(sys.argv[1])
    books, state, repeats = Books(work), Path(work["scratch"]), work["repeats"]
    queues: Any = importlib.import_module("benchmarks.queue")
    models: Any = importlib.import_module("cloudplow.models")
    queue = [models.QueueFile(name, size) for name, size in queues.named_sizes(work["queue_files"])]
    measured = {}
    ledger = books.ledger(state)
    books.spend_days(ledger)
    ledger._files.save_now("sa_quota_cache.json")
    measured["read the book"] = timed(repeats, lambda: books.ledger(state))
    for name, spend in (("a month", books.spend_days), ("all used", books.spend_everywhere)):
        ledger = books.ledger(None)
        spend(ledger)
        for what, seconds in time_pool(books.pool(ledger), queue, repeats).items():
            measured[f"{what}, {name}"] = seconds
    measured["charge a file"] = time_charges(books, state)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
