"""What the books say of each account: asked from the program where it can be asked, else read from its ledger file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.harness.drive_upload import UPLOADER
from tests.interruptions.place import REPOSITORY, Place

_LEDGER = "sa_quota_cache.json"


@dataclass(frozen=True, slots=True)
class Account:
    """One account's books, in bytes. doubtful_bytes: what counts as spent as long as it is not known."""

    used_bytes: int = 0
    doubtful_bytes: int = 0


class UnreadableError(Exception):
    """The program did not say what its books hold."""


def read_books(place: Place) -> dict[str, Account]:
    """By the name of the key file; an account that is not named has spent nothing. Raises UnreadableError."""
    if can_be_asked():
        asked = place.run("accounts", "--json")
        if asked.status != 0:
            raise UnreadableError(f"accounts --json: status {asked.status}: {asked.output.strip()[-300:]}")
        return read_answer(asked.output)
    path = place.state / _LEDGER
    if not path.exists():
        return {}
    try:
        return read_ledger(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnreadableError(f"{_LEDGER}: {error}") from error


def read_answer(text: str) -> dict[str, Account]:
    """The answer of `cloudplow accounts --json`. Raises UnreadableError."""
    try:
        records: list[dict[str, Any]] = json.loads(text)[UPLOADER]
        return {
            Path(record["account"]).name: Account(
                record["used_bytes"], record["in_flight_bytes"] + record["unsettled_bytes"]
            )
            for record in records
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"accounts --json: {error!r} in {text[:300]}") from error


def read_ledger(text: str) -> dict[str, Account]:
    """The ledger file, in which an open stage counts with all that it planned. Raises ValueError."""
    accounts = {}
    for key, record in json.loads(text).get(UPLOADER, {}).items():
        stage = record.get("open_stage", {})
        doubtful = max(0, stage.get("planned_bytes", 0) - stage.get("charged_bytes", 0))
        accounts[Path(key).name] = Account(record["bytes"], doubtful)
    return accounts


@cache
def can_be_asked() -> bool:
    """Whether this cloudplow has a command that says what its books hold."""
    command = [sys.executable, "-m", "cloudplow", "accounts", "--help"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False, timeout=60).returncode == 0
