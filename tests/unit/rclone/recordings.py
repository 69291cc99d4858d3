"""What the real rclone said, recorded by `tests.data.rclone.record`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from cloudplow.rclone.log import Message, parse_line

FOLDER: Final = Path(__file__).parents[2] / "data" / "rclone"
CODES: Final[dict[str, int]] = json.loads((FOLDER / "codes.json").read_text())
VERSIONS: Final = ("1.60", "1.75")
#: The files of most recordings, as rclone shows them.
SMALL: Final = {"a.mkv": 3000, "Show/S01E01.mkv": 2000, "Show/line\u240abreak.mkv": 10, "Björk – Jóga.flac": 7}


def lines(version: str, case: str) -> list[bytes]:
    """The lines of a recording, without newlines."""
    return (FOLDER / f"{version}-{case}.jsonl").read_bytes().splitlines()


def messages(version: str, case: str) -> list[Message]:
    """The same, read."""
    return [parse_line(line) for line in lines(version, case)]
